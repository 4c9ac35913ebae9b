/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evil memory: a few reads of it find other bytes than the one before did, as when another CPU of
 * the guest writes there. The pages have no rights; each access traps, the program says whether the
 * bytes change now, and the instruction is carried out alone. So it is always the same reads, and
 * no thread is needed. On x86-64; elsewhere memory stays as it is.
 */
#ifndef TESTS_FUZZ_EVIL_H
#define TESTS_FUZZ_EVIL_H

#include "tests/fuzz/fuzz.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define EVIL_CHANGES 8

static struct {
	char *at;
	size_t len; /* 0: memory is as good as any */
	unsigned accesses;
	struct {
		/* At which access, which byte of the 8 around it is xor-ed with what. */
		uint8_t when, which, how;
	} change[EVIL_CHANGES];
	struct sigaction segv, trap;
} evil;

static void evil_protect(int rights)
{
	EXPECT_EQ(mprotect(evil.at, evil.len, rights), 0);
}

#ifdef __x86_64__

enum { EVIL_WRITE = 2, EVIL_STEP = 0x100 };

static void evil_on_access(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	char *at = info->si_addr;

	if (at < evil.at || (size_t)(at - evil.at) >= evil.len) { /* a real one: once more */
		(void)sigaction(sig, &evil.segv, NULL);
		return;
	}
	evil_protect(PROT_READ | PROT_WRITE);
	at -= (uintptr_t)at % 8;
	for (size_t i = 0; i < EVIL_CHANGES && !(u->uc_mcontext.gregs[REG_ERR] & EVIL_WRITE); i++)
		if (evil.change[i].when == evil.accesses)
			at[evil.change[i].which % 8] ^= (char)evil.change[i].how;
	evil.accesses++;
	u->uc_mcontext.gregs[REG_EFL] |= EVIL_STEP;
}

static void evil_on_step(int sig UNUSED, siginfo_t *info UNUSED, void *context)
{
	ucontext_t *u = context;

	evil_protect(PROT_NONE);
	u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)EVIL_STEP;
}

/* From now on, for what devices do. */
static void evil_on(void)
{
	struct sigaction access = { .sa_sigaction = evil_on_access, .sa_flags = SA_SIGINFO };
	struct sigaction step = { .sa_sigaction = evil_on_step, .sa_flags = SA_SIGINFO };

	if (!evil.len)
		return;
	EXPECT_EQ(sigaction(SIGSEGV, &access, &evil.segv), 0);
	EXPECT_EQ(sigaction(SIGTRAP, &step, &evil.trap), 0);
	evil_protect(PROT_NONE);
}

/* For what the guest does. */
static void evil_off(void)
{
	if (!evil.len)
		return;
	evil_protect(PROT_READ | PROT_WRITE);
	(void)sigaction(SIGSEGV, &evil.segv, NULL);
	(void)sigaction(SIGTRAP, &evil.trap, NULL);
}

#else

static void evil_on(void)
{
}

static void evil_off(void)
{
	evil_protect(PROT_READ | PROT_WRITE);
}

#endif

/* How evil @len bytes at @at, whole pages, are in this run; not at all if @len is 0. */
static void evil_take(struct program *p, void *at, size_t len)
{
	evil.at = at;
	evil.len = len;
	evil.accesses = 0;
	if (len)
		program_copy(p, evil.change, sizeof(evil.change));
}

#endif
