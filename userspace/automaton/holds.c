/* SPDX-License-Identifier: Apache-2.0 */
#include "automaton/holds.h"

#include "automaton/run.h"
#include "core/cleanup.h"

static bool pay(size_t *work, size_t cost)
{
	*work = *work > cost ? *work - cost : 0;
	return *work > 0;
}

static bool begin(struct rf_run *run, const char *base, uint64_t off, size_t *work)
{
	const struct rf_automaton *automaton = (const struct rf_automaton *)(base + off);

	*run = (struct rf_run){0};
	if (!pay(work, rf_run_begin_cost(automaton)))
		return false;
	rf_run_begin(run, automaton, base, true);
	run->work = work;
	return true;
}

static bool text_matches(const char *base, uint64_t off, const char *text, size_t len, size_t *work)
{
	RF_CLEANUP(rf_run_done) struct rf_run run;

	if (!begin(&run, base, off, work))
		return false;
	rf_run_feed(&run, text, len);
	return rf_run_accepts(&run);
}

/* The automaton folds case as Unicode does; that a sign from elsewhere passes for an ASCII letter is no name of a host. */
bool rf_authority_holds(const char *base, uint64_t off, const struct rf_request_question *q, size_t *work)
{
	if (!pay(work, q->authority_len))
		return false;
	for (size_t i = 0; i < q->authority_len; i++)
		if ((unsigned char)q->authority[i] >= 0x80)
			return false;
	return q->authority_len > 0 && text_matches(base, off, q->authority, q->authority_len, work);
}

static bool is_alphanumeric(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum naming { NAMED_OTHERWISE, NAMED_ALIKE, NAMED_SO };

/* Servers that make variables of names (RFC 3875 section 4.1.18: HTTP_X_ROLE) cannot tell X-Role from X_Role, and some take any other sign
 * for an underscore, too: what is named alike is for them one more value of that header. name is in lower case. */
static enum naming naming_of(const struct rf_header_field *field, const char *name, size_t len)
{
	enum naming naming = NAMED_SO;

	if (field->name_len != len)
		return NAMED_OTHERWISE;
	for (size_t i = 0; i < len; i++) {
		const char c = field->name[i];

		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) == name[i])
			continue;
		if (is_alphanumeric(c) || is_alphanumeric(name[i]))
			return NAMED_OTHERWISE;
		naming = NAMED_ALIKE;
	}
	return naming;
}

/* The next line of this header after position *at, or NULL. *named: set if it has that very name. */
static const struct rf_header_field *next_named(const char *base, const struct rf_route_cond *cond, const struct rf_request_question *q,
						size_t *at, bool *named)
{
	while (*at < q->field_count) {
		const struct rf_header_field *field = &q->fields[(*at)++];
		const enum naming naming = naming_of(field, base + cond->at_off, cond->count);

		*named |= naming == NAMED_SO;
		if (naming != NAMED_OTHERWISE)
			return field;
	}
	return NULL;
}

/* All values of the header, joined by commas. *ret_seen: how many there are. */
static bool joined_matches(const char *base, const struct rf_route_cond *cond, const struct rf_request_question *q, size_t *work,
			   size_t *ret_seen)
{
	RF_CLEANUP(rf_run_done) struct rf_run run = {0};
	bool named = false;
	size_t seen = 0, at = 0;
	const struct rf_header_field *field = next_named(base, cond, q, &at, &named);

	if (!field || !begin(&run, base, cond->automaton_off, work))
		return false;
	for (; field; field = next_named(base, cond, q, &at, &named)) {
		if (seen++)
			rf_run_feed(&run, ",", 1);
		rf_run_feed(&run, field->value, field->value_len);
	}
	*ret_seen = seen;
	return named && rf_run_accepts(&run);
}

/* A header that comes several times: some read one of the values, others all of them joined (RFC 9110 section 5.3), and who reads which is
 * not ours to know. So all of them joined must match, and each value alone. */
static bool header_holds(const char *base, const struct rf_route_cond *cond, const struct rf_request_question *q, size_t *work)
{
	const struct rf_header_field *field;
	bool named = false;
	size_t seen, at = 0;

	if (!pay(work, q->field_count + 1) || !joined_matches(base, cond, q, work, &seen))
		return false;
	while (seen > 1 && (field = next_named(base, cond, q, &at, &named)))
		if (!text_matches(base, cond->automaton_off, field->value, field->value_len, work))
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
		return rf_authority_holds(base, cond->automaton_off, q, work);
	case RF_COND_ADDRESS:
		return pay(work, cond->count) && address_holds(base, cond, &q->addr);
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
