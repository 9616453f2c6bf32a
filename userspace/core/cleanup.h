/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound ownership. A function that acquires something says so in its declaration and is finished when it returns or TAKEs it:
 *
 *	_cleanup_close_ int fd = -1;
 *	_cleanup_free_ char *text = NULL;
 *	...
 *	*ret = TAKE_PTR(text);
 *	return 0;
 *
 * House rules: 0 or -errno; out-parameters are written on success only; file descriptors start at -1; destructors take NULL.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RF_CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void rf_freep(void *p)
{
	free(*(void **)p);
}

static inline void rf_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd); /* nothing useful can be done about a failing close here */
}

static inline void rf_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void rf_closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _cleanup_free_     RF_CLEANUP(rf_freep)
#define _cleanup_close_    RF_CLEANUP(rf_closep)
#define _cleanup_fclose_   RF_CLEANUP(rf_fclosep)
#define _cleanup_closedir_ RF_CLEANUP(rf_closedirp)

#define TAKE(var, none)                                                                                                                    \
	({                                                                                                                                 \
		__typeof__(var) *_rf_take_from = &(var);                                                                                   \
		__typeof__(var) _rf_taken = *_rf_take_from;                                                                                \
		*_rf_take_from = (none);                                                                                                   \
		_rf_taken;                                                                                                                 \
	})
#define TAKE_PTR(p) TAKE(p, NULL)
#define TAKE_FD(fd) TAKE(fd, -1)

#define RF_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
