/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attack/driver.h"

enum { LOOK_US = 200 };

static uint64_t longest_us;

static void waited(uint64_t begin_us)
{
	const uint64_t took = hal_now_us() - begin_us;

	if (took > longest_us)
		longest_us = took;
}

void wait_reset(void)
{
	longest_us = 0;
}

uint64_t wait_longest_us(void)
{
	return longest_us;
}

bool wait_until(bool (*done)(void *ctx), void *ctx)
{
	const uint64_t begin = hal_now_us();
	bool ok;

	while (!(ok = done(ctx)) && hal_now_us() - begin < hal.patience_ms * UINT64_C(1000))
		hal_pause();
	waited(begin);
	return ok;
}

void mem_fill(uint64_t at, uint8_t byte, uint64_t len)
{
	const uint64_t eight = byte * UINT64_C(0x0101010101010101);

	for (; len && at % 8; len--)
		hal_put8(at++, byte);
	for (; len >= 8; len -= 8, at += 8)
		hal_put64(at, eight);
	for (; len; len--)
		hal_put8(at++, byte);
}

/* --- registers --- */

uint32_t dev_read(struct dev *d, unsigned reg)
{
	const uint64_t begin = hal_now_us();
	uint64_t v;

	if (!hal_load(d->base + reg, 4, &v))
		complain_of("a read was refused of register", reg, 0);
	waited(begin);
	return (uint32_t)v;
}

void dev_write(struct dev *d, unsigned reg, uint32_t v)
{
	const uint64_t begin = hal_now_us();

	if (!hal_store(d->base + reg, 4, v))
		complain_of("a write was refused to register", reg, 0);
	waited(begin);
}

uint64_t dev_features(struct dev *d)
{
	uint64_t low;

	dev_write(d, R_DEVICE_FEATURES_SEL, 0);
	low = dev_read(d, R_DEVICE_FEATURES);
	dev_write(d, R_DEVICE_FEATURES_SEL, 1);
	return low | (uint64_t)dev_read(d, R_DEVICE_FEATURES) << 32;
}

static bool is_reset(void *ctx)
{
	return dev_read(ctx, R_STATUS) == 0;
}

void dev_reset(struct dev *d)
{
	dev_write(d, R_STATUS, 0);
	if (!wait_until(is_reset, d))
		complain("the device does not come out of its reset");
	hal_look(d->memory, d->dirty);
	mem_fill(d->memory, 0, d->dirty);
	d->used = d->dirty = 0;
	for (unsigned i = 0; i < DEV_RINGS; i++)
		d->ring[i] = (struct ring){ .d = d, .index = i };
}

bool dev_negotiate(struct dev *d, uint64_t features)
{
	features |= F_VERSION_1;
	dev_reset(d);
	dev_write(d, R_STATUS, S_ACKNOWLEDGE);
	dev_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	for (unsigned word = (uint32_t)features ? 0 : 1; word < 2; word++) {
		dev_write(d, R_DRIVER_FEATURES_SEL, word);
		dev_write(d, R_DRIVER_FEATURES, (uint32_t)(features >> (32 * word)));
	}
	dev_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	d->features = features;
	return dev_read(d, R_STATUS) & S_FEATURES_OK;
}

/* --- memory and rings --- */

static uint64_t take(struct dev *d, uint64_t len, uint64_t align)
{
	const uint64_t at = (d->used + align - 1) & ~(align - 1);

	if (at + len > DEV_MEMORY) {
		complain("the attack wants more memory than there is");
		return d->memory;
	}
	d->used = at + len;
	if (d->dirty < d->used)
		d->dirty = d->used;
	return d->memory + at;
}

uint64_t dev_pages(struct dev *d, uint64_t len)
{
	return take(d, len, 4096);
}

uint64_t dev_alloc(struct dev *d, uint64_t len)
{
	return take(d, len, 16);
}

void ring_make(struct dev *d, unsigned i, unsigned size)
{
	struct ring *r = &d->ring[i];

	*r = (struct ring){ .d = d, .index = i, .size = size };
	r->packed = d->features & F_PACKED;
	r->avail_wrap = r->used_wrap = true;
	r->desc = dev_alloc(d, 16 * size);
	r->driver = dev_alloc(d, r->packed ? 4 : 6 + 2 * size);
	r->device = dev_alloc(d, r->packed ? 4 : 6 + 8 * size);
}

/* After a reset they are 0, and memory is low as a rule: a write is an exit. */
static void write_address(struct dev *d, unsigned reg, uint64_t at)
{
	dev_write(d, reg, (uint32_t)at);
	if (at >> 32)
		dev_write(d, reg + 4, (uint32_t)(at >> 32));
}

void ring_program(struct ring *r)
{
	dev_write(r->d, R_QUEUE_SEL, r->index);
	dev_write(r->d, R_QUEUE_NUM, r->size);
	write_address(r->d, R_QUEUE_DESC, r->desc);
	write_address(r->d, R_QUEUE_DRIVER, r->driver);
	write_address(r->d, R_QUEUE_DEVICE, r->device);
}

void ring_enable(struct ring *r)
{
	dev_write(r->d, R_QUEUE_SEL, r->index);
	dev_write(r->d, R_QUEUE_READY, 1);
}

bool dev_try_start(struct dev *d, uint64_t features, unsigned size)
{
	const bool ok = dev_negotiate(d, features);

	for (unsigned i = 0; i < d->nr_rings; i++) {
		unsigned max;

		dev_write(d, R_QUEUE_SEL, i);
		max = dev_read(d, R_QUEUE_NUM_MAX);
		ring_make(d, i, size < max ? size : max);
		ring_program(&d->ring[i]);
		ring_enable(&d->ring[i]);
	}
	d->scratch = dev_pages(d, 8192);
	dev_write(d, R_STATUS, S_RUNS);
	return ok;
}

void dev_start(struct dev *d, uint64_t features, unsigned size)
{
	if (!dev_try_start(d, features, size))
		complain("the device does not take the features");
	if (dev_read(d, R_STATUS) != S_RUNS)
		complain_of("after a good start the status", dev_read(d, R_STATUS), S_RUNS);
}

void dev_start_well(struct dev *d)
{
	dev_start(d, d->offered & d->kind->wanted, 16);
}

void ring_desc_at(uint64_t to, bool packed, uint64_t at, uint32_t len, unsigned flags,
		  uint16_t link)
{
	hal_put64(to, at);
	hal_put32(to + 8, len);
	hal_put16(to + 12, packed ? link : (uint16_t)flags);
	hal_fence();
	hal_put16(to + 14, packed ? (uint16_t)flags : link);
}

void ring_desc(struct ring *r, unsigned i, uint64_t at, uint32_t len, unsigned flags, uint16_t link)
{
	ring_desc_at(r->desc + 16 * i, r->packed, at, len, flags, link);
}

void ring_avail(struct ring *r, unsigned i, uint16_t head)
{
	hal_put16(r->driver + 4 + 2 * (i % r->size), head);
}

void ring_avail_index(struct ring *r, uint16_t idx)
{
	hal_fence();
	hal_put16(r->driver + 2, idx);
	hal_fence();
}

uint16_t ring_used_index(struct ring *r)
{
	return hal_get16(r->device + 2);
}

static void add_split(struct ring *r, const struct piece *p, unsigned n)
{
	r->out = 1;
	for (unsigned i = 0; i < n; i++)
		ring_desc(r, i, p[i].at, p[i].len,
			  (p[i].in ? D_WRITE : 0) | (i + 1 < n ? D_NEXT : 0), (uint16_t)(i + 1));
	ring_avail(r, r->next_avail++, 0);
	ring_avail_index(r, r->next_avail);
}

/* The first one last: its flags make all of them available. */
static void add_packed(struct ring *r, const struct piece *p, unsigned n)
{
	unsigned at = r->next_avail, first_flags = 0;
	bool wrap = r->avail_wrap;

	r->out = n;
	for (unsigned i = 0; i < n; i++) {
		const unsigned flags = (p[i].in ? D_WRITE : 0) | (i + 1 < n ? D_NEXT : 0) |
				       (wrap ? D_AVAIL : D_USED);

		if (i == 0)
			first_flags = flags;
		ring_desc(r, at, p[i].at, p[i].len, i == 0 ? flags ^ (D_AVAIL | D_USED) : flags, 0);
		if (++at == r->size) {
			at = 0;
			wrap = !wrap;
		}
	}
	hal_fence();
	hal_put16(r->desc + 16 * r->next_avail + 14, (uint16_t)first_flags);
	r->next_avail = (uint16_t)at;
	r->avail_wrap = wrap;
}

void ring_add(struct ring *r, const struct piece *p, unsigned n)
{
	if (r->packed)
		add_packed(r, p, n);
	else
		add_split(r, p, n);
}

void ring_kick(struct ring *r)
{
	hal_fence();
	dev_write(r->d, R_QUEUE_NOTIFY, r->index);
}

struct waited {
	struct ring *r;
	uint64_t look_us; /* when to look at the status next */
	enum answer answer;
};

static bool used_there(struct ring *r)
{
	unsigned flags;

	if (!r->packed)
		return ring_used_index(r) != r->next_used;
	flags = hal_get16(r->desc + 16 * r->next_used + 14);
	return !!(flags & D_AVAIL) == r->used_wrap && !!(flags & D_USED) == r->used_wrap;
}

/* Memory is looked at all the time; the status costs an exit, so not before nothing came for long.
 */
static bool is_answered(void *ctx)
{
	struct waited *w = ctx;
	const uint64_t now = hal_now_us();

	if (used_there(w->r)) {
		w->answer = USED;
	} else if (now >= w->look_us) {
		w->look_us = now + LOOK_US;
		if (dev_read(w->r->d, R_STATUS) & S_NEEDS_RESET)
			w->answer = BROKEN;
	}
	return w->answer != LATE;
}

enum answer ring_wait(struct ring *r, uint32_t *len)
{
	struct waited w = { .r = r, .answer = LATE, .look_us = hal_now_us() + LOOK_US };

	*len = 0;
	(void)wait_until(is_answered, &w);
	if (w.answer != USED)
		return w.answer;
	hal_fence();
	if (!r->packed) {
		*len = hal_get32(r->device + 4 + 8 * (r->next_used++ % r->size) + 4);
		return USED;
	}
	*len = hal_get32(r->desc + 16 * r->next_used + 8);
	r->next_used = (uint16_t)(r->next_used + r->out);
	if (r->next_used >= r->size) {
		r->next_used = (uint16_t)(r->next_used - r->size);
		r->used_wrap = !r->used_wrap;
	}
	return USED;
}

static bool is_broken(void *ctx)
{
	return dev_read(ctx, R_STATUS) & S_NEEDS_RESET;
}

bool dev_wait_broken(struct dev *d)
{
	return wait_until(is_broken, d);
}

bool ring_good(struct ring *r, const struct piece *p, unsigned n, uint32_t len)
{
	enum answer answer;
	uint32_t got;

	ring_add(r, p, n);
	ring_kick(r);
	answer = ring_wait(r, &got);
	if (answer == LATE)
		complain("a good request is not answered");
	else if (answer == BROKEN)
		complain("a good request broke the device");
	else if (got != len)
		complain_of("bytes written by a good request", got, len);
	return !complained();
}
