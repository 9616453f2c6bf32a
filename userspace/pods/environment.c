/* SPDX-License-Identifier: Apache-2.0 */
#include "pods/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

#define OWN 4

void rf_environment_free(char **env)
{
	for (char **e = env; e && *e; e++)
		free(*e);
	free(env);
}

static size_t key_length(const char *entry)
{
	return strcspn(entry, "=");
}

/* Takes entry, also on failure (NULL: there was no memory for it). The array has room. */
static int put(char **env, char *entry)
{
	size_t len;

	if (!entry)
		return -1;
	len = key_length(entry);
	for (; *env; env++)
		if (key_length(*env) == len && strncmp(*env, entry, len) == 0) {
			free(*env);
			break;
		}
	*env = entry;
	return 0;
}

static char *pair(const char *key, const char *value)
{
	char *text;

	return asprintf(&text, "%s=%s", key, value) < 0 ? NULL : text;
}

char **rf_environment_make(const char *key, const char *const *more)
{
	RF_CLEANUP(rf_environment_freep) char **env = NULL;
	const char *term = getenv("TERM"), *name = strchr(key, '_');
	size_t count = 0;

	while (more && more[count])
		count++;
	env = calloc(count + OWN + 1, sizeof(*env));
	if (!env || put(env, pair("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")) < 0 ||
	    put(env, pair("HOME", "/tmp")) < 0 || put(env, pair("TERM", term && *term ? term : "dumb")) < 0 ||
	    put(env, pair("HOSTNAME", name ? name + 1 : key)) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (put(env, strdup(more[i])) < 0)
			return NULL;
	return TAKE_PTR(env);
}
