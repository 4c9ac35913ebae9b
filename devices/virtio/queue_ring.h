/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ring formats share, for queue*.c alone: words in memory that the guest writes at the
 * same time, and requests made of descriptors.
 *
 * Every word is read once, by an atomic load of its width, and decided on as read. The functions of
 * a format run in poison_run(): they take nothing that would have to be given back.
 */
#ifndef DEVICES_VIRTIO_QUEUE_RING_H
#define DEVICES_VIRTIO_QUEUE_RING_H

#include "devices/virtio/queue.h"
#include "devices/virtio/ring_index.h"
#include "vmm/base/checked.h"
#include "vmm/base/le.h"

#include <string.h>

/* Flags of descriptors. */
enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };

#define DESC_SIZE 16

/* What a format's functions are asked and answer. */
struct ring_op {
	struct queue *q;
	struct request *r;
	uint32_t written; /* give */
	enum pop pop;	  /* take; POP_BROKEN when it begins */
	bool yes;	  /* want_interrupt, want_kicks */
};

struct queue_format {
	uint32_t desc_each, driver_each, device_each; /* bytes of the areas: for each entry, */
	uint32_t desc_more, driver_more, device_more; /* and besides */
	uint32_t driver_align, device_align;
	bool any_size;	   /* else a power of two */
	bool desc_written; /* the descriptors are written, too */

	void (*take)(void *op);	   /* fills op.r when there is a request, and moves on */
	void (*give)(void *op);	   /* shows it to the driver at once, unless q->together */
	void (*publish)(void *op); /* shows what was given together */
	void (*want_interrupt)(void *op);
	void (*ask_kicks)(void *op); /* whether something is available now; keep q->asked */
	void (*refuse_kicks)(void *op);
} OPS;

extern const struct queue_format queue_split, queue_packed;

/* Segments that have room in the request itself; longer ones take an array of the pool. */
#define SMALL_SEGS 6

/* Each array is followed by another of its size, for request_trim(). */
struct slot {
	struct request r;
	struct iovec small[2 * SMALL_SEGS];
	char own[] __attribute__((aligned(16)));
};

static inline struct slot *slot_of(struct request *r)
{
	return container_of(r, struct slot, r);
}

static inline uint16_t load16(const void GUEST_MEM *at)
{
	return le16_get((le16){ __atomic_load_n((const raw16 GUEST_MEM *)at, __ATOMIC_RELAXED) });
}

/* Pairs with the driver's barrier between what it made available and this word. */
static inline uint16_t load16_acquire(const void GUEST_MEM *at)
{
	return le16_get((le16){ __atomic_load_n((const raw16 GUEST_MEM *)at, __ATOMIC_ACQUIRE) });
}

static inline uint32_t load32(const void GUEST_MEM *at)
{
	return le32_get((le32){ __atomic_load_n((const raw32 GUEST_MEM *)at, __ATOMIC_RELAXED) });
}

static inline void store16(void GUEST_MEM *at, uint16_t v)
{
	__atomic_store_n((raw16 GUEST_MEM *)at, le16_of(v).raw, __ATOMIC_RELAXED);
}

/* Pairs with the driver's barrier after reading this word. */
static inline void store16_release(void GUEST_MEM *at, uint16_t v)
{
	__atomic_store_n((raw16 GUEST_MEM *)at, le16_of(v).raw, __ATOMIC_RELEASE);
}

static inline void store32(void GUEST_MEM *at, uint32_t v)
{
	__atomic_store_n((raw32 GUEST_MEM *)at, le32_of(v).raw, __ATOMIC_RELAXED);
}

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

/*
 * Our last store before our next load, as each side sees them: the driver does the same the other
 * way round, and one of the two sees what the other did.
 */
static inline void store_load_fence(void)
{
#ifdef UNDER_TSAN /* knows no fences; on x86, where it runs, this is one */
	uint32_t any = 0;

	(void)__atomic_fetch_add(&any, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* A descriptor as read: its address, and length and two 16-bit fields, the later ones higher. */
struct desc {
	uint64_t addr, rest;
};

static inline uint32_t desc_len(struct desc d)
{
	return (uint32_t)d.rest;
}

static inline uint16_t desc_third(struct desc d)
{
	return (uint16_t)(d.rest >> 32);
}

static inline uint16_t desc_fourth(struct desc d)
{
	return (uint16_t)(d.rest >> 48);
}

/* Descriptor @i of a table. Indirect tables need no alignment. */
static inline struct desc desc_at(const char GUEST_MEM *table, uint32_t i)
{
	const char GUEST_MEM *at = table + (size_t)i * DESC_SIZE;
	le64 addr, rest;

	if (is_aligned((FORCE uintptr_t)at, sizeof(uint64_t))) {
		addr.raw = __atomic_load_n((const raw64 GUEST_MEM *)(const void GUEST_MEM *)at,
					   __ATOMIC_RELAXED);
		rest.raw =
			__atomic_load_n((const raw64 GUEST_MEM *)(const void GUEST_MEM *)(at + 8),
					__ATOMIC_RELAXED);
	} else {
		memcpy(&addr, (FORCE const void *)at, sizeof(addr));
		memcpy(&rest, (FORCE const void *)(at + 8), sizeof(rest));
		__atomic_signal_fence(__ATOMIC_SEQ_CST); /* whoever uses them may not read again */
	}
	return (struct desc){ le64_get(addr), le64_get(rest) };
}

/* Where [@addr, @addr + @len) is on the host; NULL unless one region holds it. */
static inline void GUEST_MEM *queue_resolve(struct queue *q, uint64_t addr, uint32_t len,
					    bool write)
{
	const struct gmem_region *g = q->near;

	if (!range_inside(addr, len, g->base, g->size)) {
		g = gmem_find(q->mem, gpa(addr), len);
		if (!g)
			return NULL;
		q->near = g;
	}
	if (write && g->readonly)
		return NULL;
	return (char GUEST_MEM *)g->host + (addr - g->base);
}

/* Moves the segments of @r from the request itself to an array of the pool. */
void request_grow_(struct request *r);

/*
 * Adds what a descriptor says; false when it breaks a rule. An empty one is legal and adds nothing.
 * The caller counts them.
 */
static inline bool request_add(struct queue *q, struct request *r, struct desc d, bool in)
{
	uint32_t len = desc_len(d), n = (uint32_t)r->nr_out + r->nr_in;
	void GUEST_MEM *host;

	if (len == 0)
		return true;
	host = queue_resolve(q, d.addr, len, in);
	if (!host || (!in && r->nr_in))
		return false;
	if (n == SMALL_SEGS)
		request_grow_(r);
	r->seg[n] = (struct iovec){ .iov_base = FROM_GUEST(host), .iov_len = len };
	if (in) {
		r->nr_in++;
		r->in_len += len;
	} else {
		r->nr_out++;
		r->out_len += len;
	}
	return true;
}

/* The table that an indirect descriptor names, and its entries in *@n; NULL breaks a rule. */
static inline const char GUEST_MEM *desc_table(struct queue *q, struct desc d, uint32_t *n)
{
	uint32_t len = desc_len(d);

	*n = len / DESC_SIZE;
	if (!q->indirect || len % DESC_SIZE || *n == 0 || *n > QUEUE_MAX)
		return NULL;
	return queue_resolve(q, d.addr, len, false);
}

static inline bool queue_busy(const struct queue *q, uint16_t id)
{
	return q->busy[id >> 6] >> (id % 64) & 1;
}

#endif
