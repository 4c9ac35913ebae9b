/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chardev_back: between chardev.c, which has the rings and the rules, and the back ends, which have
 * the fds. Private to vmm/host. Loop thread throughout.
 *
 * A back end's struct has struct chardev first, which frees with it.
 */
#ifndef VMM_HOST_CHARDEV_BACK_H
#define VMM_HOST_CHARDEV_BACK_H

#include "vmm/base/mutex.h"
#include "vmm/base/ring.h"
#include "vmm/host/chardev.h"

struct chardev_ops {
	/*
	 * Reads up to @len bytes from the host; 0 when there is nothing now. The end of input, a
	 * peer that left and errors are the back end's to deal with.
	 */
	size_t (*read)(struct chardev *c, void *to, size_t len);

	/*
	 * Writes to the host what goes without blocking; returns how many bytes it took. Not all:
	 * chardev waits for want_out to be answered. A back end that loses its peer says so by
	 * chardev_peer() and takes 0.
	 */
	size_t (*write)(struct chardev *c, const struct iovec *iov, int spans);

	/*
	 * want_in or want_out changed. Calls chardev_input() when there is something to read and
	 * chardev_output() when there is room to write, as far as these say, and may call them
	 * without need.
	 */
	void (*want)(struct chardev *c);

	/* As chardev_job_control(), but does not stop the process. Optional. */
	void (*job_control)(struct chardev *c, int signo);

	/*
	 * Whether vmm's own lines go where the output goes and would wait behind it. Optional.
	 */
	bool (*shares_stderr)(const struct chardev *c);

	/* Calls chardev_flush(), closes everything, calls chardev_done(), frees. */
	void (*destroy)(struct chardev *c);
} OPS;

enum out_state {
	OUT_IDLE,   /* the ring is empty, and the loop need not look at it */
	OUT_POSTED, /* the loop will look soon */
	OUT_PACED, /* the loop will look when its pace allows, at the next end of line, or half full
		    */
	OUT_BLOCKED, /* the loop waits for the host end to have room */
	OUT_NOBODY,  /* no peer: the ring keeps the newest */
};

struct chardev {
	const struct chardev_ops *ops; /* NULL for CHARDEV_NULL */
	struct loop *loop;	       /* borrowed, outlives us */
	char *name;		       /* owned */
	int out_fd;		       /* where output goes, for the last flush; -1: nowhere */

	/* Loop thread. */
	struct chardev_front *front; /* borrowed; NULL while detached */

	bool want_in;	     /* the input ring has room */
	bool want_out;	     /* output waits for room at the host end */
	bool failing;	     /* writing failed last time, and a line said so */
	bool told;	     /* a line said that nobody reads */
	uint64_t taken;	     /* bytes of output by the back end */
	struct call *teller; /* posted when it took some; NULL: nobody asks */
	struct call input, output, stalled, ready;
	struct timer pace;

	struct mutex lock;	 /* never held over a system call, except to wake the loop */
	struct ring in, out;	 /* lock; but what out.data holds is read without, see push() */
	struct ring recent;	 /* lock; the end of what was written */
	enum out_state state;	 /* lock */
	bool in_full;		 /* lock; nothing is read until the front took half */
	bool want_room;		 /* lock; the front asked in vain */
	bool dropping;		 /* lock; the stall rule is in force */
	unsigned asks;		 /* lock; in vain, since a byte was taken */
	uint64_t asks_since_ns;	 /* lock */
	uint64_t dropped_before; /* lock; by the stall rule in force */
	unsigned peers;		 /* lock to write; how often one came or left */
	uint16_t cols, rows;	 /* lock; of the terminal, 0 for unknown */

	/* Copies of in.used and out.used, for a look without the lock; lock to write. */
	atomic_size_t in_used, out_used;
	_Atomic uint64_t dropped; /* lock to write */
};

/* Fills the common part of a zeroed one. @in_size: bytes of input that can wait. */
int chardev_init(struct chardev *c, const struct chardev_ops *ops, const char *name, size_t in_size,
		 struct loop *l, struct err *e) MUST_CHECK;

/* Frees what chardev_init() made, not @c itself. */
void chardev_done(struct chardev *c);

/* Reads from the back end while there is something and room for it, and tells the front. */
void chardev_input(struct chardev *c);

/* Writes to the back end what waits. */
void chardev_output(struct chardev *c);

/* A peer came or left. Without one, nothing is written and the ring keeps the newest. */
void chardev_peer(struct chardev *c, bool present);

/* Looks at the size of the terminal @fd; tells the front when it is another than before. */
void chardev_look_at_size(struct chardev *c, int fd);

/* Writing @iov failed for good: counts its bytes as dropped, says so once; returns how many. */
size_t chardev_write_failed(struct chardev *c, int code, const struct iovec *iov, int spans);

/* Writing went well: ends what chardev_write_failed() began. */
void chardev_written(struct chardev *c);

/* Writes out what waits as chardev_close() promises. */
void chardev_flush(struct chardev *c);

struct chardev *chardev_stdio(const struct chardev_commands *commands, struct loop *l,
			      struct err *e) MUST_CHECK;
struct chardev *chardev_pty(struct loop *l, struct err *e) MUST_CHECK;
struct chardev *chardev_file(const char *path, struct loop *l, struct err *e) MUST_CHECK;
struct chardev *chardev_socket(const char *path, struct loop *l, struct err *e) MUST_CHECK;

#endif
