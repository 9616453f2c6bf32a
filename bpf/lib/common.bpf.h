/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What every program starts with. Only UAPI types are used, so no vmlinux.h and no relocation against a kernel's private structs. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <ringfence/tables.h>

#define RF_AF_INET      2
#define RF_AF_INET6     10
#define RF_SOCK_STREAM  1
#define RF_SOCK_DGRAM   2
#define RF_SOCK_RAW     3
#define RF_PROTO_ICMP   1
#define RF_PROTO_TCP    6
#define RF_PROTO_UDP    17
#define RF_PROTO_ICMPV6 58

#define RF_PODS_MAX 16384

/* One 32-bit word of a context. volatile: two adjacent words must not become one access, which not every verifier takes. */
#define RF_WORD(field) (*(const volatile __u32 *)&(field))
#define RF_WORDS(field)                                                                                                                    \
	{                                                                                                                                  \
		{                                                                                                                          \
			RF_WORD((field)[0]), RF_WORD((field)[1]), RF_WORD((field)[2]), RF_WORD((field)[3])                                 \
		}                                                                                                                          \
	}
