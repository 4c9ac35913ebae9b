/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of a disk: which engine does a request, and who is told when it is done. */
#include "vmm/base/log.h"
#include "vmm/base/scope.h"
#include "vmm/host/disk_private.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>

struct disk_queue *disk_queue_create(struct disk *disk, unsigned depth, struct err *e)
{
	struct host_disk *d = host_disk(disk);
	struct disk_queue *q = calloc(1, sizeof(*q));
	struct err why = { 0 };

	if (!q) {
		(void)err_set(e, ENOMEM, "disk %s: out of memory", disk->name);
		return NULL;
	}
	q->disk = d;
	mutex_init(&q->lock);
	disk_list_init(&q->ready);
	disk_list_init(&q->finished);
	q->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (q->event_fd < 0) {
		(void)err_sys(e, "disk %s: eventfd", disk->name);
		free(q);
		return NULL;
	}
	if (d->engine != DISK_THREADS)
		q->ring = disk_uring_create(q, depth, &why);
	if (!q->ring && d->engine == DISK_AUTO)
		log_debug("disk %s: %s; threads do its work", disk->name, why.text);
	if (!q->ring && d->engine == DISK_URING)
		(void)err_set(e, why.code, "disk %s: %s", disk->name, why.text);
	else if (disk_pool_begin(d, q->ring ? DISK_THREADS_MIN : DISK_THREADS_MAX, e))
		(void)err_ctx(e, "disk %s", disk->name);
	else
		return q;
	disk_queue_destroy(q);
	return NULL;
}

void disk_queue_destroy(struct disk_queue *q)
{
	if (!q)
		return;
	assert(q->in_flight == 0);
	disk_uring_destroy(q->ring);
	/* The thread that finished the last request may still hold it. */
	mutex_lock(&q->lock);
	mutex_unlock(&q->lock);
	close_quietly(q->event_fd);
	free(q);
}

const char *disk_queue_engine(const struct disk_queue *q)
{
	return q->ring ? "io_uring" : "threads";
}

unsigned disk_in_flight(const struct disk_queue *q)
{
	return q->in_flight;
}

uint64_t disk_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void disk_finish(struct disk_queue *q, struct disk_io *io, int result)
{
	io->result = result == -EDQUOT ? -ENOSPC : result;
	disk_list_put(&q->ready, io);
}

void disk_start(struct disk_queue *q, struct disk_io *io)
{
	const struct host_disk *d = q->disk;

	io->queue = q;
	io->gated = false;
	q->in_flight++;
	if (io->op == DISK_FLUSH ? d->has_overlay : io->len == 0)
		disk_finish(q, io, 0);
	else if (d->d.ro && disk_is_write(io))
		disk_finish(q, io, -EROFS);
	else if (!q->ring || !disk_uring_start(q, io))
		disk_pool_add(q, io);
}

bool disk_wait(struct disk_queue *q, int kick_fd, int timeout_ms)
{
	struct disk_io *io, *next;
	bool kicked;

	if (q->ready.first)
		timeout_ms = 0;
	kicked = q->ring ? disk_uring_wait(q, kick_fd, timeout_ms)
			 : disk_pool_wait(q, kick_fd, timeout_ms);
	/* What done() starts and is done at once is for the next call: this one must end. */
	io = q->ready.first;
	disk_list_init(&q->ready);
	for (; io; io = next) {
		next = io->next;
		q->in_flight--;
		io->done(io);
	}
	return kicked;
}
