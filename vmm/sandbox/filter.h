/* SPDX-License-Identifier: Apache-2.0 */
/* filter: the rules of one kind of thread as a seccomp program. */
#ifndef VMM_SANDBOX_FILTER_H
#define VMM_SANDBOX_FILTER_H

#include "vmm/sandbox/rules.h"

#include <linux/filter.h>

#define FILTER_MAX 256 /* instructions */

struct filter {
	unsigned len;
	struct sock_filter insn[FILTER_MAX];
};

/* What differs from start to start. */
struct filter_facts {
	uint32_t pid; /* vmm's */
	bool watch;   /* --watch is used */
};

/*
 * Makes the program: what the table allows is allowed, all else is trapped (SIGSYS), and a foreign
 * architecture kills. Fits: an assertion says so.
 */
void filter_make(struct filter *f, enum thread_kind kind, const struct filter_facts *facts);

#endif
