/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chardev with a loop in a thread of its own, and a guest's device in front that the test plays:
 * the test's thread is the vCPU. Include it in one file of a test program.
 */
#ifndef TESTS_LIB_CHARDEV_RIG_H
#define TESTS_LIB_CHARDEV_RIG_H

#include "tests/lib/test.h"
#include "vmm/base/mutex.h"
#include "vmm/host/chardev.h"

#include <pthread.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RIG_MS 1000000ULL

struct rig {
	struct chardev_front front;
	struct loop *loop;
	struct chardev *chr;
	pthread_t thread;
	struct mutex lock; /* the device's: around all calls of the front */
	unsigned readies;  /* lock */
};

static UNUSED void rig_sleep(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
			      .tv_nsec = (long)(ms % 1000 * RIG_MS) };

	(void)nanosleep(&t, NULL);
}

/* Byte number @i of what tests send: no short period, all values. */
static UNUSED uint8_t rig_byte(size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

static UNUSED void rig_fill(uint8_t *to, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = rig_byte(from + i);
}

/* @len bytes at @at are number @from and so on. */
static UNUSED void rig_expect(const uint8_t *at, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != rig_byte(from + i))
			test_fail(__FILE__, __LINE__, "byte %zu is 0x%02x, expected 0x%02x",
				  from + i, at[i], rig_byte(from + i));
}

static void rig_ready(struct chardev_front *f)
{
	struct rig *r = container_of(f, struct rig, front);

	LOCK_SCOPE(&r->lock);
	r->readies++;
}

static UNUSED void rig_open(struct rig *r, enum chardev_kind kind, const char *path)
{
	struct err e;

	*r = (struct rig){ .front.ready = rig_ready };
	mutex_init(&r->lock);
	r->loop = loop_create(&e);
	EXPECT(r->loop != NULL);
	r->chr = chardev_open(kind, path, NULL, r->loop, &e);
	if (!r->chr)
		test_fail(__FILE__, __LINE__, "chardev_open: %s", e.text);
	chardev_attach(r->chr, &r->front);
}

static UNUSED void *rig_thread(void *arg)
{
	struct rig *r = arg;
	struct err e;

	EXPECT_EQ(loop_run(r->loop, &e), 0);
	return NULL;
}

static UNUSED void rig_run(struct rig *r)
{
	EXPECT_EQ(pthread_create(&r->thread, NULL, rig_thread, r), 0);
}

static UNUSED void rig_stop(struct rig *r)
{
	loop_stop(r->loop);
	(void)pthread_join(r->thread, NULL);
}

static UNUSED void rig_close(struct rig *r)
{
	chardev_attach(r->chr, NULL);
	chardev_close(r->chr);
	loop_destroy(r->loop);
	mutex_destroy(&r->lock);
}

static UNUSED size_t rig_room(struct rig *r)
{
	LOCK_SCOPE(&r->lock);
	return chardev_room(r->chr);
}

static UNUSED unsigned rig_readies(struct rig *r)
{
	LOCK_SCOPE(&r->lock);
	return r->readies;
}

static UNUSED size_t rig_write(struct rig *r, const void *from, size_t len)
{
	LOCK_SCOPE(&r->lock);
	return chardev_write(r->chr, from, len);
}

static UNUSED size_t rig_read(struct rig *r, void *to, size_t len)
{
	LOCK_SCOPE(&r->lock);
	return chardev_read(r->chr, to, len);
}

/* Writes bytes number @from and so on as a guest does that polls for room, in uneven pieces. */
static UNUSED void rig_put(struct rig *r, size_t from, size_t len)
{
	uint8_t piece[1500];

	for (size_t done = 0; done < len;) {
		size_t n = 1 + done * 13 % sizeof(piece), room;

		while ((room = rig_room(r)) == 0)
			rig_sleep(1);
		if (n > len - done)
			n = len - done;
		if (n > room)
			n = room;
		rig_fill(piece, from + done, n);
		EXPECT_EQ(rig_write(r, piece, n), n);
		done += n;
	}
}

/* Takes @len bytes of input in pieces of at most @piece, pausing now and then, and checks them. */
static UNUSED void rig_take(struct rig *r, size_t from, size_t len, size_t piece)
{
	uint8_t buf[4096];

	for (size_t done = 0, n; done < len; done += n) {
		size_t want = piece < len - done ? piece : len - done;

		n = rig_read(r, buf, want < sizeof(buf) ? want : sizeof(buf));
		rig_expect(buf, from + done, n);
		if (n == 0 || (done >> 15) != ((done + n) >> 15))
			rig_sleep(1);
	}
}

/* Waits until @fd has something, or fails. */
static UNUSED void rig_wait(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	EXPECT_EQ(poll(&p, 1, 20000), 1);
}

/* Reads @len bytes from @fd in uneven pieces, pausing @pause_ms now and then, and checks them. */
static UNUSED void rig_check(int fd, size_t from, size_t len, uint64_t pause_ms)
{
	uint8_t buf[3000];

	for (size_t done = 0; done < len;) {
		size_t want = 1 + done * 7 % sizeof(buf);
		ssize_t n;

		rig_wait(fd, POLLIN);
		n = read(fd, buf, want < len - done ? want : len - done);
		if (n <= 0)
			test_fail(__FILE__, __LINE__, "read at byte %zu: %zd, errno %d", done, n,
				  errno);
		rig_expect(buf, from + done, (size_t)n);
		if (pause_ms && (done >> 15) != ((done + (size_t)n) >> 15))
			rig_sleep(pause_ms);
		done += (size_t)n;
	}
}

/* Writes @len bytes to @fd, waiting for room; counts them in *@sent if given. */
static UNUSED void rig_send(int fd, size_t from, size_t len, atomic_size_t *sent)
{
	uint8_t buf[3000];

	for (size_t done = 0; done < len;) {
		size_t want = 1 + done * 11 % sizeof(buf);
		ssize_t n;

		if (want > len - done)
			want = len - done;
		rig_fill(buf, from + done, want);
		rig_wait(fd, POLLOUT);
		n = write(fd, buf, want);
		if (n < 0 && errno == EAGAIN) {
			rig_sleep(1);
			continue;
		}
		if (n < 0)
			test_fail(__FILE__, __LINE__, "write at byte %zu: errno %d", done, errno);
		done += (size_t)n;
		if (sent)
			atomic_fetch_add(sent, (size_t)n);
	}
}

/* Does @fn(arg) in a thread; join with pthread_join(). */
static UNUSED pthread_t rig_spawn(void *(*fn)(void *arg), void *arg)
{
	pthread_t t;

	EXPECT_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

/* A path in a fresh folder under /tmp, removed with rig_remove_folder(). */
static UNUSED const char *rig_path(const char *name)
{
	static char folder[] = "/tmp/vmm-test-XXXXXX", path[200];
	static bool made;

	if (!made)
		EXPECT(mkdtemp(folder) != NULL);
	made = true;
	(void)snprintf(path, sizeof(path), "%s%s%s", folder, *name ? "/" : "", name);
	return path;
}

static UNUSED void rig_remove_folder(void)
{
	EXPECT_EQ(rmdir(rig_path("")), 0);
}

#endif
