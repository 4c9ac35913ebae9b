/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blkload DEVICE r|w DEPTH BYTES COUNT: COUNT direct requests of BYTES each, DEPTH of them at a
 * time, by Linux AIO: at random places, or one after the other when they are large. Prints the time
 * that one took, in nanoseconds; with the lab's virtual clock these are executed instructions.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MAX = 256, IN_ORDER_FROM = 65536 };

struct load {
	int fd;
	unsigned short op;
	size_t bytes;
	uint64_t places, next, random;
	char *buffer;
	aio_context_t aio;
};

static void die(const char *what)
{
	fprintf(stderr, "blkload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static uint64_t place(struct load *l)
{
	if (l->bytes >= IN_ORDER_FROM)
		return l->next++ % l->places;
	l->random ^= l->random << 13; /* xorshift */
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return l->random % l->places;
}

static void submit(struct load *l, unsigned slot)
{
	struct iocb io = {
		.aio_fildes = (uint32_t)l->fd,
		.aio_lio_opcode = l->op,
		.aio_buf = (uintptr_t)(l->buffer + slot * l->bytes),
		.aio_nbytes = l->bytes,
		.aio_offset = (int64_t)(place(l) * l->bytes),
		.aio_data = slot,
	};
	struct iocb *list = &io;

	if (syscall(SYS_io_submit, l->aio, 1, &list) != 1)
		die("io_submit");
}

int main(int argc, char **argv)
{
	struct load l = { .random = 88172645463325252 };
	unsigned depth, slot[DEPTH_MAX], nr_free = 0;
	long count, submitted = 0, done = 0;
	struct io_event event[DEPTH_MAX];
	uint64_t size;
	int64_t begin;

	if (argc != 6) {
		fprintf(stderr, "usage: blkload DEVICE r|w DEPTH BYTES COUNT\n");
		return 2;
	}
	l.op = argv[2][0] == 'w' ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
	depth = (unsigned)atoi(argv[3]);
	l.bytes = strtoul(argv[4], NULL, 0);
	count = atol(argv[5]);
	l.fd = open(argv[1], O_RDWR | O_DIRECT);
	if (l.fd < 0 || ioctl(l.fd, BLKGETSIZE64, &size) || depth < 1 || depth > DEPTH_MAX ||
	    !l.bytes || size < l.bytes)
		die(argv[1]);
	l.places = size / l.bytes;
	if (syscall(SYS_io_setup, depth, &l.aio))
		die("io_setup");
	l.buffer = aligned_alloc(4096, l.bytes * depth);
	if (!l.buffer)
		die("memory");
	memset(l.buffer, 7, l.bytes * depth);
	while (nr_free < depth) {
		slot[nr_free] = nr_free;
		nr_free++;
	}

	begin = now_ns();
	while (done < count) {
		long n;

		for (; nr_free && submitted < count; submitted++)
			submit(&l, slot[--nr_free]);
		n = syscall(SYS_io_getevents, l.aio, 1, depth, event, NULL);
		if (n < 0)
			die("io_getevents");
		for (long i = 0; i < n; i++, done++) {
			if (event[i].res != (int64_t)l.bytes) {
				fprintf(stderr, "blkload: a request ended with %lld\n",
					(long long)event[i].res);
				return 1;
			}
			slot[nr_free++] = (unsigned)event[i].data;
		}
	}
	printf("%lld\n", (long long)((now_ns() - begin) / count));
	return 0;
}
