/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host's disk that the program plays, in place of vmm/host/disk.h: when a request is done, in
 * which order, and how it went. Its bytes are all alike; what is asked for is checked. Include it
 * in a target's file.
 */
#ifndef TESTS_FUZZ_HOST_DISK_H
#define TESTS_FUZZ_HOST_DISK_H

#include "tests/fuzz/fuzz.h"
#include "vmm/base/checked.h"
#include "vmm/host/disk.h"

#include <errno.h>
#include <unistd.h>

enum { HOST_DISK_HELD = 512 };

#define HOST_DISK_SIZE (1ULL << 41)

static struct host_disk {
	struct disk d;
	struct disk_io *held[HOST_DISK_HELD]; /* of all queues */
	unsigned nr;
	bool changed;	     /* its size did, since it was looked at last */
	bool other;	     /* it ever did: what was asked for may lie outside now */
	void (*waits)(void); /* called by disk_wait() */
	char queue[16];
	unsigned nr_queues;
	uint8_t sum; /* of what was written: all of it can be read */
} host_disk;

struct disk *disk_open(const struct disk_config *c, struct err *e UNUSED)
{
	host_disk.d.name = "fuzz";
	host_disk.d.ro = c->ro;
	host_disk.d.can_discard = c->discard;
	return &host_disk.d;
}

int disk_check_pair(const struct disk_config *a UNUSED, const struct disk_config *b UNUSED,
		    struct err *e UNUSED)
{
	return 0;
}

void disk_close(struct disk *d UNUSED)
{
	EXPECT_EQ(host_disk.nr, 0);
}

int disk_look_at_size(struct disk *d UNUSED)
{
	return host_disk.changed;
}

struct disk_queue *disk_queue_create(struct disk *d, unsigned depth UNUSED, struct err *e UNUSED)
{
	EXPECT(d == &host_disk.d && host_disk.nr_queues < sizeof(host_disk.queue));
	return (struct disk_queue *)(void *)&host_disk.queue[host_disk.nr_queues++];
}

void disk_queue_destroy(struct disk_queue *q UNUSED)
{
}

void disk_start(struct disk_queue *q, struct disk_io *io)
{
	uint64_t sum = 0;

	EXPECT(host_disk.nr < HOST_DISK_HELD);
	EXPECT(io->offset % DISK_SECTOR == 0 && io->len % DISK_SECTOR == 0);
	EXPECT(host_disk.other || range_inside(io->offset, io->len, 0, host_disk.d.size));
	for (unsigned i = 0; io->op <= DISK_WRITE && i < io->niov; i++) {
		EXPECT(io->iov[i].iov_len > 0);
		sum += io->iov[i].iov_len;
	}
	EXPECT(io->op > DISK_WRITE || sum == io->len);
	EXPECT(!host_disk.d.ro || io->op == DISK_READ || io->op == DISK_FLUSH);
	io->queue = q;
	host_disk.held[host_disk.nr++] = io;
}

unsigned disk_in_flight(const struct disk_queue *q)
{
	unsigned n = 0;

	for (unsigned i = 0; i < host_disk.nr; i++)
		n += host_disk.held[i]->queue == q;
	return n;
}

/* The @i-th that is held is over. */
static UNUSED void host_disk_finish(unsigned i, int result)
{
	struct disk_io *io = host_disk.held[i];

	host_disk.held[i] = host_disk.held[--host_disk.nr];
	for (unsigned k = 0; io->op <= DISK_WRITE && k < io->niov; k++) {
		if (io->op == DISK_READ)
			memset(io->iov[k].iov_base, 0x77, io->iov[k].iov_len);
		else
			host_disk.sum ^=
				((const uint8_t *)io->iov[k].iov_base)[io->iov[k].iov_len - 1];
	}
	io->result = result;
	io->done(io);
}

bool disk_wait(struct disk_queue *q UNUSED, int kick_fd, int timeout_ms UNUSED)
{
	uint64_t count;

	host_disk.waits();
	return read(kick_fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

#endif
