/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/core/poison.h"

#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static struct sigaction before;

/* What failed, and was not replaced since: written by handlers on any thread. 0: free. */
static uintptr_t failed[POISON_KEPT];
static uintptr_t failed_size[POISON_KEPT];

/* The thread's own. The signal handler runs on the same thread, so these need no lock. */
static _Thread_local sigjmp_buf out;
static _Thread_local volatile sig_atomic_t copying;
static _Thread_local volatile sig_atomic_t expected;
static _Thread_local volatile uintptr_t noted;

/*
 * For what nobody here can handle: who was here before has its say, and then the instruction fails
 * once more, with the signal blocked. That ends the process by this very signal, whatever handler
 * it has, and takes no system call.
 */
static void crash(int sig, siginfo_t *info, ucontext_t *interrupted)
{
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(sig, info, interrupted);
	else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		before.sa_handler(sig);
	if (info->si_code <= 0) /* sent by somebody: no instruction fails */
		abort();
	(void)sigaddset(&interrupted->uc_sigmask, sig);
}

static void remember(const siginfo_t *info)
{
	const unsigned bits = info->si_addr_lsb >= 12 && info->si_addr_lsb < 48
				      ? (unsigned)info->si_addr_lsb
				      : 12;
	const uintptr_t size = (uintptr_t)1 << bits;
	const uintptr_t at = (uintptr_t)info->si_addr & ~(size - 1);

	for (size_t i = 0; i < POISON_KEPT; i++) {
		uintptr_t none = 0;

		if (__atomic_load_n(&failed[i], __ATOMIC_RELAXED) == at)
			return;
		if (!__atomic_compare_exchange_n(&failed[i], &none, at, false, __ATOMIC_RELAXED,
						 __ATOMIC_RELAXED))
			continue;
		__atomic_store_n(&failed_size[i], size, __ATOMIC_RELAXED);
		return;
	}
}

static void on_bus(int sig, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;
	int saved = errno;

	if (info->si_code == BUS_MCEERR_AR || info->si_code == BUS_MCEERR_AO)
		remember(info);
	if (copying) {
		copying = 0;
		/* As a return from here would: a copy need not save the mask, which is a system
		 * call. */
		(void)pthread_sigmask(SIG_SETMASK, &interrupted->uc_sigmask, NULL);
		siglongjmp(out, 1);
	}
	if (info->si_code == BUS_MCEERR_AO)
		return; /* nobody has touched it yet */
	if (info->si_code == BUS_MCEERR_AR && expected)
		noted = (uintptr_t)info->si_addr;
	else
		crash(sig, info, interrupted);
	errno = saved;
}

int poison_handle(struct err *e)
{
	struct sigaction sa = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };

	return sigaction(SIGBUS, &sa, &before) < 0 ? err_sys(e, "sigaction") : 0;
}

void poison_expect(void)
{
	expected = 1;
}

uintptr_t poison_take(void)
{
	uintptr_t address = noted;

	noted = 0;
	return address;
}

bool poison_copy(void *dst, const void *src, size_t len)
{
	if (copying) { /* in poison_run(), which fails as a whole */
		memcpy(dst, src, len);
		return true;
	}
	if (sigsetjmp(out, 0)) /* the handler restores the mask */
		return false;
	copying = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(dst, src, len);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	copying = 0;
	return true;
}

bool poison_run(void (*fn)(void *ctx), void *ctx)
{
	assert(!copying);
	if (sigsetjmp(out, 0)) /* the handler restores the mask */
		return false;
	copying = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	fn(ctx);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	copying = 0;
	return true;
}

void poison_probe(const void GUEST_MEM *at, size_t len)
{
	char byte;

	for (size_t off = 0; off < len; off += 4096)
		(void)!poison_read(&byte, (const char GUEST_MEM *)at + off, 1);
}

void poison_replace(void GUEST_MEM *host, size_t len)
{
	const uintptr_t from = (FORCE uintptr_t)host;

	for (size_t i = 0; i < POISON_KEPT; i++) {
		const uintptr_t at = failed[i], size = failed_size[i];

		if (!at || at < from || at - from >= len)
			continue;
		/* Of shared memory the first takes it away, of private memory the second. */
		if (madvise((char *)FROM_GUEST(host) + (at - from), size, MADV_REMOVE) == 0 ||
		    madvise((char *)FROM_GUEST(host) + (at - from), size, MADV_DONTNEED) == 0)
			failed[i] = 0;
	}
}

/* --- one access --------------------------------------------------------------------------------
 */

/* Volatile, so that each is one instruction; packed, so that it may lie anywhere. */
#define WORD(bits)                                                                                 \
	struct __attribute__((packed)) word##bits {                                                \
		uint##bits##_t v;                                                                  \
	}
WORD(16);
WORD(32);
WORD(64);

#define LOAD(dst, at, bits)                                                                        \
	do {                                                                                       \
		uint##bits##_t v_ = ((const volatile struct word##bits *)(at))->v;                 \
		memcpy((dst), &v_, sizeof(v_));                                                    \
	} while (0)

#define STORE(at, src, bits)                                                                       \
	do {                                                                                       \
		uint##bits##_t v_;                                                                 \
		memcpy(&v_, (src), sizeof(v_));                                                    \
		((volatile struct word##bits *)(at))->v = v_;                                      \
	} while (0)

static void load_pair(uint64_t *v, const void *at)
{
#ifdef __aarch64__
	__asm__ volatile("ldp %0, %1, [%2]" : "=&r"(v[0]), "=r"(v[1]) : "r"(at) : "memory");
#else
	memcpy(v, at, 16);
#endif
}

static void store_pair(void *at, const uint64_t *v)
{
#ifdef __aarch64__
	__asm__ volatile("stp %0, %1, [%2]" : : "r"(v[0]), "r"(v[1]), "r"(at) : "memory");
#else
	memcpy(at, v, 16);
#endif
}

bool poison_load(void *dst, const void GUEST_MEM *from, unsigned size)
{
	const void *at = (FORCE const void *)from;
	uint64_t pair[2];

	if (sigsetjmp(out, 0))
		return false;
	copying = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	switch (size) {
	case 1:
		*(uint8_t *)dst = *(const volatile uint8_t *)at;
		break;
	case 2:
		LOAD(dst, at, 16);
		break;
	case 4:
		LOAD(dst, at, 32);
		break;
	case 8:
		LOAD(dst, at, 64);
		break;
	default:
		assert(size == 16);
		load_pair(pair, at);
		memcpy(dst, pair, sizeof(pair));
		break;
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	copying = 0;
	return true;
}

bool poison_store(void GUEST_MEM *to, const void *src, unsigned size)
{
	void *at = FROM_GUEST(to);
	uint64_t pair[2];

	if (sigsetjmp(out, 0))
		return false;
	copying = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	switch (size) {
	case 1:
		*(volatile uint8_t *)at = *(const uint8_t *)src;
		break;
	case 2:
		STORE(at, src, 16);
		break;
	case 4:
		STORE(at, src, 32);
		break;
	case 8:
		STORE(at, src, 64);
		break;
	default:
		assert(size == 16);
		memcpy(pair, src, sizeof(pair));
		store_pair(at, pair);
		break;
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	copying = 0;
	return true;
}
