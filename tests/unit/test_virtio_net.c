/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_net.h"
#include "tests/lib/test.h"
#include "tests/lib/virtio_driver.h"

#include "devices/virtio/net_parts.h"
#include "vmm/core/loop.h"

#include <time.h>

enum { RX, TX, HEADER = 12, BIG = 4096 };

#define BIT(b)	  VIRTIO_BIT(NET_F_##b)
#define PACKED	  VIRTIO_BIT(VIRTIO_F_RING_PACKED)
#define INDIRECT  VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC)
#define EVENT_IDX VIRTIO_BIT(VIRTIO_F_EVENT_IDX)
#define CONTROL	  (BIT(CTRL_VQ) | BIT(CTRL_RX) | BIT(CTRL_RX_EXTRA) | BIT(CTRL_MAC_ADDR))
#define HOST_ALL  (BIT(CSUM) | BIT(HOST_TSO4) | BIT(HOST_TSO6) | BIT(HOST_ECN) | BIT(HOST_USO))
#define GUEST_ALL                                                                                  \
	(BIT(GUEST_CSUM) | BIT(GUEST_TSO4) | BIT(GUEST_TSO6) | BIT(GUEST_ECN) | BIT(GUEST_USO4) |  \
	 BIT(GUEST_USO6))

struct rig {
	struct driver d;
	struct fake_net net;
	struct net *card;
};

static struct rig r;
static uint8_t pattern[NET_FRAME_MAX + 1];

static void rig_plug(unsigned queues)
{
	struct virtio *v;
	struct err e;

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + i / 256);
	memset(pattern, 0xff, 6); /* to all */
	memset(&r, 0, sizeof(r));
	driver_init(&r.d, 16 * MiB);
	fake_net_init(&r.net, queues);
	v = virtio_net_create(&r.net.host, 0, true, NET_VHOST_OFF, &r.d.mem, &e);
	if (!v)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	r.card = container_of(v, struct net, v);
	driver_plug(&r.d, v);
}

/* With nothing of an earlier driver left. */
static void begin(uint64_t features)
{
	driver_write(&r.d, REG_STATUS, 0);
	driver_forget(&r.d);
	driver_start(&r.d, features, 64);
}

static void rig_done(void)
{
	driver_done(&r.d);
	EXPECT(r.net.closed);
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* The next used buffer, waited for; false: none came, or the device needs a reset. */
static bool used(unsigned q, uint64_t *cookie, uint32_t *written, int ms)
{
	for (; ms > 0; ms--) {
		if (driver_get(&r.d.queue[q], cookie, written))
			return true;
		if (driver_read(&r.d, REG_STATUS) & VIRTIO_NEEDS_RESET)
			return false;
		pause_ms(1);
	}
	return false;
}

static uint64_t add_in(unsigned q, uint32_t len, uint64_t cookie)
{
	uint64_t at = driver_alloc(&r.d, len);
	struct piece p = { at, len, true };

	EXPECT(driver_add(&r.d.queue[q], &p, 1, cookie));
	return at;
}

static void kick(unsigned q)
{
	(void)driver_kick(&r.d.queue[q]);
}

/* Sends @len bytes of the pattern behind the header, in two pieces or one. */
static void transmit(unsigned q, const struct net_header *h, size_t head, size_t len, bool split)
{
	uint64_t at = driver_alloc(&r.d, head + len);
	struct piece p[2] = { { at, (uint32_t)(head + len), false } };
	uint8_t *to = driver_at(&r.d, at);

	memcpy(to, h, head);
	memcpy(to + head, pattern, len);
	if (split) {
		p[0].len = (uint32_t)(head + len / 3);
		p[1] = (struct piece){ at + p[0].len, (uint32_t)(len - len / 3), false };
	}
	EXPECT(driver_add(&r.d.queue[q], p, split ? 2 : 1, 5));
	kick(q);
}

/* --- from the driver ------------------------------------------------------------------------ */

#define H(fl, gso, hdr, size, start, off)                                                          \
	{                                                                                          \
		.flags = (fl), .gso_type = (gso), .hdr_len = { (hdr) }, .gso_size = { (size) },    \
		.csum_start = { (start) }, .csum_offset = {                                        \
			(off)                                                                      \
		}                                                                                  \
	}

#define CS NET_NEEDS_CSUM

static const struct tx_row {
	const char *name;
	struct net_header h;
	size_t len;
	bool goes;
	uint64_t without; /* features that are not negotiated */
} tx_rows[] = {
	{ "plain", H(0, 0, 0, 0, 0, 0), 60, true, 0 },
	{ "the shortest", H(0, 0, 0, 0, 0, 0), 14, true, 0 },
	{ "too short", H(0, 0, 0, 0, 0, 0), 13, false, 0 },
	{ "nothing", H(0, 0, 0, 0, 0, 0), 0, false, 0 },
	{ "the longest", H(0, 0, 0, 0, 0, 0), NET_FRAME_MAX, true, 0 },
	{ "too long", H(0, 0, 0, 0, 0, 0), NET_FRAME_MAX + 1, false, 0 },
	{ "fields without meaning", H(0xfe, 0, 9999, 9999, 9999, 9999), 60, true, 0 },
	{ "checksum", H(CS, 0, 0, 0, 34, 16), 60, true, 0 },
	{ "checksum at the end", H(CS, 0, 0, 0, 42, 16), 60, true, 0 },
	{ "checksum half outside", H(CS, 0, 0, 0, 43, 16), 60, false, 0 },
	{ "checksum outside", H(CS, 0, 0, 0, 60, 0), 60, false, 0 },
	{ "checksum far outside", H(CS, 0, 0, 0, 0xffff, 0xffff), 60, false, 0 },
	{ "checksum where the sum of 16 bits wraps", H(CS, 0, 0, 0, 0xfffe, 4), 60, false, 0 },
	{ "checksum not negotiated", H(CS, 0, 0, 0, 34, 16), 60, false, HOST_ALL },
	{ "TSO4", H(CS, 1, 54, 1448, 34, 16), 9000, true, 0 },
	{ "TSO6", H(CS, 4, 74, 1428, 54, 16), 9000, true, 0 },
	{ "TSO4 with ECN", H(CS, 0x81, 54, 1448, 34, 16), 9000, true, 0 },
	{ "USO", H(CS, 5, 42, 1472, 34, 6), 9000, true, 0 },
	{ "UFO", H(CS, 3, 42, 1472, 34, 6), 9000, false, 0 },
	{ "TSO4 without checksum", H(0, 1, 54, 1448, 34, 16), 9000, false, 0 },
	{ "TSO4 without a size", H(CS, 1, 54, 0, 34, 16), 9000, false, 0 },
	{ "TSO4, header longer than the frame", H(CS, 1, 9001, 1448, 34, 16), 9000, false, 0 },
	{ "TSO4 not negotiated", H(CS, 1, 54, 1448, 34, 16), 9000, false, BIT(HOST_TSO4) },
	{ "TSO6 not negotiated", H(CS, 4, 74, 1428, 54, 16), 9000, false, BIT(HOST_TSO6) },
	{ "ECN not negotiated", H(CS, 0x81, 54, 1448, 34, 16), 9000, false, BIT(HOST_ECN) },
	{ "USO not negotiated", H(CS, 5, 42, 1472, 34, 6), 9000, false, BIT(HOST_USO) },
	{ "ECN alone", H(0, 0x80, 0, 0, 0, 0), 60, false, 0 },
	{ "a type unknown", H(CS, 2, 54, 1448, 34, 16), 60, false, 0 },
	{ "a type of all ones", H(CS, 0xff, 54, 1448, 34, 16), 60, false, 0 },
};

static void run_tx(uint64_t features)
{
	rig_plug(1);
	for (size_t i = 0; i < ARRAY_SIZE(tx_rows); i++) {
		const struct tx_row *t = &tx_rows[i];
		const uint64_t bad = r.card->lost.bad;
		const struct fake_frame *f;
		uint64_t cookie;
		uint32_t written;

		begin(features | (HOST_ALL & ~t->without));
		transmit(TX, &t->h, HEADER, t->len, i % 2 && t->len > 20);
		EXPECT(used(TX, &cookie, &written, 5000));
		EXPECT_EQ(written, 0);
		f = fake_net_next(&r.net, 0);
		if (!f != !t->goes || r.card->lost.bad != bad + !t->goes)
			test_fail(__FILE__, __LINE__, "%s: it was %s", t->name,
				  f ? "sent" : "dropped");
		if (!f)
			continue;
		EXPECT_EQ(f->len, t->len);
		EXPECT(memcmp(f->data, pattern, f->len) == 0);
		EXPECT_EQ(f->header.gso_type, t->h.gso_type);
		EXPECT_EQ(f->header.flags, t->h.flags & CS);
		EXPECT_EQ(f->header.num_buffers.raw, 0);
		if (!(t->h.flags & CS))
			EXPECT_EQ(f->header.csum_start.raw | f->header.csum_offset.raw |
					  f->header.gso_size.raw | f->header.hdr_len.raw,
				  0);
		else
			EXPECT_EQ(f->header.csum_start.raw, t->h.csum_start.raw);
	}
	rig_done();
}

TEST(only_frames_that_a_driver_may_send_go_out)
{
	run_tx(0);
	run_tx(INDIRECT | EVENT_IDX);
}

TEST(the_same_on_a_packed_ring)
{
	run_tx(PACKED);
	run_tx(PACKED | INDIRECT | EVENT_IDX);
}

TEST(half_a_header_is_no_frame)
{
	struct net_header h = { 0 };
	uint64_t cookie;
	uint32_t written;

	rig_plug(1);
	begin(0);
	transmit(TX, &h, 11, 0, false);
	EXPECT(used(TX, &cookie, &written, 5000));
	EXPECT_EQ(r.card->lost.bad, 1);
	EXPECT(!fake_net_next(&r.net, 0));
	rig_done();
}

TEST(what_the_host_end_cannot_take_waits_and_nothing_else_does)
{
	struct net_header h = { 0 };
	const struct fake_frame *f;
	uint64_t cookie;
	uint32_t written;

	rig_plug(1);
	begin(0);
	fake_net_set_full(&r.net, true);
	for (size_t i = 0; i < 3; i++)
		transmit(TX, &h, HEADER, 60 + i, false);
	EXPECT(!used(TX, &cookie, &written, 20));
	/* The other direction goes on. */
	(void)add_in(RX, BIG, 1);
	kick(RX);
	EXPECT(fake_net_give(&r.net, NULL, pattern, 100));
	EXPECT(used(RX, &cookie, &written, 5000));
	fake_net_set_full(&r.net, false);
	for (size_t i = 0; i < 3; i++) {
		f = fake_net_next(&r.net, 5000);
		EXPECT(f && f->len == 60 + i);
		EXPECT(used(TX, &cookie, &written, 5000));
	}
	/* It is not told of room any more. */
	EXPECT_EQ(fake_net_read(&r.net, &r.net.wants[0]) & NET_OUT, 0);
	rig_done();
}

TEST(a_reset_lets_go_of_frames_that_wait_in_either_direction)
{
	struct net_header h = { 0 };
	uint64_t cookie;
	uint32_t written;

	rig_plug(1);
	for (int i = 0; i < 8; i++) {
		begin((i & 1 ? PACKED : 0) | BIT(MRG_RXBUF));
		fake_net_set_full(&r.net, true);
		transmit(TX, &h, HEADER, 60, false);
		(void)add_in(RX, 100, 1); /* too few for it */
		kick(RX);
		EXPECT(fake_net_give(&r.net, NULL, pattern, 5000));
		EXPECT(!used(TX, &cookie, &written, 5));
	}
	begin(0);
	fake_net_set_full(&r.net, false);
	EXPECT(!fake_net_next(&r.net, 5));
	transmit(TX, &h, HEADER, 77, false);
	EXPECT_EQ(fake_net_next(&r.net, 5000)->len, 77);
	(void)add_in(RX, BIG, 1);
	kick(RX);
	EXPECT(fake_net_give(&r.net, NULL, pattern, 200));
	EXPECT(used(RX, &cookie, &written, 5000));
	EXPECT_EQ(written, HEADER + 200);
	rig_done();
}

/* --- to the driver -------------------------------------------------------------------------- */

/* Gets one frame: from as many buffers as its header says. */
static size_t collect(uint8_t *to, struct net_header *h, const uint64_t *at)
{
	uint64_t cookie;
	uint32_t written;
	size_t len = 0;
	unsigned n = 1;

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *from;
		size_t skip = i ? 0 : HEADER;

		/* The others are there as soon as the first is. */
		if (!used(RX, &cookie, &written, i ? 1 : 5000))
			return 0;
		from = driver_at(&r.d, at[cookie]);
		if (i == 0) {
			memcpy(h, from, HEADER);
			n = le16_get(h->num_buffers);
			EXPECT(n > 0 && n <= 64);
		}
		EXPECT(written >= skip);
		memcpy(to + len, from + skip, written - skip);
		len += written - skip;
	}
	return len;
}

static void run_merged(uint64_t features)
{
	static const size_t lens[] = { 14, 60, 500, 501, 988, 1500, 9000, 20000, 65535 };
	static uint8_t got[NET_FRAME_MAX];
	uint64_t at[64];

	rig_plug(1);
	for (unsigned size = 12; size <= 2048; size = size < 512 ? 512 : size * 2) {
		for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
			struct net_header h;
			size_t len;

			if (lens[i] + HEADER > 64UL * size)
				continue;
			begin(features | BIT(MRG_RXBUF));
			EXPECT(fake_net_give(&r.net, NULL, pattern, lens[i]));
			for (unsigned k = 0; k < 64; k++) {
				at[k] = add_in(RX, size, k);
				if (k % 8 == 7)
					kick(RX);
			}
			len = collect(got, &h, at);
			EXPECT_EQ(len, lens[i]);
			EXPECT(memcmp(got, pattern, len) == 0);
			EXPECT_EQ(le16_get(h.num_buffers), (len + HEADER + size - 1) / size);
		}
	}
	rig_done();
}

TEST(a_frame_fills_as_many_buffers_as_it_needs)
{
	run_merged(0);
	run_merged(PACKED | EVENT_IDX | INDIRECT);
}

TEST(without_merging_each_frame_has_one_buffer_or_none)
{
	uint64_t cookie, at[3];
	uint32_t written;

	rig_plug(1);
	begin(0);
	for (unsigned i = 0; i < 3; i++)
		at[i] = add_in(RX, 1526, i);
	kick(RX);
	EXPECT(fake_net_give(&r.net, NULL, pattern, 1514));
	EXPECT(fake_net_give(&r.net, NULL, pattern, 1515)); /* too large */
	EXPECT(fake_net_give(&r.net, NULL, pattern, 600));
	EXPECT(used(RX, &cookie, &written, 5000));
	EXPECT_EQ(cookie, 0);
	EXPECT_EQ(written, HEADER + 1514);
	EXPECT_EQ(((uint8_t *)driver_at(&r.d, at[0]))[10], 1); /* num_buffers */
	EXPECT(used(RX, &cookie, &written, 5000));
	EXPECT_EQ(cookie, 1);
	EXPECT_EQ(written, HEADER + 600);
	EXPECT_EQ(r.card->lost.too_large, 1);
	rig_done();
}

/* A chain may have as many descriptors as the queue has. */
static void run_longest(uint64_t features, bool places)
{
	enum { ENTRIES = 256, EACH = 300 };
	struct piece p[ENTRIES];
	uint64_t cookie;
	uint32_t written;

	driver_write(&r.d, REG_STATUS, 0);
	driver_forget(&r.d);
	driver_start(&r.d, features | BIT(GUEST_CSUM), ENTRIES);
	{
		LOCK_SCOPE(&r.net.lock);
		r.net.places = places;
	}
	for (unsigned k = 0; k < 3; k++) {
		for (unsigned i = 0; i < ENTRIES; i++)
			p[i] = (struct piece){ driver_alloc(&r.d, EACH), EACH, true };
		EXPECT(driver_add(&r.d.queue[RX], p, ENTRIES, k));
		kick(RX);
		EXPECT(fake_net_give(&r.net, NULL, pattern, 65000));
		EXPECT(used(RX, &cookie, &written, 5000));
		EXPECT_EQ(written, HEADER + 65000);
		for (unsigned at = HEADER; at < written; at++)
			EXPECT_EQ(((uint8_t *)driver_at(&r.d, p[at / EACH].addr))[at % EACH],
				  pattern[at - HEADER]);
	}
}

TEST(a_buffer_is_as_many_pieces_as_a_queue_has_entries)
{
	rig_plug(1);
	for (unsigned i = 0; i < 16; i++)
		run_longest((i & 1 ? PACKED : 0) | (i & 2 ? INDIRECT : 0) |
				    (i & 4 ? BIT(MRG_RXBUF) : 0),
			    i & 8);
	rig_done();
}

TEST(a_buffer_too_small_for_a_header_breaks_the_queue)
{
	rig_plug(1);
	begin(BIT(MRG_RXBUF));
	(void)add_in(RX, 11, 1);
	kick(RX);
	EXPECT(fake_net_give(&r.net, NULL, pattern, 60));
	for (int i = 0; i < 5000 && !(driver_read(&r.d, REG_STATUS) & VIRTIO_NEEDS_RESET); i++)
		pause_ms(1);
	EXPECT(driver_read(&r.d, REG_STATUS) & VIRTIO_NEEDS_RESET);
	rig_done();
}

/* However many frames wait, a card without buffers does nothing at all. */
TEST(without_buffers_nobody_asks)
{
	uint64_t cookie;
	uint32_t written;
	unsigned asked, told;

	rig_plug(1);
	begin(BIT(MRG_RXBUF));
	for (int i = 0; i < 10; i++)
		EXPECT(fake_net_give(&r.net, NULL, pattern, 60));
	pause_ms(50);
	asked = fake_net_read(&r.net, &r.net.asked);
	told = fake_net_read(&r.net, &r.net.told);
	EXPECT(asked < 8 && told < 8);
	pause_ms(300); /* more than a frame that found too little room would wait */
	EXPECT_EQ(fake_net_read(&r.net, &r.net.asked), asked);
	EXPECT_EQ(fake_net_read(&r.net, &r.net.told), told);
	/* And when they come, all is there. */
	for (unsigned i = 0; i < 10; i++)
		(void)add_in(RX, 100, i);
	kick(RX);
	for (unsigned i = 0; i < 10; i++)
		EXPECT(used(RX, &cookie, &written, 5000));
	/* Nor does one that was reset, while frames come. */
	driver_write(&r.d, REG_STATUS, 0);
	EXPECT(fake_net_give(&r.net, NULL, pattern, 60));
	pause_ms(20);
	told = fake_net_read(&r.net, &r.net.told);
	EXPECT(fake_net_give(&r.net, NULL, pattern, 60));
	pause_ms(20);
	EXPECT_EQ(fake_net_read(&r.net, &r.net.told), told);
	rig_done();
}

TEST(a_frame_that_never_fits_does_not_stop_the_others)
{
	static uint8_t got[NET_FRAME_MAX];
	struct net_header h;
	uint64_t at[4];

	rig_plug(1);
	begin(BIT(MRG_RXBUF));
	for (unsigned i = 0; i < 4; i++)
		at[i] = add_in(RX, 512, i);
	kick(RX);
	EXPECT(fake_net_give(&r.net, NULL, pattern, 9000));
	EXPECT(fake_net_give(&r.net, NULL, pattern, 600));
	EXPECT_EQ(collect(got, &h, at), 600);
	EXPECT_EQ(r.card->lost.too_large, 1);
	rig_done();
}

static const struct rx_row {
	const char *name;
	struct net_header h;
	size_t len;
	uint64_t features;
	int gets; /* flags that the driver gets; -1: it does not get the frame */
} rx_rows[] = {
	{ "plain", H(0, 0, 0, 0, 0, 0), 60, 0, 0 },
	{ "unknown flags", H(0xf8, 0, 0, 0, 0, 0), 60, GUEST_ALL, 0 },
	{ "valid", H(NET_DATA_VALID, 0, 0, 0, 0, 0), 60, GUEST_ALL, NET_DATA_VALID },
	{ "valid, not negotiated", H(NET_DATA_VALID, 0, 0, 0, 0, 0), 60, 0, 0 },
	{ "checksum", H(CS, 0, 0, 0, 34, 16), 60, GUEST_ALL, CS },
	{ "checksum, not negotiated", H(CS, 0, 0, 0, 34, 16), 60, 0, 0 },
	{ "checksum outside", H(CS, 0, 0, 0, 60, 16), 60, GUEST_ALL, -1 },
	{ "checksum outside, not negotiated", H(CS, 0, 0, 0, 60, 16), 60, 0, -1 },
	{ "TSO4", H(CS, 1, 54, 1448, 34, 16), 9000, GUEST_ALL, CS },
	{ "TSO4, not negotiated", H(CS, 1, 54, 1448, 34, 16), 9000, BIT(GUEST_CSUM), -1 },
	{ "TSO6, not negotiated", H(CS, 4, 74, 1428, 54, 16), 9000,
	  BIT(GUEST_CSUM) | BIT(GUEST_TSO4), -1 },
	{ "ECN, not negotiated", H(CS, 0x81, 54, 1448, 34, 16), 9000,
	  BIT(GUEST_CSUM) | BIT(GUEST_TSO4), -1 },
	{ "half of USO", H(CS, 5, 42, 1472, 34, 6), 9000, BIT(GUEST_CSUM) | BIT(GUEST_USO4), -1 },
	{ "USO", H(CS, 5, 42, 1472, 34, 6), 9000, GUEST_ALL, CS },
	{ "UFO", H(CS, 3, 42, 1472, 34, 6), 9000, GUEST_ALL, -1 },
};

TEST(a_driver_gets_no_frame_that_it_cannot_understand)
{
	static uint8_t got[NET_FRAME_MAX], want[NET_FRAME_MAX];

	rig_plug(1);
	for (size_t i = 0; i < ARRAY_SIZE(rx_rows); i++) {
		const struct rx_row *t = &rx_rows[i];
		struct net_header h;
		uint64_t at[8];
		size_t len;

		begin(t->features | BIT(MRG_RXBUF));
		for (unsigned k = 0; k < 8; k++)
			at[k] = add_in(RX, BIG, k);
		kick(RX);
		memcpy(want, pattern, t->len);
		EXPECT(fake_net_give(&r.net, &t->h, pattern, t->len));
		EXPECT(fake_net_give(&r.net, NULL, pattern, 99)); /* comes in any case */
		len = collect(got, &h, at);
		if ((len == t->len) != (t->gets >= 0))
			test_fail(__FILE__, __LINE__, "%s: %zu bytes came", t->name, len);
		if (t->gets < 0)
			continue;
		EXPECT_EQ(h.flags, t->gets);
		EXPECT_EQ(h.gso_type, t->h.gso_type);
		/* A checksum that the driver does not want to do was done. */
		if (t->h.flags & CS && !(h.flags & CS))
			net_csum_complete(&t->h, want, t->len);
		EXPECT(memcmp(got, want, len) == 0);
		EXPECT_EQ(collect(got, &h, at), 99);
	}
	rig_done();
}

/* --- what the driver asks for ---------------------------------------------------------------- */

static unsigned control_queue;

/* A command's answer; -1: the queue broke. */
static int command(unsigned class, unsigned what, const void *data, size_t len)
{
	const uint64_t out = driver_alloc(&r.d, 2 + len), in = driver_alloc(&r.d, 1);
	struct piece p[2] = { { out, (uint32_t)(2 + len), false }, { in, 1, true } };
	uint8_t *to = driver_at(&r.d, out), *ack = driver_at(&r.d, in);
	uint64_t cookie;
	uint32_t written;

	to[0] = (uint8_t) class;
	to[1] = (uint8_t)what;
	if (len)
		memcpy(to + 2, data, len);
	*ack = 0xee;
	EXPECT(driver_add(&r.d.queue[control_queue], p, 2, 9));
	kick(control_queue);
	if (!used(control_queue, &cookie, &written, 5000))
		return -1;
	EXPECT_EQ(written, 1);
	return *ack;
}

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static const struct control_row {
	const char *name;
	uint8_t class, what;
	const uint8_t *data;
	size_t len;
	int ack;
	uint64_t without;
} control_rows[] = {
	{ "promiscuous", 0, 0, BYTES(1), 0, 0 },
	{ "not promiscuous", 0, 0, BYTES(0), 0, 0 },
	{ "promiscuous by 2", 0, 0, BYTES(2), 1, 0 },
	{ "promiscuous by nothing", 0, 0, NULL, 0, 1, 0 },
	{ "promiscuous and more", 0, 0, BYTES(1, 1), 1, 0 },
	{ "promiscuous, not negotiated", 0, 0, BYTES(1), 1, BIT(CTRL_RX) },
	{ "no broadcast", 0, 5, BYTES(1), 0, 0 },
	{ "no broadcast, not negotiated", 0, 5, BYTES(1), 1, BIT(CTRL_RX_EXTRA) },
	{ "an unknown one", 0, 6, BYTES(1), 1, 0 },
	{ "empty tables", 1, 0, BYTES(0, 0, 0, 0, 0, 0, 0, 0), 0, 0 },
	{ "one and one", 1, 0, BYTES(1, 0, 0, 0, 2, 0, 0, 0, 0, 9, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1),
	  0, 0 },
	{ "one table", 1, 0, BYTES(0, 0, 0, 0), 1, 0 },
	{ "tables and more", 1, 0, BYTES(0, 0, 0, 0, 0, 0, 0, 0, 0), 1, 0 },
	{ "a table that is cut", 1, 0, BYTES(1, 0, 0, 0, 2, 0, 0, 0, 0), 1, 0 },
	{ "a count that wraps", 1, 0, BYTES(0xab, 0xaa, 0xaa, 0x2a, 0, 0, 0, 0), 1, 0 },
	{ "a count of all ones", 1, 0, BYTES(255, 255, 255, 255, 0, 0, 0, 0), 1, 0 },
	{ "an address", 1, 1, BYTES(2, 3, 4, 5, 6, 7), 0, 0 },
	{ "a group's address", 1, 1, BYTES(3, 3, 4, 5, 6, 7), 1, 0 },
	{ "an address, not negotiated", 1, 1, BYTES(2, 3, 4, 5, 6, 7), 1, BIT(CTRL_MAC_ADDR) },
	{ "half an address", 1, 1, BYTES(2, 3, 4), 1, 0 },
	{ "an unknown one of addresses", 1, 2, BYTES(2, 3, 4, 5, 6, 7), 1, 0 },
	{ "a VLAN", 2, 0, BYTES(1, 0), 1, 0 },
	{ "announced", 3, 0, NULL, 0, 0, 0 },
	{ "announced, not negotiated", 3, 0, NULL, 0, 1, BIT(GUEST_ANNOUNCE) },
	{ "pairs", 4, 0, BYTES(2, 0), 0, 0 },
	{ "no pairs", 4, 0, BYTES(0, 0), 1, 0 },
	{ "too many pairs", 4, 0, BYTES(4, 0), 1, 0 },
	{ "far too many pairs", 4, 0, BYTES(255, 255), 1, 0 },
	{ "half a number of pairs", 4, 0, BYTES(1), 1, 0 },
	{ "offloads", 5, 0, BYTES(0x82, 0, 0, 0, 0, 0, 0, 0), 0, 0 },
	{ "no offloads", 5, 0, BYTES(0, 0, 0, 0, 0, 0, 0, 0), 0, 0 },
	{ "offloads of frames from it", 5, 0, BYTES(1, 0, 0, 0, 0, 0, 0, 0), 1, 0 },
	{ "TSO4 without checksums", 5, 0, BYTES(0x80, 0, 0, 0, 0, 0, 0, 0), 1, 0 },
	{ "offloads that are not negotiated", 5, 0, BYTES(0x82, 0, 0, 0, 0, 0, 0, 0), 1,
	  BIT(GUEST_TSO4) | BIT(GUEST_ECN) },
	{ "an unknown class", 6, 0, BYTES(1), 1, 0 },
	{ "a class of all ones", 255, 255, BYTES(1), 1, 0 },
};

static void run_control(uint64_t ring)
{
	const uint64_t all =
		CONTROL | BIT(GUEST_ANNOUNCE) | BIT(MQ) | GUEST_ALL | BIT(CTRL_GUEST_OFFLOADS);

	rig_plug(3);
	control_queue = 6;
	for (size_t i = 0; i < ARRAY_SIZE(control_rows); i++) {
		const struct control_row *t = &control_rows[i];
		int ack;

		begin(ring | (all & ~t->without));
		ack = command(t->class, t->what, t->data, t->len);
		if (ack != t->ack)
			test_fail(__FILE__, __LINE__, "%s: %d, wanted %d", t->name, ack, t->ack);
	}
	rig_done();
}

TEST(each_command_has_the_answer_that_it_should)
{
	run_control(0);
	run_control(PACKED | INDIRECT | EVENT_IDX);
}

TEST(a_command_that_cannot_be_answered_breaks_the_queue)
{
	struct piece p;

	rig_plug(1);
	begin(CONTROL);
	p = (struct piece){ driver_alloc(&r.d, 3), 3, false };
	EXPECT(driver_add(&r.d.queue[2], &p, 1, 0));
	kick(2);
	for (int i = 0; i < 5000 && !(driver_read(&r.d, REG_STATUS) & VIRTIO_NEEDS_RESET); i++)
		pause_ms(1);
	EXPECT(driver_read(&r.d, REG_STATUS) & VIRTIO_NEEDS_RESET);
	rig_done();
}

/* The same command, each byte of it in a descriptor of its own. */
TEST(a_command_is_as_many_pieces_as_a_queue_has_entries)
{
	static const uint8_t table[] = { 1, 0, /* of MAC addresses */
					 3, 0, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0,
					 0, 0, 2, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0 };
	struct piece p[64];
	uint64_t cookie;
	uint32_t written;
	unsigned n = 0;

	rig_plug(1);
	begin(CONTROL);
	for (; n < sizeof(table); n++) {
		p[n] = (struct piece){ driver_alloc(&r.d, 1), 1, false };
		*(uint8_t *)driver_at(&r.d, p[n].addr) = table[n];
	}
	p[n] = (struct piece){ driver_alloc(&r.d, 1), 1, true };
	EXPECT(driver_add(&r.d.queue[2], p, n + 1, 7));
	kick(2);
	EXPECT(used(2, &cookie, &written, 5000));
	EXPECT(written == 1 && *(uint8_t *)driver_at(&r.d, p[n].addr) == 0);
	rig_done();
}

/* Whether a frame to @to reaches the driver. */
static bool reaches(const uint8_t to[NET_MAC])
{
	uint8_t frame[60] = { 0 };
	uint64_t cookie;
	uint32_t written;

	memcpy(frame, to, NET_MAC);
	EXPECT(fake_net_give(&r.net, NULL, frame, sizeof(frame)));
	EXPECT(fake_net_give(&r.net, NULL, pattern, 99)); /* a broadcast, as a mark behind it */
	EXPECT(used(RX, &cookie, &written, 5000));
	if (written == HEADER + 99)
		return false;
	EXPECT(used(RX, &cookie, &written, 5000));
	return true;
}

TEST(a_driver_gets_what_it_asked_for)
{
	static const uint8_t own[] = { 2, 0, 0, 0, 0, 1 }, other[] = { 2, 0, 0, 0, 0, 2 },
			     group[] = { 1, 0, 0x5e, 0, 0, 1 }, group2[] = { 1, 0, 0x5e, 0, 0, 2 };
	uint8_t many[8 + 65 * NET_MAC] = { 65 };

	rig_plug(1);
	control_queue = 2;
	begin(CONTROL);
	for (unsigned i = 0; i < 60; i++)
		(void)add_in(RX, 200, i);
	kick(RX);
	EXPECT(reaches(own) && reaches(other) && reaches(group)); /* it has not said anything */
	EXPECT_EQ(command(0, 0, BYTES(0)), 0);
	EXPECT(reaches(own) && !reaches(other) && !reaches(group));
	EXPECT_EQ(command(0, 1, BYTES(1)), 0);
	EXPECT(!reaches(other) && reaches(group));
	EXPECT_EQ(command(0, 3, BYTES(1)), 0);
	EXPECT(!reaches(group));
	EXPECT_EQ(command(0, 3, BYTES(0)), 0);
	EXPECT_EQ(command(0, 1, BYTES(0)), 0);
	EXPECT_EQ(command(0, 2, BYTES(1)), 0);
	EXPECT(reaches(other) && !reaches(group));
	EXPECT_EQ(command(0, 2, BYTES(0)), 0);
	EXPECT_EQ(
		command(1, 0, BYTES(1, 0, 0, 0, 2, 0, 0, 0, 0, 2, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1)),
		0);
	EXPECT(reaches(own) && reaches(other) && reaches(group) && !reaches(group2));
	/* More than there is room for: then all of that kind. */
	memcpy(many + 4 + 65 * NET_MAC, &(uint32_t){ 0 }, 4);
	EXPECT_EQ(command(1, 0, many, sizeof(many)), 0);
	EXPECT(reaches(other) && !reaches(group));
	EXPECT_EQ(command(1, 0, BYTES(0, 0, 0, 0, 0, 0, 0, 0)), 0);
	/* Its own address is what it says. */
	EXPECT_EQ(command(1, 1, other, NET_MAC), 0);
	EXPECT(reaches(other) && !reaches(own));
	EXPECT(r.card->lost.unwanted > 0);
	for (int i = 0; i < 5000 && driver_read(&r.d, REG_CONFIG + 4) >> 8 != 0x02 &&
			(driver_read(&r.d, REG_CONFIG + 4) >> 8 & 0xff) != 2;
	     i++)
		pause_ms(1);
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG + 4) >> 8 & 0xff, 2);
	/* All of that ends with a reset. */
	begin(CONTROL);
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG + 4) >> 8 & 0xff, 1);
	(void)add_in(RX, 200, 0);
	(void)add_in(RX, 200, 1);
	kick(RX);
	EXPECT(reaches(group2));
	rig_done();
}

/* --- large frames, which the host end puts into the driver's buffers -------------------------- */

enum { RING = 64 };

static uint64_t place_at[RING];
static unsigned placed_next, placed_out; /* buffers: the next one's cookie, those with the card */

/* Has the card have @n buffers of @size. */
static void fill_up(unsigned n, uint32_t size)
{
	for (; placed_out < n; placed_out++, placed_next = (placed_next + 1) % RING) {
		if (!place_at[placed_next])
			place_at[placed_next] = driver_alloc(&r.d, BIG);
		memset(driver_at(&r.d, place_at[placed_next]), 0xdd, BIG);
		EXPECT(driver_add(&r.d.queue[RX],
				  &(struct piece){ place_at[placed_next], size, true }, 1,
				  placed_next));
	}
	kick(RX);
}

static void begin_placing(uint64_t features)
{
	begin(features | BIT(GUEST_CSUM));
	memset(place_at, 0, sizeof(place_at));
	placed_next = placed_out = 0;
	LOCK_SCOPE(&r.net.lock);
	r.net.places = true;
}

/* A frame of @len bytes, of which each differs from that of another @mark. */
static const uint8_t *marked(size_t len, uint8_t mark)
{
	static uint8_t data[NET_FRAME_MAX];

	memcpy(data, pattern, len);
	for (size_t i = NET_FRAME_MIN; i < len; i++)
		data[i] = (uint8_t)(data[i] ^ (mark * 37 + 1));
	return data;
}

static void give_marked(size_t len, uint8_t mark)
{
	EXPECT(fake_net_give(&r.net, NULL, marked(len, mark), len));
}

static void expect_marked(size_t len, uint8_t mark)
{
	static uint8_t got[NET_FRAME_MAX];
	struct net_header h;

	EXPECT_EQ(collect(got, &h, place_at), len);
	EXPECT(memcmp(got, marked(len, mark), len) == 0);
	placed_out -= le16_get(h.num_buffers);
}

static size_t placed(void)
{
	LOCK_SCOPE(&r.net.lock);
	return r.net.placed;
}

static void run_placed(uint64_t features)
{
	static const size_t lens[] = { 9000,  20000,	     14,   5000, 60,
				       65535, NET_FRAME_MAX, 4096, 4095, 700 };
	static const uint32_t sizes[] = { 12, 13, 25, 26, 27, 512, 1526, 4096 };

	rig_plug(1);
	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		const size_t before = placed();

		begin_placing(features | BIT(MRG_RXBUF));
		for (uint8_t i = 0; i < ARRAY_SIZE(lens); i++) {
			const size_t len = lens[i];

			if (len + HEADER > (size_t)RING * sizes[k])
				continue;
			fill_up(RING, sizes[k]);
			give_marked(len, i);
			expect_marked(len, i);
			/* Some that go before there are buffers for all of them. */
			fill_up((unsigned)((len + HEADER) / sizes[k] / 2), sizes[k]);
			give_marked(len, (uint8_t)(i + 100));
			pause_ms(2);
			fill_up(RING, sizes[k]);
			expect_marked(len, (uint8_t)(i + 100));
		}
		EXPECT(sizes[k] < 512 || placed() > before + 30000);
	}
	rig_done();
}

TEST(large_frames_go_into_buffers_at_once)
{
	run_placed(0);
	run_placed(PACKED | EVENT_IDX | INDIRECT);
}

TEST(a_frame_that_was_not_wanted_leaves_its_buffers_to_the_next)
{
	static const uint8_t none[NET_MAC] = { 2, 0, 0, 0, 0, 99 };

	rig_plug(1);
	begin_placing(CONTROL | BIT(MRG_RXBUF));
	control_queue = 2;
	EXPECT_EQ(command(0, 0, BYTES(0)), 0); /* not promiscuous */
	fill_up(RING, 1526);
	give_marked(9000, 1);
	expect_marked(9000, 1);
	memcpy(pattern, none, NET_MAC);
	give_marked(20000, 2);
	memset(pattern, 0xff, NET_MAC);
	give_marked(9000, 3);
	expect_marked(9000, 3);
	EXPECT_EQ(r.card->lost.unwanted, 1);
	rig_done();
}

TEST(a_large_frame_that_finds_too_few_buffers_is_dropped_in_the_end)
{
	rig_plug(1);
	begin_placing(BIT(MRG_RXBUF));
	fill_up(RING, 512);
	give_marked(9000, 1);
	expect_marked(9000, 1);
	fill_up(RING, 512);
	give_marked(RING * 512, 2);
	give_marked(600, 3);
	expect_marked(600, 3);
	EXPECT_EQ(r.card->lost.too_large, 1);
	rig_done();
}

/* --- several pairs --------------------------------------------------------------------------- */

TEST(pairs_are_used_as_the_driver_says)
{
	struct net_header h = { 0 };
	uint64_t cookie;
	uint32_t written;

	rig_plug(3);
	control_queue = 6;
	begin(CONTROL | BIT(MQ));
	for (unsigned q = 0; q < 6; q += 2) {
		(void)add_in(q, 200, q);
		kick(q);
	}
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG + 8) & 0xffff, 3);
	transmit(TX, &h, HEADER, 60, false); /* so that a turn was had */
	EXPECT(fake_net_next(&r.net, 5000) != NULL);
	EXPECT_EQ(fake_net_read(&r.net, &r.net.queues), 1);
	EXPECT_EQ(command(4, 0, BYTES(3, 0)), 0);
	EXPECT_EQ(fake_net_read(&r.net, &r.net.queues), 3);
	mutex_lock(&r.net.lock);
	r.net.queue = 2;
	mutex_unlock(&r.net.lock);
	EXPECT(fake_net_give(&r.net, NULL, pattern, 60));
	EXPECT(used(4, &cookie, &written, 5000));
	transmit(5, &h, HEADER, 66, false);
	EXPECT_EQ(fake_net_next(&r.net, 5000)->len, 66);
	/* A new driver begins with one. */
	begin(CONTROL);
	transmit(TX, &h, HEADER, 60, false);
	EXPECT(fake_net_next(&r.net, 5000) != NULL);
	EXPECT_EQ(fake_net_read(&r.net, &r.net.queues), 1);
	rig_done();
}

/* The control queue is the third then, and the others are none. */
TEST(a_driver_that_knows_of_one_pair_finds_its_control_queue)
{
	struct net_header h = { 0 };

	rig_plug(3);
	control_queue = 2;
	begin(CONTROL);
	EXPECT_EQ(command(0, 0, BYTES(1)), 0);
	EXPECT_EQ(command(4, 0, BYTES(1, 0)), 1);
	transmit(3, &h, HEADER, 60, false);
	for (int i = 0; i < 5000 && !(driver_read(&r.d, REG_STATUS) & VIRTIO_NEEDS_RESET); i++)
		pause_ms(1);
	EXPECT(driver_read(&r.d, REG_STATUS) & VIRTIO_NEEDS_RESET);
	EXPECT(!fake_net_next(&r.net, 0));
	rig_done();
}

/* --- features, the link ----------------------------------------------------------------------- */

TEST(features_that_do_not_go_together_are_refused)
{
	static const uint64_t bad[] = {
		BIT(HOST_TSO4),
		BIT(GUEST_TSO6),
		BIT(HOST_ECN) | BIT(CSUM),
		BIT(HOST_USO),
		BIT(GUEST_ECN) | BIT(GUEST_CSUM),
		BIT(MQ),
		BIT(CTRL_RX),
		BIT(CTRL_MAC_ADDR),
		BIT(GUEST_ANNOUNCE),
		BIT(CTRL_GUEST_OFFLOADS),
		VIRTIO_BIT(14) | BIT(CSUM) /* UFO */,
		VIRTIO_BIT(19) | BIT(CTRL_VQ) /* VLAN */,
	};
	static const uint64_t good[] = {
		0,
		CONTROL | BIT(MQ),
		HOST_ALL | GUEST_ALL,
		BIT(CSUM) | BIT(HOST_TSO6) | BIT(HOST_ECN),
	};

	rig_plug(2);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(!driver_negotiate(&r.d, bad[i] | VIRTIO_BIT(VIRTIO_F_VERSION_1)));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT(driver_negotiate(&r.d, good[i] | VIRTIO_BIT(VIRTIO_F_VERSION_1)));
	rig_done();
}

static unsigned status(void)
{
	return driver_read(&r.d, REG_CONFIG + 4) >> 16;
}

static void wait_status(unsigned want)
{
	for (int i = 0; i < 5000 && status() != want; i++)
		pause_ms(1);
	EXPECT_EQ(status(), want);
}

TEST(the_configuration_says_what_the_card_is)
{
	rig_plug(2);
	begin(CONTROL | BIT(MAC) | BIT(STATUS) | BIT(MQ) | BIT(MTU) | BIT(SPEED_DUPLEX));
	EXPECT_EQ(driver_read(&r.d, REG_DEVICE_ID), 1);
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG), 2);
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG + 4), 0x00010100);
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG + 8), 9000 << 16 | 2);
	EXPECT_EQ(driver_read(&r.d, REG_CONFIG + 12), 10000);
	rig_done();
}

TEST(the_link_goes_down_and_up_and_the_guest_announces_itself)
{
	struct net_header h = { 0 };
	uint64_t cookie;
	uint32_t written;

	rig_plug(1);
	control_queue = 2;
	begin(CONTROL | BIT(STATUS) | BIT(GUEST_ANNOUNCE));
	EXPECT_EQ(status(), NET_S_LINK_UP);
	fake_net_set_link(&r.net, false);
	EXPECT(driver_wait(&r.d, 5000) & VIRTIO_INT_CONFIG);
	EXPECT_EQ(status(), 0);
	/* As without a cable. */
	transmit(TX, &h, HEADER, 60, false);
	EXPECT(used(TX, &cookie, &written, 5000));
	EXPECT_EQ(r.card->lost.unsent, 1);
	fake_net_set_link(&r.net, true);
	wait_status(NET_S_LINK_UP | NET_S_ANNOUNCE);
	EXPECT_EQ(command(3, 0, NULL, 0), 0);
	wait_status(NET_S_LINK_UP);
	/* A frame that waited when the link went down does not keep the queue. */
	fake_net_set_full(&r.net, true);
	transmit(TX, &h, HEADER, 60, false);
	EXPECT(!used(TX, &cookie, &written, 10));
	fake_net_set_link(&r.net, false);
	EXPECT(used(TX, &cookie, &written, 5000));
	rig_done();
}

TEST(what_the_host_may_leave_undone_follows_the_driver)
{
	struct net_header h = { 0 };

	rig_plug(1);
	control_queue = 2;
	begin(CONTROL | GUEST_ALL | BIT(CTRL_GUEST_OFFLOADS));
	transmit(TX, &h, HEADER, 60, false);
	EXPECT(fake_net_next(&r.net, 5000) != NULL);
	EXPECT_EQ(fake_net_read(&r.net, &r.net.gives),
		  NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN | NET_USO);
	EXPECT_EQ(command(5, 0, BYTES(2, 0, 0, 0, 0, 0, 0, 0)), 0);
	EXPECT_EQ(fake_net_read(&r.net, &r.net.gives), NET_CSUM);
	begin(0);
	transmit(TX, &h, HEADER, 60, false);
	EXPECT(fake_net_next(&r.net, 5000) != NULL);
	EXPECT_EQ(fake_net_read(&r.net, &r.net.gives), 0);
	rig_done();
}

/* --- all at once ------------------------------------------------------------------------------ */

/* Frames both ways, and a driver that resets in the middle of them, again and again. */
TEST(a_reset_at_any_time_leaves_a_card_that_works)
{
	struct net_header h = { 0 };

	rig_plug(1);
	control_queue = 2;
	for (unsigned round = 0; round < 60; round++) {
		unsigned n = 0;

		begin((round & 1 ? PACKED : 0) | (round & 2 ? EVENT_IDX : 0) |
		      (round & 4 ? BIT(MRG_RXBUF) : 0) | CONTROL | BIT(STATUS));
		for (unsigned i = 0; i < 30; i++) {
			(void)add_in(RX, BIG, i);
			kick(RX);
			n += fake_net_give(&r.net, NULL, pattern, 60 + 50 * i);
			transmit(TX, &h, HEADER, 60 + i, i & 1);
			if (i % 10 == 5)
				EXPECT_EQ(command(0, 0, BYTES(1)), 0);
			if (i % 10 == 7)
				fake_net_set_link(&r.net, round & 8 || i > 20);
			(void)fake_net_next(&r.net, 0);
		}
		EXPECT(n > 0);
	}
	fake_net_set_link(&r.net, true);
	begin(0);
	while (fake_net_next(&r.net, 20))
		;
	transmit(TX, &h, HEADER, 1234, false);
	EXPECT_EQ(fake_net_next(&r.net, 5000)->len, 1234);
	rig_done();
}

TEST_MAIN(T(only_frames_that_a_driver_may_send_go_out), T(the_same_on_a_packed_ring),
	  T(half_a_header_is_no_frame),
	  T(what_the_host_end_cannot_take_waits_and_nothing_else_does),
	  T(a_reset_lets_go_of_frames_that_wait_in_either_direction),
	  T(a_frame_fills_as_many_buffers_as_it_needs),
	  T(without_merging_each_frame_has_one_buffer_or_none),
	  T(a_buffer_is_as_many_pieces_as_a_queue_has_entries),
	  T(a_buffer_too_small_for_a_header_breaks_the_queue), T(without_buffers_nobody_asks),
	  T(a_frame_that_never_fits_does_not_stop_the_others),
	  T(a_driver_gets_no_frame_that_it_cannot_understand),
	  T(each_command_has_the_answer_that_it_should),
	  T(a_command_that_cannot_be_answered_breaks_the_queue),
	  T(a_command_is_as_many_pieces_as_a_queue_has_entries), T(a_driver_gets_what_it_asked_for),
	  T(large_frames_go_into_buffers_at_once),
	  T(a_frame_that_was_not_wanted_leaves_its_buffers_to_the_next),
	  T(a_large_frame_that_finds_too_few_buffers_is_dropped_in_the_end),
	  T(pairs_are_used_as_the_driver_says),
	  T(a_driver_that_knows_of_one_pair_finds_its_control_queue),
	  T(features_that_do_not_go_together_are_refused),
	  T(the_configuration_says_what_the_card_is),
	  T(the_link_goes_down_and_up_and_the_guest_announces_itself),
	  T(what_the_host_may_leave_undone_follows_the_driver),
	  T(a_reset_at_any_time_leaves_a_card_that_works))
