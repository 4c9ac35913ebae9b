/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of a queue: takes requests, has the host carry them out, gives them back. It sleeps in
 * one place, disk_wait(), which ends by a kick or by something done.
 */
#include "devices/virtio/blk_parts.h"
#include "vmm/base/checked.h"

#include <errno.h>
#include <string.h>

enum { RETRY_MS = 500 };    /* how often a write that found no room is tried again */
enum { BATCH_EVERY = 256 }; /* turns */

/* Requests, section 5.2.6. */
enum type {
	TYPE_IN = 0,
	TYPE_OUT = 1,
	TYPE_FLUSH = 4,
	TYPE_GET_ID = 8,
	TYPE_DISCARD = 11,
	TYPE_WRITE_ZEROES = 13,
};

enum { STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPP = 2 };

struct header {
	le32 type, reserved;
	le64 sector;
};

struct range {
	le64 sector;
	le32 sectors, flags;
};
#define RANGE_UNMAP 1U

/* What we keep with a request. */
struct blk_request {
	struct disk_io io;
	struct request *r;
	size_t in_data; /* bytes that a successful request writes before its status */
};

const size_t blk_own_size = sizeof(struct blk_request);

static struct blk_queue *serving(const struct request *r)
{
	return container_of(r->queue->v, struct blk, v)->serving + r->queue->index;
}

/* Collects @r, with its status written, to be given back with the others of this round. */
static void finish(struct request *r, uint8_t status)
{
	struct blk_queue *s = serving(r);
	struct blk_request *b = r->own;

	if (request_write(r, r->in_len - 1, &status, 1) != 1 || status != STATUS_OK)
		b->in_data = 0;
	r->next = NULL;
	*s->done_tail = r;
	s->done_tail = &r->next;
}

static uint8_t status_of(int result)
{
	return result == 0 ? STATUS_OK : result == -EOPNOTSUPP ? STATUS_UNSUPP : STATUS_IOERR;
}

/*
 * A full host: what writes is kept, and tried again as it is. Not a flush: what it could not write
 * is lost to the host, and the next one fails as well.
 */
static bool waits_for_room(struct blk_queue *s, struct request *r, int result)
{
	struct blk *b = s->blk;

	const struct blk_request *own = r->own;

	if (result != -ENOSPC || own->io.op == DISK_FLUSH || !b->events.on_full ||
	    atomic_load(&s->abandon))
		return false;
	if (!s->told_full)
		b->events.on_full(b->events.ctx, b->name, true);
	s->told_full = true;
	r->next = s->full;
	s->full = r;
	return true;
}

static void host_done(struct disk_io *io)
{
	struct blk_request *b = container_of(io, struct blk_request, io);
	struct blk_queue *s = serving(b->r);

	if (waits_for_room(s, b->r, io->result))
		return;
	if (io->op == DISK_READ && io->result == 0)
		request_used(b->r, true, 0, b->in_data);
	else if (io->op == DISK_WRITE)
		request_used(b->r, false, sizeof(struct header),
			     b->r->out_len - sizeof(struct header));
	finish(b->r, status_of(io->result));
}

/* Whether [@sector, @sector + @sectors) lies on the disk. */
static bool on_disk(const struct blk *b, uint64_t sector, uint64_t sectors)
{
	return range_inside(sector, sectors, 0,
			    atomic_load_explicit(&b->sectors, memory_order_relaxed));
}

static void start(struct request *r, enum disk_op op, uint64_t offset, uint64_t len)
{
	struct blk_request *b = r->own;
	struct blk_queue *s = serving(r);

	b->io.op = op;
	b->io.offset = offset;
	b->io.len = len;
	b->io.sync = op != DISK_READ && op != DISK_FLUSH &&
		     atomic_load_explicit(&s->blk->write_through, memory_order_relaxed);
	b->io.done = host_done;
	disk_start(s->host, &b->io);
}

static void transfer(struct request *r, uint32_t type, uint64_t sector)
{
	const bool in = type == TYPE_IN;
	struct blk *b = serving(r)->blk;
	struct blk_request *own = r->own;
	const size_t len = in ? r->in_len - 1 : r->out_len - sizeof(struct header);

	if (len % SECTOR || !on_disk(b, sector, len / SECTOR) || (!in && b->disk->ro)) {
		finish(r, STATUS_IOERR);
		return;
	}
	if (len == 0) {
		finish(r, STATUS_OK);
		return;
	}
	own->io.iov = in ? request_trim(r, true, 0, 1, &own->io.niov)
			 : request_trim(r, false, sizeof(struct header), 0, &own->io.niov);
	own->in_data = in ? len : 0;
	start(r, in ? DISK_READ : DISK_WRITE, sector * SECTOR, len);
}

static void send_id(struct request *r)
{
	const struct blk *b = serving(r)->blk;
	struct blk_request *own = r->own;

	own->in_data = request_write(r, 0, b->serial,
				     r->in_len - 1 < SERIAL_LEN ? r->in_len - 1 : SERIAL_LEN);
	finish(r, STATUS_OK);
}

/* Discard and write zeroes: one range a request, as the configuration space says. */
static void deallocate(struct request *r, bool zero)
{
	struct blk *b = serving(r)->blk;
	struct blk_request *own = r->own;
	struct range g;
	uint64_t sector;
	uint32_t sectors, flags;

	if (!virtio_has(&b->v, zero ? VIRTIO_BLK_F_WRITE_ZEROES : VIRTIO_BLK_F_DISCARD)) {
		finish(r, STATUS_UNSUPP);
		return;
	}
	if (r->out_len != sizeof(struct header) + sizeof(g) ||
	    request_read(r, sizeof(struct header), &g, sizeof(g)) != sizeof(g)) {
		finish(r, STATUS_IOERR);
		return;
	}
	sector = le64_get(g.sector);
	sectors = le32_get(g.sectors);
	flags = le32_get(g.flags);
	if (flags & ~(zero ? RANGE_UNMAP : 0)) {
		finish(r, STATUS_UNSUPP);
		return;
	}
	if (b->disk->ro || sectors > (zero ? MAX_ZERO_SECTORS : MAX_DISCARD_SECTORS) ||
	    !on_disk(b, sector, sectors)) {
		finish(r, STATUS_IOERR);
		return;
	}
	if (sectors == 0) {
		finish(r, STATUS_OK);
		return;
	}
	own->io.unmap = flags & RANGE_UNMAP;
	start(r, zero ? DISK_ZERO : DISK_DISCARD, sector * SECTOR, (uint64_t)sectors * SECTOR);
}

/* False: the request cannot even be answered. */
static bool begin(struct request *r)
{
	struct blk_request *own = r->own;
	struct header h;

	own->r = r;
	own->in_data = 0;
	if (r->in_len == 0 || request_read(r, 0, &h, sizeof(h)) != sizeof(h))
		return false;
	switch ((enum type)le32_get(h.type)) {
	case TYPE_IN:
	case TYPE_OUT:
		transfer(r, le32_get(h.type), le64_get(h.sector));
		break;
	case TYPE_FLUSH:
		start(r, DISK_FLUSH, 0, 0);
		break;
	case TYPE_GET_ID:
		send_id(r);
		break;
	case TYPE_DISCARD:
	case TYPE_WRITE_ZEROES:
		deallocate(r, le32_get(h.type) == TYPE_WRITE_ZEROES);
		break;
	default:
		finish(r, STATUS_UNSUPP);
		break;
	}
	return true;
}

/* Gives back what is done; the queue's lock is held. */
static void give_back(struct blk_queue *s)
{
	for (struct request *r = s->done, *next; r; r = next) {
		const struct blk_request *b = r->own;

		next = r->next;
		/* Of a request that failed nothing is promised but the status, where that is all.
		 */
		queue_push(r, b->in_data + 1 == r->in_len ? r->in_len : b->in_data);
	}
	s->done = NULL;
	s->done_tail = &s->done;
}

/* Takes what there is, and asks for a kick when there is more; the queue's lock is held. */
static void take(struct blk_queue *s)
{
	struct queue *q = s->queue;
	struct request *r;
	unsigned taken = 0;

	do {
		(void)queue_want_kicks(q, false);
		while (queue_pop(q, &r) == POP_OK) {
			taken++;
			if (!begin(r)) {
				queue_break(q);
				queue_push(r, 0);
				return;
			}
		}
	} while (queue_want_kicks(q, true));
	turns_took(&s->turns, taken, BATCH_EVERY);
}

/* What found no room is tried again, or fails when nobody waits for it any more. */
static void try_again(struct blk_queue *s)
{
	struct request *r = s->full, *next;

	s->full = NULL;
	for (; r; r = next) {
		struct blk_request *b = r->own;

		next = r->next;
		if (atomic_load(&s->abandon))
			finish(r, STATUS_IOERR);
		else
			disk_start(s->host, &b->io);
	}
}

void blk_serve(void *arg)
{
	struct blk_queue *s = arg;
	struct blk *b = s->blk;
	struct queue *q = s->queue;

	while (!atomic_load(&b->ending)) {
		const bool full = s->full != NULL;
		const bool kicked = disk_wait(s->host, q->kick_fd, full ? RETRY_MS : -1);

		if (full)
			try_again(s);
		mutex_lock(&q->lock);
		give_back(s);
		if (kicked) {
			take(s);
			give_back(s); /* what needed no host */
		}
		queue_flush(q);
		mutex_unlock(&q->lock);
		if (s->told_full && !s->full && disk_in_flight(s->host) == 0) {
			s->told_full = false;
			b->events.on_full(b->events.ctx, b->name, false);
		}
	}
}
