/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of disk share.
 *
 *	disk_open.c	opens, locks, measures
 *	disk.c		queues: hands requests to the engine, delivers what is done
 *	disk_uring.c	the fast engine: whole reads, writes and flushes
 *	disk_pool.c	the threads that do everything else, and everything without io_uring
 *	disk_run.c	one request done by such a thread, by system calls that wait
 *	disk_bounce.c	... where O_DIRECT does not take it as it is
 *
 * A request is with one of them at a time. What io_uring did only in part goes on in the pool.
 */
#ifndef VMM_HOST_DISK_PRIVATE_H
#define VMM_HOST_DISK_PRIVATE_H

#include "vmm/base/mutex.h"
#include "vmm/base/thread.h"
#include "vmm/host/disk.h"
#include "vmm/host/gate.h"
#include "vmm/host/overlay.h"

#include <sys/types.h>

#define DISK_BOUNCE                                                                                \
	(64 * KiB) /* bytes of a bounce buffer; the largest alignment that is served               \
		    */

/* Requests in the order they came. */
struct disk_list {
	struct disk_io *first, **end;
};

static inline void disk_list_init(struct disk_list *l)
{
	*l = (struct disk_list){ .end = &l->first };
}

static inline void disk_list_put(struct disk_list *l, struct disk_io *io)
{
	io->next = NULL;
	*l->end = io;
	l->end = &io->next;
}

/* NULL when it is empty. */
static inline struct disk_io *disk_list_take(struct disk_list *l)
{
	struct disk_io *io = l->first;

	if (io) {
		l->first = io->next;
		if (!l->first)
			l->end = &l->first;
	}
	return io;
}

/* pthread's lock and condition: one thread is to be woken, not all. */
struct disk_pool {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct disk_list jobs; /* lock */
	unsigned threads;
	unsigned idle; /* lock */
	bool ending;   /* lock */
	struct thread thread[DISK_THREADS_MAX];
};

struct host_disk {
	struct disk d;
	char *path; /* owned */
	int fd;
	int engine;	     /* enum disk_engine, as asked */
	bool is_block;	     /* a block device, not a file */
	bool direct;	     /* fd is O_DIRECT */
	bool stable_writes;  /* DISK_WRITETHROUGH */
	bool discard;	     /* space may be given back */
	bool has_overlay;    /* writes go to the overlay, the image is only read */
	uint32_t mem_align;  /* direct: of addresses */
	uint32_t file_align; /* direct: of offsets and lengths */
	uint32_t zero_align; /* of offsets and lengths that the host can zero or discard */

	/*
	 * direct: what has more bytes, or pieces of memory, is several requests to the host's
	 * device. 0: not known.
	 */
	uint32_t request_max, request_segs;

	/*
	 * direct, and file_align larger than a sector: writes share it, and a read-modify-write is
	 * alone, since it puts back what it read around the guest's bytes.
	 */
	bool gated;
	struct gate writes;

	/* One flush at a time: the kernel tells of what it lost once, and others must not miss it.
	 */
	struct gate flushes;
	atomic_bool sync_failed; /* and then for ever */

	atomic_bool no_punch, no_zero_range; /* the host said so; relaxed: a hint */
	struct overlay overlay;
	struct disk_pool pool;

	/* For tests: may put another result in place of the host's. Any thread. */
	ssize_t (*fault)(enum disk_op op, ssize_t result);
};

struct disk_uring;

struct disk_queue {
	struct host_disk *disk;
	struct disk_uring *ring; /* NULL: threads do it all */
	unsigned in_flight;
	unsigned in_pool;	/* of them */
	struct disk_list ready; /* done, to be delivered */
	int event_fd;		/* written when finished is not empty any more */
	struct mutex lock;
	struct disk_list finished; /* lock: done by the pool */
};

static inline struct host_disk *host_disk(struct disk *d)
{
	return container_of(d, struct host_disk, d);
}

static inline bool disk_is_write(const struct disk_io *io)
{
	return io->op != DISK_READ && io->op != DISK_FLUSH;
}

static inline bool disk_wants_stable(const struct host_disk *d, const struct disk_io *io)
{
	return (d->stable_writes || io->sync) && !d->has_overlay;
}

static inline ssize_t disk_faulted(const struct host_disk *d, enum disk_op op, ssize_t result)
{
	return __builtin_expect(d->fault != NULL, 0) ? d->fault(op, result) : result;
}

/* Whether O_DIRECT takes it as it is. */
bool disk_aligned(const struct host_disk *d, const struct disk_io *io);

/*
 * Takes the first @done bytes off the request: they were read, or written to where they belong.
 * O_DIRECT goes on at whole sectors. False: that was nothing.
 */
bool disk_progress(struct host_disk *d, struct disk_io *io, uint64_t done);

/* With an overlay: how many bytes at the beginning of the request lie together, and where. */
uint64_t disk_overlay_run(const struct host_disk *d, const struct disk_io *io, bool *written);

/* Notes what the end of a synchronous write or flush means for later flushes. */
int disk_write_ended(struct host_disk *d, const struct disk_io *io, int result);
int disk_flush_ended(struct host_disk *d, int result);

/* disk_run.c. The bounce buffer is the thread's; made when it is first needed. */
struct disk_bounce {
	void *at;
};

int disk_run(struct host_disk *d, struct disk_io *io, struct disk_bounce *b);

/* For what may be better soon: a millisecond, by a call that threads of disks may make. */
void disk_pause(void);

/* disk_bounce.c: moves a part of a read or write; how many bytes, or -errno. */
ssize_t disk_bounce_some(struct host_disk *d, struct disk_io *io, struct disk_bounce *b);

/* disk_pool.c */
void disk_pool_init(struct disk_pool *p);
int disk_pool_begin(struct host_disk *d, unsigned threads, struct err *e) MUST_CHECK; /* or more */
void disk_pool_end(struct disk_pool *p);
void disk_pool_add(struct disk_queue *q, struct disk_io *io);
void disk_pool_collect(struct disk_queue *q); /* what is finished, to q->ready */
bool disk_pool_wait(struct disk_queue *q, int kick_fd, int timeout_ms);

/* disk_uring.c */
struct disk_uring *disk_uring_create(struct disk_queue *q, unsigned depth, struct err *e);
void disk_uring_destroy(struct disk_uring *r);

/* False when it is not for io_uring: the pool does it. */
bool disk_uring_start(struct disk_queue *q, struct disk_io *io) MUST_CHECK;
bool disk_uring_wait(struct disk_queue *q, int kick_fd, int timeout_ms);

/* disk.c: the request is over. */
void disk_finish(struct disk_queue *q, struct disk_io *io, int result);

/* disk.c: a clock for time-outs. */
uint64_t disk_now_ms(void);

#endif
