/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NET: frames and their headers, buffers for them, and commands (virtio 1.3, section 5.1.6). Each
 * frame is a question that the host end answers, so that it is seen which of them got through: one
 * whose header says what was not negotiated, or is not so, must not.
 */
#include "tests/attack/arp.h"
#include "tests/attack/requests.h"
#include "tests/attack/table.h"

enum {
	F_CSUM = 0,
	F_GUEST_CSUM = 1,
	F_OFFLOADS = 2,
	F_GUEST_TSO4 = 7,
	F_TSO4 = 11,
	F_TSO6 = 12,
	F_ECN = 13,
	F_MRG = 15,
	F_CTRL = 17,
	F_CTRL_RX = 18,
	F_ANNOUNCE = 21,
	F_MQ = 22,
	F_USO = 56,
};

enum { RING_SIZE = 256, MANY = 64, DEFAULT = 0, NONE = 0xffffffff };
enum { TCP4 = 1, UDP = 3, TCP6 = 4, UDP_L4 = 5, ECN = 0x80, NEEDS_CSUM = 1 };
enum { CONFIG_MAC = 0, CONFIG_STATUS = 6, CONFIG_PAIRS = 8, CONFIG_END = 17 };

enum verdict_of { REACHES, LOST, BREAKS_IT, ANY };

static void start(struct dev *d, uint64_t with, uint64_t without)
{
	dev_start(d, (d->offered & d->kind->wanted & ~without) | with, RING_SIZE);
}

/* --- frames from the driver --- */

struct frame {
	enum verdict_of verdict;
	uint64_t with; /* features beside those of a good driver */
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
	uint32_t header, len; /* bytes of each; DEFAULT: all of it, NONE: none */
	uint32_t chop;	      /* into descriptors of so many bytes; 0: in one */
	uint32_t in;	      /* bytes for the device to write, behind */
	uint8_t from;	      /* the first byte of the sender's address, if it is not ours */
};

static uint32_t bytes_of(uint32_t n, uint32_t all)
{
	return n == DEFAULT ? all : n == NONE ? 0 : n;
}

static unsigned chopped(uint64_t at, uint32_t len, uint32_t chop, bool in, struct piece *to)
{
	unsigned n = 0;

	chop = chop ? chop : len;
	do {
		const uint32_t here = len < chop ? len : chop;

		to[n++] = (struct piece){ at, here, in };
		at += here;
		len -= here;
	} while (len);
	return n;
}

static void put_header(uint64_t at, const struct frame *f)
{
	hal_put8(at, f->flags);
	hal_put8(at + 1, f->gso_type);
	hal_put16(at + 2, f->hdr_len);
	hal_put16(at + 4, f->gso_size);
	hal_put16(at + 6, f->csum_start);
	hal_put16(at + 8, f->csum_offset);
	hal_put16(at + 10, f->num_buffers);
}

/* Frames come in order: when the one behind it has been answered, it was, or it never will be. */
static void judge(struct dev *d, unsigned number, enum verdict_of verdict)
{
	d->kind->good(d);
	if (complained() || verdict == ANY)
		return;
	if (verdict == REACHES && !arp_answered(number))
		complain("a frame that is good did not get through");
	if (verdict == LOST && arp_answered(number))
		complain("a frame that is bad got through");
}

static void send_frame(struct dev *d, const struct attack *a)
{
	static struct piece piece[RING_SIZE];
	const struct frame *f = a->data;
	const uint32_t header = bytes_of(f->header, NET_HEADER), len = bytes_of(f->len, ARP_FRAME);
	enum answer answer;
	unsigned n, number;
	uint32_t got;
	uint64_t at;

	start(d, f->with, 0);
	at = dev_pages(d, NET_HEADER + (len > ARP_FRAME ? len : ARP_FRAME));
	number = arp_ask(d, at + header);
	if (f->from)
		hal_put8(at + header + 6, f->from);
	if (header >= NET_HEADER)
		put_header(at, f);
	n = chopped(at, header + len, f->chop, false, piece);
	if (f->in)
		piece[n++] = (struct piece){ at + 4096, f->in, true };
	arp_give_buffers(d);
	answer = ring_send(&d->ring[NET_SEND], piece, n, &got);
	if (f->verdict == BREAKS_IT) {
		if (answer != BROKEN)
			complain("the device took what breaks a rule");
		return;
	}
	if (answer != USED)
		complain("the device broke of a frame");
	if (got)
		complain_of("bytes written", got, 0);
	judge(d, number, f->verdict);
}

/* Each type of segmentation; arg: features. Without them only none at all gets through. */
static void gso_types(struct dev *d, const struct attack *a)
{
	struct frame f = { .gso_size = (uint16_t)a->arg2, .csum_start = 34, .csum_offset = 16 };
	const unsigned step = hal.slower > 1 ? 24 : 1; /* and so 128 is one of them */
	uint64_t at;

	start(d, a->arg, 0);
	at = dev_pages(d, 4096);
	arp_give_buffers(d);
	for (unsigned type = 0; type < 256 && !complained(); type += type % 128 < 8 ? 1 : step) {
		const unsigned number = arp_ask(d, at + NET_HEADER);
		uint32_t got;

		f.gso_type = (uint8_t)type;
		put_header(at, &f);
		if (ring_send(&d->ring[NET_SEND],
			      &(struct piece){ at, NET_HEADER + ARP_FRAME, false }, 1,
			      &got) != USED)
			complain("the device broke of a frame");
		/* Those are the only ones that may: they ask for no checksum. */
		judge(d, number, type == 0 ? REACHES : LOST);
	}
}

/* Checksums that begin and lie anywhere; arg: the type of segments, arg2: their headers' length. */
static void checksums(struct dev *d, const struct attack *a)
{
	static const uint16_t value[] = { 0,  1,  2,   13,   57,     58,     59,     60,
					  61, 70, 255, 1500, 0x7fff, 0x8000, 0xfffe, 0xffff };
	const unsigned step = hal.slower > 1 ? 11 : 1;
	uint64_t at;

	start(d, F(F_CSUM) | F(F_TSO4), 0);
	at = dev_pages(d, 4096);
	arp_give_buffers(d);
	for (unsigned i = 0; i < LENGTH(value) * LENGTH(value) && !complained(); i += step) {
		const struct frame f = { .flags = NEEDS_CSUM,
					 .gso_type = (uint8_t)a->arg,
					 .hdr_len = (uint16_t)a->arg2,
					 .gso_size = 1000,
					 .csum_start = value[i % LENGTH(value)],
					 .csum_offset = value[i / LENGTH(value)] };
		const bool fits = (unsigned)f.csum_start + f.csum_offset + 2 <= ARP_FRAME;
		const unsigned number = arp_ask(d, at + NET_HEADER);
		uint32_t got;

		put_header(at, &f);
		if (ring_send(&d->ring[NET_SEND],
			      &(struct piece){ at, NET_HEADER + ARP_FRAME, false }, 1,
			      &got) != USED)
			complain("the device broke of a frame");
		judge(d, number, fits ? ANY : LOST);
	}
}

/* Frames without an end: arg of them, and nobody takes the answers. */
static void flood(struct dev *d, const struct attack *a)
{
	struct ring *r;
	uint64_t at;

	start(d, 0, 0);
	r = &d->ring[NET_SEND];
	at = dev_pages(d, 4096);
	(void)arp_ask(d, at + NET_HEADER);
	for (uint64_t n = times(a->arg); n && !complained(); n -= n < MANY ? n : MANY) {
		for (unsigned i = 0; i < MANY; i++)
			ring_add_at(r, i, &(struct piece){ at, NET_HEADER + ARP_FRAME, false }, 1);
		ring_kick(r);
		ring_collect(r, MANY);
	}
	arp_drain(d);
	d->kind->good(d);
}

/* Reset with frames on their way both ways. */
static void reset_under_way(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		uint64_t at;

		start(d, 0, 0);
		at = dev_pages(d, 4096);
		arp_give_buffers(d);
		(void)arp_ask(d, at + NET_HEADER);
		for (unsigned k = 0; k < MANY; k++)
			ring_add_at(&d->ring[NET_SEND], k,
				    &(struct piece){ at, NET_HEADER + ARP_FRAME, false }, 1);
		ring_kick(&d->ring[NET_SEND]);
		dev_reset(d);
		mem_expect(d->memory, 0, 65536, "a frame came after the reset:");
	}
	start(d, 0, 0);
	arp_drain(d);
}

static void queue_reset_under_way(struct dev *d, const struct attack *a)
{
	const unsigned q = (unsigned)a->arg2;

	start(d, F_RING_RESET, 0);
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		const uint64_t used = d->used, at = dev_pages(d, 4096);

		(void)arp_ask(d, at + NET_HEADER);
		for (unsigned k = 0; k < MANY; k++)
			ring_add_at(&d->ring[q], k, &(struct piece){ at, 1024, q == NET_RECEIVE },
				    1);
		ring_kick(&d->ring[q]);
		dev_write(d, R_QUEUE_SEL, q);
		dev_write(d, R_QUEUE_RESET, 1);
		while (dev_read(d, R_QUEUE_RESET))
			hal_pause();
		ring_make(d, q, RING_SIZE);
		ring_program(&d->ring[q]);
		ring_enable(&d->ring[q]);
		d->used = i % 8 == 7 ? used : d->used;
		if (i % 8 == 7)
			start(d, F_RING_RESET, 0);
	}
	start(d, 0, 0);
	arp_drain(d);
	d->kind->good(d);
}

/* --- buffers for frames to the driver --- */

struct room {
	enum verdict_of verdict;
	uint64_t without;
	uint32_t size, chop;
	unsigned n;
	bool to_read, behind; /* all for the device to read; or so many bytes before */
};

static bool has_frame(void *ctx)
{
	struct ring *r = ctx;

	return ring_used_index(r) != r->next_used || dev_read(r->d, R_STATUS) & S_NEEDS_RESET;
}

/* One frame, in as many buffers as its header says, all there at once. */
static void take_frame(struct ring *r, const struct room *room)
{
	unsigned i, buffers = 0, said = 0;
	uint32_t len, all = 0;

	if (!wait_until(has_frame, r))
		complain("a frame for which there is room does not come");
	while (!complained() && ring_next(r, &i, &len)) {
		if (buffers++ == 0)
			said = hal_get16(hal_get64(r->desc + 16 * (i + room->behind)) + 10);
		if (len > room->size)
			complain_of("bytes in a buffer", len, room->size);
		all += len;
		if (buffers == said)
			break;
	}
	if (room->size >= NET_HEADER && said != buffers)
		complain_of("num_buffers", said, buffers);
	if (room->without & F(F_MRG) && said != 1)
		complain_of("num_buffers without MRG_RXBUF", said, 1);
	if (all < NET_HEADER + 42)
		complain_of("bytes of a frame", all, NET_HEADER + 42);
}

/* The device may be broken by then: of the buffers, by a frame that nobody asked for. */
static void ask_once(struct dev *d, uint64_t at)
{
	(void)arp_ask(d, at + NET_HEADER);
	(void)ring_send(&d->ring[NET_SEND], &(struct piece){ at, NET_HEADER + ARP_FRAME, false }, 1,
			&(uint32_t){ 0 });
}

static void receive(struct dev *d, const struct attack *a)
{
	static struct piece piece[64];
	const struct room *room = a->data;
	uint64_t at, buffers;
	struct ring *r;
	unsigned n = 0, desc = 0;

	start(d, 0, room->without);
	r = &d->ring[NET_RECEIVE];
	at = dev_pages(d, 4096);
	buffers = dev_pages(d, (room->size + 16) * room->n);
	for (unsigned i = 0; i < room->n; i++) {
		n = room->behind ? 1 : 0;
		piece[0] = (struct piece){ at, 64, false };
		n += chopped(buffers + (room->size + 16) * i, room->size, room->chop,
			     !room->to_read, piece + n);
		ring_add_at(r, desc, piece, n);
		desc += n;
	}
	mem_fill(buffers, 0, (room->size + 16) * room->n);
	ring_kick(r);
	ask_once(d, at);
	if (room->verdict == BREAKS_IT && !dev_wait_broken(d))
		complain("the device took what breaks a rule");
	if (room->verdict == REACHES)
		take_frame(r, room);
	if (room->verdict == LOST)
		for (unsigned i = 0; i < 100; i++)
			hal_pause();
	if (room->verdict == LOST && ring_used_index(r))
		complain("a frame came for which there is no room");
	for (unsigned i = 0; i < room->n; i++)
		mem_expect(buffers + (room->size + 16) * i + room->size, 0, 16,
			   "behind a buffer is");
}

/* None at all, for arg frames; then some. */
static void receive_nothing(struct dev *d, const struct attack *a)
{
	uint64_t at;

	start(d, 0, 0);
	at = dev_pages(d, 4096);
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		(void)arp_ask(d, at + NET_HEADER);
		(void)ring_good(&d->ring[NET_SEND],
				&(struct piece){ at, NET_HEADER + ARP_FRAME, false }, 1, 0);
	}
	arp_drain(d);
	d->kind->good(d);
}

/* Frames go over the ring that they come by. */
static void receive_over(struct dev *d, const struct attack *a)
{
	struct ring *r;
	uint64_t at;

	start(d, 0, 0);
	r = &d->ring[NET_RECEIVE];
	at = dev_pages(d, 4096);
	for (unsigned i = 0; i < 4; i++)
		ring_add_at(r, i,
			    &(struct piece){ a->arg == 0   ? r->desc
					     : a->arg == 1 ? r->driver
							   : r->device,
					     500, true },
			    1);
	ring_kick(r);
	for (unsigned i = 0; i < 4; i++)
		ask_once(d, at);
	for (unsigned i = 0; i < 100; i++)
		hal_pause();
}

/* --- commands --- */

enum ack { ACK_OK = 0, ACK_ERROR = 1, ACK_BREAKS = 2 };

struct command {
	enum ack ack;
	uint8_t class, what;
	uint64_t with, without;
	uint32_t len;	  /* bytes behind class and what; NONE: not even those, or one of them */
	uint8_t data[24]; /* the first of them; the others are 0 */
	uint32_t chop, ack_len;
	bool ack_to_read, one;
	bool elsewhere; /* frames may come by another queue then, where nobody looks */
};

static unsigned control_of(struct dev *d)
{
	uint64_t pairs;

	if (!(d->features & F(F_MQ)))
		return 2;
	(void)hal_load(d->base + R_CONFIG + CONFIG_PAIRS, 2, &pairs);
	return 2 * (unsigned)pairs;
}

static enum answer command(struct dev *d, uint64_t at, const struct command *c, uint8_t *ack)
{
	static struct piece piece[64];
	const uint32_t len = c->len == NONE ? (c->one ? 1 : 0) : 2 + c->len;
	const uint32_t ack_len = bytes_of(c->ack_len, 1);
	const uint64_t ack_at = at + 8192;
	uint32_t got;
	unsigned n;
	enum answer answer;

	hal_put8(at, c->class);
	hal_put8(at + 1, c->what);
	for (unsigned i = 0; i < sizeof(c->data); i++)
		hal_put8(at + 2 + i, c->data[i]);
	mem_fill(ack_at, 0xee, 64);
	n = chopped(at, len, c->chop, false, piece);
	if (c->ack_len != NONE)
		piece[n++] = (struct piece){ ack_at, ack_len, !c->ack_to_read };
	answer = ring_send(&d->ring[control_of(d)], piece, n, &got);
	*ack = hal_get8(ack_at);
	if (answer == USED && got != 1)
		complain_of("bytes of an acknowledgement", got, 1);
	mem_expect(ack_at + 1, 0xee, 63, "behind the acknowledgement is");
	return answer;
}

static void one_command(struct dev *d, const struct attack *a)
{
	const struct command *c = a->data;
	enum answer answer;
	uint8_t ack;
	uint64_t at;

	start(d, c->with, c->without);
	at = dev_pages(d, 3 * 4096);
	answer = command(d, at, c, &ack);
	if (c->ack == ACK_BREAKS) {
		if (answer != BROKEN)
			complain("the device took what breaks a rule");
		return;
	}
	if (answer != USED)
		complain("the device broke of a command");
	else if (ack != c->ack)
		complain_of("acknowledgement", ack, c->ack);
	if (!complained() && !c->elsewhere)
		d->kind->good(d);
}

/* No command has three bytes behind it: each is an error. */
static void all_commands(struct dev *d, const struct attack *a)
{
	const unsigned step = hal.slower > 1 ? 9 : 1;
	struct command c = { .len = 3, .data = { 0xff, 0xff, 0xff } };
	uint64_t at;

	(void)a;
	start(d, 0, 0);
	at = dev_pages(d, 3 * 4096);
	for (unsigned class = 0; class < 256 && !complained(); class += class < 8 ? 1 : step)
		for (unsigned what = 0; what < 8 && !complained(); what++) {
			uint8_t ack;

			c.class = (uint8_t) class;
			c.what = (uint8_t)what;
			if (command(d, at, &c, &ack) != USED || ack != ACK_ERROR)
				complain_of("acknowledgement of class", ack, class);
		}
	d->kind->good(d);
}

/* Tables of addresses as long as arg says, of which arg2 are there. */
static void mac_table(struct dev *d, const struct attack *a)
{
	const uint32_t there = (uint32_t)a->arg2;
	uint64_t at, ack_at;
	enum answer answer;
	uint32_t got;

	start(d, 0, 0);
	at = dev_pages(d, 65536);
	ack_at = dev_alloc(d, 16);
	hal_put8(at, 1);
	hal_put8(at + 1, 0);
	hal_put8(at + 2, (uint8_t)a->arg);
	hal_put8(at + 3, (uint8_t)(a->arg >> 8));
	hal_put8(at + 4, (uint8_t)(a->arg >> 16));
	hal_put8(at + 5, (uint8_t)(a->arg >> 24));
	answer =
		ring_send(&d->ring[2],
			  (struct piece[]){ { at, 2, false },
					    { at + 2, 4 + 6 * there, false },
					    { at + 60000, 4, false }, /* the other table is empty */
					    { ack_at, 1, true } },
			  4, &got);
	if (answer != USED)
		complain("the device broke of a command");
	else if (hal_get8(ack_at) != (a->arg == there ? ACK_OK : ACK_ERROR))
		complain_of("acknowledgement", hal_get8(ack_at), a->arg != there);
	d->kind->good(d);
}

/* --- features, queues, configuration --- */

static void features_together(struct dev *d, const struct attack *a)
{
	if (dev_negotiate(d, a->arg))
		complain("features are taken that do not go together");
}

/* arg: the queue, which there is not as things were negotiated. */
static void no_such_queue(struct dev *d, const struct attack *a)
{
	uint64_t at;
	uint32_t got;

	start(d, 0, a->arg2);
	at = dev_pages(d, 4096);
	if (ring_send(&d->ring[a->arg],
		      (struct piece[]){ { at, 64, false }, { at + 64, 2000, true } }, 2,
		      &got) != BROKEN)
		complain("the device serves a queue that there is not");
}

/* arg: how wide; all of it is read-only. */
static void config_written(struct dev *d, const struct attack *a)
{
	uint64_t v, was[CONFIG_END];

	start(d, 0, 0);
	for (unsigned i = 0; i < CONFIG_END; i++)
		(void)hal_load(d->base + R_CONFIG + i, 1, &was[i]);
	for (unsigned i = 0; i < CONFIG_END; i += (unsigned)a->arg)
		(void)hal_store(d->base + R_CONFIG + i, (unsigned)a->arg, UINT64_MAX);
	for (unsigned i = 0; i < CONFIG_END; i++) {
		(void)hal_load(d->base + R_CONFIG + i, 1, &v);
		if (v != was[i])
			complain_of("the driver changed the configuration at", i, 0);
	}
	d->kind->good(d);
}

/* clang-format off */
#define FRAME_OF(id, features, what, ...)                                                          \
	{ .name = (id), .offers = (features), .run = send_frame,                                   \
	  .data = &(const struct frame){ .verdict = (what), .with = (features), __VA_ARGS__ } }
#define FRAME(id, what, ...) FRAME_OF(id, 0, what, __VA_ARGS__)
#define ROOM(id, what, ...)                                                                        \
	{ .name = (id), .run = receive,                                                            \
	  .data = &(const struct room){ .verdict = (what), __VA_ARGS__ } }
#define COMMAND(id, answer, c, w, ...)                                                             \
	{ .name = (id), .run = one_command,                                                        \
	  .data = &(const struct command){ .ack = (answer), .class = (c), .what = (w), __VA_ARGS__ } }
#define COMMAND_MQ(id, answer, ...)                                                                \
	{ .name = (id), .run = one_command, .offers = F(F_MQ),                                     \
	  .data = &(const struct command){ .ack = (answer), .class = 4, .with = F(F_MQ),           \
					   __VA_ARGS__ } }
#define OFFLOADS(id, answer, features, ...)                                                        \
	{ .name = (id), .run = one_command, .offers = F(F_OFFLOADS) | (features),                  \
	  .data = &(const struct command){ .ack = (answer), .class = 5, .len = 8,                  \
					   .with = F(F_OFFLOADS) | (features), __VA_ARGS__ } }
#define TOGETHER(id, features)                                                                     \
	{ .name = (id), .run = features_together, .arg = (features), .offers = (features) }

static const struct attack rows[] = {
	FRAME("nothing", LOST, .header = NONE, .len = NONE),
	FRAME("only to be written", LOST, .header = NONE, .len = NONE, .in = 100),
	FRAME("a header of 1 byte", LOST, .header = 1, .len = NONE),
	FRAME("a header of 11 bytes", LOST, .header = 11, .len = NONE),
	FRAME("a header and no frame", LOST, .len = NONE),
	FRAME("a frame without a header", LOST, .header = NONE),
	FRAME("a frame of 1 byte", LOST, .len = 1),
	FRAME("a frame of 13 bytes", LOST, .len = 13),
	FRAME("a frame of 14 bytes", LOST, .len = 14),
	FRAME("a frame of 42 bytes", REACHES, .len = 42),
	FRAME("a frame of 64 KiB", ANY, .len = 65536),
	FRAME("a frame a byte too long", LOST, .len = 65554),
	FRAME("a frame of 512 KiB", LOST, .len = 512 << 10),
	FRAME("a frame in bytes", REACHES, .chop = 1),
	FRAME("a frame in pieces of 11", REACHES, .chop = 11),
	FRAME("a frame in pieces of 13", REACHES, .chop = 13),
	FRAME("256 descriptors", REACHES, .len = 244, .chop = 1),
	FRAME("a frame and something to be written", REACHES, .in = 100),
	FRAME("num_buffers that means nothing", REACHES, .num_buffers = 0xffff),
	FRAME("a header's lengths without a purpose", REACHES, .hdr_len = 0xffff, .gso_size = 0xffff,
	      .csum_start = 0xffff, .csum_offset = 0xffff),
	FRAME("flags of the other way", REACHES, .flags = 0xfe),
	FRAME("a checksum that was not negotiated", LOST, .flags = NEEDS_CSUM),
	FRAME_OF("a checksum behind the frame", F(F_CSUM), LOST, .flags = NEEDS_CSUM,
		 .csum_start = ARP_FRAME),
	FRAME_OF("a checksum across the end", F(F_CSUM), LOST, .flags = NEEDS_CSUM,
		 .csum_start = ARP_FRAME - 2, .csum_offset = 1),
	FRAME_OF("a checksum that wraps", F(F_CSUM), LOST, .flags = NEEDS_CSUM, .csum_start = 0xffff,
		 .csum_offset = 0xffff),
	FRAME_OF("a checksum in the last bytes", F(F_CSUM), REACHES, .flags = NEEDS_CSUM,
		 .csum_start = 50, .csum_offset = 8),
	{ .name = "checksums everywhere", .run = checksums, .offers = F(F_CSUM) | F(F_TSO4) },
	{ .name = "checksums everywhere, in segments", .run = checksums, .arg = TCP4, .arg2 = 54,
	  .offers = F(F_CSUM) | F(F_TSO4) },
	{ .name = "types of segments", .run = gso_types, .arg2 = 1000 },
	{ .name = "types of segments without a checksum", .run = gso_types,
	  .arg = F(F_CSUM) | F(F_TSO4) | F(F_TSO6) | F(F_ECN), .arg2 = 1000,
	  .offers = F(F_CSUM) | F(F_TSO4) | F(F_TSO6) | F(F_ECN) },
	FRAME("segments that were not negotiated", LOST, .gso_type = TCP4, .gso_size = 1000),
	FRAME_OF("segments with a checksum alone", F(F_CSUM), LOST, .flags = NEEDS_CSUM,
		 .gso_type = TCP4, .gso_size = 1000, .csum_start = 34, .csum_offset = 16),
	FRAME_OF("segments of 0 bytes", F(F_CSUM) | F(F_TSO4), LOST, .flags = NEEDS_CSUM,
		 .gso_type = TCP4, .csum_start = 34, .csum_offset = 16),
	FRAME_OF("headers longer than the frame", F(F_CSUM) | F(F_TSO4), LOST, .flags = NEEDS_CSUM,
		 .gso_type = TCP4, .gso_size = 1000, .hdr_len = ARP_FRAME + 1, .csum_start = 34,
		 .csum_offset = 16),
	FRAME_OF("ECN that was not negotiated", F(F_CSUM) | F(F_TSO4), LOST, .flags = NEEDS_CSUM,
		 .gso_type = TCP4 | ECN, .gso_size = 1000, .csum_start = 34, .csum_offset = 16),
	FRAME_OF("ECN alone", F(F_CSUM) | F(F_TSO4) | F(F_ECN), LOST, .flags = NEEDS_CSUM,
		 .gso_type = ECN, .gso_size = 1000, .csum_start = 34, .csum_offset = 16),
	FRAME_OF("UDP fragments, which nobody offers", F(F_CSUM) | F(F_TSO4), LOST,
		 .flags = NEEDS_CSUM, .gso_type = UDP, .gso_size = 1000, .csum_start = 34,
		 .csum_offset = 6),
	FRAME("another sender", REACHES, .from = 0x0a),
	FRAME("all of them as the sender", ANY, .from = 0xff),
	{ .name = "frames without an end", .run = flood, .arg = 10000 },
	{ .name = "reset under frames", .run = reset_under_way, .arg = 100 },
	{ .name = "queue reset under frames sent", .run = queue_reset_under_way, .arg = 50,
	  .arg2 = NET_SEND },
	{ .name = "queue reset under buffers", .run = queue_reset_under_way, .arg = 50,
	  .arg2 = NET_RECEIVE },

	{ .name = "no buffers", .run = receive_nothing, .arg = 1 },
	{ .name = "no buffers for many frames", .run = receive_nothing, .arg = 300 },
	ROOM("a buffer of 0 bytes", BREAKS_IT, .n = 1),
	ROOM("a buffer of 1 byte", BREAKS_IT, .n = 8, .size = 1),
	ROOM("a buffer of 11 bytes", BREAKS_IT, .n = 8, .size = 11),
	ROOM("buffers of a header's size", REACHES, .n = 10, .size = 12),
	ROOM("buffers of 13 bytes", REACHES, .n = 10, .size = 13),
	ROOM("too few buffers of a header's size", LOST, .n = 2, .size = 12),
	ROOM("a buffer too small", LOST, .n = 1, .size = 40),
	ROOM("buffers too small for one each", LOST, .n = 1, .size = 40, .without = F(F_MRG)),
	ROOM("one buffer each", REACHES, .n = 4, .size = 100, .without = F(F_MRG)),
	ROOM("buffers in pieces of 4", REACHES, .n = 4, .size = 120, .chop = 4),
	ROOM("a buffer in 60 pieces", ANY, .n = 1, .size = 120, .chop = 2),
	ROOM("a buffer to be read", BREAKS_IT, .n = 1, .size = 2000, .to_read = true),
	ROOM("a buffer behind something to be read", REACHES, .n = 4, .size = 2000, .behind = true),
	ROOM("64 KiB of room", REACHES, .n = 2, .size = 65562),
	{ .name = "frames over the descriptors", .run = receive_over, .arg = 0 },
	{ .name = "frames over the available ring", .run = receive_over, .arg = 1 },
	{ .name = "frames over the used ring", .run = receive_over, .arg = 2 },

	{ .name = "commands that nobody knows", .run = all_commands },
	COMMAND("a command without a byte", ACK_ERROR, 0, 0, .len = NONE),
	COMMAND("a command of a byte", ACK_ERROR, 0, 0, .len = NONE, .one = true),
	COMMAND("a command without an acknowledgement", ACK_BREAKS, 0, 0, .len = 1, .ack_len = NONE),
	COMMAND("an acknowledgement to be read", ACK_BREAKS, 0, 0, .len = 1, .ack_to_read = true),
	COMMAND("an acknowledgement of 64 bytes", ACK_OK, 0, 0, .len = 1, .data = { 1 },
		.ack_len = 64),
	COMMAND("a command in bytes", ACK_OK, 0, 0, .len = 1, .data = { 1 }, .chop = 1),
	COMMAND("a command of 4 KiB", ACK_ERROR, 0, 0, .len = 4096),
	COMMAND("promiscuous 2", ACK_ERROR, 0, 0, .len = 1, .data = { 2 }),
	COMMAND("promiscuous without a byte", ACK_ERROR, 0, 0, .len = 0),
	COMMAND("promiscuous that was not negotiated", ACK_ERROR, 0, 0, .len = 1, .data = { 1 },
		.without = F(F_CTRL_RX)),
	COMMAND("a multicast address of its own", ACK_ERROR, 1, 1, .len = 6, .data = { 1 }),
	COMMAND("an address of 5 bytes", ACK_ERROR, 1, 1, .len = 5, .data = { 2 }),
	COMMAND("an address of 7 bytes", ACK_ERROR, 1, 1, .len = 7, .data = { 2 }),
	COMMAND("no table of addresses", ACK_ERROR, 1, 0, .len = 0),
	COMMAND("one table of addresses", ACK_ERROR, 1, 0, .len = 4),
	COMMAND("tables of addresses and a byte", ACK_ERROR, 1, 0, .len = 9),
	COMMAND("empty tables of addresses", ACK_OK, 1, 0, .len = 8),
	COMMAND("a second table that is not there", ACK_ERROR, 1, 0, .len = 8,
		.data = { 0, 0, 0, 0, 1 }),
	{ .name = "2^32 - 1 addresses", .run = mac_table, .arg = UINT32_MAX },
	{ .name = "addresses that wrap", .run = mac_table, .arg = 0x2aaaaaab },
	{ .name = "an address more than there are", .run = mac_table, .arg = 5, .arg2 = 4 },
	{ .name = "an address fewer than there are", .run = mac_table, .arg = 4, .arg2 = 5 },
	{ .name = "64 addresses", .run = mac_table, .arg = 64, .arg2 = 64 },
	{ .name = "65 addresses", .run = mac_table, .arg = 65, .arg2 = 65 },
	{ .name = "9000 addresses", .run = mac_table, .arg = 9000, .arg2 = 9000 },
	COMMAND("a VLAN, which nobody offers", ACK_ERROR, 2, 0, .len = 2, .data = { 1 }),
	COMMAND("an announcement that nobody asked for", ACK_OK, 3, 0, .with = F(F_ANNOUNCE)),
	COMMAND("an announcement with data", ACK_ERROR, 3, 0, .len = 1, .with = F(F_ANNOUNCE)),
	COMMAND("an announcement that was not negotiated", ACK_ERROR, 3, 0),
	COMMAND("pairs without their feature", ACK_ERROR, 4, 0, .len = 2, .data = { 1 }),
	COMMAND_MQ("no pair", ACK_ERROR, .len = 2),
	COMMAND_MQ("one pair", ACK_OK, .len = 2, .data = { 1 }),
	COMMAND_MQ("all pairs", ACK_OK, .len = 2, .data = { 2 }, .elsewhere = true),
	COMMAND_MQ("a pair more than there are", ACK_ERROR, .len = 2, .data = { 3 }),
	COMMAND_MQ("2^15 pairs", ACK_ERROR, .len = 2, .data = { 0, 0x80 }),
	COMMAND_MQ("2^16 - 1 pairs", ACK_ERROR, .len = 2, .data = { 0xff, 0xff }),
	COMMAND_MQ("half a number of pairs", ACK_ERROR, .len = 1, .data = { 1 }),
	COMMAND_MQ("hashes of pairs, which nobody offers", ACK_ERROR, .what = 1, .len = 24,
		   .data = { 1 }),
	OFFLOADS("no offloads", ACK_OK, F(F_GUEST_CSUM) | F(F_GUEST_TSO4)),
	OFFLOADS("offloads that were not negotiated", ACK_ERROR, F(F_GUEST_CSUM),
		 .data = { 1 << F_GUEST_CSUM | 1 << F_GUEST_TSO4 }),
	OFFLOADS("offloads that do not go together", ACK_ERROR, F(F_GUEST_CSUM) | F(F_GUEST_TSO4),
		 .data = { 1 << F_GUEST_TSO4 }),
	OFFLOADS("offloads that are none", ACK_ERROR, F(F_GUEST_CSUM),
		 .data = { 1 << F_GUEST_CSUM, 0, 0, 0, 0, 0, 0, 0x80 }),

	TOGETHER("segments without a checksum", F(F_TSO4)),
	TOGETHER("segments to the driver without a checksum", F(F_GUEST_TSO4)),
	TOGETHER("ECN without segments", F(F_CSUM) | F(F_ECN)),
	TOGETHER("pairs without a control queue", F(F_MQ)),
	TOGETHER("filters without a control queue", F(F_CTRL_RX)),
	TOGETHER("offloads without a control queue", F(F_OFFLOADS)),
	{ .name = "the control queue without its feature", .run = no_such_queue, .arg = 2,
	  .arg2 = F(F_CTRL) | F(F_CTRL_RX) | F(20) | F(23) },
	{ .name = "the second pair without its feature", .run = no_such_queue, .arg = 3,
	  .offers = F(F_MQ) },
	{ .name = "the last queue without its feature", .run = no_such_queue, .arg = 4,
	  .offers = F(F_MQ) },
	{ .name = "configuration written by bytes", .run = config_written, .arg = 1 },
	{ .name = "configuration written by words", .run = config_written, .arg = 4 },
};
/* clang-format on */

const struct group group_net = GROUP("net", rows, .on = ON(ID_NET));
