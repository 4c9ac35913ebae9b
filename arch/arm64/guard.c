/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/guard.h"

#include "vmm/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* KVM takes slots of less than 2^31 pages; this is the largest round number below, with 4K pages.
 */
#define SLOT_PAGES ((1ULL << 31) - 512)

static int make_host(struct guard_host *h, uint64_t size, struct err *e)
{
	void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return err_sys(e, "guards: %" PRIu64 " MiB of addresses", size / MiB);
	*h = (struct guard_host){ at, size };
	return 0;
}

/* Gives @new its slot and puts it in the list at @at. */
static int insert(struct guards *g, size_t at, struct guard *new, struct err *e)
{
	int code;

	if (g->nr == g->room) {
		size_t room = g->room ? 2 * g->room : 32;
		struct guard *more = reallocarray(g->at, room, sizeof(*more));

		if (!more)
			return err_set(e, ENOMEM, "guards: out of memory");
		g->at = more;
		g->room = room;
	}
	new->slot = g->kvm->slots;
	code = kvm_add_slot(g->kvm, new->base, new->size, new->host, KVM_MEM_READONLY, e);
	if (code)
		return err_ctx(e, "guard");
	memmove(&g->at[at + 1], &g->at[at], (g->nr - at) * sizeof(g->at[0]));
	g->at[at] = *new;
	g->nr++;
	return 0;
}

/* Guards over the holes from g->end up to @end, backed by @h of at most @largest bytes. */
static int cover(struct guards *g, const struct space *s, struct guard_host *h, uint64_t end,
		 uint64_t largest, struct err *e)
{
	uint64_t at = g->end, base, size, most = 0;
	int code = 0;

	for (; space_hole(s, at, end, g->page, &base, &size); at = base + size)
		if (size > most)
			most = size;
	if (most == 0)
		return 0;
	code = make_host(h, most < largest ? most : largest, e);
	at = g->end;
	for (; code == 0 && space_hole(s, at, end, g->page, &base, &size); at = base + size) {
		struct guard new = { .base = base, .host = h->at };

		if (size > h->size)
			size = h->size;
		new.size = size;
		code = insert(g, g->nr, &new, e);
	}
	if (code == 0)
		g->end = end;
	return code;
}

int guards_create(struct guards *g, struct kvm *k, const struct space *s, uint64_t end,
		  uint64_t largest, struct err *e)
{
	*g = (struct guards){ .kvm = k, .page = (uint64_t)sysconf(_SC_PAGESIZE) };
	return cover(g, s, &g->near, end, largest, e);
}

int guards_extend(struct guards *g, const struct space *s, uint64_t end, struct err *e)
{
	if (g->far.at || end <= g->end)
		return 0;
	return cover(g, s, &g->far, end, SLOT_PAGES * g->page, e);
}

/* The guard that covers @ipa, or NULL. */
static struct guard *find(const struct guards *g, uint64_t ipa)
{
	size_t lo = 0, hi = g->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (g->at[mid].base > ipa)
			hi = mid;
		else if (ipa - g->at[mid].base < g->at[mid].size)
			return &g->at[mid];
		else
			lo = mid + 1;
	}
	return NULL;
}

bool guards_cover(const struct guards *g, uint64_t ipa)
{
	return find(g, ipa) != NULL;
}

bool guards_open(struct guards *g, uint64_t ipa)
{
	struct guard *old = find(g, ipa);
	uint64_t page = ipa & ~(g->page - 1);
	struct guard right = { .base = page + g->page };
	struct err e;
	int code;

	if (!old || g->opened == GUARDS_OPEN_MAX)
		return false;
	g->opened++;
	right.size = old->base + old->size - right.base;
	right.host = old->host;
	/* A slot cannot be cut: it goes, and what is left of it on both sides comes back. */
	code = kvm_set_slot(g->kvm, old->slot, old->base, 0, old->host, 0, &e);
	old->size = page - old->base;
	if (code == 0 && old->size)
		code = kvm_set_slot(g->kvm, old->slot, old->base, old->size, old->host,
				    KVM_MEM_READONLY, &e);
	if (code == 0 && right.size)
		code = insert(g, (size_t)(old - g->at) + 1, &right, &e);
	if (code)
		log_warn("%s", e.text);
	return code == 0;
}

void guards_destroy(struct guards *g)
{
	if (g->near.at)
		(void)munmap(g->near.at, g->near.size);
	if (g->far.at)
		(void)munmap(g->far.at, g->far.size);
	free(g->at);
	*g = (struct guards){ 0 };
}
