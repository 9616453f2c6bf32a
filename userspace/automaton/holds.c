/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/holds.h"

#include "automaton/run.h"
#include "core/cleanup.h"

static bool text_matches(const char *base, uint64_t off, const char *text, size_t len)
{
	RF_CLEANUP(rf_run_done) struct rf_run run;

	rf_run_begin(&run, (const struct rf_automaton *)(base + off), base, true);
	rf_run_feed(&run, text, len);
	return rf_run_accepts(&run);
}

/* The automaton folds case as Unicode does; that a sign from elsewhere passes for an ASCII letter is no name of a host. */
bool rf_authority_holds(const char *base, uint64_t off, const struct rf_request_question *q)
{
	for (size_t i = 0; i < q->authority_len; i++)
		if ((unsigned char)q->authority[i] >= 0x80)
			return false;
	return q->authority_len > 0 && text_matches(base, off, q->authority, q->authority_len);
}

/* name is in lower case. */
static bool is_named(const struct rf_header_field *field, const char *name, size_t len)
{
	if (field->name_len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char c = field->name[i];

		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != name[i])
			return false;
	}
	return true;
}

static bool pay(size_t *work, size_t cost)
{
	*work = *work > cost ? *work - cost : 0;
	return *work > 0;
}

/* The next line of this header after position *at, or NULL. */
static const struct rf_header_field *next_named(const char *base, const struct rf_route_cond *cond, const struct rf_request_question *q,
						size_t *at)
{
	while (*at < q->field_count) {
		const struct rf_header_field *field = &q->fields[(*at)++];

		if (is_named(field, base + cond->at_off, cond->count))
			return field;
	}
	return NULL;
}

/* All values of the header, joined by commas. *ret_seen: how many there are. */
static bool joined_matches(const char *base, const struct rf_route_cond *cond, const struct rf_request_question *q, size_t *work,
			   size_t *ret_seen)
{
	RF_CLEANUP(rf_run_done) struct rf_run run;
	const struct rf_header_field *field;
	size_t seen = 0, at = 0;

	rf_run_begin(&run, (const struct rf_automaton *)(base + cond->automaton_off), base, true);
	while ((field = next_named(base, cond, q, &at))) {
		if (!pay(work, field->value_len))
			return false;
		if (seen++)
			rf_run_feed(&run, ",", 1);
		rf_run_feed(&run, field->value, field->value_len);
	}
	*ret_seen = seen;
	return seen > 0 && rf_run_accepts(&run);
}

/* A header that comes several times: some read one of the values, others all of them joined (RFC 9110 section 5.3), and who reads which is
 * not ours to know. So all of them joined must match, and each value alone. */
static bool header_holds(const char *base, const struct rf_route_cond *cond, const struct rf_request_question *q, size_t *work)
{
	const struct rf_header_field *field;
	size_t seen, at = 0;

	if (!pay(work, q->field_count) || !joined_matches(base, cond, q, work, &seen))
		return false;
	while (seen > 1 && (field = next_named(base, cond, q, &at)))
		if (!pay(work, field->value_len) || !text_matches(base, cond->automaton_off, field->value, field->value_len))
			return false;
	return true;
}

static bool address_holds(const char *base, const struct rf_route_cond *cond, const struct rf_addr *addr)
{
	const struct rf_range *ranges = (const struct rf_range *)(base + cond->at_off);

	for (uint32_t i = 0; i < cond->count; i++)
		if (rf_range_has(&ranges[i], addr))
			return true;
	return false;
}

static bool holds(const char *base, const struct rf_route_cond *cond, const struct rf_request_question *q, size_t *work)
{
	switch (cond->kind) {
	case RF_COND_HEADER:
		return header_holds(base, cond, q, work);
	case RF_COND_AUTHORITY:
		return rf_authority_holds(base, cond->automaton_off, q);
	case RF_COND_ADDRESS:
		return address_holds(base, cond, &q->addr);
	}
	return false;
}

bool rf_atom_holds(const char *base, const struct rf_automaton *automaton, uint32_t atom, const struct rf_request_question *q, size_t *work)
{
	const struct rf_atom_info *info = (const struct rf_atom_info *)(base + automaton->atoms_off) + atom;
	const struct rf_route_cond *conds = (const struct rf_route_cond *)(base + automaton->conds_off) + info->cond_first;

	for (uint32_t i = 0; i < info->cond_count; i++)
		if (!holds(base, &conds[i], q, work))
			return false;
	return true;
}
