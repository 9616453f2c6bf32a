/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/peer.h"

#include <errno.h>
#include <sys/socket.h>

#include "pods/cgroup.h"

int rf_peer_check(int sock, const struct rf_instance *instance)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	bool inside = true;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || len != sizeof(cred) || cred.uid != 0 || cred.pid <= 0)
		return -EACCES;
	if (rf_cgroup_contains(instance->cgroup_mount, instance->pods_cgroup, cred.pid, &inside) < 0 || inside)
		return -EACCES;
	return 0;
}
