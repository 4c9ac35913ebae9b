/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk: the host end of a disk: a raw image file or a block device that the guest's requests go to.
 *
 * What it promises (the terms are those of virtio 1.3, section 5.2.6.2):
 * - A write is stable when it is done with DISK_WRITETHROUGH or disk_io.sync, else when a
 *   DISK_FLUSH is done that was started after the write was done. Discards and zeroes count as
 *   writes. The order of requests in flight at the same time is the caller's to keep.
 * - Once a flush or a synchronous write has failed, the kernel has dropped what it could not write,
 *   and would call the next flush a success: so every later flush of the disk fails with EIO.
 *   ENOSPC of a synchronous write does not count: it is written again.
 * - Host errors come back as they are (EDQUOT as ENOSPC). Short transfers are completed; what lies
 *   behind the end of a file that was cut is EIO. Images are read and written, never mapped.
 * - Nobody else with the same manners writes to the image meanwhile, or for a writer even reads:
 *   open file description locks, and O_EXCL for a block device, which keeps it from being mounted.
 * - With snapshot the image is only read, and changes live in a temporary file that nobody sees
 *   and that ends with us: a flush has nothing to do, and the cache mode does not matter.
 *
 * A disk is opened once. Each queue that serves it has a disk_queue of its own, used by one thread:
 * prepared requests are begun together by disk_wait(), which also waits for the queue's kick.
 * io_uring does the work, or a few threads where it is forbidden; what io_uring cannot do is always
 * done by those threads, which begin with the first queue.
 *
 * Guest memory is touched by the CPU only where O_DIRECT wants a bounce buffer, and survives
 * poison there. SIGXFSZ must be ignored by the program, else a limit on file sizes ends it.
 */
#ifndef VMM_HOST_DISK_H
#define VMM_HOST_DISK_H

#include "vmm/base/err.h"

#include <sys/uio.h>

#define DISK_SECTOR	 512U /* unit of all offsets and lengths */
#define DISK_THREADS_MIN 4    /* beside io_uring */
#define DISK_THREADS_MAX 8

enum disk_cache {
	DISK_WRITEBACK,	   /* through the page cache */
	DISK_WRITETHROUGH, /* the same, and each write is on the disk before it is done */
	DISK_NONE,	   /* O_DIRECT: no page cache; flushes still count */
};

enum disk_engine { DISK_AUTO, DISK_URING, DISK_THREADS };

/* What is wanted. Plain data, borrowed for disk_open(). */
struct disk_config {
	const char *path;
	bool ro;       /* the guest may only read */
	bool snapshot; /* changes go to a temporary file */
	bool discard;  /* DISK_DISCARD and unmapping give space back to the host */
	int cache;     /* enum disk_cache */
	int engine;    /* enum disk_engine; AUTO takes io_uring where it is allowed */
};

/* An open disk. Constant but for the size. Block and I/O sizes are in bytes. */
struct disk {
	_Atomic uint64_t
		size;	  /* bytes, a multiple of DISK_SECTOR; changed by disk_look_at_size() */
	const char *name; /* the path; for messages */
	bool ro;	  /* writes fail with EROFS */
	bool can_discard; /* DISK_DISCARD does something */
	bool rotational;  /* seeks cost */
	uint32_t logical_block;	      /* the guest should address no less; a power of two */
	uint32_t physical_block;      /* smaller writes are read-modify-write somewhere; likewise */
	uint32_t alignment_offset;    /* of the first physical block */
	uint32_t min_io, opt_io;      /* preferred sizes; 0: not known */
	uint32_t discard_granularity; /* 0: not known */
	uint32_t discard_alignment;   /* offset of the first granule */
};

/*
 * Opens and locks the image. NULL, and one sentence in @e, when that does not work. Two things are
 * only warned of, on the log: bytes behind the last whole sector, and a file system without locks.
 */
struct disk *disk_open(const struct disk_config *c, struct err *e) MUST_CHECK;

/*
 * Of two disks of the same machine: -EBUSY, and one sentence, when both are the same image, by
 * whatever names, and one of them writes to it. What cannot be looked at is left to disk_open().
 */
int disk_check_pair(const struct disk_config *a, const struct disk_config *b,
		    struct err *e) MUST_CHECK;

/* Ends the threads and closes. No disk_queue is left. NULL is fine. */
void disk_close(struct disk *d);

/* Looks whether the image has another size now: 1 it has, 0 not, or -errno. Any thread. */
int disk_look_at_size(struct disk *d) MUST_CHECK;

enum disk_op {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH,
	DISK_DISCARD, /* a hint: where the host cannot, it is done without doing anything */
	DISK_ZERO,    /* reads as zeroes afterwards, whatever the host can */
};

struct disk_queue;

/*
 * A request. The disk changes offset, len and iov as parts are done: after a failure they describe
 * what is not done yet, and disk_start() of the same request goes on there.
 */
struct disk_io {
	enum disk_op op;
	bool unmap; /* DISK_ZERO: may give the space back */
	bool sync;  /* writes, discards, zeroes: stable when done, whatever the cache mode */
	uint64_t offset, len; /* multiples of DISK_SECTOR inside the disk; DISK_FLUSH: 0 */
	struct iovec *iov;    /* DISK_READ, DISK_WRITE: @len bytes in all */
	unsigned niov;
	int result;			  /* 0 or -errno */
	void (*done)(struct disk_io *io); /* on the queue's thread, from disk_wait() */

	/* The disk's own while it is in flight. */
	struct disk_queue *queue;
	struct disk_io *next;
	bool gated; /* holds a gate of the disk */
};

/*
 * @depth: about how many requests will be in flight; more just cost a system call more. May be
 * called on another thread than the one that then starts and waits. Disks that were opened with
 * DISK_AUTO fall back to threads here; with DISK_URING that is an error. NULL and @e on failure.
 */
struct disk_queue *disk_queue_create(struct disk *d, unsigned depth, struct err *e) MUST_CHECK;

/* Nothing is in flight. On the thread that used it, or after that has ended. NULL is fine. */
void disk_queue_destroy(struct disk_queue *q);

/* For messages: "io_uring" or "threads". */
const char *disk_queue_engine(const struct disk_queue *q);

/*
 * Prepares a request, to be begun by the next disk_wait() at the latest. Never fails: errors come
 * by done(). May be called from done(). Allocates nothing.
 */
void disk_start(struct disk_queue *q, struct disk_io *io);

/* Requests that were started and not delivered by done() yet. */
unsigned disk_in_flight(const struct disk_queue *q);

/*
 * Begins what was prepared. Then, unless something is done already, waits until something is, or
 * @kick_fd was written to, or @timeout_ms passed (-1: never). Calls done() for all that is done.
 * Returns whether the kick came; one that came earlier without being told counts.
 *
 * @kick_fd is a non-blocking eventfd, the same one in all calls; -1: none now. Kicks are taken here
 * and nowhere else: it is not said whether its count is zero afterwards. It must not be closed
 * before the queue.
 */
bool disk_wait(struct disk_queue *q, int kick_fd, int timeout_ms);

#endif
