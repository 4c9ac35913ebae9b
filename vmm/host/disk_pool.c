/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of a disk: begun before its first request, ended when the disk is closed.
 *
 * A queue's thread adds jobs; the thread that has done one puts it on the queue's list of finished
 * ones and writes its eventfd with the queue's lock held, so that the queue cannot be gone by then:
 * who takes the job off the list has the lock after that.
 */
#include "vmm/base/io.h"
#include "vmm/host/disk_private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

void disk_pool_init(struct disk_pool *p)
{
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->changed, NULL);
	disk_list_init(&p->jobs);
}

static void finished(struct disk_queue *q, struct disk_io *io)
{
	LOCK_SCOPE(&q->lock);
	if (!q->finished.first)
		io_raise(q->event_fd);
	disk_list_put(&q->finished, io);
}

static struct disk_io *next_job(struct disk_pool *p)
{
	struct disk_io *io;

	(void)pthread_mutex_lock(&p->lock);
	p->idle++;
	while (!(io = disk_list_take(&p->jobs)) && !p->ending)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	p->idle--;
	(void)pthread_mutex_unlock(&p->lock);
	return io;
}

static void pool_thread(void *arg)
{
	struct host_disk *d = arg;
	struct disk_bounce b = { NULL };
	struct disk_io *io;

	while ((io = next_job(&d->pool))) {
		io->result = disk_run(d, io, &b);
		finished(io->queue, io);
	}
	free(b.at);
}

int disk_pool_begin(struct host_disk *d, unsigned threads, struct err *e)
{
	struct disk_pool *p = &d->pool;
	int code = 0;

	for (; code == 0 && p->threads < threads; p->threads++) {
		struct thread *t = &p->thread[p->threads];

		*t = (struct thread){
			.kind = THREAD_DISK, .name = "disk", .run = pool_thread, .ctx = d
		};
		code = thread_start(t, e);
	}
	return code;
}

void disk_pool_add(struct disk_queue *q, struct disk_io *io)
{
	struct disk_pool *p = &q->disk->pool;

	(void)pthread_mutex_lock(&p->lock);
	disk_list_put(&p->jobs, io);
	if (p->idle)
		(void)pthread_cond_signal(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	q->in_pool++;
}

void disk_pool_end(struct disk_pool *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->ending = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->threads; i++)
		thread_join(&p->thread[i]);
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->lock);
}

void disk_pool_collect(struct disk_queue *q)
{
	struct disk_list done;
	struct disk_io *io;

	disk_list_init(&done);
	mutex_lock(&q->lock);
	while ((io = disk_list_take(&q->finished)))
		disk_list_put(&done, io);
	mutex_unlock(&q->lock);
	while ((io = disk_list_take(&done))) {
		q->in_pool--;
		disk_finish(q, io, io->result);
	}
}

static bool drain(int fd)
{
	eventfd_t count;

	return fd >= 0 && eventfd_read(fd, &count) == 0;
}

/* Waits for the queue's own eventfd and the kick. A signal ends it early. */
static void sleep_for(struct disk_queue *q, int kick_fd, int timeout_ms)
{
	struct pollfd fds[2] = {
		{ .fd = q->event_fd, .events = POLLIN },
		{ .fd = kick_fd, .events = POLLIN },
	};

	if (poll(fds, 2, timeout_ms) > 0 && fds[0].revents)
		(void)drain(q->event_fd);
}

bool disk_pool_wait(struct disk_queue *q, int kick_fd, int timeout_ms)
{
	const uint64_t until = timeout_ms > 0 ? disk_now_ms() + (uint64_t)timeout_ms : 0;
	bool kicked;

	for (;;) {
		disk_pool_collect(q);
		kicked = drain(kick_fd);
		if (kicked || q->ready.first || timeout_ms == 0)
			return kicked;
		if (timeout_ms > 0) {
			const uint64_t now = disk_now_ms();

			timeout_ms = now < until ? (int)(until - now) : 0;
		}
		sleep_for(q, kick_fd, timeout_ms);
	}
}
