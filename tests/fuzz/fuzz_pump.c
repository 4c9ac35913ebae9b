/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's first program while it runs a command for vmm: what its kernel answers to each call
 * is the program's, and the records of vmm come from there, too.
 */
#include "arch/arm64/guest/pump.c" /* freestanding: not in the library of what is portable */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

enum {
	FD_CONTROL = 10,
	FD_SIGNALS,
	FD_IN_FROM,
	FD_IN_TO,
	FD_OUT_FROM,
	FD_OUT_TO,
	FD_ERR_FROM,
	FD_ERR_TO,
	FD_END
};

static struct program *p;
static volatile uint8_t written; /* all of it can be read */
static bool closed[FD_END];

static bool valid(int fd)
{
	return fd >= FD_CONTROL && fd < FD_END;
}

static long fake_read(int fd, void *to, size_t len)
{
	const uint8_t how = program_u8(p);
	const uint8_t *from;
	size_t n;

	EXPECT(len > 0);
	memset(to, how, len); /* all of it can be written */
	if (fd == FD_CONTROL) {
		n = program_take(p, &from, len < 1U + (how & 31) ? len : 1U + (how & 31));
		if (n)
			memcpy(to, from, n);
		return (long)n;
	}
	switch (how & 7) {
	case 0:
		return 0;
	case 1:
		return -EAGAIN;
	case 2:
		return program_more(p) ? -EINTR : 0;
	case 3:
		return (long)len;
	default:
		return (long)(len < how ? len : how);
	}
}

static long fake_write(const void *from, size_t len)
{
	const uint8_t how = program_u8(p);

	EXPECT(len > 0);
	written ^= ((const uint8_t *)from)[len - 1];
	switch (how & 7) {
	case 1:
		return program_more(p) ? -EAGAIN : -EPIPE;
	case 2:
		return program_more(p) ? -EINTR : -EPIPE;
	case 3:
		return -EPIPE;
	case 4:
		return (long)(how < len ? 1U + how : len);
	default:
		return (long)len;
	}
}

static long fake_poll(struct pollfd *fds, size_t n)
{
	const uint8_t ready = program_u8(p);

	EXPECT_EQ(n, NR_POLLED);
	for (size_t i = 0; i < n; i++) {
		EXPECT(fds[i].fd < 0 || (valid(fds[i].fd) && !closed[fds[i].fd]));
		fds[i].revents = fds[i].fd >= 0 && ready >> i & 1 ? fds[i].events : 0;
	}
	if (!program_more(p)) /* then the command ends */
		fds[SIGNALS].revents = POLLIN;
	return ready >> 7 ? -EINTR : 1;
}

long call5(long nr, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d UNUSED, uintptr_t e UNUSED)
{
	if (nr == SYS_ppoll)
		return fake_poll((struct pollfd *)a, b);
	EXPECT(valid((int)a) && !closed[a]);
	if (nr == SYS_read)
		return fake_read((int)a, (void *)b, c);
	EXPECT_EQ(nr, SYS_write);
	return fake_write((const void *)b, c);
}

void close_fd(int fd)
{
	EXPECT(valid(fd) && !closed[fd]);
	closed[fd] = true;
}

static void on_told(struct pump *pump UNUSED, const struct command_record *r)
{
	EXPECT(r->word != COMMAND_INPUT_ENDS);
}

static void on_child(struct pump *pump)
{
	pump->over = 1;
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program program = { data, len };
	const struct command_record told = { .word = COMMAND_TOOK };
	struct command_record heard;
	struct pump *pump = malloc(sizeof(*pump)); /* its end is where ASan looks */
	uint8_t how;

	EXPECT(pump);
	p = &program;
	how = program_u8(p);
	memset(closed, 0, sizeof(closed));
	*pump = (struct pump){
		.control = FD_CONTROL, .signals = FD_SIGNALS, .told = on_told, .child = on_child
	};
	pump_stream_init(&pump->in, FD_IN_FROM, how & 1 ? FD_OUT_FROM : FD_IN_TO);
	pump->in.shared = how & 1; /* a terminal */
	pump_stream_init(&pump->out[0], FD_OUT_FROM, FD_OUT_TO);
	pump_stream_init(&pump->out[1], how & 2 ? -1 : FD_ERR_FROM, FD_ERR_TO);
	if (pump_hear(FD_CONTROL, &heard) == 0)
		pump_say(FD_CONTROL, &told);
	pump_run(pump);
	free(pump);
}
