/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread of vmm's that sleeps in poll() alone, run by the target's own: it goes on when the
 * target says so, until nothing is there for it. Include it in a target's file: thread_start() and
 * poll() here stand in for those of vmm and the C library.
 *
 * A poll() with a time limit that nothing is there for moves the clock (clock.h) to its end.
 */
#ifndef TESTS_FUZZ_FIBER_H
#define TESTS_FUZZ_FIBER_H

#define NO_THREADS_BUT_OWN

#include "tests/fuzz/clock.h"
#include "tests/fuzz/no_threads.h"

#include <poll.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

#ifdef FIBER_ASAN
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *saved, const void **bottom, size_t *size);
void __asan_unpoison_memory_region(const volatile void *at, size_t len);
#else
static void __sanitizer_start_switch_fiber(void **save UNUSED, const void *bottom UNUSED,
					   size_t size UNUSED)
{
}
static void __sanitizer_finish_switch_fiber(void *saved UNUSED, const void **bottom UNUSED,
					    size_t *size UNUSED)
{
}
static void __asan_unpoison_memory_region(const volatile void *at UNUSED, size_t len UNUSED)
{
}
#endif

enum { FIBER_STACK = 1 << 18 };

static struct {
	ucontext_t here, there;
	char *stack;
	struct thread *thread; /* NULL: none, or it has ended */
	bool inside;
	void *fake;	    /* the sanitizer's */
	const void *bottom; /* of the stack of who entered */
	size_t size;
} fiber;

/* The target's: what the other end of its sockets does now. */
static void fiber_others(void);

static void fiber_leave(bool for_good)
{
	void *fake = NULL;

	fiber.inside = false;
	__sanitizer_start_switch_fiber(for_good ? NULL : &fake, fiber.bottom, fiber.size);
	EXPECT_EQ(swapcontext(&fiber.there, &fiber.here), 0);
	__sanitizer_finish_switch_fiber(fake, &fiber.bottom, &fiber.size);
}

static void fiber_main(void)
{
	__sanitizer_finish_switch_fiber(NULL, &fiber.bottom, &fiber.size);
	fiber.thread->run(fiber.thread->ctx);
	fiber.thread = NULL;
	fiber_leave(true);
}

/* Goes on with it, if there is one, until it has nothing to do. */
static void fiber_run(void)
{
	if (!fiber.thread)
		return;
	EXPECT(!fiber.inside);
	fiber.inside = true;
	__sanitizer_start_switch_fiber(&fiber.fake, fiber.stack, FIBER_STACK);
	EXPECT_EQ(swapcontext(&fiber.here, &fiber.there), 0);
	__sanitizer_finish_switch_fiber(fiber.fake, NULL, NULL);
}

int thread_start(struct thread *t, struct err *e UNUSED)
{
	EXPECT(!fiber.thread);
	if (!fiber.stack) {
		fiber.stack = mmap(NULL, FIBER_STACK, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		EXPECT(fiber.stack != MAP_FAILED);
	}
	__asan_unpoison_memory_region(fiber.stack, FIBER_STACK); /* of the one before */
	fiber.thread = t;
	t->begun = true;
	EXPECT_EQ(getcontext(&fiber.there), 0);
	fiber.there.uc_stack.ss_sp = fiber.stack;
	fiber.there.uc_stack.ss_size = FIBER_STACK;
	makecontext(&fiber.there, fiber_main, 0);
	return 0;
}

void thread_join(struct thread *t)
{
	for (unsigned i = 0; t->begun && fiber.thread; i++) {
		EXPECT(i < 1000);
		fiber_run();
	}
	t->begun = false;
}

/* Who waits for a condition waits for the thread. */
static void no_threads_waits(void)
{
	EXPECT(fiber.thread);
	fiber_run();
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	const struct timespec none = { 0 };

	for (;;) {
		int ready;

		fiber_others();
		ready = (int)syscall(SYS_ppoll, fds, n, &none, NULL, 0);
		if (ready)
			return ready;
		if (timeout >= 0) {
			clock_ns += (uint64_t)timeout * 1000000;
			return 0;
		}
		EXPECT(fiber.inside);
		fiber_leave(false);
	}
}

#endif
