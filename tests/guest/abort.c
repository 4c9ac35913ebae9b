/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long an access to nothing takes, from the instruction through the external abort back to the
 * next instruction: says "read NS", "write NS", "between NS" (a read between two devices), and for
 * plain accesses to a device "mmio NS" and "mmio-write NS", and powers off.
 */
#include "guest.h"

enum { WARM_UP = 400, ACCESSES = 40000 };

/* Goes on behind the instruction that aborted, as cheaply as can be. */
__asm__(".pushsection .text\n"
	".balign 2048\n"
	"vectors: .space 0x200\n"
	"	mrs	x17, elr_el1\n"
	"	add	x17, x17, #4\n"
	"	msr	elr_el1, x17\n"
	"	eret\n"
	".popsection");

static void touch(uintptr_t at, int write)
{
	if (write)
		__asm__ volatile("str wzr, [%0]" : : "r"(at) : "x17", "memory");
	else
		__asm__ volatile("ldr w16, [%0]" : : "r"(at) : "x16", "x17", "memory");
}

static void measure(const char *name, uintptr_t at, int write)
{
	uint64_t begin;

	for (int i = 0; i < WARM_UP; i++)
		touch(at, write);
	begin = now_ns();
	for (int i = 0; i < ACCESSES; i++)
		touch(at, write);
	begin = now_ns() - begin;
	say(name);
	say_number(begin / ACCESSES);
	say("\n");
}

int main(void)
{
	uintptr_t vbar;

	__asm__ volatile("adr %0, vectors\n\tmsr vbar_el1, %0\n\tisb" : "=r"(vbar));
	measure("mmio ", UART_FR, 0);
	measure("mmio-write ", UART_ECR, 1);
	measure("read ", 0x0a000000, 0);
	measure("write ", 0x0b000000, 1);
	measure("between ", UART + 0x1000, 0);
	return 0;
}
