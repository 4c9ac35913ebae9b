/* SPDX-License-Identifier: Apache-2.0 */
/* Who touched what: taken down before an access, told after it. */
#include "arch/arm64/capture.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/watch_parts.h"

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

bool watch_report(const struct watch_hits *h, struct machine *m, struct fault *f,
		  enum fault_access access)
{
	const struct machine_events *ev = &m->events;
	bool stop = false;

	f->access = access;
	f->cause = FAULT_WATCHED;
	f->ipa_known = f->value_known = f->old_known = true;
	for (unsigned i = 0; i < h->nr; i++) {
		const struct watch_hit *hit = &h->at[i];
		uint8_t now[16] = { 0 };

		if (!is_wanted(hit->range, access))
			continue;
		f->action = hit->range->stop ? FAULT_STOPPED : FAULT_CARRIED_OUT;
		f->ipa = hit->pa;
		f->va = f->va_decoded = hit->va;
		f->va_source = hit->va ? FAULT_VA_DECODED : FAULT_VA_UNKNOWN;
		f->watched = hit->bytes;
		(void)snprintf(f->watch, sizeof(f->watch), "%s", hit->range->name);
		memcpy(f->old, hit->old, sizeof(f->old));
		if (!gmem_peek(m->mem, gpa(hit->pa), now, hit->bytes))
			f->value_known = false;
		memcpy(f->value, now, sizeof(f->value));
		ev->watch_hit(ev->ctx, f);
		stop = stop || hit->range->stop;
	}
	if (stop)
		ev->guest(ev->ctx, GUEST_STOPPED, "stopped at an access to what is watched");
	return stop;
}
