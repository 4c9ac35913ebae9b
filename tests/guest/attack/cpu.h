/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions that may end in an exception, and calls of the firmware; the group of attacks cpu.
 */
#ifndef TESTS_GUEST_ATTACK_CPU_H
#define TESTS_GUEST_ATTACK_CPU_H

#include "tests/attack/attack.h"

#define PSCI_CPU_ON  0xc4000003U
#define PSCI_CPU_OFF 0x84000002U

/*
 * X16 says to the vectors (main.c) that an exception is no surprise: it goes on behind the
 * instruction, or where X30 says when it was the fetch that failed, with another X16.
 */
enum { EXPECTED = 0x5afe };

/* Runs an instruction with @at in %1 and @value in %2; whether there was no exception. */
#define TRY(insn, at, value)                                                                       \
	({                                                                                         \
		uint64_t done_;                                                                    \
		__asm__ volatile("mov x16, %3\n\t" insn "\n\tmov %0, x16"                          \
				 : "=&r"(done_)                                                    \
				 : "r"((uint64_t)(at)), "r"((uint64_t)(value)), "i"(EXPECTED)      \
				 : "x0", "x1", "x2", "x3", "x16", "x17", "x30", "cc", "memory");   \
		done_ == EXPECTED;                                                                 \
	})

/* A call by HVC: X0. */
uint64_t firmware(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* One of these things, as @random says, for the fuzzer. */
void cpu_any(uint64_t random);

extern bool gic_v3; /* from the device tree */
extern const struct group group_cpu;

#endif
