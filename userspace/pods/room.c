/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room of a pod, piece by piece in an order in which each piece can be found again: directory, hosts file, cgroup, network namespace,
 * link. Making is "create what is missing", so a crash in the middle is mended by doing it again; removing is the reverse.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "core/cleanup.h"
#include "pods/cgroup.h"
#include "pods/fail.h"
#include "pods/names.h"
#include "pods/netns.h"
#include "pods/pods.h"
#include "pods/veth.h"

#define KILL_TIMEOUT_MS 5000

static int make_dir(const char *path, mode_t mode)
{
	return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

static int make_dirs(const struct rf_instance *instance, const struct rf_pod_room *room)
{
	char pods[sizeof(room->dir)];
	int r = make_dir(instance->run_dir, 0755);

	if (r < 0)
		return r;
	snprintf(pods, sizeof(pods), "%.*s/pods", (int)sizeof(pods) - 8, instance->run_dir);
	r = make_dir(pods, 0700);
	return r < 0 ? r : make_dir(room->dir, 0700);
}

static int make_hosts(const char *path)
{
	static const char text[] = "127.0.0.1 localhost\n";
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	return write(fd, text, sizeof(text) - 1) < 0 ? -errno : 0;
}

static struct rf_node_address node_address(const struct rf_instance *instance)
{
	uint32_t addr_be = htonl(ntohl(instance->pod_net_be) + 1);

	return (struct rf_node_address){.addr_be = addr_be, .addr6 = rf_addr_embed(&instance->pod_net6, addr_be)};
}

static bool address_usable(const struct rf_instance *instance, uint32_t addr_be)
{
	uint32_t host = ntohl(addr_be & ~instance->pod_mask_be);

	return (addr_be & instance->pod_mask_be) == instance->pod_net_be && host > 1 && host != ntohl(~instance->pod_mask_be);
}

static int make_netns(const struct rf_pod_room *room, struct rf_pod_error *error)
{
	int r = rf_netns_make(room->netns);

	if (r < 0 && r != -EEXIST)
		return rf_pod_fail(error, -r, "cannot make the network namespace %s", room->netns);
	return 0;
}

static int make_all(const struct rf_instance *instance, const char *ns, const char *name, struct rf_pod_room *room,
		    struct rf_pod_error *error)
{
	struct rf_node_address node = node_address(instance);
	char alias[RF_POD_ALIAS_MAX];
	struct rf_netns_facts have;
	int r;

	r = make_dirs(instance, room);
	if (r == 0)
		r = make_hosts(room->hosts);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot make the pod's directory %s", room->dir);
	if (!instance->cgroup_mount[0])
		return rf_pod_fail(error, ENOENT, "no cgroup2 file system is mounted");
	r = rf_cgroup_make(instance->cgroup_mount, room->cgroup, &room->cgroup_id);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot make the cgroup %s", room->cgroup);
	r = make_netns(room, error);
	if (r < 0)
		return r;
	r = rf_netns_facts(room->netns, RF_POD_IFNAME, &have);
	if (r < 0)
		return rf_pod_fail(error, -r, "cannot look into the network namespace %s", room->netns);
	room->netns_cookie = have.cookie;
	if ((have.addr_be && have.addr_be != room->addr_be) ||
	    (!rf_addr_is_none(&have.addr6) && !rf_addr_is_none(&room->addr6) && !rf_addr_equal(&have.addr6, &room->addr6)))
		return rf_pod_fail(error, EEXIST, "the pod %s/%s exists with another address", ns, name);
	rf_pod_veth_alias(instance->name, ns, name, alias);
	return rf_veth_make(room, alias, &node, &room->ifindex, error);
}

int rf_pod_room_make(const struct rf_instance *instance, const char *ns, const char *name, uint32_t addr_be, struct rf_pod_room *ret,
		     char *error, size_t size)
{
	struct rf_pod_error e = {.text = error, .size = size};
	_cleanup_free_ struct rf_pod_room *room = malloc(sizeof(*room));
	int r;

	if (!room)
		return rf_pod_fail(&e, ENOMEM, "cannot make the pod's room");
	if (rf_pod_room_names(instance, ns, name, room) < 0)
		return rf_pod_fail(&e, 0, "'%s/%s' cannot be a pod's name: lower case letters, digits, '-' and '.', at most %d", ns, name,
				   RF_POD_NAME_MAX);
	if (!address_usable(instance, addr_be))
		return rf_pod_fail(&e, 0, "the address is not a usable one of the pods' range");
	room->addr_be = addr_be;
	room->addr6 = rf_addr_embed(&instance->pod_net6, addr_be);
	r = make_all(instance, ns, name, room, &e);
	if (r < 0)
		return r;
	*ret = *room;
	return 0;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int rf_pod_room_find(const struct rf_instance *instance, const char *ns, const char *name, struct rf_pod_room *ret)
{
	_cleanup_free_ struct rf_pod_room *room = malloc(sizeof(*room));
	struct rf_netns_facts facts;
	char alias[RF_POD_ALIAS_MAX];
	int r;

	if (!room)
		return -ENOMEM;
	r = rf_pod_room_names(instance, ns, name, room);
	if (r < 0)
		return r;
	rf_pod_veth_alias(instance->name, ns, name, alias);
	if (!exists(room->netns) && !exists(room->cgroup) && rf_veth_find(room->veth, alias, &room->ifindex) < 0)
		return -ENOENT;
	if (!rf_netns_exists(room->netns) || rf_cgroup_id(room->cgroup, &room->cgroup_id) < 0 ||
	    rf_veth_find(room->veth, alias, &room->ifindex) < 0)
		return -EUCLEAN;
	r = rf_netns_facts(room->netns, RF_POD_IFNAME, &facts);
	if (r < 0)
		return r;
	if (!facts.addr_be)
		return -EUCLEAN;
	room->netns_cookie = facts.cookie;
	room->addr_be = facts.addr_be;
	room->addr6 = facts.addr6;
	*ret = *room;
	return 0;
}

static int remove_file(const char *dir, const char *file)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_dir(const struct rf_pod_room *room, bool purge)
{
	int r = remove_file(room->dir, "hosts");

	if (r == 0)
		r = remove_file(room->dir, "pod.json");
	if (r == 0)
		r = remove_file(room->dir, ".pod.json"); /* of an agent that died before it could rename it */
	if (r == 0 && purge)
		r = remove_file(room->dir, "log");
	if (r < 0)
		return r;
	/* the log was kept, or somebody else put a file there */
	return rmdir(room->dir) < 0 && errno != ENOENT && (purge || errno != ENOTEMPTY) ? -errno : 0;
}

int rf_pod_room_remove(const struct rf_instance *instance, const char *ns, const char *name, bool purge)
{
	_cleanup_free_ struct rf_pod_room *room = malloc(sizeof(*room));
	char alias[RF_POD_ALIAS_MAX];
	int r;

	if (!room)
		return -ENOMEM;
	r = rf_pod_room_names(instance, ns, name, room);
	if (r < 0)
		return r;
	if (instance->cgroup_mount[0]) {
		r = rf_cgroup_kill(room->cgroup, KILL_TIMEOUT_MS);
		if (r < 0)
			return r;
	}
	rf_pod_veth_alias(instance->name, ns, name, alias);
	r = rf_veth_remove(room->veth, alias);
	if (r < 0 && r != -EEXIST) /* somebody else's interface of that name stays */
		return r;
	r = rf_netns_remove(room->netns);
	if (r == 0 && instance->cgroup_mount[0])
		r = rf_cgroup_remove(room->cgroup);
	return r < 0 ? r : remove_dir(room, purge);
}

int rf_pod_room_populated(const struct rf_pod_room *room, bool *ret)
{
	return rf_cgroup_populated(room->cgroup, ret);
}
