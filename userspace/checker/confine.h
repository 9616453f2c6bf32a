/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the checker can ask the kernel for once it is set up, and hence what whoever captures it can: read and write the sockets it holds,
 * take new connections, talk to the broker, read the `control` map, wait. No file, no socket, no map, no process, no destination of its own
 * choosing; not even options of sockets beyond the two it uses.
 */
#pragma once

/* For ever. Call it when every descriptor that the program makes by itself is there. 0 or -errno. In a build with sanitizers, whose
 * run-time system needs files and threads, it does nothing. */
int rf_checker_confine(void);
