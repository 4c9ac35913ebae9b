/* SPDX-License-Identifier: Apache-2.0 */
/* refuse_call: a host on which one system call fails, as a container's filter does it. */
#ifndef TESTS_LIB_REFUSE_CALL_H
#define TESTS_LIB_REFUSE_CALL_H

#include "vmm/base/defs.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>

/*
 * From now on the system call @number fails with @error in this thread, and in those it starts.
 * False when there are no filters here.
 */
static inline bool refuse_call(unsigned number, unsigned error)
{
	struct sock_filter lines[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { ARRAY_SIZE(lines), lines };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

#endif
