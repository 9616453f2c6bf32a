// SPDX-License-Identifier: Apache-2.0
/*
 * As many packets as it can for a while, from one pod:
 *	flood connect ADDRESS PORT SECONDS   opens and resets connections, 512 at a time
 *	flood hold ADDRESS PORT SECONDS N    opens up to N connections and keeps them
 *	flood udp ADDRESS PORT SECONDS       one datagram from each of ever new sockets
 *	flood syn ADDRESS PORT SECONDS       SYN segments from all source ports, from a raw socket (CAP_NET_RAW)
 *	flood rawudp ADDRESS PORT SECONDS    the same with datagrams
 * Prints "TRIED DONE": how many were sent or begun, and how many of them the kernel took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in target = {.sin_family = AF_INET};
static double end;
static unsigned long tried, done;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int begin(void)
{
	const struct linger reset = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	tried++;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (struct sockaddr *)&target, sizeof(target)) == 0 || errno == EINPROGRESS)
		done++;
	return fd;
}

static void flood_connect(void)
{
	int fds[512];

	memset(fds, 0xff, sizeof(fds));
	for (unsigned i = 0; now() < end; i = (i + 1) % 512) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = begin();
	}
}

static int is_open(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 1;
	socklen_t len = sizeof(error);

	return poll(&p, 1, 0) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && !error && !(p.revents & POLLHUP);
}

static void hold(unsigned long count)
{
	int *fds = calloc(count, sizeof(*fds));
	unsigned long n = 0, open = 0;

	while (fds && n < count && now() < end)
		fds[n++] = begin();
	while (now() < end)
		poll(NULL, 0, 50);
	for (unsigned long i = 0; i < n; i++)
		open += fds[i] >= 0 && is_open(fds[i]);
	done = open;
}

static void flood_udp(void)
{
	while (now() < end) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		tried++;
		done += sendto(fd, "flood", 5, MSG_DONTWAIT, (struct sockaddr *)&target, sizeof(target)) == 5;
		close(fd);
	}
}

static unsigned short sum(const void *data, size_t len, unsigned total)
{
	const unsigned short *words = data;

	for (; len > 1; len -= 2)
		total += *words++;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (unsigned short)~total;
}

static struct in_addr own_address(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in own = {};
	socklen_t len = sizeof(own);

	connect(fd, (struct sockaddr *)&target, sizeof(target));
	getsockname(fd, (struct sockaddr *)&own, &len);
	close(fd);
	return own.sin_addr;
}

/* The kernel fills in the IP header (no IP_HDRINCL), we the rest. */
static void flood_raw(int proto)
{
	int fd = socket(AF_INET, SOCK_RAW, proto);
	struct in_addr own = own_address();
	struct {
		struct in_addr src, dst;
		unsigned short proto, len;
		union {
			struct tcphdr tcp;
			struct udphdr udp;
		} u;
	} p = {.src = own, .dst = target.sin_addr, .proto = htons((unsigned short)proto)};
	size_t len = proto == IPPROTO_TCP ? sizeof(p.u.tcp) : sizeof(p.u.udp);
	struct sockaddr_in to = target;

	to.sin_port = 0;
	p.len = htons((unsigned short)len);
	for (unsigned short port = 1024; fd >= 0 && now() < end; port = port == 65535 ? 1024 : (unsigned short)(port + 1)) {
		memset(&p.u, 0, sizeof(p.u));
		if (proto == IPPROTO_TCP) {
			p.u.tcp =
				(struct tcphdr){.source = htons(port), .dest = target.sin_port, .doff = 5, .syn = 1, .window = htons(1000)};
			p.u.tcp.check = sum(&p, 12 + len, 0);
		} else {
			p.u.udp = (struct udphdr){.source = htons(port), .dest = target.sin_port, .len = htons((unsigned short)len)};
			p.u.udp.check = sum(&p, 12 + len, 0);
		}
		tried++;
		done += sendto(fd, &p.u, len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)len;
	}
}

int main(int argc, char **argv)
{
	struct rlimit many = {.rlim_cur = 200000, .rlim_max = 200000};

	if (argc < 5 || inet_pton(AF_INET, argv[2], &target.sin_addr) != 1) {
		fputs("usage: see the head of flood.c\n", stderr);
		return 2;
	}
	(void)setrlimit(RLIMIT_NOFILE, &many); /* without the right to, fewer are held */
	target.sin_port = htons((unsigned short)atoi(argv[3]));
	end = now() + atof(argv[4]);
	if (strcmp(argv[1], "connect") == 0)
		flood_connect();
	else if (strcmp(argv[1], "hold") == 0)
		hold(strtoul(argc > 5 ? argv[5] : "1000", NULL, 10));
	else if (strcmp(argv[1], "udp") == 0)
		flood_udp();
	else
		flood_raw(strcmp(argv[1], "syn") == 0 ? IPPROTO_TCP : IPPROTO_UDP);
	printf("%lu %lu\n", tried, done);
	return 0;
}
