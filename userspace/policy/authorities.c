/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/authorities.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/select.h"

static int compare_claims(const void *pa, const void *pb)
{
	const struct rf_name_claim *a = pa, *b = pb;
	int r = rf_compare_u64(a->account, b->account);

	if (!r)
		r = rf_compare_u64(a->target_port, b->target_port);
	if (!r)
		r = strcmp(a->service->meta.name, b->service->meta.name); /* the namespace is the account's */
	return r ? r : rf_compare_u64(a->port, b->port);
}

static int compare_accounts(const void *pa, const void *pb)
{
	const struct rf_account *const *a = pa, *const *b = pb;

	return rf_compare_u64((*a)->id, (*b)->id);
}

/* The port of the Service behind its port number, or NULL. */
static const struct rf_service_port *find_port(const struct rf_service *service, uint16_t port)
{
	for (size_t i = 0; i < service->port_count; i++)
		if (service->ports[i].kind != RF_PORT_UDP && service->ports[i].port == port)
			return &service->ports[i];
	return NULL;
}

static int claim_account(struct rf_compile *c, struct rf_authorities *a, const struct rf_account *account, const struct rf_service *named,
			 const struct rf_service *pods)
{
	for (size_t i = 0; i < named->port_count; i++) {
		const struct rf_service_port *port = find_port(pods, named->ports[i].port);
		struct rf_name_claim *claim;

		if (named->ports[i].kind == RF_PORT_UDP || !port || !port->target_port)
			continue;
		claim = RF_ARENA_PUSH(c->arena, a->claims, a->claim_count);
		if (!claim)
			return -ENOMEM;
		*claim = (struct rf_name_claim){
			.account = account->id, .target_port = port->target_port, .port = named->ports[i].port, .service = named};
	}
	return 0;
}

/* The pods behind one Service are asked by the name of another, or of the same. */
static int claim_names(struct rf_compile *c, struct rf_authorities *a, const struct rf_service *named, const struct rf_service *pods)
{
	struct rf_selection selection = rf_select(c, pods);
	const struct rf_account *last = NULL;
	int r = 0;

	for (const struct rf_subject *subject; !r && (subject = rf_selected(&selection));) {
		const struct rf_account *account = rf_account_find(c, subject->ns, subject->service_account);

		if (!account || account == last) /* the pods of one Deployment stand side by side */
			continue;
		last = account;
		r = claim_account(c, a, account, named, pods);
	}
	return r;
}

static int claim_backends(struct rf_compile *c, struct rf_authorities *a, const struct rf_service *root,
			  const struct rf_traffic_split *split)
{
	int r = 0;

	for (size_t i = 0; !r && i < split->backend_count; i++) {
		const struct rf_meta *meta = rf_index_find(&c->services, split->meta.ns, split->backends[i].service);

		if (meta)
			r = claim_names(c, a, root, (const struct rf_service *)meta);
	}
	return r;
}

int rf_authorities_init(struct rf_compile *c, struct rf_authorities *ret)
{
	int r = 0;

	*ret = (struct rf_authorities){0};
	ret->accounts = rf_arena_alloc(c->arena, c->account_count * sizeof(const struct rf_account *));
	if (!ret->accounts)
		return -ENOMEM;
	for (size_t i = 0; i < c->account_count; i++)
		ret->accounts[i] = &c->accounts[i];
	if (c->account_count)
		qsort(ret->accounts, c->account_count, sizeof(const struct rf_account *), compare_accounts);
	for (size_t i = 0; !r && i < c->services.count; i++) {
		const struct rf_service *service = (const struct rf_service *)c->services.items[i];

		r = claim_names(c, ret, service, service);
		if (!r && c->root_splits && c->root_splits[i])
			r = claim_backends(c, ret, service, c->root_splits[i]);
	}
	if (ret->claim_count)
		qsort(ret->claims, ret->claim_count, sizeof(*ret->claims), compare_claims);
	return r;
}

static const char *namespace_of(const struct rf_compile *c, const struct rf_authorities *a, rf_identity_t id)
{
	const struct rf_account key = {.id = id}, *to_key = &key;
	const struct rf_account **found = NULL;

	if (c->account_count)
		found = bsearch(&to_key, a->accounts, c->account_count, sizeof(const struct rf_account *), compare_accounts);
	return found ? (*found)->ns : NULL;
}

bool rf_authorities_local(const struct rf_compile *c, const struct rf_authorities *a, rf_identity_t src, rf_identity_t dst)
{
	const char *from = namespace_of(c, a, src), *to = namespace_of(c, a, dst);

	return from && to && !strcmp(from, to);
}

/* The claims of one (account, targetPort). */
static const struct rf_name_claim *claims_of(const struct rf_authorities *a, rf_identity_t account, uint16_t port, size_t *ret_count)
{
	size_t low = 0, high = a->claim_count, end;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		const struct rf_name_claim *m = &a->claims[mid];

		if (m->account < account || (m->account == account && m->target_port < port))
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < a->claim_count && a->claims[end].account == account && a->claims[end].target_port == port;)
		end++;
	*ret_count = end - low;
	return a->claims + low;
}

/* "web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local", each also with ":80". */
static char *pattern_of(struct rf_compile *c, const struct rf_name_claim *claim, bool local)
{
	char *ns = rf_pattern_quote(c->arena, claim->service->meta.ns), *name = rf_pattern_quote(c->arena, claim->service->meta.name);

	if (!ns || !name)
		return NULL;
	return rf_arena_printf(c->arena, "%s(\\.%s(\\.svc(\\.cluster\\.local)?)?)%s(:%u)?", name, ns, local ? "?" : "", claim->port);
}

static int build(struct rf_compile *c, const struct rf_name_claim *claims, const char *const *patterns, size_t n,
		 struct rf_automaton_image **slot)
{
	int r = rf_text_automaton_build(patterns, n, true, slot);

	if (r != -E2BIG || !n)
		return r;
	r = rf_diag_error(c->diags, claims[0].service->meta.place,
			  "the %zu names by which the pods of Service %s/%s are asked are too many", n, claims[0].service->meta.ns,
			  claims[0].service->meta.name);
	return r == -ENOMEM ? r : -E2BIG;
}

int rf_authorities_image(struct rf_compile *c, const struct rf_authorities *a, rf_identity_t dst, uint16_t port, bool local,
			 size_t *ret_image, uint64_t *digest)
{
	size_t n;
	const struct rf_name_claim *claims = claims_of(a, dst, port, &n);
	const char **patterns = rf_arena_alloc(c->arena, n * sizeof(*patterns));
	const size_t position = c->image_count;
	struct rf_automaton_image **slot = RF_ARENA_PUSH(c->arena, c->images, c->image_count);

	if (!patterns || !slot)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		patterns[i] = pattern_of(c, &claims[i], local);
		if (!patterns[i])
			return -ENOMEM;
		*digest = rf_digest(*digest, patterns[i], strlen(patterns[i]) + 1);
	}
	*ret_image = position;
	return build(c, claims, patterns, n, slot);
}
