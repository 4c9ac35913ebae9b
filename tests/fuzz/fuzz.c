/* SPDX-License-Identifier: Apache-2.0 */
/* Around each input, with libFuzzer and without: nothing may be left of it. */
#include "tests/fuzz/fuzz.h"

#include "vmm/base/log.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifndef HAS_ASAN
#define HAS_ASAN 0
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t __sanitizer_get_current_allocated_bytes(void);

/* In place of the unit tests': an expectation that fails is a finding, as a crash is. */
void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list va;

	(void)fprintf(stderr, "%s:%d: ", file, line);
	va_start(va, fmt);
	(void)vfprintf(stderr, fmt, va);
	va_end(va);
	(void)fprintf(stderr, "\n");
	abort();
}

void test_skip(const char *why)
{
	test_fail(__FILE__, __LINE__, "skipped: %s", why);
}

/* vmm's lines are made, and go nowhere. */
void log_line(enum log_level level UNUSED, const char *fmt, ...)
{
	char line[1024];
	va_list va;

	va_start(va, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, va);
	va_end(va);
}

void log_block(enum log_level level UNUSED, const char *lines)
{
	EXPECT(lines[0] && lines[strlen(lines) - 1] == '\n');
}

void log_set_level(enum log_level level UNUSED)
{
}

void log_set_raw(bool raw UNUSED)
{
}

struct held {
	size_t bytes;
	unsigned fds; /* of the first FDS */
};

enum { FDS = 256 };

/* Not poll(): a target may have its own. */
static unsigned count_fds(void)
{
	const struct timespec none = { 0 };
	struct pollfd p[FDS];
	unsigned n = 0;

	for (int i = 0; i < FDS; i++)
		p[i] = (struct pollfd){ .fd = i };
	EXPECT(syscall(SYS_ppoll, p, FDS, &none, NULL, 0) >= 0);
	for (int i = 0; i < FDS; i++)
		n += !(p[i].revents & POLLNVAL);
	return n;
}

static struct held look(void)
{
	struct held h = { .fds = count_fds() };

#if HAS_ASAN
	h.bytes = __sanitizer_get_current_allocated_bytes();
#endif
	return h;
}

/* Some libraries keep what they allocate first; what is lost grows each time. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool ready;
	struct held before, after;

	if (!ready) {
		(void)signal(SIGPIPE, SIG_IGN); /* as the program has it */
		(void)signal(SIGXFSZ, SIG_IGN);
		ready = true;
	}
	for (unsigned i = 0; i < 4; i++) {
		before = look();
		fuzz_one(data, len);
		after = look();
		EXPECT(after.fds >= before.fds); /* it closed what is not its own */
		if (after.fds == before.fds && after.bytes <= before.bytes)
			return 0;
	}
	test_fail(__FILE__, __LINE__, "it leaves %zd bytes, and %d descriptors",
		  (ssize_t)(after.bytes - before.bytes), (int)(after.fds - before.fds));
}
