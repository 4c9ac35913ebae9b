/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/core/gmem.h"

#include "vmm/base/checked.h"
#include "vmm/core/poison.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int gmem_add(struct gmem *m, const struct gmem_region *r, struct err *e)
{
	uint64_t a = r->base, end;
	size_t i = 0;

	if (r->size == 0 || !add_ok(a, r->size, &end))
		return err_set(e, EINVAL, "memory at 0x%" PRIx64 ": size 0x%" PRIx64, a, r->size);
	if (m->nr == GMEM_MAX_REGIONS)
		return err_set(e, ENOSPC, "memory at 0x%" PRIx64 ": more than %d regions", a,
			       GMEM_MAX_REGIONS);
	while (i < m->nr && m->region[i].base < a)
		i++;
	if ((i > 0 && a - m->region[i - 1].base < m->region[i - 1].size) ||
	    (i < m->nr && m->region[i].base < end))
		return err_set(e, EEXIST, "memory at 0x%" PRIx64 " overlaps other memory", a);
	memmove(&m->region[i + 1], &m->region[i], (m->nr - i) * sizeof(m->region[0]));
	m->region[i] = *r;
	m->nr++;
	return 0;
}

static struct window piece(const struct gmem *m, gpa_t at, size_t len, bool to_write)
{
	for (size_t i = 0; i < m->nr; i++) {
		const struct gmem_region *r = &m->region[i];
		const size_t here = (size_t)range_part(at.a, len, r->base, r->size);

		if (here == 0)
			continue;
		if (to_write && r->readonly)
			break;
		return (struct window){ .host = (char GUEST_MEM *)r->host + (at.a - r->base),
					.len = here };
	}
	return (struct window){ .host = NULL, .len = 0 };
}

const struct gmem_region *gmem_find(const struct gmem *m, gpa_t at, uint64_t len)
{
	for (size_t i = 0; i < m->nr; i++)
		if (range_inside(at.a, len, m->region[i].base, m->region[i].size))
			return &m->region[i];
	return NULL;
}

struct window gmem_window(const struct gmem *m, gpa_t at, size_t len)
{
	return piece(m, at, len, true);
}

/* Whether all of [@at, @at + @len) can be written; regions may touch each other. */
static bool writable(const struct gmem *m, gpa_t at, size_t len)
{
	while (len) {
		struct window w = gmem_window(m, at, len);

		if (w.len == 0)
			return false;
		at.a += w.len;
		len -= w.len;
	}
	return true;
}

bool gmem_peek(const struct gmem *m, gpa_t at, void *dst, size_t len)
{
	char *to = dst;

	while (len) {
		struct window w = piece(m, at, len, false);

		if (w.len == 0)
			return false;
		if (!poison_read(to, w.host, w.len))
			return false;
		to += w.len;
		at.a += w.len;
		len -= w.len;
	}
	return true;
}

bool gmem_read(const struct gmem *m, gpa_t at, void *dst, size_t len)
{
	const struct gmem_observer *o = m->observer;
	bool done;

	if (o)
		o->before(o->ctx, at, len, false);
	done = gmem_peek(m, at, dst, len);
	if (o)
		o->after(o->ctx, at, len, false);
	return done;
}

static bool copy_in(struct gmem *m, gpa_t at, const void *src, size_t len)
{
	const char *from = src;

	while (len) {
		struct window w = gmem_window(m, at, len);

		if (!poison_write(w.host, from, w.len))
			return false;
		from += w.len;
		at.a += w.len;
		len -= w.len;
	}
	return true;
}

bool gmem_write(struct gmem *m, gpa_t at, const void *src, size_t len)
{
	const struct gmem_observer *o = m->observer;
	bool done;

	if (!writable(m, at, len))
		return false;
	if (o)
		o->before(o->ctx, at, len, true);
	done = copy_in(m, at, src, len);
	if (o)
		o->after(o->ctx, at, len, true);
	return done;
}

void gmem_tell_(const struct gmem *m, gpa_t at, size_t len, bool written)
{
	m->observer->was(m->observer->ctx, at, len, written);
}

void gmem_tell_host_(const struct gmem *m, const void GUEST_MEM *host, size_t len, bool written)
{
	gpa_t at;

	if (gmem_at_host(m, (FORCE uintptr_t)host, &at))
		gmem_tell_(m, at, len, written);
}

/* The part of [@at, @at + @len) that lies in @r. */
static uint64_t discard_in(const struct gmem *m, const struct gmem_region *r, uint64_t at,
			   uint64_t len)
{
	const uint64_t skip = at < r->base ? r->base - at : 0;
	uint64_t off, gone;

	if (!r->ram || r->readonly || skip >= len)
		return 0;
	off = at + skip - r->base;
	len = range_part(at + skip, len - skip, r->base, r->size);
	if (len == 0)
		return 0;
	gone = ram_discard(r->ram, off, len);
	if (gone && align_up_ok(off, r->ram->page, &off))
		gmem_mark_dirty(m, gpa(r->base + off), gone);
	return gone;
}

uint64_t gmem_discard(const struct gmem *m, gpa_t at, uint64_t len)
{
	uint64_t gone = 0;

	for (size_t i = 0; i < m->nr; i++)
		gone += discard_in(m, &m->region[i], at.a, len);
	return gone;
}

bool gmem_load(const struct gmem *m, gpa_t at, void *dst, unsigned size)
{
	struct window w = piece(m, at, size, false);

	return w.len == size && poison_load(dst, w.host, size);
}

bool gmem_store(struct gmem *m, gpa_t at, const void *src, unsigned size)
{
	struct window w = piece(m, at, size, true);

	if (w.len != size || !poison_store(w.host, src, size))
		return false;
	return true;
}

bool gmem_at_host(const struct gmem *m, uintptr_t host, gpa_t *at)
{
	*at = gpa(0);
	for (size_t i = 0; i < m->nr; i++) {
		const struct gmem_region *r = &m->region[i];
		uintptr_t off = host - (FORCE uintptr_t)r->host;

		if (off >= r->size && r->guest)
			off = host - (uintptr_t)r->guest;
		if (off < r->size) {
			*at = gpa(r->base + off);
			return true;
		}
	}
	return false;
}
