/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/guard.h"

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

/*
 * Reserves @size bytes of addresses, as mappings of at most @largest: neighbours would be one
 * mapping if they did not differ in something, which here is what a fork would do with them.
 */
static int make_host(struct guard_host *h, uint64_t size, uint64_t largest, struct err *e)
{
	char *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return err_sys(e, "guards: %" PRIu64 " MiB of addresses", size / MiB);
	*h = (struct guard_host){ at, size };
	for (uint64_t off = largest; off < size; off += 2 * largest)
		(void)madvise(at + off, size - off < largest ? size - off : largest, MADV_DONTFORK);
	return 0;
}

/* Index of the first guard that ends beyond @ipa. */
static size_t first_beyond(const struct guards *g, uint64_t ipa)
{
	size_t lo = 0, hi = g->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (g->at[mid].base + g->at[mid].size > ipa)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* The guard that covers @ipa, or NULL. */
static struct guard *find(const struct guards *g, uint64_t ipa)
{
	size_t i = first_beyond(g, ipa);

	return i < g->nr && g->at[i].base <= ipa ? &g->at[i] : NULL;
}

/* Gives @new its slot and puts it in the list. */
static int insert(struct guards *g, struct guard *new, struct err *e)
{
	size_t at = first_beyond(g, new->base);
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

/* The next piece of a hole, from *@at on, without a guard; moves *@at behind it. */
static bool next_bare(const struct guards *g, const struct space *s, uint64_t end, uint64_t *at,
		      struct guard *piece)
{
	uint64_t base, size;

	while (space_hole(s, *at, end, g->page, &base, &size)) {
		const size_t i = first_beyond(g, base);
		const struct guard *next = i < g->nr ? &g->at[i] : NULL;

		if (next && next->base <= base) {
			*at = next->base + next->size;
			continue;
		}
		if (next && next->base - base < size)
			size = next->base - base;
		*piece = (struct guard){ .base = base, .size = size };
		*at = base + size;
		return true;
	}
	return false;
}

/*
 * Guards over what is bare below @end, in pieces of at least @least bytes, backed by @h, which is
 * made of mappings of at most @largest.
 */
static int cover(struct guards *g, const struct space *s, struct guard_host *h, uint64_t end,
		 uint64_t least, uint64_t largest, struct err *e)
{
	const uint64_t slot = SLOT_PAGES * g->page;
	uint64_t at = 0, most = 0;
	struct guard piece;
	int code;

	while (next_bare(g, s, end, &at, &piece))
		if (piece.size > most)
			most = piece.size;
	if (most < least)
		return 0;
	code = make_host(h, most < slot ? most : slot, largest, e);
	for (at = 0; code == 0 && next_bare(g, s, end, &at, &piece);) {
		if (piece.size < least)
			continue;
		if (piece.size > h->size) {
			piece.size = h->size;
			at = piece.base + piece.size;
		}
		piece.host = h->at;
		code = insert(g, &piece, e);
	}
	return code;
}

int guards_create(struct guards *g, struct kvm *k, const struct space *s, uint64_t end,
		  uint64_t largest, struct err *e)
{
	*g = (struct guards){ .kvm = k, .page = (uint64_t)sysconf(_SC_PAGESIZE) };
	return cover(g, s, &g->near, end, GUARD_WORTH, largest, e);
}

int guards_extend(struct guards *g, const struct space *s, uint64_t end, struct err *e)
{
	if (g->far.at)
		return 0;
	return cover(g, s, &g->far, end, 1, SLOT_PAGES * g->page, e);
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
		code = insert(g, &right, &e);
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
