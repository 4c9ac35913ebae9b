/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/virtio_driver.h"

#include "tests/lib/mmio.h"
#include "tests/lib/test.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EVENT_DISABLE = 1, EVENT_DESC = 2 };

static void set_line(struct irq_line *line, bool level)
{
	struct driver *d = container_of(line, struct driver, irq);
	uint64_t one = 1;

	if (!level)
		return;
	(void)atomic_fetch_add(&d->edges, 1);
	EXPECT_EQ(write(d->irq_fd, &one, sizeof(one)), sizeof(one));
}

void driver_init(struct driver *d, uint64_t ram)
{
	struct gmem_region r = { .base = DRIVER_RAM, .size = ram, .name = "RAM" };
	struct err e;

	*d = (struct driver){ .ram_size = ram, .irq = { .set = set_line, .spi = 16 } };
	d->ram_fd = memfd_create("ram", MFD_CLOEXEC);
	EXPECT(d->ram_fd >= 0);
	EXPECT_EQ(ftruncate(d->ram_fd, (off_t)ram), 0);
	d->ram = mmap(NULL, ram, PROT_READ | PROT_WRITE, MAP_SHARED, d->ram_fd, 0);
	EXPECT(d->ram != MAP_FAILED);
	r.host = d->ram;
	r.shared = true;
	r.fd = d->ram_fd;
	EXPECT_EQ(gmem_add(&d->mem, &r, &e), 0);
	d->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	EXPECT(d->irq_fd >= 0);
}

int driver_try_plug(struct driver *d, struct virtio *v, struct err *e)
{
	d->nr_queues = v->nr_queues;
	EXPECT(d->nr_queues <= DRIVER_QUEUES);
	d->dev = virtio_mmio_create(DRIVER_MMIO, 0x200, &d->irq, v, e);
	if (!d->dev)
		return -e->code;
	d->bus = mmio_try_bus(d->dev, e);
	return d->bus ? 0 : -e->code;
}

void driver_plug(struct driver *d, struct virtio *v)
{
	struct err e;

	EXPECT_EQ(driver_try_plug(d, v, &e), 0);
}

static void free_queue(struct driver_queue *q)
{
	free(q->free_next);
	free(q->entries);
	free(q->cookie);
	free(q->table);
	*q = (struct driver_queue){ 0 };
}

void driver_done(struct driver *d)
{
	for (unsigned i = 0; i < DRIVER_QUEUES; i++)
		free_queue(&d->queue[i]);
	bus_destroy(d->bus);
	device_destroy(d->dev);
	(void)close(d->irq_fd);
	(void)munmap(d->ram, d->ram_size);
	(void)close(d->ram_fd);
}

uint64_t driver_alloc(struct driver *d, uint64_t len)
{
	uint64_t at = d->used;

	d->used += (len + 15) & ~15ULL;
	EXPECT(d->used <= d->ram_size);
	return DRIVER_RAM + at;
}

void *driver_at(struct driver *d, uint64_t addr)
{
	EXPECT(addr >= DRIVER_RAM && addr - DRIVER_RAM < d->ram_size);
	return d->ram + (addr - DRIVER_RAM);
}

void driver_forget(struct driver *d)
{
	memset(d->ram, 0, d->used);
	d->used = 0;
}

uint32_t driver_read(struct driver *d, unsigned reg)
{
	return (uint32_t)mmio_read(d->bus, DRIVER_MMIO + reg, 4);
}

void driver_write(struct driver *d, unsigned reg, uint32_t v)
{
	mmio_write(d->bus, DRIVER_MMIO + reg, 4, v);
}

bool driver_negotiate(struct driver *d, uint64_t features)
{
	driver_write(d, REG_STATUS, 0);
	EXPECT_EQ(driver_read(d, REG_STATUS), 0);
	driver_write(d, REG_STATUS, 1);
	driver_write(d, REG_STATUS, 3);
	for (unsigned word = 0; word < 2; word++) {
		driver_write(d, REG_DRIVER_FEATURES_SEL, word);
		driver_write(d, REG_DRIVER_FEATURES, (uint32_t)(features >> (32 * word)));
	}
	driver_write(d, REG_STATUS, 11);
	d->features = features;
	return driver_read(d, REG_STATUS) & 8;
}

static bool has(const struct driver *d, unsigned bit)
{
	return d->features & VIRTIO_BIT(bit);
}

void driver_queue_make(struct driver *d, unsigned i, unsigned size)
{
	struct driver_queue *q = &d->queue[i];

	free_queue(q);
	*q = (struct driver_queue){
		.d = d,
		.index = i,
		.size = size,
		.packed = has(d, VIRTIO_F_RING_PACKED),
		.event_idx = has(d, VIRTIO_F_EVENT_IDX),
		.indirect = has(d, VIRTIO_F_INDIRECT_DESC),
		.desc = driver_alloc(d, 16 * (uint64_t)size),
		.avail = driver_alloc(d, 6 + 2 * (uint64_t)size),
		.used = driver_alloc(d, 6 + 8 * (uint64_t)size),
		.avail_wrap = true,
		.used_wrap = true,
		.nr_free = size,
		.free_next = calloc(size, sizeof(uint16_t)),
		.entries = calloc(size, sizeof(uint16_t)),
		.cookie = calloc(size, sizeof(uint64_t)),
		.table = calloc(size, sizeof(uint64_t)),
	};
	EXPECT(q->free_next && q->entries && q->cookie && q->table);
	for (unsigned id = 0; id < size; id++)
		q->free_next[id] = (uint16_t)(id + 1);
}

static void write_address(struct driver *d, unsigned reg, uint64_t addr)
{
	driver_write(d, reg, (uint32_t)addr);
	driver_write(d, reg + 4, (uint32_t)(addr >> 32));
}

void driver_queue_program(struct driver *d, unsigned i)
{
	struct driver_queue *q = &d->queue[i];

	driver_write(d, REG_QUEUE_SEL, i);
	driver_write(d, REG_QUEUE_NUM, q->size);
	write_address(d, REG_QUEUE_DESC, q->desc);
	write_address(d, REG_QUEUE_DRIVER, q->avail);
	write_address(d, REG_QUEUE_DEVICE, q->used);
}

bool driver_try_start(struct driver *d, uint64_t features, unsigned size)
{
	EXPECT(driver_negotiate(d, features | VIRTIO_BIT(VIRTIO_F_VERSION_1)));
	for (unsigned i = 0; i < d->nr_queues; i++) {
		unsigned max;

		driver_write(d, REG_QUEUE_SEL, i);
		max = driver_read(d, REG_QUEUE_NUM_MAX);
		EXPECT(max > 0);
		driver_queue_make(d, i, size < max ? size : max);
		driver_queue_program(d, i);
		driver_write(d, REG_QUEUE_READY, 1);
		EXPECT_EQ(driver_read(d, REG_QUEUE_READY), 1);
	}
	driver_write(d, REG_STATUS, 15);
	return driver_read(d, REG_STATUS) == 15;
}

void driver_start(struct driver *d, uint64_t features, unsigned size)
{
	EXPECT(driver_try_start(d, features, size));
}

/* --- rings --- */

static uint16_t load16(struct driver *d, uint64_t at)
{
	return __atomic_load_n((uint16_t *)driver_at(d, at), __ATOMIC_ACQUIRE);
}

static void store16(struct driver *d, uint64_t at, uint16_t v)
{
	__atomic_store_n((uint16_t *)driver_at(d, at), v, __ATOMIC_RELEASE);
}

static uint32_t load32(struct driver *d, uint64_t at)
{
	return __atomic_load_n((uint32_t *)driver_at(d, at), __ATOMIC_ACQUIRE);
}

/* Between our last store and our next load. An atomic addition is one on x86, and TSan knows it. */
static void fence(void)
{
#if defined(__x86_64__)
	uint32_t any = 0;

	(void)__atomic_fetch_add(&any, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

void driver_desc_at(struct driver *d, uint64_t at, uint64_t addr, uint32_t len, uint16_t third,
		    uint16_t fourth)
{
	uint64_t *to = driver_at(d, at);

	if (at % 8) {
		memcpy(to, &addr, 8);
		memcpy((char *)to + 8, &len, 4);
		memcpy((char *)to + 12, &third, 2);
		memcpy((char *)to + 14, &fourth, 2);
		return;
	}
	__atomic_store_n(to, addr, __ATOMIC_RELAXED);
	__atomic_store_n(to + 1, len | (uint64_t)third << 32 | (uint64_t)fourth << 48,
			 __ATOMIC_RELAXED);
}

void driver_desc(struct driver_queue *q, unsigned i, uint64_t addr, uint32_t len, uint16_t third,
		 uint16_t fourth)
{
	driver_desc_at(q->d, q->desc + 16 * (uint64_t)i, addr, len, third, fourth);
}

void driver_avail_entry(struct driver_queue *q, unsigned i, uint16_t head)
{
	store16(q->d, q->avail + 4 + 2 * (uint64_t)i, head);
}

void driver_avail_index(struct driver_queue *q, uint16_t idx)
{
	store16(q->d, q->avail + 2, idx);
}

static unsigned wrap_flags(const struct driver_queue *q)
{
	return q->avail_wrap ? D_AVAIL : D_USED;
}

/* A table of its own for each id, made when it is first needed, of as many entries as a queue. */
static uint64_t fill_table(struct driver_queue *q, uint16_t id, const struct piece *p, unsigned n)
{
	if (!q->table[id])
		q->table[id] = driver_alloc(q->d, 16 * (uint64_t)q->size);
	EXPECT(n <= q->size);
	for (unsigned i = 0; i < n; i++) {
		unsigned write = p[i].in ? D_WRITE : 0, next = i + 1 < n ? D_NEXT : 0;

		if (q->packed)
			driver_desc_at(q->d, q->table[id] + 16 * i, p[i].addr, p[i].len, 0xdead,
				       (uint16_t)write);
		else
			driver_desc_at(q->d, q->table[id] + 16 * i, p[i].addr, p[i].len,
				       (uint16_t)(write | next), (uint16_t)(i + 1));
	}
	return q->table[id];
}

static void add_split(struct driver_queue *q, const struct piece *p, unsigned n, uint16_t head)
{
	uint16_t i = head, last = head;

	if (q->indirect) {
		driver_desc(q, head, fill_table(q, head, p, n), 16 * n, D_INDIRECT, 0);
		i = q->free_next[head];
		n = 1;
	} else {
		for (unsigned k = 0; k < n; k++) {
			unsigned flags = (p[k].in ? D_WRITE : 0) | (k + 1 < n ? D_NEXT : 0);

			last = i;
			i = q->free_next[i];
			driver_desc(q, last, p[k].addr, p[k].len, (uint16_t)flags, i);
		}
	}
	q->free_head = i;
	q->nr_free -= n;
	q->entries[head] = (uint16_t)n;
	driver_avail_entry(q, q->next_avail % q->size, head);
	driver_avail_index(q, ++q->next_avail);
}

static void put_packed(struct driver_queue *q, struct piece p, uint16_t id, unsigned flags,
		       bool first)
{
	uint64_t at = q->desc + 16 * (uint64_t)q->next_avail;

	flags |= wrap_flags(q);
	if (first) { /* its flags come last */
		__atomic_store_n((uint64_t *)driver_at(q->d, at), p.addr, __ATOMIC_RELAXED);
		__atomic_store_n((uint32_t *)driver_at(q->d, at + 8), p.len, __ATOMIC_RELAXED);
		__atomic_store_n((uint16_t *)driver_at(q->d, at + 12), id, __ATOMIC_RELAXED);
	} else {
		driver_desc_at(q->d, at, p.addr, p.len, id, (uint16_t)flags);
	}
	if (++q->next_avail == q->size) {
		q->next_avail = 0;
		q->avail_wrap = !q->avail_wrap;
	}
}

static void add_packed(struct driver_queue *q, const struct piece *p, unsigned n, uint16_t id)
{
	uint64_t first = q->desc + 16 * (uint64_t)q->next_avail + 14;
	unsigned first_flags = wrap_flags(q);

	q->free_head = q->free_next[id];
	if (q->indirect) {
		struct piece table = { fill_table(q, id, p, n), 16 * n, false };

		first_flags |= D_INDIRECT;
		put_packed(q, table, id, D_INDIRECT, true);
		n = 1;
	} else {
		first_flags |= (p[0].in ? D_WRITE : 0) | (n > 1 ? D_NEXT : 0);
		for (unsigned k = 0; k < n; k++)
			put_packed(q, p[k], id, (p[k].in ? D_WRITE : 0) | (k + 1 < n ? D_NEXT : 0),
				   k == 0);
	}
	q->nr_free -= n;
	q->entries[id] = (uint16_t)n;
	q->kicked = (uint16_t)(q->kicked + n);
	store16(q->d, first, (uint16_t)first_flags);
}

bool driver_add(struct driver_queue *q, const struct piece *p, unsigned n, uint64_t cookie)
{
	uint16_t id = q->free_head;

	EXPECT(n > 0);
	if (q->nr_free < (q->indirect ? 1 : n))
		return false;
	q->cookie[id] = cookie;
	q->out++;
	if (q->packed)
		add_packed(q, p, n, id);
	else
		add_split(q, p, n, id);
	return true;
}

/* Whether the device asked for position @event, of @n that were passed, the last @now - 1. */
static bool passed(unsigned event, unsigned now, unsigned n)
{
	return (uint16_t)(now - event - 1) < n;
}

static bool kick_wanted(struct driver_queue *q)
{
	struct driver *d = q->d;
	unsigned n = q->kicked;

	if (!q->packed) {
		n = (uint16_t)(q->next_avail - q->kicked);
		q->kicked = q->next_avail;
		if (q->event_idx)
			return passed(load16(d, q->used + 4 + 8 * q->size), q->next_avail, n);
		return n && !(load16(d, q->used) & 1);
	}
	q->kicked = 0;
	if (load32(d, q->used) >> 16 == EVENT_DESC) {
		unsigned event = load32(d, q->used) & 0x7fff;

		if (!!(load32(d, q->used) & 0x8000) != q->avail_wrap)
			event -= q->size;
		return passed(event, q->next_avail, n);
	}
	return n && load32(d, q->used) >> 16 != EVENT_DISABLE;
}

bool driver_kick(struct driver_queue *q)
{
	fence();
	if (!kick_wanted(q))
		return false;
	q->kicks++;
	driver_write(q->d, REG_QUEUE_NOTIFY, q->index);
	return true;
}

static bool used_there(struct driver_queue *q)
{
	unsigned flags;

	if (!q->packed)
		return load16(q->d, q->used + 2) != q->next_used;
	flags = load16(q->d, q->desc + 16 * (uint64_t)q->next_used + 14);
	return !!(flags & D_AVAIL) == q->used_wrap && !!(flags & D_USED) == q->used_wrap;
}

/* Gives back what a buffer took of the ring. */
static void reclaim(struct driver_queue *q, uint16_t id)
{
	uint16_t last = id;

	for (unsigned i = 1; !q->packed && i < q->entries[id]; i++)
		last = q->free_next[last];
	q->free_next[last] = q->free_head;
	q->free_head = id;
	q->nr_free += q->entries[id];
	q->out--;
	if (!q->packed) {
		q->next_used++;
	} else if ((q->next_used = (uint16_t)(q->next_used + q->entries[id])) >= q->size) {
		q->next_used = (uint16_t)(q->next_used - q->size);
		q->used_wrap = !q->used_wrap;
	}
	q->entries[id] = 0;
}

bool driver_get(struct driver_queue *q, uint64_t *cookie, uint32_t *written)
{
	uint64_t at;
	uint32_t id, len;

	if (!used_there(q))
		return false;
	if (q->packed) {
		at = q->desc + 16 * (uint64_t)q->next_used;
		id = load16(q->d, at + 12);
		len = load32(q->d, at + 8);
		EXPECT_EQ(!!(load16(q->d, at + 14) & D_WRITE), len != 0);
	} else {
		at = q->used + 4 + 8 * (uint64_t)(q->next_used % q->size);
		id = load32(q->d, at);
		len = load32(q->d, at + 4);
	}
	EXPECT(id < q->size);
	EXPECT(q->entries[id] > 0); /* it was out */
	*cookie = q->cookie[id];
	*written = len;
	reclaim(q, (uint16_t)id);
	return true;
}

bool driver_want_interrupt_after(struct driver_queue *q, unsigned after)
{
	unsigned at = q->next_used + after;
	bool wrap = q->used_wrap;

	if (!q->packed) {
		EXPECT(q->event_idx);
		store16(q->d, q->avail + 4 + 2 * q->size, (uint16_t)at);
	} else {
		if (at >= q->size) {
			at -= q->size;
			wrap = !wrap;
		}
		__atomic_store_n((uint32_t *)driver_at(q->d, q->avail),
				 at | (wrap ? 0x8000U : 0) | EVENT_DESC << 16, __ATOMIC_RELEASE);
	}
	fence();
	return used_there(q);
}

bool driver_want_interrupt(struct driver_queue *q, bool want)
{
	if (want && q->event_idx)
		return driver_want_interrupt_after(q, 0);
	if (q->packed) /* flags: enable or disable */
		__atomic_store_n((uint32_t *)driver_at(q->d, q->avail),
				 want ? 0 : EVENT_DISABLE << 16, __ATOMIC_RELEASE);
	else if (!q->event_idx)
		store16(q->d, q->avail, !want);
	fence();
	return want && used_there(q);
}

unsigned driver_wait(struct driver *d, int ms)
{
	struct pollfd p = { .fd = d->irq_fd, .events = POLLIN };
	uint64_t edges;
	unsigned why;

	if (poll(&p, 1, ms) != 1)
		return 0;
	EXPECT_EQ(read(d->irq_fd, &edges, sizeof(edges)), sizeof(edges));
	why = driver_read(d, REG_INTERRUPT_STATUS);
	driver_write(d, REG_INTERRUPT_ACK, why);
	return why;
}
