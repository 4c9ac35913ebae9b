/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chardev without a host: the test types and reads. Include it in one file of a test program:
 * its definitions of chardev_*() then stand in for those of the library at link time. Any thread.
 */
#ifndef TESTS_LIB_FAKE_CHARDEV_H
#define TESTS_LIB_FAKE_CHARDEV_H

#include "vmm/base/mutex.h"
#include "vmm/host/chardev.h"

#include <string.h>

struct chardev {
	struct mutex lock; /* all below */
	struct chardev_front *front;
	uint8_t in[4096]; /* typed and not read yet, oldest first */
	size_t in_len;
	uint8_t out[1 << 18];
	size_t out_len, room; /* written; how much more may be */
	unsigned reads, writes, asks;
	unsigned peers;
	uint16_t cols, rows;
	bool endless; /* there is always more to read, zeroes */
};

static void fake_chardev_init(struct chardev *c, size_t room)
{
	memset(c, 0, sizeof(*c));
	mutex_init(&c->lock);
	c->room = room;
	c->peers = 1;
}

/* What the loop thread does when something came. */
static UNUSED void fake_chardev_call(struct chardev *c)
{
	struct chardev_front *f;

	{
		LOCK_SCOPE(&c->lock);
		f = c->front;
	}
	if (f)
		f->ready(f);
}

/* Types as much of @len bytes as there is room for; how many. */
static UNUSED size_t fake_chardev_type(struct chardev *c, const void *from, size_t len)
{
	{
		LOCK_SCOPE(&c->lock);
		if (len > sizeof(c->in) - c->in_len)
			len = sizeof(c->in) - c->in_len;
		memcpy(c->in + c->in_len, from, len);
		c->in_len += len;
	}
	if (len > 0)
		fake_chardev_call(c);
	return len;
}

/* The reader takes @n bytes: that much more room. */
static UNUSED void fake_chardev_take(struct chardev *c, size_t n)
{
	{
		LOCK_SCOPE(&c->lock);
		c->room += n;
	}
	fake_chardev_call(c);
}

void chardev_attach(struct chardev *c, struct chardev_front *f)
{
	LOCK_SCOPE(&c->lock);
	c->front = f;
}

size_t chardev_read(struct chardev *c, void *to, size_t len)
{
	LOCK_SCOPE(&c->lock);
	c->reads++;
	if (c->endless) {
		memset(to, 0, len);
		return len;
	}
	if (len > c->in_len)
		len = c->in_len;
	memcpy(to, c->in, len);
	c->in_len -= len;
	memmove(c->in, c->in + len, c->in_len);
	return len;
}

size_t chardev_write(struct chardev *c, const void *from, size_t len)
{
	LOCK_SCOPE(&c->lock);
	c->writes++;
	if (len > c->room)
		len = c->room;
	if (len > sizeof(c->out) - c->out_len)
		len = sizeof(c->out) - c->out_len;
	memcpy(c->out + c->out_len, from, len);
	c->out_len += len;
	c->room -= len;
	return len;
}

unsigned chardev_peers(struct chardev *c)
{
	LOCK_SCOPE(&c->lock);
	return c->peers;
}

void chardev_size(struct chardev *c, uint16_t *cols, uint16_t *rows)
{
	LOCK_SCOPE(&c->lock);
	*cols = c->cols;
	*rows = c->rows;
}

size_t chardev_room(struct chardev *c)
{
	LOCK_SCOPE(&c->lock);
	c->asks++;
	return c->room;
}

#endif
