/* SPDX-License-Identifier: Apache-2.0 */
/* The queues of a balloon; see balloon.h. */
#include "devices/virtio/balloon_parts.h"
#include "vmm/base/checked.h"

enum { STATS = 32, STAT_SIZE = 10 };

/*
 * What a turn may do, in units of a page that is looked at: a call to the host costs about as much
 * as 16 of them, and so do 16 more for each MiB that is given back (more where it is of small
 * pages).
 */
enum { CHUNK = 256, TURN_WORK = 4096, CALL_WORK = 16, MIB_WORK = 16 };

#define REPORT_STEP (64 * MiB) /* given back in one call */

static void add(_Atomic uint64_t *to, uint64_t n)
{
	(void)atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t get(_Atomic uint64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

/* --- turns ---------------------------------------------------------------------------------- */

/*
 * Serves requests with @some, which does a part of lane.now, adds to *work, and says whether all of
 * it is done.
 */
static bool serve(struct balloon_lane *l, bool (*some)(struct balloon_lane *l, unsigned *work))
{
	/* Each request is some work, even an empty one. */
	for (unsigned work = 0; work < TURN_WORK; work += CALL_WORK) {
		if (!l->now && !server_pop(&l->server, &l->now))
			return false;
		if (!some(l, &work))
			continue;
		queue_push(l->now, 0);
		l->now = NULL;
		l->done = 0;
	}
	return true;
}

static unsigned weight(const struct balloon_work *w)
{
	return w->calls * CALL_WORK + (unsigned)(w->bytes / MiB) * MIB_WORK;
}

/* The next page numbers of the request, and whether they are the last. */
static unsigned next_pages(struct balloon_lane *l, uint32_t page[CHUNK], bool *last)
{
	le32 raw[CHUNK];
	const unsigned n =
		(unsigned)(request_read(l->now, l->done, raw, sizeof(raw)) / sizeof(raw[0]));

	for (unsigned i = 0; i < n; i++)
		page[i] = le32_get(raw[i]);
	l->done += n * sizeof(raw[0]);
	*last = n < CHUNK || l->now->out_len - l->done < sizeof(raw[0]);
	return n;
}

static bool inflate_some(struct balloon_lane *l, unsigned *work)
{
	struct balloon_work w = { 0 };
	uint32_t page[CHUNK];
	bool last;
	const unsigned n = next_pages(l, page, &last);

	balloon_pages_in(&l->b->pages, page, n, &w);
	add(&l->b->inflated, w.bytes);
	add(&l->b->not_ram, w.strays);
	*work += n + weight(&w);
	return last;
}

static bool deflate_some(struct balloon_lane *l, unsigned *work)
{
	struct balloon_work w = { 0 };
	uint32_t page[CHUNK];
	bool last;
	const unsigned n = next_pages(l, page, &last);

	balloon_pages_out(&l->b->pages, page, n, &w);
	add(&l->b->not_ram, w.strays);
	*work += n;
	return last;
}

/* A piece of memory that is free; at most a step of it. How much was looked at. */
static size_t report_piece(struct balloon *b, const struct iovec *piece, unsigned *work)
{
	struct balloon_work w = { .calls = 1 };
	uint64_t len = piece->iov_len;
	gpa_t at;

	/* It was found there; that the step ends between pages of the host is worth some. */
	if (!gmem_at_host(b->mem, (uintptr_t)piece->iov_base, &at))
		return piece->iov_len;
	if (len > REPORT_STEP - at.a % REPORT_STEP)
		len = REPORT_STEP - at.a % REPORT_STEP;
	w.bytes = gmem_discard(b->mem, at, len);
	add(&b->reported, w.bytes);
	*work += weight(&w);
	return (size_t)len;
}

static bool report_some(struct balloon_lane *l, unsigned *work)
{
	struct iovec *piece;
	unsigned n;

	/* Zeroes are not what such a guest wants to find there. */
	if (atomic_load_explicit(&l->b->poison, memory_order_relaxed))
		return true;
	piece = request_trim(l->now, true, l->done, 0, &n);
	*work += n;
	for (unsigned i = 0; i < n; i++) {
		const size_t did = report_piece(l->b, &piece[i], work);

		l->done += did;
		if (did < piece[i].iov_len || *work >= TURN_WORK)
			return i + 1 == n && did == piece[i].iov_len;
	}
	return true;
}

static bool inflate_turn(struct server *s)
{
	return serve(container_of(s, struct balloon_lane, server), inflate_some);
}

static bool deflate_turn(struct server *s)
{
	return serve(container_of(s, struct balloon_lane, server), deflate_some);
}

static bool report_turn(struct server *s)
{
	struct balloon_lane *l = container_of(s, struct balloon_lane, server);
	struct request *r;

	if (virtio_has(&l->b->v, BALLOON_F_REPORTING))
		return serve(l, report_some);
	/* There is no such queue, as things were negotiated. */
	if (server_pop(s, &r)) {
		queue_break(s->queue);
		queue_push(r, 0);
	}
	return false;
}

/* --- statistics ----------------------------------------------------------------------------- */

void balloon_figures(struct balloon *b, struct virtio_balloon_figures *f)
{
	f->target = get(&b->target) * BALLOON_PAGE;
	f->inside = get(&b->pages.inside) * BALLOON_PAGE;
	f->inflated = get(&b->inflated);
	f->reported = get(&b->reported);
	f->not_ram = get(&b->not_ram);
	f->has_stats = b->has_stats;
	memcpy(f->stats, b->stats, sizeof(f->stats));
}

/* The driver gives a buffer with figures and wants it back when it shall give others. */
static void take_stats(struct balloon *b, const struct request *r)
{
	uint8_t raw[STATS * STAT_SIZE];
	const size_t n = request_read(r, 0, raw, sizeof(raw)) / STAT_SIZE;

	b->has_stats = 0;
	for (size_t i = 0; i < n; i++) {
		const unsigned tag = le16_at(&raw[i * STAT_SIZE]);

		if (tag >= VIRTIO_BALLOON_S_TAGS)
			continue;
		b->has_stats |= 1U << tag;
		b->stats[tag] = le64_at(&raw[i * STAT_SIZE + 2]);
	}
}

static bool stats_turn(struct balloon_lane *l)
{
	struct virtio_balloon_asked *asked = l->b->asked;
	struct virtio_balloon_figures f = { 0 };

	for (unsigned work = 0; work < TURN_WORK; work += CHUNK) {
		struct request *r;

		if (!server_pop(&l->server, &r))
			return false;
		take_stats(l->b, r);
		if (l->now) /* there should be one */
			queue_push(l->now, 0);
		l->now = r;
		l->b->asked = NULL;
		if (asked) {
			balloon_figures(l->b, &f);
			asked->tell(asked, &f);
			asked = NULL;
		}
	}
	return true;
}

static bool third_turn(struct server *s)
{
	struct balloon_lane *l = container_of(s, struct balloon_lane, server);

	return virtio_has(&l->b->v, BALLOON_F_STATS_VQ) ? stats_turn(l) : report_turn(s);
}

bool (*const balloon_turn[BALLOON_QUEUES])(struct server *s) = {
	[BALLOON_Q_INFLATE] = inflate_turn, [BALLOON_Q_DEFLATE] = deflate_turn,
	[BALLOON_Q_THIRD] = third_turn,	    [BALLOON_Q_FOURTH] = report_turn,
	[BALLOON_Q_FIFTH] = report_turn,
};
