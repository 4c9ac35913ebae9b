/* SPDX-License-Identifier: Apache-2.0 */
/* Virtqueues with a driver that keeps the rules, in every format and with every way to suppress. */
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"
#include "tests/lib/virtio_echo.h"

#include "vmm/core/poison.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PACKED	  VIRTIO_BIT(VIRTIO_F_RING_PACKED)
#define INDIRECT  VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC)
#define EVENT_IDX VIRTIO_BIT(VIRTIO_F_EVENT_IDX)

static struct driver d;
static struct echo *e;

static void setup(uint64_t features, unsigned size)
{
	driver_init(&d, 8 * MiB);
	e = echo_create(&d.mem, NULL);
	driver_plug(&d, &e->v);
	driver_start(&d, features, size);
}

static void teardown(void)
{
	driver_done(&d);
}

/* Calls @test with all eight combinations of ring features. */
static void in_every_format(void (*test)(uint64_t features))
{
	for (unsigned i = 0; i < 8; i++) {
		(void)printf("    %s%s%s\n", i & 1 ? "packed" : "split", i & 2 ? " indirect" : "",
			     i & 4 ? " event_idx" : "");
		test((i & 1 ? PACKED : 0) | (i & 2 ? INDIRECT : 0) | (i & 4 ? EVENT_IDX : 0));
	}
}

/* A request of some shape: @cookie chooses how many pieces there are and how long. */
struct shape {
	unsigned nr_out, nr_in;
	uint32_t out_len, in_len;
	struct piece piece[16];
};

static uint64_t room; /* of memory for each request, by cookie */

static struct shape make(uint64_t cookie, unsigned slots)
{
	struct shape s = { .nr_out = (unsigned)(cookie % 5), .nr_in = (unsigned)(cookie / 5 % 6) };
	uint64_t at = room + cookie % slots * 2048;
	unsigned char *byte = driver_at(&d, at);

	if (s.nr_out + s.nr_in == 0)
		s.nr_in = 1;
	for (unsigned i = 0; i < s.nr_out + s.nr_in; i++) {
		uint32_t len = (uint32_t)(cookie * 7 + i * 13) % 200;

		s.piece[i] = (struct piece){ at, len, i >= s.nr_out };
		at += len + 3;
		if (s.piece[i].in)
			s.in_len += len;
		else
			s.out_len += len;
	}
	for (unsigned i = 0; i < 2048; i++)
		byte[i] = (unsigned char)(cookie + i);
	return s;
}

/* What the device made of it. */
static void check(uint64_t cookie, unsigned slots, uint32_t written)
{
	struct shape s = { 0 };
	unsigned char out[1024], expect;
	uint64_t base = room + cookie % slots * 2048;
	uint32_t n = 0, k = 0;

	s.nr_out = (unsigned)(cookie % 5);
	s.nr_in = (unsigned)(cookie / 5 % 6);
	if (s.nr_out + s.nr_in == 0)
		s.nr_in = 1;
	for (unsigned i = 0, at = 0; i < s.nr_out + s.nr_in; i++) {
		uint32_t len = (uint32_t)(cookie * 7 + i * 13) % 200;

		for (unsigned b = 0; b < len; b++, at++) {
			unsigned char was = (unsigned char)(cookie + at);
			unsigned char is = *((unsigned char *)driver_at(&d, base) + at);

			if (i < s.nr_out) {
				out[n++] = was;
				expect = was;
			} else {
				expect = k < n ? out[k] ^ 0xff : was;
				k++;
			}
			EXPECT_EQ(is, expect);
		}
		at += 3;
	}
	EXPECT_EQ(written, k < n ? k : n);
}

static void many_requests(uint64_t features)
{
	enum { SLOTS = 64, ROUNDS = 600 };
	unsigned sizes[] = { 16, 64, 21, 13 }, n = features & PACKED ? 4 : 2;

	for (unsigned k = 0; k < n; k++) {
		uint64_t cookie = 0, done = 0, at, seen[SLOTS];
		struct driver_queue *q;
		uint32_t written;

		setup(features, sizes[k]);
		room = driver_alloc(&d, SLOTS * 2048);
		q = &d.queue[0];
		memset(seen, 0xff, sizeof(seen));
		while (done < ROUNDS) {
			/* A different number each time, so that every position meets every case. */
			for (unsigned i = 0; i < 1 + cookie % 7 && cookie - done < SLOTS; i++) {
				struct shape s = make(cookie, SLOTS);

				if (!driver_add(q, s.piece, s.nr_out + s.nr_in, cookie))
					break;
				cookie++;
			}
			if (done % 3)
				EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
			(void)driver_kick(q);
			EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
			while (driver_get(q, &at, &written)) {
				EXPECT(seen[at % SLOTS] != at);
				seen[at % SLOTS] = at;
				check(at, SLOTS, written);
				done++;
			}
			EXPECT_EQ(q->out, 0);
		}
		EXPECT_EQ(driver_read(&d, REG_STATUS), 15);
		teardown();
	}
}

TEST(requests_come_and_go_in_every_format_many_times_round)
{
	in_every_format(many_requests);
}

/* As many kicks and interrupts as the ring's rules ask for, and no more. */
static void kicks(uint64_t features)
{
	struct piece p = { 0 };
	struct driver_queue *q = &d.queue[0];
	uint64_t cookie;
	uint32_t written;

	setup(features, 16);
	p = (struct piece){ driver_alloc(&d, 64), 64, true };
	EXPECT_EQ(echo_serve(e, 0), POP_EMPTY); /* sleeps now */
	for (unsigned i = 0; i < 100; i++) {
		EXPECT(driver_add(q, &p, 1, i));
		EXPECT(driver_kick(q));
		EXPECT(driver_add(q, &p, 1, i));
		/* Without event index a flag is all that the driver knows. */
		EXPECT_EQ(driver_kick(q), !(features & EVENT_IDX));
		EXPECT(!driver_kick(q)); /* nothing new */
		mutex_lock(&e->queue[0].lock);
		EXPECT(!queue_want_kicks(&e->queue[0], false)); /* awake now */
		mutex_unlock(&e->queue[0].lock);
		EXPECT(driver_add(q, &p, 1, i));
		EXPECT(!driver_kick(q));
		mutex_lock(&e->queue[0].lock);
		EXPECT(queue_want_kicks(&e->queue[0], true)); /* something came meanwhile */
		mutex_unlock(&e->queue[0].lock);
		EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
		for (unsigned n = 0; n < 3; n++)
			EXPECT(driver_get(q, &cookie, &written));
	}
	teardown();
}

TEST(kicks_are_asked_for_only_while_nobody_serves)
{
	in_every_format(kicks);
}

static void interrupts(uint64_t features)
{
	struct driver_queue *q = &d.queue[0];
	struct piece p = { 0 };
	uint64_t cookie;
	uint32_t written;

	setup(features, 12 + (features & PACKED ? 0 : 4));
	p = (struct piece){ driver_alloc(&d, 64), 64, true };
	e->batch = 1; /* asks after each request */
	for (unsigned i = 0; i < 200; i++) {
		unsigned n = 1 + i % 9, from = d.edges;

		for (unsigned k = 0; k < n; k++)
			EXPECT(driver_add(q, &p, 1, k));
		EXPECT(!driver_want_interrupt(q, true));
		EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
		EXPECT_EQ(driver_wait(&d, 0), VIRTIO_INT_QUEUE);
		EXPECT_EQ(d.edges - from, 1); /* the others found it pending */
		EXPECT(driver_want_interrupt(q, true));
		for (unsigned k = 0; k < n; k++)
			EXPECT(driver_get(q, &cookie, &written));

		(void)driver_want_interrupt(q, false);
		if (features & EVENT_IDX) /* the event is the next buffer: move it away */
			(void)driver_want_interrupt_after(q, n);
		for (unsigned k = 0; k < n; k++)
			EXPECT(driver_add(q, &p, 1, k));
		EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
		EXPECT_EQ(driver_wait(&d, 0), 0);
		for (unsigned k = 0; k < n; k++)
			EXPECT(driver_get(q, &cookie, &written));
		if (!(features & EVENT_IDX))
			continue;
		for (unsigned k = 0; k < n; k++)
			EXPECT(driver_add(q, &p, 1, k));
		EXPECT(!driver_want_interrupt_after(q, n - 1)); /* at the last one */
		e->batch = i % 3 ? 1 : 100;
		EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
		e->batch = 1;
		EXPECT_EQ(driver_wait(&d, 0), VIRTIO_INT_QUEUE);
		for (unsigned k = 0; k < n; k++)
			EXPECT(driver_get(q, &cookie, &written));
	}
	teardown();
}

TEST(interrupts_come_only_as_the_driver_asked)
{
	in_every_format(interrupts);
}

TEST(event_is_not_missed_however_many_buffers_were_used_before_the_device_tells)
{
	struct queue *dev;
	struct request *r;
	uint64_t cookie;
	uint32_t written;

	for (unsigned packed = 0; packed < 2; packed++) {
		struct driver_queue *q = &d.queue[0];
		struct piece p;

		setup(EVENT_IDX | (packed ? PACKED : 0), 16);
		dev = &e->queue[0];
		p = (struct piece){ driver_alloc(&d, 64), 64, true };
		EXPECT(!driver_want_interrupt(q, true));
		for (unsigned i = 0; i < 70000; i++) {
			LOCK_SCOPE(&dev->lock);
			EXPECT(driver_add(q, &p, 1, i));
			EXPECT_EQ(queue_pop(dev, &r), POP_OK);
			queue_push(r, 1);
			EXPECT(driver_get(q, &cookie, &written));
			EXPECT_EQ(written, 1);
		}
		mutex_lock(&dev->lock);
		queue_flush(dev);
		mutex_unlock(&dev->lock);
		EXPECT_EQ(driver_wait(&d, 0), VIRTIO_INT_QUEUE);
		teardown();
	}
}

static void full_ring(uint64_t features)
{
	struct driver_queue *q = &d.queue[0];
	unsigned size = features & PACKED ? 11 : 16;
	struct piece p;
	uint64_t cookie, seen;
	uint32_t written;

	setup(features, size);
	p = (struct piece){ driver_alloc(&d, 64), 64, true };
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < size; i++)
			EXPECT(driver_add(q, &p, 1, i));
		EXPECT(!driver_add(q, &p, 1, 99));
		EXPECT_EQ(echo_take(e), size);
		mutex_lock(&e->queue[0].lock);
		EXPECT_EQ(queue_in_flight(&e->queue[0]), size);
		for (unsigned i = 0; i < round % size; i++)
			EXPECT(echo_give(e)); /* the last first */
		mutex_unlock(&e->queue[0].lock);
		seen = 0;
		while (driver_get(q, &cookie, &written))
			seen |= 1ULL << cookie;
		EXPECT_EQ(q->out, size - round % size);
		mutex_lock(&e->queue[0].lock);
		while (echo_give(e))
			;
		EXPECT_EQ(queue_in_flight(&e->queue[0]), 0);
		mutex_unlock(&e->queue[0].lock);
		while (driver_get(q, &cookie, &written))
			seen |= 1ULL << cookie;
		EXPECT_EQ(seen, (1ULL << size) - 1);
	}
	EXPECT_EQ(driver_read(&d, REG_STATUS), 15);
	teardown();
}

TEST(requests_come_back_in_any_order_and_the_ring_fills)
{
	in_every_format(full_ring);
}

/* Three at a time, many times round the ring. */
static void together(uint64_t features)
{
	enum { EACH = 3, ROUNDS = 50 };
	uint64_t cookie, next = 0;
	struct driver_queue *q;
	struct piece p;
	uint32_t written;

	setup(features, 16);
	q = &d.queue[0];
	p = (struct piece){ driver_alloc(&d, 64), 64, true };
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct request *r[EACH];

		for (unsigned i = 0; i < EACH; i++)
			EXPECT(driver_add(q, &p, 1, round * EACH + i));
		mutex_lock(&e->queue[0].lock);
		for (unsigned i = 0; i < EACH; i++)
			EXPECT_EQ(queue_pop(&e->queue[0], &r[i]), POP_OK);
		queue_push_begin(&e->queue[0]);
		for (unsigned i = 0; i < EACH; i++) {
			queue_push(r[i], i);
			EXPECT(!driver_get(q, &cookie, &written));
		}
		queue_push_end(&e->queue[0]);
		mutex_unlock(&e->queue[0].lock);
		for (unsigned i = 0; i < EACH; i++, next++) {
			EXPECT(driver_get(q, &cookie, &written));
			EXPECT_EQ(cookie, next);
			EXPECT_EQ(written, i);
		}
	}
	teardown();
}

TEST(what_is_pushed_together_is_seen_together)
{
	in_every_format(together);
}

TEST(memory_of_the_pool_is_touched_only_as_it_is_used)
{
	struct piece p[20];
	struct driver_queue *q = &d.queue[0];
	uint64_t cookie;
	uint32_t written;

	setup(INDIRECT, 64);
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = (struct piece){ driver_alloc(&d, 16), 16, i >= 10 };
	for (unsigned i = 0; i < 500; i++) {
		EXPECT(driver_add(q, p, i % 2 ? 20 : 3, i));
		EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
		EXPECT(driver_get(q, &cookie, &written));
	}
	EXPECT_EQ(e->queue[0].fresh, 1);
	EXPECT_EQ(e->queue[0].fresh_segs, 1);
	EXPECT_EQ(e->queue[1].fresh, 0);
	teardown();
}

/* How many pages of the arrays for long requests there are in memory. */
static unsigned pages_of_arrays(const struct queue *q)
{
	static unsigned char there[1024];
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), len = q->pool_size - q->segs_at;
	unsigned n = 0;

	EXPECT(len / page < sizeof(there));
	EXPECT_EQ(mincore(q->pool + q->segs_at, len, there), 0);
	for (size_t i = 0; i < len / page; i++)
		n += there[i] & 1;
	return n;
}

TEST(memory_of_long_requests_goes_back_when_the_queue_stops)
{
	enum { LONG = 20, MANY = 16 };
	struct piece p[LONG];
	struct request *r[MANY];
	struct queue *q;

	setup(INDIRECT, 64);
	q = &e->queue[0];
	for (unsigned i = 0; i < LONG; i++)
		p[i] = (struct piece){ driver_alloc(&d, 16), 16, true };
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < MANY; i++)
			EXPECT(driver_add(&d.queue[0], p, LONG, i));
		mutex_lock(&q->lock);
		for (unsigned i = 0; i < MANY; i++) {
			EXPECT_EQ(queue_pop(q, &r[i]), POP_OK);
			for (unsigned k = 0; k < i; k++)
				EXPECT(r[i]->seg != r[k]->seg);
		}
		EXPECT(pages_of_arrays(q) > 0);
		for (unsigned i = 0; turn == 2 && i < MANY; i++)
			queue_push(r[i], 0);
		mutex_unlock(&q->lock);
		queue_stop(q);
		mutex_lock(&q->lock);
		for (unsigned i = 0; turn < 2 && i < MANY; i++)
			queue_push(r[i], 0);
		mutex_unlock(&q->lock);
		EXPECT_EQ(pages_of_arrays(q), 0);
		driver_write(&d, REG_STATUS, 0);
		driver_forget(&d);
		driver_start(&d, INDIRECT, 64);
	}
	teardown();
}

/* A request of readable pieces of 10, 20, 30 bytes and writable ones of 5, 15, 25. */
static struct request *six_pieces(void)
{
	static const uint32_t len[] = { 10, 20, 30, 5, 15, 25 };
	uint64_t at = driver_alloc(&d, 1024);
	struct piece p[6];
	struct request *r;
	unsigned char *byte = driver_at(&d, at);

	for (unsigned i = 0; i < 6; i++)
		p[i] = (struct piece){ at + 100 * i, len[i], i >= 3 };
	for (unsigned i = 0, k = 0; i < 3; i++)
		for (unsigned b = 0; b < len[i]; b++)
			byte[100 * i + b] = (unsigned char)k++;
	EXPECT(driver_add(&d.queue[0], p, 6, 1));
	LOCK_SCOPE(&e->queue[0].lock);
	EXPECT_EQ(queue_pop(&e->queue[0], &r), POP_OK);
	EXPECT_EQ(r->out_len, 60);
	EXPECT_EQ(r->in_len, 45);
	EXPECT_EQ(r->nr_out, 3);
	EXPECT_EQ(r->nr_in, 3);
	return r;
}

static void give_back(struct request *r)
{
	LOCK_SCOPE(&r->queue->lock);
	queue_push(r, 0);
}

TEST(request_is_read_and_written_from_any_byte_to_any_byte)
{
	unsigned char buf[64], ones[64];
	struct request *r;

	setup(0, 16);
	memset(ones, 1, sizeof(ones));
	r = six_pieces();
	for (size_t off = 0; off < 64; off++) {
		for (size_t len = 0; off + len <= 64; len++) {
			size_t expect = off >= 60 ? 0 : len < 60 - off ? len : 60 - off;

			memset(buf, 0xee, sizeof(buf));
			EXPECT_EQ(request_read(r, off, buf, len), expect);
			for (size_t i = 0; i < sizeof(buf); i++)
				EXPECT_EQ(buf[i], i < expect ? off + i : 0xee);
		}
	}
	for (size_t off = 0; off < 48; off++) {
		for (size_t len = 0; off + len <= 48; len++) {
			size_t expect = off >= 45 ? 0 : len < 45 - off ? len : 45 - off, at = 0;

			for (unsigned i = 3; i < 6; i++)
				memset((char *)r->seg[i].iov_base - 1, 0, r->seg[i].iov_len + 2);
			EXPECT_EQ(request_write(r, off, ones, len), expect);
			request_used(r, true, off, len);
			for (unsigned i = 3; i < 6; i++) {
				const unsigned char *byte = r->seg[i].iov_base;

				EXPECT_EQ(byte[-1], 0);
				for (unsigned b = 0; b < r->seg[i].iov_len; b++, at++)
					EXPECT_EQ(byte[b], at >= off && at < off + expect);
				EXPECT_EQ(byte[r->seg[i].iov_len], 0);
			}
		}
	}
	EXPECT_EQ(request_read(r, SIZE_MAX, buf, 1), 0);
	EXPECT_EQ(request_write(r, SIZE_MAX, buf, 1), 0);
	give_back(r);
	teardown();
}

TEST(request_is_trimmed_to_any_part_and_stays_what_it_is)
{
	struct request *r;

	setup(0, 16);
	r = six_pieces();
	for (unsigned in = 0; in < 2; in++) {
		const struct iovec *seg = &r->seg[in ? 3 : 0];
		size_t len = 0;
		char *byte[64];

		for (unsigned i = 0; i < 3; i++)
			for (unsigned b = 0; b < seg[i].iov_len; b++)
				byte[len++] = (char *)seg[i].iov_base + b;
		for (size_t skip = 0; skip <= len + 2; skip++) {
			for (size_t trim = 0; trim <= len + 2; trim++) {
				unsigned n = 99;
				struct iovec *iov = request_trim(r, in, skip, trim, &n);
				size_t at = skip;

				for (unsigned i = 0; i < n; i++) {
					EXPECT(iov[i].iov_len > 0);
					for (unsigned b = 0; b < iov[i].iov_len; b++)
						EXPECT((char *)iov[i].iov_base + b == byte[at++]);
					iov[i] = (struct iovec){ 0 };
				}
				EXPECT_EQ(at, skip + trim >= len ? skip : len - trim);
				EXPECT(seg[0].iov_base == byte[0]);
			}
		}
	}
	give_back(r);
	teardown();
}

/* From now on whoever touches the page gets a bus error, as from memory with an error. */
static void fail(uint64_t page)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT(mmap(driver_at(&d, page), 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		    0) != MAP_FAILED);
	(void)close(fd);
}

static void repair(uint64_t page)
{
	EXPECT(mmap(driver_at(&d, page), 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
}

static void memory_fails(uint64_t features)
{
	enum { DESC, AVAIL, USED, BUFFER, PARTS };

	setup(features, 16);
	for (unsigned part = 0; part < PARTS; part++) {
		struct driver_queue *q = &d.queue[0];
		uint64_t page[PARTS], cookie;
		uint32_t written;
		struct piece p;

		for (unsigned i = 0; i < PARTS; i++)
			page[i] = DRIVER_RAM + (i + 16) * 4096;
		p = (struct piece){ page[BUFFER], 16, true };
		EXPECT(driver_negotiate(&d, features | VIRTIO_BIT(VIRTIO_F_VERSION_1)));
		driver_forget(&d);
		driver_queue_make(&d, 0, 16);
		q->desc = page[DESC];
		q->avail = page[AVAIL];
		q->used = page[USED];
		driver_queue_program(&d, 0);
		driver_write(&d, REG_QUEUE_READY, 1);
		driver_write(&d, REG_STATUS, 15);
		EXPECT(driver_add(q, &p, 1, 1));
		fail(page[part]);
		if (part == BUFFER) { /* an I/O error, and nothing else */
			LOCK_SCOPE(&e->queue[0].lock);
			struct request *r;

			EXPECT_EQ(queue_pop(&e->queue[0], &r), POP_OK);
			EXPECT_EQ(request_write(r, 0, "ab", 2), 0);
			queue_push(r, 0);
			EXPECT(driver_get(q, &cookie, &written));
		} else {
			(void)echo_serve(e, 0);
			EXPECT_EQ(echo_serve(e, 0), POP_BROKEN);
		}
		EXPECT_EQ(driver_read(&d, REG_STATUS), 15 + (part == BUFFER ? 0 : 64));
		driver_write(&d, REG_STATUS, 0);
		for (unsigned i = 0; i < PARTS; i++)
			repair(page[i]);
	}
	driver_forget(&d);
	driver_start(&d, features, 16);
	EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
	teardown();
}

TEST(memory_of_the_host_that_fails_breaks_a_ring_but_not_the_device)
{
	struct err err;

	EXPECT_EQ(poison_handle(&err), 0);
	in_every_format(memory_fails);
}

static char told[8 * MiB]; /* bytes that were said to be written */

static void was(void *ctx UNUSED, gpa_t at, size_t len, bool written)
{
	EXPECT(at.a >= DRIVER_RAM && at.a - DRIVER_RAM + len <= sizeof(told));
	if (written)
		memset(told + (at.a - DRIVER_RAM), 1, len);
}

/* As a dirty log would have to know it: of requests, rings and what is asked of the driver. */
static void all_is_told(uint64_t features)
{
	static const struct gmem_observer observer = { .was = was };
	static char before[sizeof(told)];
	uint64_t cookie;
	uint32_t written;

	setup(features, 16);
	room = driver_alloc(&d, 16 * 2048);
	d.mem.observer = &observer;
	for (unsigned round = 0; round < 40; round++) {
		struct shape s = make(round, 16);

		EXPECT(driver_add(&d.queue[0], s.piece, s.nr_out + s.nr_in, round));
		memset(told, 0, d.used);
		memcpy(before, d.ram, d.used);
		mutex_lock(&e->queue[0].lock);
		(void)queue_want_kicks(&e->queue[0], false);
		mutex_unlock(&e->queue[0].lock);
		EXPECT_EQ(echo_serve(e, 0), POP_EMPTY);
		for (size_t i = 0; i < d.used; i++)
			EXPECT(told[i] || d.ram[i] == before[i]);
		EXPECT(driver_get(&d.queue[0], &cookie, &written));
	}
	teardown();
}

TEST(whatever_a_queue_writes_is_told)
{
	in_every_format(all_is_told);
}

TEST(queue_that_cannot_be_made_says_why)
{
	static struct queue q;
	struct rlimit before, none;
	struct err err;

	queue_done(&q); /* never made */
	EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	EXPECT(queue_init(&q, NULL, NULL, 7, 16, 16, 0, &err) < 0);
	EXPECT_HAS(err.text, "queue 7: eventfd: ");
	queue_done(&q);
	EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0); /* the leak checker wants one */
}

TEST_MAIN(T(requests_come_and_go_in_every_format_many_times_round),
	  T(kicks_are_asked_for_only_while_nobody_serves),
	  T(interrupts_come_only_as_the_driver_asked),
	  T(event_is_not_missed_however_many_buffers_were_used_before_the_device_tells),
	  T(requests_come_back_in_any_order_and_the_ring_fills),
	  T(what_is_pushed_together_is_seen_together),
	  T(memory_of_the_pool_is_touched_only_as_it_is_used),
	  T(memory_of_long_requests_goes_back_when_the_queue_stops),
	  T(request_is_read_and_written_from_any_byte_to_any_byte),
	  T(request_is_trimmed_to_any_part_and_stays_what_it_is),
	  T(memory_of_the_host_that_fails_breaks_a_ring_but_not_the_device),
	  T(whatever_a_queue_writes_is_told), T(queue_that_cannot_be_made_says_why))
