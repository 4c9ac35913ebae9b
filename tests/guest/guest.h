/* SPDX-License-Identifier: Apache-2.0 */
/* What the bare-metal guests share: a PL011 to speak through, PSCI to leave by, a clock. */
#ifndef TESTS_GUEST_GUEST_H
#define TESTS_GUEST_GUEST_H

#include <stdint.h>

#define UART	 0x09000000UL
#define UART_DR	 (UART + 0x00)
#define UART_ECR (UART + 0x04)
#define UART_FR	 (UART + 0x18)

#define PSCI_SYSTEM_OFF	  0x84000008U
#define PSCI_SYSTEM_RESET 0x84000009U

static inline uint32_t read32(uintptr_t at)
{
	return *(volatile uint32_t *)at;
}

static inline void write32(uintptr_t at, uint32_t v)
{
	*(volatile uint32_t *)at = v;
}

static inline void psci(uint32_t call)
{
	register uint64_t x0 __asm__("x0") = call;

	__asm__ volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
}

/* Nanoseconds by the virtual counter. */
static inline uint64_t now_ns(void)
{
	uint64_t count, hz;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tmrs %1, cntfrq_el0"
			 : "=r"(count), "=r"(hz)
			 :
			 : "memory");
	return count * 1000000000 / hz;
}

static inline void say(const char *s)
{
	while (*s)
		write32(UART_DR, (uint8_t)*s++);
}

static inline void say_number(uint64_t v)
{
	char digits[21];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	say(at);
}

#endif
