/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/print.h"

/* Names and values come from files: a control character must not reach the terminal. */
static void print_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fprintf(f, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, f);
	}
}

void rf_diag_print(FILE *f, const struct rf_diag *diag)
{
	print_text(f, diag->place.file ? diag->place.file : "-");
	if (diag->place.line)
		fprintf(f, ":%u:%u", diag->place.line, diag->place.column);
	fputs(diag->is_error ? ": error: " : ": warning: ", f);
	print_text(f, diag->text);
	fputc('\n', f);
}

void rf_diags_print(FILE *f, const struct rf_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		rf_diag_print(f, &diags->items[i]);
}
