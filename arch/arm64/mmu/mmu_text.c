/* SPDX-License-Identifier: Apache-2.0 */
/* A walk in words. What matters most comes first, since what does not fit is left out. */
#include "arch/arm64/mmu/items.h"
#include "arch/arm64/mmu/mmu_parts.h"

#include <inttypes.h>
#include <string.h>

/* --- names -------------------------------------------------------------------------------------
 */

static const char *rights_name(unsigned rights)
{
	static const char *const names[8] = {
		"none",		"read-only",	"write-only",	 "read-write",
		"execute-only", "read-execute", "write-execute", "read-write-execute",
	};

	return names[rights & 7];
}

/* Half of a MAIR field that is Normal memory. Transience and allocation are hints: not shown. */
static const char *cache_name(unsigned half)
{
	if (half == 4)
		return "NC";
	return half < 4 || (half >= 8 && half < 12) ? "WT" : "WB";
}

struct mmu_name mmu_memory_name(uint8_t attr)
{
	static const char *const device[] = { "nGnRnE", "nGnRE", "nGRE", "GRE" };
	unsigned outer = attr >> 4, inner = attr & 15;
	struct mmu_name n;

	if (outer == 0 && !(inner & 2)) {
		(void)snprintf(n.s, sizeof(n.s), "Device-%s%s", device[inner >> 2],
			       inner & 1 ? " XS 0" : "");
	} else if (attr == 0x40 || attr == 0xa0) {
		(void)snprintf(n.s, sizeof(n.s), "Normal %s XS 0", cache_name(outer));
	} else if (attr == 0xe0 || attr == 0xf0) {
		(void)snprintf(n.s, sizeof(n.s), "Normal WB %s",
			       attr == 0xf0 ? "Tagged" : "NoTagAccess");
	} else if (outer == 0 || inner == 0) {
		(void)snprintf(n.s, sizeof(n.s), "reserved type");
	} else if (strcmp(cache_name(outer), cache_name(inner)) == 0) {
		(void)snprintf(n.s, sizeof(n.s), "Normal %s", cache_name(outer));
	} else {
		(void)snprintf(n.s, sizeof(n.s), "Normal inner %s outer %s", cache_name(inner),
			       cache_name(outer));
	}
	return n;
}

/* Whether shareability says something: all else is outer shareable anyway. */
static bool is_cacheable(uint8_t attr)
{
	return attr >> 4 && attr != MEMORY_NORMAL_NC && attr != 0x40;
}

static struct mmu_name size_name(uint64_t size)
{
	static const char units[] = "KMGT";
	struct mmu_name n;
	unsigned i = 0;

	size >>= 10;
	for (; size >= 1024 && i < 3; i++)
		size >>= 10;
	(void)snprintf(n.s, sizeof(n.s), "%" PRIu64 " %ciB", size, units[i]);
	return n;
}

static void add_rights(struct items *i, unsigned el0, unsigned el1)
{
	items_add(i, "EL0 %s", rights_name(el0));
	items_add(i, "EL1 %s", rights_name(el1));
}

static void add_if(struct items *i, bool is, const char *what)
{
	if (is)
		items_add(i, "%s", what);
}

/* --- the regime --------------------------------------------------------------------------------
 */

void mmu_regime_text(const struct mmu_walk *w, char *buf, size_t size)
{
	const struct mmu_regime *g = &w->regime;
	struct items i = items_in(buf, size);
	unsigned half = g->upper;

	switch (g->format) {
	case MMU_OFF:
		items_add(&i, "MMU off");
		break;
	case MMU_SHORT:
		items_add(&i, "TTBR%u 0x%" PRIx64, half, g->table);
		items_add(&i, "short descriptors");
		items_add(&i, "%u bits", g->ia_bits);
		break;
	case MMU_LONG:
		if (g->ia_bits)
			items_add(&i, "TTBR%u%s 0x%" PRIx64, half, g->aarch32 ? "" : "_EL1",
				  g->table);
		else
			items_add(&i, "TTBR%u_EL1", half);
		if (g->aarch32)
			items_add(&i, "long descriptors");
		else
			items_add(&i, "%uK granule", 1U << (g->granule - 10));
		if (g->ia_bits)
			items_add(&i, "%u bits", g->ia_bits);
		else
			items_add(&i, "T%uSZ out of range", half);
		break;
	}
	add_if(&i, g->big_endian, "big-endian");
	add_if(&i, g->tagged, "top byte ignored");
	add_if(&i, g->lpa2, "LPA2");
	add_if(&i, g->wide && !g->lpa2, "LPA");
	add_if(&i, g->pie, "PIE");
	add_if(&i, g->hpd && !g->pie, "HPD");
	add_if(&i, g->ha, g->hd ? "HA HD" : "HA");
}

/* --- a step ------------------------------------------------------------------------------------
 */

static void add_domain(struct items *i, const struct mmu_regs *r, unsigned domain)
{
	static const char *const names[] = { "none", "client", "reserved", "manager" };

	items_add(i, "domain %u %s", domain, names[domain_access(r, domain)]);
}

static void add_execute_never(struct items *i, bool pxn, bool xn, const char *xn_name)
{
	if (pxn && xn)
		items_add(i, "PXN %s", xn_name);
	else if (pxn || xn)
		items_add(i, "%s", pxn ? "PXN" : xn_name);
}

static void add_long_table(struct items *i, const struct mmu_regime *g, uint64_t d)
{
	bool any = field(d, DESC_PXNTABLE, 4) != 0;

	add_if(i, bit(d, DESC_APTABLE), "EL0 none");
	add_if(i, bit(d, DESC_APTABLE + 1), "read-only");
	add_if(i, bit(d, DESC_PXNTABLE), "PXNTable");
	add_if(i, bit(d, DESC_UXNTABLE), g->aarch32 ? "XNTable" : "UXNTable");
	add_if(i, any && g->hpd, "not used (HPD)");
}

static void add_long_leaf(struct items *i, const struct mmu_regs *r, const struct mmu_walk *w,
			  uint64_t d)
{
	const struct mmu_regime *g = &w->regime;
	unsigned index = (unsigned)field(d, 2, 3), el0, el1;

	items_add(i, "AttrIndx %u (%s)", index,
		  mmu_memory_name((uint8_t)field(r->mair, index * 8, 8)).s);
	if (g->pie) {
		items_add(i, "PIIndex %u", mmu_pi_index(d));
		if (w->mapped)
			add_rights(i, w->el0, w->el1);
		add_if(i, bit(d, 7), "clean");
	} else {
		mmu_ap((unsigned)field(d, 6, 2), &el0, &el1);
		add_rights(i, el0, el1);
		add_execute_never(i, bit(d, DESC_PXN), bit(d, DESC_UXN), g->aarch32 ? "XN" : "UXN");
	}
	add_if(i, !bit(d, DESC_AF), "AF 0");
	add_if(i, bit(d, DESC_CONTIGUOUS), "contiguous");
	add_if(i, !g->pie && bit(d, DESC_DBM), "DBM");
	add_if(i, bit(d, DESC_NG), "nG");
}

static void add_short_leaf(struct items *i, const struct mmu_regs *r, const struct mmu_walk *w,
			   const struct mmu_step *s)
{
	struct mmu32_leaf l = mmu32_leaf(r, s->kind, (uint32_t)s->descriptor);
	unsigned el0, el1;

	items_add(i, "%s", mmu_memory_name(l.memory).s);
	mmu32_ap(r, l.ap, &el0, &el1);
	add_rights(i, el0, el1);
	add_execute_never(i, l.pxn, l.xn, "XN");
	add_domain(i, r, w->domain);
	add_if(i, bit(r->sctlr, SCTLR_AFE) && !(l.ap & 1), "AF 0");
	add_if(i, l.ng, "nG");
}

void mmu_step_text(const struct mmu_regs *r, const struct mmu_walk *w, unsigned n, char *buf,
		   size_t size)
{
	static const char *const kinds[] = {
		[MMU_UNREAD] = "no memory there",
		[MMU_INVALID] = "invalid",
		[MMU_RESERVED] = "reserved",
		[MMU_TABLE] = "table",
		[MMU_BLOCK] = "block",
		[MMU_PAGE] = "page",
		[MMU_SECTION] = "section",
		[MMU_SUPERSECTION] = "supersection",
		[MMU_LARGE_PAGE] = "large page",
		[MMU_SMALL_PAGE] = "small page",
	};
	const struct mmu_step *s = &w->step[n];
	struct items i = items_in(buf, size);

	assert(n < w->nr_steps);
	if (s->size)
		items_add(&i, "%s %s", size_name(s->size).s, kinds[s->kind]);
	else
		items_add(&i, "%s", kinds[s->kind]);
	if (s->kind < MMU_TABLE)
		return;
	if (s->kind != MMU_TABLE && w->regime.format == MMU_LONG) {
		add_long_leaf(&i, r, w, s->descriptor);
	} else if (s->kind != MMU_TABLE) {
		add_short_leaf(&i, r, w, s);
	} else if (w->regime.format == MMU_LONG) {
		add_long_table(&i, &w->regime, s->descriptor);
	} else {
		add_domain(&i, r, w->domain);
		add_if(&i, bit(s->descriptor, 2), "PXN");
	}
}

/* --- the result ----------------------------------------------------------------------------------
 */

/* Why no descriptor was found, or what was wrong in one. */
static void add_no_mapping(struct items *i, const struct mmu_walk *w)
{
	const struct mmu_regime *g = &w->regime;
	const char *name =
		w->fault == MMU_TRANSLATION_FAULT ? "translation fault" : "address size fault";
	unsigned half = g->upper;
	int level = w->level;

	switch (w->why) {
	case MMU_WHY_TXSZ:
		items_add(i, "level %d %s: T%uSZ is out of range", level, name, half);
		break;
	case MMU_WHY_RANGE:
		items_add(i, "level %d %s: not an address of %u bits", level, name, g->ia_bits);
		break;
	case MMU_WHY_EPD:
		items_add(i, "level %d %s: walks by TTBR%u are turned off", level, name, half);
		break;
	case MMU_WHY_E0PD:
		items_add(i, "level %d %s: EL0 is kept out (E0PD%u)", level, name, half);
		break;
	case MMU_WHY_TTBR:
		items_add(i, "level %d %s: TTBR%u has more than %u bits", level, name, half,
			  g->oa_bits);
		break;
	case MMU_WHY_OUTPUT:
		items_add(i, "level %d %s: more than %u bits", level, name, g->oa_bits);
		break;
	case MMU_WHY_PLAIN:
	case MMU_WHY_PAN:
	case MMU_WHY_CLEAN:
		if (w->fault == MMU_ADDRESS_SIZE_FAULT)
			items_add(i, "level %d %s: its output has more than %u bits", level, name,
				  g->oa_bits);
		else
			items_add(i, "level %d %s", level, name);
		break;
	}
}

static void add_permission_fault(struct items *i, const struct mmu_walk *w)
{
	static const char *const verbs[FAULT_ACCESS_COUNT] = {
		[FAULT_READ] = "read",
		[FAULT_WRITE] = "write",
		[FAULT_READ_WRITE] = "read and write",
		[FAULT_FETCH] = "fetch",
	};
	const char *verb = verbs[w->access];
	unsigned el = w->privileged;

	if (w->why == MMU_WHY_PAN)
		items_add(i, "level %d permission fault: %s by EL1 with PAN, and EL0 has %s",
			  w->level, verb, rights_name(w->el0));
	else if (w->why == MMU_WHY_CLEAN)
		items_add(i, "level %d permission fault: %s by EL%u, and the page is clean",
			  w->level, verb, el);
	else
		items_add(i, "level %d permission fault: %s by EL%u, which has %s", w->level, verb,
			  el, rights_name(el ? w->el1 : w->el0));
}

static void add_mapping(struct items *i, const struct mmu_walk *w)
{
	static const char *const shared[] = { "non-shareable", "reserved shareability",
					      "outer shareable", "inner shareable" };

	items_add(i, "0x%" PRIx64, w->pa);
	items_add(i, "%s", mmu_memory_name(w->memory).s);
	if (w->regime.format == MMU_OFF)
		return;
	add_if(i, is_cacheable(w->memory), shared[w->sh & 3]);
	add_rights(i, w->el0, w->el1);
	if (w->run_size)
		items_add(i, "contiguous 0x%" PRIx64 " to 0x%" PRIx64, w->pa & ~(w->run_size - 1),
			  w->pa | (w->run_size - 1));
}

void mmu_result_text(const struct mmu_walk *w, char *buf, size_t size)
{
	struct items i = items_in(buf, size);

	switch (w->fault) {
	case MMU_NO_FAULT:
		add_mapping(&i, w);
		return;
	case MMU_TRANSLATION_FAULT:
	case MMU_ADDRESS_SIZE_FAULT:
		add_no_mapping(&i, w);
		return;
	case MMU_EXTERNAL_ABORT:
		items_add(&i, "level %d external abort on the walk: no memory at 0x%" PRIx64,
			  w->level, w->step[w->nr_steps - 1].at);
		return;
	case MMU_ACCESS_FLAG_FAULT:
		items_add(&i, "level %d access flag fault", w->level);
		break;
	case MMU_DOMAIN_FAULT:
		items_add(&i, "level %d domain fault: no access to domain %u", w->level, w->domain);
		break;
	case MMU_PERMISSION_FAULT:
		add_permission_fault(&i, w);
		break;
	}
	items_add(&i, "maps to 0x%" PRIx64, w->pa);
}
