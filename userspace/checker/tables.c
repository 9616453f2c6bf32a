/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "automaton/automaton.h"

/* Before 5.19 look-ups without privileges are forbidden by kernel.unprivileged_bpf_disabled; then the kernel answers by the socket. */
static int read_control(const struct rf_tables *tables, int socket, struct rf_control *ret)
{
	socklen_t size = sizeof(*ret);
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(tables->control_fd, &zero, ret) == 0)
		return 0;
	if (errno != EPERM || getsockopt(socket, IPPROTO_IP, RF_SO_CONTROL, ret, &size) < 0)
		return -errno;
	return size == sizeof(*ret) ? 0 : -EPROTO;
}

int rf_tables_epoch(const struct rf_tables *tables, int socket, rf_epoch_t *ret)
{
	struct rf_control control;
	int r = read_control(tables, socket, &control);

	if (r < 0)
		return r;
	if (control.layout != RF_LAYOUT_VERSION && control.epoch)
		return -EPROTO;
	*ret = control.epoch;
	return 0;
}

/* The table says its own size in its first page; mapping more than the map has fails in the kernel. */
static int map_whole(int fd, const struct rf_routes_head **ret, size_t *ret_size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct rf_routes_head *head = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	uint64_t size;
	void *whole;

	if (head == MAP_FAILED)
		return -errno;
	size = head->size;
	munmap((void *)head, page);
	if (size < sizeof(*head) || size > SIZE_MAX - page)
		return -EBADMSG;
	whole = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (whole == MAP_FAILED)
		return -errno;
	*ret = whole;
	*ret_size = size;
	return 0;
}

int rf_tables_load(struct rf_tables *tables, int fd, rf_epoch_t epoch)
{
	const struct rf_routes_head *blob = NULL;
	size_t size = 0;
	int r = map_whole(fd, &blob, &size);

	if (r < 0)
		return r;
	if (rf_routes_validate(blob, size) < 0 || blob->epoch != epoch) {
		munmap((void *)blob, size);
		return -EBADMSG;
	}
	rf_tables_clear(tables);
	tables->blob = blob;
	tables->size = size;
	return 0;
}

const void *rf_tables_blob(const struct rf_tables *tables, rf_epoch_t epoch)
{
	return epoch && tables->blob && tables->blob->epoch == epoch ? tables->blob : NULL;
}

void rf_tables_clear(struct rf_tables *tables)
{
	if (tables->blob)
		munmap((void *)tables->blob, tables->size);
	tables->blob = NULL;
	tables->size = 0;
}
