/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod's processes may not even ask the kernel for (seccomp(2), filter mode): ways by which bytes leave a pod that no network
 * namespace and no cgroup program sees, and which ordinary servers do not use.
 *
 *  - socket families other than UNIX, INET, INET6, NETLINK and PACKET (VSOCK reaches the machine's hypervisor and is in no namespace):
 *    EAFNOSUPPORT, as if the kernel had none;
 *  - io_uring, which makes and uses sockets without those system calls: ENOSYS;
 *  - the kernel's keys, which all pods of one uid share: ENOSYS;
 *  - bpf(2): EPERM;
 *  - system calls of another architecture than the program's own (32-bit ones, x32), whose arguments are elsewhere: ENOSYS.
 */
#pragma once

/* For this process and all it starts, for ever. Needs no_new_privs or SYS_ADMIN. 0 or -errno. */
int rf_seccomp_confine(void);
