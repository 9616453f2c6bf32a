/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Permissive mode with strictAuthority: every pod of the mesh may ask every other, but by its own names. So each http and grpc port gets
 * an entry of the allow list for every source, which sends its connections to the checker, with two grants of names: for sources of other
 * namespaces, and for those of its own, which may leave the namespace out.
 */
#include <errno.h>
#include <stdlib.h>

#include "policy/authorities.h"

static int add_grant(struct rf_compile *c, const struct rf_authorities *a, const struct rf_served *served, bool local, uint32_t *ret)
{
	struct rf_grant grant = {.image = RF_NO_IMAGE};
	uint64_t digest = RF_DIGEST_START;
	int r = rf_authorities_image(c, a, served->account, served->port, local, &grant.authority, &digest);

	if (r == 0)
		r = rf_grant_add(c, &grant, digest);
	if (r < 0)
		return r;
	*ret = (uint32_t)r;
	return 0;
}

static int name_port(struct rf_compile *c, const struct rf_authorities *a, const struct rf_served *served)
{
	struct rf_named_port *port = RF_ARENA_PUSH(c->arena, c->named_ports, c->named_port_count);
	int r;

	if (!port)
		return -ENOMEM;
	*port = (struct rf_named_port){.dst = served->account, .port = served->port};
	r = add_grant(c, a, served, false, &port->routes_id);
	return r ? r : add_grant(c, a, served, true, &port->local_id);
}

int rf_compile_permissive(struct rf_compile *c)
{
	struct rf_authorities authorities;
	int r;

	if (c->policy->config.permissive != RF_PERMISSIVE_NAMED)
		return 0;
	r = rf_authorities_init(c, &authorities);
	for (size_t i = 0; !r && i < c->served_count; i++) /* sorted by (account, port) */
		if (c->served[i].l7)
			r = name_port(c, &authorities, &c->served[i]);
	return r;
}
