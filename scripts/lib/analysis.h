/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read before everything else by `make check`'s static analysis, never compiled into anything. "return -errno" is how most functions here
 * fail; the analyzer does not know that this is negative then, takes the failure for success and reports out-parameters as never written.
 * Here errno becomes one of a few values that code asks for, or EIO: never 0, and definite enough for the analyzer to negate it.
 */
#pragma once

#include <errno.h>

static inline int *rf_analysis_errno(void)
{
	int *location = __errno_location();

	switch (*location) {
	case EINTR:
		*location = EINTR;
		break;
	case EAGAIN:
		*location = EAGAIN;
		break;
	case ENOENT:
		*location = ENOENT;
		break;
	case EEXIST:
		*location = EEXIST;
		break;
	default:
		*location = EIO;
	}
	return location;
}

#undef errno
#define errno (*rf_analysis_errno())
