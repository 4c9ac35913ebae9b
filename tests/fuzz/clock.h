/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock that the program turns, in place of the host's CLOCK_MONOTONIC: what waits for a time
 * does so in every run alike. Include it in a target's file.
 */
#ifndef TESTS_FUZZ_CLOCK_H
#define TESTS_FUZZ_CLOCK_H

#include "vmm/base/defs.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns;

static inline void clock_start(void)
{
	clock_ns = 1000000000;
}

/* In place of the C library's. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	if (id != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, id, t);
	*t = (struct timespec){ .tv_sec = (time_t)(clock_ns / 1000000000),
				.tv_nsec = (long)(clock_ns % 1000000000) };
	return 0;
}

#endif
