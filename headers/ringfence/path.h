/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The canonical path of an HTTP request target (origin-form, RFC 9112 section 3.2.1): what a backend may end up serving after it has
 * decoded and resolved the path. A request is judged by its raw path AND by this form; see rf_routes_decide.
 *
 * A streaming transducer: one byte in, bounded state, no allocation, the output buffer doubles as the stack of segments. Header only and
 * without libc, so that the checker, `why` and a BPF program share it. In this order:
 *	the query is cut at the first raw '?'; escapes are decoded once; '\' becomes '/'; ";params" are cut from every segment;
 *	empty segments are merged; "." and ".." are resolved (RFC 3986 section 5.2.4). A trailing '/' is kept.
 * The result starts with '/', is never longer than the input and may hold any byte but control bytes and NUL.
 *
 * There is no canonical form (-EINVAL) for
 *	- what does not start with a raw '/' ("*" and the authority-form of CONNECT too);
 *	- a bad escape, a control byte or NUL (raw or escaped), raw space, raw bytes >= 0x80 (a URI is ASCII), raw '#';
 *	- double encoding: an escaped '%' that forms another escape in the decoded text;
 *	- ".." above the root (RFC 3986 ignores it; nobody sends it in good faith);
 *	- paths that servers resolve in more than two ways, so that neither the raw path nor one canonical form says what is served:
 *	  an escaped slash or a backslash together with "..", or inside ";params"; ".." spelled in two ways ("..", "%2e%2e", "..;x");
 *	  ".." that would remove a merged empty segment or an odd "." ("/a//../b": /b for some, /a/b for others).
 *	  Example: "/public/x%2fy/../../admin" is /public/admin if %2f is decoded first and /admin if ".." is resolved first.
 */
#pragma once

#include <linux/errno.h>

#include <ringfence/types.h>

#define RF_PATH_ESCAPED 1 /* spelling of a segment: an escape in it, */
#define RF_PATH_PARAMS  2 /* ;params after it */

struct rf_path {
	char *out;
	__u32 out_max;
	__u32 out_len;
	__u32 segment;  /* offset in out where the current segment starts; out[segment - 1] is '/' */
	__u32 floor;    /* offset of the last segment that some servers see and others do not, 0 = none: ".." must not pass it */
	__u8 escape;    /* hex digits still to come */
	__u8 high;      /* the first hex digit's value */
	__u8 percent;   /* decoded text ends in an escaped '%' (1), in that and a hex digit (2) */
	__u8 spelling;  /* of the current segment, RF_PATH_* */
	__u8 dotdot;    /* bit n: a ".." of spelling n was resolved */
	__u8 odd_slash; /* a separator that is not a raw '/' was seen */
	__u8 pad[2];
};

static inline int rf_path_hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Begins a path: the first '/' is the caller's to consume. out_max: room in out, at least 1. */
static inline void rf_path_begin(struct rf_path *p, char *out, __u32 out_max)
{
	const struct rf_path start = {.out = out, .out_max = out_max, .out_len = 1, .segment = 1};

	*p = start;
	out[0] = '/';
}

static inline int rf_path_put(struct rf_path *p, char c)
{
	if (p->out_len >= p->out_max)
		return -ENOBUFS;
	p->out[p->out_len++] = c;
	return 0;
}

static inline int rf_path_dotdot(struct rf_path *p)
{
	__u32 at = p->segment - 1; /* of the '/' before this segment */

	p->dotdot |= 1u << p->spelling;
	if ((p->dotdot & (p->dotdot - 1)) || p->odd_slash || at == 0 || p->floor == p->segment)
		return -EINVAL;
	while (at > 0 && p->out[at - 1] != '/')
		at--;
	p->out_len = at;
	return 0;
}

/* last: the path ends here, nothing separates this segment from another. */
static inline int rf_path_end_segment(struct rf_path *p, int last)
{
	const __u32 len = p->out_len - p->segment;
	const char *name = p->out + p->segment;
	int r = 0;

	if (len == 0) {
		if (!last)
			p->floor = p->segment;
	} else if (len == 1 && name[0] == '.') {
		p->out_len = p->segment;
		if (p->spelling)
			p->floor = p->segment;
	} else if (len == 2 && name[0] == '.' && name[1] == '.') {
		r = rf_path_dotdot(p);
	} else if (!last) {
		r = rf_path_put(p, '/');
	}
	p->segment = p->out_len;
	p->spelling = 0;
	return r;
}

/* One byte after decoding. */
static inline int rf_path_decoded(struct rf_path *p, unsigned char c, int escaped)
{
	if (c < 0x20 || c == 0x7f)
		return -EINVAL;
	if (p->percent && rf_path_hex(c) >= 0) {
		if (++p->percent > 2)
			return -EINVAL;
	} else {
		p->percent = escaped && c == '%';
	}
	if (c == '/' || c == '\\') {
		if (escaped || c == '\\') {
			p->odd_slash = 1;
			if (p->dotdot || (p->spelling & RF_PATH_PARAMS))
				return -EINVAL;
		}
		return rf_path_end_segment(p, 0);
	}
	if (p->spelling & RF_PATH_PARAMS)
		return 0;
	if (escaped)
		p->spelling |= RF_PATH_ESCAPED;
	if (c == ';') {
		p->spelling |= RF_PATH_PARAMS;
		return 0;
	}
	return rf_path_put(p, (char)c);
}

/* One byte of the raw path (after the first '/', before the query). 0, -EINVAL (no canonical form) or -ENOBUFS. */
static inline int rf_path_step(struct rf_path *p, unsigned char c)
{
	int digit;

	if (p->escape) {
		digit = rf_path_hex(c);
		if (digit < 0)
			return -EINVAL;
		if (--p->escape) {
			p->high = (__u8)digit;
			return 0;
		}
		return rf_path_decoded(p, (unsigned char)(p->high << 4 | digit), 1);
	}
	if (c == '%') {
		p->escape = 2;
		return 0;
	}
	if (c <= ' ' || c >= 0x7f || c == '#')
		return -EINVAL;
	return rf_path_decoded(p, c, 0);
}

static inline int rf_path_finish(struct rf_path *p)
{
	return p->escape ? -EINVAL : rf_path_end_segment(p, 1);
}

/* Length of the path part of a request target: up to the first raw '?'. */
static inline __u32 rf_path_length(const char *raw, __u32 len)
{
	__u32 i = 0;

	while (i < len && raw[i] != '?')
		i++;
	return i;
}

/*
 * Whole target at once. out: room for out_max bytes (the length of the path is always enough), not NUL-terminated, garbage on failure.
 * 0 and *out_len, -EINVAL (no canonical form) or -ENOBUFS (does not fit).
 */
static inline int rf_path_canonical(const char *raw, __u32 len, char *out, __u32 out_max, __u32 *out_len)
{
	const __u32 end = rf_path_length(raw, len);
	struct rf_path p;
	int r;

	if (end == 0 || raw[0] != '/')
		return -EINVAL;
	if (out_max == 0)
		return -ENOBUFS;
	rf_path_begin(&p, out, out_max);
	for (__u32 i = 1; i < end; i++) {
		r = rf_path_step(&p, (unsigned char)raw[i]);
		if (r < 0)
			return r;
	}
	r = rf_path_finish(&p);
	if (r < 0)
		return r;
	*out_len = p.out_len;
	return 0;
}
