/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/kinds.h"

#include <stddef.h>
#include <strings.h>

#include "core/cleanup.h"

static const struct rf_kind_name kinds[] = {
	{"Namespace", "namespaces", "ns", true},
	{"ServiceAccount", "serviceaccounts", "sa", false},
	{"Deployment", "deployments", "deploy", false},
	{"Pod", "pods", "po", false},
	{"Service", "services", "svc", false},
	{"Ingress", "ingresses", "ing", false},
	{"TrafficTarget", "traffictargets", "tt", false},
	{"HTTPRouteGroup", "httproutegroups", "htr", false},
	{"TCPRoute", "tcproutes", "tr", false},
	{"UDPRoute", "udproutes", "ur", false},
	{"TrafficSplit", "trafficsplits", "ts", false},
	{"IngressBackend", "ingressbackends", NULL, false},
	{"Egress", "egresses", NULL, false},
	{"UpstreamTrafficSetting", "upstreamtrafficsettings", NULL, false},
	{"Retry", "retries", NULL, false},
	{"MeshConfig", "meshconfigs", NULL, false},
};

const struct rf_kind_name *rf_kind_find(const char *word)
{
	for (size_t i = 0; i < RF_ARRAY_SIZE(kinds); i++) {
		const struct rf_kind_name *k = &kinds[i];

		if (strcasecmp(word, k->kind) == 0 || strcasecmp(word, k->plural) == 0 || (k->shorter && strcasecmp(word, k->shorter) == 0))
			return k;
	}
	return NULL;
}

const struct rf_kind_name *rf_kind_at(unsigned index)
{
	return index < RF_ARRAY_SIZE(kinds) ? &kinds[index] : NULL;
}
