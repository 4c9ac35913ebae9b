/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: why a host-side operation failed, as one sentence for a person.
 *
 * A function that can fail for a reason outside the program (a file, a limit, a kernel, a peer, a
 * configuration) returns 0 or -errno and takes a struct err * last. The sentence gains context on
 * its way up and is printed once, by whoever gives up. The buffer is fixed: reporting works when
 * memory is what ran out. A message names the thing, the value and the bound.
 *
 * Guest mistakes are never errors of this kind, and our own are asserts.
 */
#ifndef VMM_BASE_ERR_H
#define VMM_BASE_ERR_H

#include "vmm/base/defs.h"

struct err {
	int code;	/* errno value, positive; 0 while nothing failed */
	char text[504]; /* one sentence, no full stop, no newline */
};

/* Sets the sentence. @code is a positive errno value. Returns -@code. @e may be NULL. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);

/* Sets the sentence and appends ": " and the text of errno. Returns -errno. */
int err_sys(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* The same for a function that returns its error number (pthread_create()). @code positive. */
int err_code(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);

/* Puts "context: " in front of the sentence. Returns -e->code. */
int err_ctx(struct err *e, const char *fmt, ...) PRINTF(2, 3);

#endif
