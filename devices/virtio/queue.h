/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue: one virtqueue, split or packed (virtio 1.3, sections 2.7 and 2.8), from the device's side.
 *
 * Devices get requests, not descriptors: queue_pop() takes a whole chain, checks it, and hands out
 * host iovecs into guest memory; queue_push() gives it back. What the ring says is read once, into
 * copies. A chain that breaks a rule breaks the queue: it is served no more until the driver resets
 * it or the device, and virtio_broken() tells the driver so. Memory of the host that fails under a
 * ring breaks the queue, too (vmm/core/poison.h).
 *
 * Requests come from a pool of fixed size that is made with the queue: no guest action allocates.
 *
 * Serving a queue: queue_want_kicks(q, false); pop, carry out and push until POP_EMPTY;
 * queue_flush(); then queue_want_kicks(q, true), and once more from the start if that says so.
 *
 * Life:  queue_init -> (queue_start -> pop/push ... -> queue_stop -> queue_drain) ... ->
 * queue_done. Lock:  queue.lock: everything from queue_pop() to queue_break(), by whichever thread
 * serves the queue. start, stop and drain are called by the core and take it themselves.
 */
#ifndef DEVICES_VIRTIO_QUEUE_H
#define DEVICES_VIRTIO_QUEUE_H

#include "vmm/base/mutex.h"
#include "vmm/core/gmem.h"

#include <sys/uio.h>

#define QUEUE_MAX 1024 /* entries of the largest queue */

struct virtio;

/* What the driver programs before it enables the queue. */
struct queue_setup {
	uint32_t size;		       /* entries; of a split ring a power of two; 1..max */
	uint64_t desc, driver, device; /* guest physical: descriptor, driver and device area */
	uint64_t features;	       /* accepted ones */
};

/* A request: the buffer chain that the driver made available. The pool owns it. */
struct request {
	struct queue *queue;
	struct request *next;	/* free list; while popped the device's, for a list of its own */
	uint16_t id;		/* head of the chain; packed: buffer id */
	uint16_t entries;	/* packed: ring entries that it takes */
	uint16_t nr_out, nr_in; /* segments to read from, and after them to write to */
	size_t out_len, in_len; /* their sums of bytes; both together fit in 32 bits */
	struct iovec *seg;	/* nr_out + nr_in of them, in guest memory, none empty; constant */
	void *own; /* the device's own part, as queue_init() was told; aligned to 16; not cleared */
};

enum pop {
	POP_EMPTY, /* nothing there, or the queue is stopped */
	POP_OK,
	POP_BROKEN, /* now or before; the driver has been told */
};

struct queue_format; /* split or packed */

struct queue {
	struct virtio *v; /* borrowed; outlives us */
	struct gmem *mem; /* likewise */
	struct mutex lock;
	uint16_t index;	   /* of the queue in its device */
	uint16_t max;	   /* entries that the driver may ask for */
	uint16_t max_segs; /* descriptors of one request */
	int kick_fd;	   /* eventfd, non-blocking: the driver made something available */

	/* The rest is the core's. What lies in guest memory is held as host pointers. */
	struct queue_setup setup; /* v->lock: what the driver has programmed */
	bool ready;		  /* v->lock: enabled; the set-up stands */

	_Atomic bool live; /* started and not broken; written with the lock */
	/* lock */
	bool started, broken;
	bool indirect, event_idx; /* features */
	bool asked;		  /* told the driver so, where a flag says it for good */
	const struct queue_format *format;
	const struct gmem_region *near;		/* where the last buffer was */
	void GUEST_MEM *desc, *driver, *device; /* the areas */
	uint32_t size;
	uint32_t pushed; /* packed: ring entries, split: requests, since the last queue_flush() */
	uint16_t next_avail, avail_seen, next_used; /* positions; packed: below size */
	bool avail_wrap, used_wrap;		    /* packed: wrap counters */
	bool together;			    /* between queue_push_begin() and queue_push_end() */
	struct request *group, **group_end; /* ... what was pushed, oldest first */
	char GUEST_MEM *first; /* packed: the descriptor that waits for that; NULL: none */
	uint16_t first_flags;  /* ... and what its flags will be */
	uint16_t in_flight;
	uint32_t entries_out;	    /* packed: ring entries of requests in flight */
	struct cond idle;	    /* in_flight became 0 */
	struct request *free;	    /* of requests that were used before, the last one first */
	void *free_segs;	    /* likewise of arrays for long requests */
	uint16_t fresh, fresh_segs; /* requests and arrays that were never used begin here */
	char *pool;		    /* all requests, and after them all arrays; owned */
	size_t pool_size, request_size, segs_size, segs_at;
	uint64_t busy[QUEUE_MAX / 64]; /* ids in flight */
};

/*
 * @max: 1..QUEUE_MAX, a power of two; @max_segs: 1..QUEUE_MAX, longer chains break the queue;
 * @own_size: bytes of request.own. Memory of the pool is touched only as requests are used.
 */
int queue_init(struct queue *q, struct virtio *v, struct gmem *mem, unsigned index, unsigned max,
	       unsigned max_segs, size_t own_size, struct err *e) MUST_CHECK;

/* Nothing is in flight. Fine on one that was zeroed, or whose queue_init() failed. */
void queue_done(struct queue *q);

/* Whether queue_start() would take it: sizes, alignment, and that all areas are RAM. No lock. */
bool queue_setup_ok(const struct queue *q, const struct queue_setup *s);

/* The same, and where the areas are on the host: descriptors, driver's, device's. */
bool queue_areas(const struct queue *q, const struct queue_setup *s,
		 void GUEST_MEM *host[3]) MUST_CHECK;

/*
 * Checks what the driver set up and resolves the ring to host memory once; nothing of it is looked
 * at again. False, and the queue stays stopped, when it is no good. Nothing is in flight.
 */
bool queue_start(struct queue *q, const struct queue_setup *s) MUST_CHECK;

/*
 * Stops it; requests that are still out come back by queue_push(), which then only frees them.
 * When none is, the memory that long requests took is the host's again.
 */
void queue_stop(struct queue *q);

/* Waits until none is out. Without the lock, after queue_stop(), by who may wait for the host. */
void queue_drain(struct queue *q);

/* Whether it is started and not broken. With the lock, or for a hint. */
static inline bool queue_live(const struct queue *q)
{
	return atomic_load_explicit(&q->live, memory_order_relaxed);
}

/* Requests that are popped and not pushed. */
static inline unsigned queue_in_flight(const struct queue *q)
{
	assert_held(&q->lock);
	return q->in_flight;
}

/* Takes the next request. Not more work than the longest chain that is allowed. */
enum pop queue_pop(struct queue *q, struct request **r) MUST_CHECK;

/*
 * Gives it back: @written bytes of its writable part are valid, counted from its beginning. The
 * driver may see it at once; it is told by queue_flush().
 */
void queue_push(struct request *r, size_t written);

/*
 * What is pushed between these two the driver sees all at once, or not at all: what belongs
 * together, as the buffers of one network frame. Nothing else is done with the queue meanwhile.
 */
void queue_push_begin(struct queue *q);
void queue_push_end(struct queue *q);

/* Raises the interrupt if anything was pushed since the last call and the driver wants to know. */
void queue_flush(struct queue *q);

/*
 * Asks for kicks, or asks not to be bothered by them (a hint to the driver). Asked for: returns
 * whether something became available meanwhile, and then pops must go on, since no kick may come.
 */
bool queue_want_kicks(struct queue *q, bool want);

/* Says that the device itself found that the driver broke a rule: as POP_BROKEN. */
void queue_break(struct queue *q);

/* Writes kick_fd, as a driver's notification does; empties it. Any thread, no lock. */
void queue_kick(struct queue *q);
void queue_unkick(struct queue *q);

/*
 * Copies between the request's readable (or writable) part, from @off bytes into it, and host
 * memory: @len bytes or what is there; returns how many. Memory of the host that fails under them
 * ends the copy: fewer bytes. Written ones are marked dirty. No lock.
 */
size_t request_read(const struct request *r, size_t off, void *dst, size_t len);
size_t request_write(struct request *r, size_t off, const void *src, size_t len);

/*
 * The writable (@in) or readable part of the request without its first @skip and last @trim bytes,
 * as iovecs for the host's I/O, which may change them: they are a copy in memory of the request's,
 * so offsets into the request keep their meaning. Returns the first, and how many in *@n; valid
 * until the next call for the same part. No lock.
 */
struct iovec *request_trim(struct request *r, bool in, size_t skip, size_t trim, unsigned *n);

/*
 * Says that the host's I/O wrote @len bytes into the writable part (@in), or read them of the
 * readable one, from @off: for a dirty log, and for who watches the guest's memory.
 */
void request_used(const struct request *r, bool in, size_t off, size_t len);

#endif
