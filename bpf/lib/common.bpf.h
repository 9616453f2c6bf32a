/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What every program starts with. Only UAPI types are used, so no vmlinux.h and no relocation against a kernel's private structs. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <ringfence/tables.h>

#define RF_AF_INET     2
#define RF_SOCK_STREAM 1
#define RF_SOCK_DGRAM  2
#define RF_PROTO_TCP   6
#define RF_PROTO_UDP   17

#define RF_LOOPBACK_NET  bpf_htonl(0x7f000000)
#define RF_LOOPBACK_MASK bpf_htonl(0xff000000)
