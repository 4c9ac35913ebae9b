/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four vCPUs that do nothing but touch what is not there, each in a page of its own: half of them
 * loads, then half stores. Says "aborts N", how many Data Aborts they took in all, and powers off.
 * MMU and caches stay off, so all of them see what the others write.
 */
#include "guest.h"

#define PSCI_CPU_ON 0xc4000003U

#define HOLE 0x10000000UL

enum { VCPUS = 4, EACH = 250000 };

/* Counts in x9, and goes on behind the instruction that aborted. */
__asm__(".pushsection .text\n"
	".balign 2048\n"
	"vectors: .space 0x200\n"
	"	add	x9, x9, #1\n"
	"	mrs	x10, elr_el1\n"
	"	add	x10, x10, #4\n"
	"	msr	elr_el1, x10\n"
	"	eret\n"
	"second: adr	x1, vectors\n"
	"	msr	vbar_el1, x1\n"
	"	mov	sp, x0\n"
	"	bl	touch_all\n"
	"1:	wfi\n"
	"	b	1b\n"
	".popsection");

static _Alignas(16) char stacks[VCPUS][1024];
static volatile uint32_t caught[VCPUS], begun;

static uint32_t touch(uintptr_t at, int write)
{
	register uint64_t aborts __asm__("x9") = 0;

	for (uint32_t i = 0; i < EACH / 2; i++)
		if (write)
			__asm__ volatile("str wzr, [%1]"
					 : "+r"(aborts)
					 : "r"(at)
					 : "x10", "memory");
		else
			__asm__ volatile("ldr w11, [%1]"
					 : "+r"(aborts)
					 : "r"(at)
					 : "x10", "x11", "memory");
	return (uint32_t)aborts;
}

/* The rest of a vCPU's life; @n is told by where its stack is. */
__attribute__((used)) static void touch_all(char *stack)
{
	const uint32_t n = (uint32_t)((stack - &stacks[0][0]) / (long)sizeof(stacks[0])) - 1;
	uint32_t aborts;

	begun = n;
	aborts = touch(HOLE + n * 4096, 0);
	caught[n] = aborts + touch(HOLE + n * 4096, 1);
}

static void start(uint64_t n)
{
	register uint64_t x0 __asm__("x0") = PSCI_CPU_ON;
	register uint64_t x1 __asm__("x1") = n;
	register uint64_t x2 __asm__("x2");
	register uint64_t x3 __asm__("x3") = (uintptr_t)stacks[n] + sizeof(stacks[n]);

	__asm__ volatile("adr %2, second\n\thvc #0"
			 : "+r"(x0), "+r"(x1), "=&r"(x2), "+r"(x3)
			 :
			 : "memory");
	while (x0 == 0 && begun != n)
		;
}

int main(void)
{
	uint64_t sum = 0;
	uintptr_t vbar;

	__asm__ volatile("adr %0, vectors\n\tmsr vbar_el1, %0\n\tisb" : "=r"(vbar));
	for (uint64_t n = 1; n < VCPUS; n++)
		start(n);
	touch_all(stacks[0] + sizeof(stacks[0]));
	for (uint32_t n = 0; n < VCPUS; n++) {
		while (!caught[n])
			;
		sum += caught[n];
	}
	say("aborts ");
	say_number(sum);
	say("\n");
	return 0;
}
