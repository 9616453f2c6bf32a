/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands on policy files share: where the policy directory is, committing an edit, and telling the agent. Errors are on
 * stderr when a function returns one; functions named *_exit return the command's exit code.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "core/instance.h"
#include "objects/edit.h"

struct rf_policies {
	struct rf_instance instance;
	char dir[PATH_MAX];
	char mesh[64];        /* the mesh's name: --mesh-name, the agent's, or "osm" */
	bool agent;           /* one answers */
	bool agent_elsewhere; /* it reads another directory */
	char agent_dir[PATH_MAX];
};

/* dir: --policies or NULL; then $RINGFENCE_POLICIES, the agent's directory, /etc/<instance>/policies if it exists. mesh_name: or NULL. */
int rf_policies_find(struct rf_policies *p, const char *dir, const char *mesh_name);

/* Opens for editing. */
int rf_policies_edit(const struct rf_policies *p, struct rf_edit **ret);

/* Says why an operation on an edit failed: its own sentence or errno's. Returns 1. */
int rf_policies_fail(const struct rf_policies *p, const struct rf_edit *edit, int r);

/* Writes, closes the edit (and with it the lock), runs report (the lines about what was done), lets the agent load it and says which
 * revision is live. Nothing is reported if nothing could be written. */
int rf_policies_commit_exit(const struct rf_policies *p, struct rf_edit **edit, void (*report)(void *arg), void *arg);

/* Reads and checks files given by the user ("-" is stdin). Prints errors; warnings only with `warnings`. 0, 1 (said why). */
int rf_policies_read(struct rf_objects *objects, char *const *paths, size_t count, bool warnings);
