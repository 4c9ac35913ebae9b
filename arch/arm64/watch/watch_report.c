/* SPDX-License-Identifier: Apache-2.0 */
/* Who touched what: taken down before an access, told after it. */
#include "arch/arm64/fault/capture.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/watch/watch_parts.h"

#include <stdio.h>
#include <string.h>

void watch_note(struct watch_hits *h, struct machine *m, uint64_t pa, uint64_t va, uint64_t size,
		unsigned kinds)
{
	const struct watchset *s = m->arch->watching.set;
	uint64_t at, len;

	for (size_t i = 0; i < s->nr && h->nr < WATCH_HITS; i++) {
		const struct watch_range *r = &s->range[i];
		struct watch_hit *hit = &h->at[h->nr];

		if (!(r->kinds & kinds) || !watch_overlap(r, pa, size, &at, &len))
			continue;
		/* An access that goes on in the next page is one. */
		if (h->nr && h->at[h->nr - 1].range == r)
			continue;
		*hit = (struct watch_hit){
			.range = r,
			.pa = at,
			.va = va + (at - pa),
			.bytes = len < sizeof(hit->old) ? (unsigned)len : sizeof(hit->old),
		};
		if (gmem_peek(m->mem, gpa(at), hit->old, hit->bytes))
			h->nr++;
	}
}

/* Adds what changed of @r in the page of @o: from the first byte that did. */
static void note_change(struct watch_hits *h, const struct machine *m, const struct watch_range *r,
			const struct watch_opened *o)
{
	struct watch_hit *hit = &h->at[h->nr];
	uint64_t at, len, first, last;
	const uint8_t *old;
	uint8_t now[256];

	if (h->nr == WATCH_HITS || !(r->kinds & WATCH_WRITE) ||
	    !watch_overlap(r, o->page, m->arch->watching.page, &at, &len))
		return;
	old = o->before + (at - o->page);
	first = len;
	last = 0;
	for (uint64_t i = 0; i < len; i++) {
		if (i % sizeof(now) == 0 &&
		    !gmem_peek(m->mem, gpa(at + i), now,
			       len - i < sizeof(now) ? (size_t)(len - i) : sizeof(now)))
			return;
		if (now[i % sizeof(now)] == old[i])
			continue;
		if (first == len)
			first = i;
		last = i;
	}
	if (first == len)
		return;
	*hit = (struct watch_hit){ .range = r, .pa = at + first };
	hit->bytes =
		(unsigned)(last - first < sizeof(hit->old) ? last - first + 1 : sizeof(hit->old));
	memcpy(hit->old, old + first, hit->bytes);
	h->nr++;
}

void watch_note_changes(struct watch_hits *h, const struct machine *m)
{
	const struct watching *wt = &m->arch->watching;

	*h = (struct watch_hits){ .nr = 0 };
	for (unsigned i = 0; i < wt->nr_opened; i++)
		for (size_t n = 0; n < wt->set->nr; n++)
			note_change(h, m, &wt->set->range[n], &wt->opened[i]);
}

void watch_capture(struct fault *f, struct view *w)
{
	capture_cpu(f, w);
	capture_vectors(f, w);
	capture_history(f, w);
}

static bool is_wanted(const struct watch_range *r, enum fault_access access)
{
	switch (access) {
	case FAULT_READ:
	case FAULT_FETCH:
		return r->kinds & WATCH_READ;
	case FAULT_WRITE:
		return r->kinds & WATCH_WRITE;
	case FAULT_READ_WRITE:
	case FAULT_ACCESS_COUNT:
		break;
	}
	return true;
}

bool watch_wants_facts(const struct watch_hits *h, const struct machine *m)
{
	for (unsigned i = 0; i < h->nr; i++)
		if (h->at[i].range->stop)
			return true;
	return m->events.watch_room(m->events.ctx);
}

/* What is known of @hit now that it was done, into *f. */
static void describe(struct fault *f, const struct watch_hit *hit, const struct machine *m)
{
	uint8_t now[16] = { 0 };

	f->action = hit->range->stop ? FAULT_STOPPED : FAULT_CARRIED_OUT;
	f->ipa = hit->pa;
	f->va = f->va_decoded = hit->va;
	f->va_source = hit->va ? FAULT_VA_DECODED : FAULT_VA_UNKNOWN;
	f->watched = hit->bytes;
	(void)snprintf(f->watch, sizeof(f->watch), "%s", hit->range->name);
	memcpy(f->old, hit->old, sizeof(f->old));
	f->value_known = gmem_peek(m->mem, gpa(hit->pa), now, hit->bytes);
	memcpy(f->value, now, sizeof(f->value));
}

bool watch_report(const struct watch_hits *h, struct machine *m, struct fault *f,
		  enum fault_access access)
{
	const struct machine_events *ev = &m->events;
	bool stop = false;

	if (f) {
		f->access = access;
		f->cause = FAULT_WATCHED;
		f->ipa_known = true;
		f->old_known = !h->late;
	}
	for (unsigned i = 0; i < h->nr; i++) {
		const struct watch_hit *hit = &h->at[i];

		if (!is_wanted(hit->range, access))
			continue;
		if (f)
			describe(f, hit, m);
		ev->watch_hit(ev->ctx, f);
		stop = stop || hit->range->stop;
	}
	if (stop)
		ev->guest(ev->ctx, GUEST_STOPPED, "stopped at an access to what is watched");
	return stop;
}
