/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtqueues of both formats, as a driver fills them that keeps no rule, with requests that are
 * answered at once, or held and answered later in another order. In evil memory when the first bit
 * says so.
 */
#include "tests/fuzz/evil.h"
#include "tests/fuzz/guest.h"
#include "tests/lib/virtio_echo.h"

#include <stdlib.h>

enum { SERVE = GUEST_OPS, HOLD, GIVE, BREAK, RW, TOGETHER, NR_OPS };

/* All that a device does with a request, in pieces. */
static void read_and_write(struct echo *e, struct program *p)
{
	struct queue *q = &e->queue[program_u8(p) % ECHO_QUEUES];
	const uint16_t off = program_u16(p), len = program_u16(p) % 2048;
	uint8_t bytes[2048];
	struct request *r;
	unsigned n;

	LOCK_SCOPE(&q->lock);
	if (queue_pop(q, &r) != POP_OK)
		return;
	EXPECT(r->nr_out + r->nr_in <= q->max_segs && r->out_len + r->in_len <= UINT32_MAX);
	n = (unsigned)request_read(r, off, bytes, len);
	EXPECT(n <= len && (off >= r->out_len || n <= r->out_len - off));
	memset(bytes, 0x33, sizeof(bytes));
	n = (unsigned)request_write(r, off, bytes, len);
	EXPECT(n <= len && (off >= r->in_len || n <= r->in_len - off));
	request_used(r, true, off, len);
	request_used(r, false, off, len);
	(void)request_trim(r, false, off, len, &n);
	(void)request_trim(r, true, off, len, &n);
	queue_push(r, r->in_len < len ? r->in_len : len);
	if (len & 1)
		queue_flush(q);
}

/* Several that the driver sees at once. */
static void together(struct echo *e, struct program *p)
{
	struct queue *q = &e->queue[program_u8(p) % ECHO_QUEUES];
	struct request *r[8];
	unsigned n = 0;

	LOCK_SCOPE(&q->lock);
	while (n < ARRAY_SIZE(r) && queue_pop(q, &r[n]) == POP_OK)
		n++;
	EXPECT(queue_in_flight(q) >= n);
	queue_push_begin(q);
	while (n)
		queue_push(r[--n], 0);
	queue_push_end(q);
	queue_flush(q);
}

static void serve(struct echo *e, struct program *p, unsigned op)
{
	struct queue *q;

	switch (op) {
	case SERVE:
		(void)echo_serve(e, program_u8(p) % ECHO_QUEUES);
		break;
	case HOLD:
		(void)echo_take(e);
		break;
	case GIVE:
		mutex_lock(&e->queue[0].lock);
		(void)echo_give(e);
		queue_flush(&e->queue[0]);
		mutex_unlock(&e->queue[0].lock);
		break;
	case BREAK:
		q = &e->queue[program_u8(p) % ECHO_QUEUES];
		mutex_lock(&q->lock);
		queue_break(q);
		mutex_unlock(&q->lock);
		break;
	case RW:
		read_and_write(e, p);
		break;
	default:
		together(e, p);
		break;
	}
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	static struct guest g;
	struct echo *e;
	uint8_t how;

	guest_init(&g, &p, false);
	e = echo_create(&g.mem, NULL);
	guest_plug(&g, &e->v);
	how = program_u8(&p);
	evil_take(&p, guest_pieces.ram.host, how & 1 ? ECHO_QUEUES * 4096 : 0);
	e->batch = 1 + (how >> 1 & 7);
	guest_start(&g, how >> 4, VIRTIO_BIT(ECHO_CONFLICT));
	while (program_more(&p)) {
		const unsigned op = program_u8(&p) % NR_OPS;

		if (op < GUEST_OPS) {
			guest_do(&g, (enum guest_op)op);
			continue;
		}
		evil_on();
		serve(e, &p, op);
		evil_off();
	}
	evil.len = 0;
	guest_done(&g);
}
