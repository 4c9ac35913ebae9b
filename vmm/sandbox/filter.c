/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program begins with what is asked most: whether the call is an ioctl(), and its request. For
 * all else there is a tree of comparisons of the number, whose leaves allow, trap, or look at an
 * argument.
 *
 * What the number alone allows, the kernel finds out when it takes a program, and asks no more. For
 * that it follows the program for every number that there is, and that is most of what a filter
 * costs: so the tree halves the numbers, not the rules.
 *
 * Programs are made from the end to the beginning: what a jump leads to is there before it.
 */
#include "vmm/sandbox/filter.h"

#include <assert.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifdef __aarch64__
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#define THIS_ARCH AUDIT_ARCH_X86_64
#endif

/* More than there are; the last one stands for all that follow, and no rule has it. */
#define CALLS 512

static_assert(FILTER_MAX <= UINT8_MAX + 2, "a jump reaches all of a program");

/* A program that is being made. Places in it are counted from its end. */
struct making {
	struct filter *f;
	unsigned kinds;
	const struct filter_facts *facts;
	unsigned allow, trap, kill;
	uint16_t to[CALLS]; /* where each call goes */
	struct way {
		uint16_t from, to; /* up to the next one's number */
	} ways[FILTER_MAX];
	unsigned nr_ways;
};

/* --- instructions: each function returns the place of its first ------------------------------ */

static unsigned put(struct filter *f, unsigned code, uint32_t k, unsigned jt, unsigned jf)
{
	assert(f->len < FILTER_MAX);
	f->len++;
	f->insn[FILTER_MAX - f->len] = (struct sock_filter){
		.code = (uint16_t)code, .jt = (uint8_t)jt, .jf = (uint8_t)jf, .k = k
	};
	return f->len;
}

static unsigned ret(struct filter *f, uint32_t what)
{
	return put(f, BPF_RET | BPF_K, what, 0, 0);
}

static unsigned load(struct filter *f, size_t offset)
{
	return put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The low half of an argument; vmm's own are all that the kernel looks at there. */
static unsigned load_arg(struct filter *f, unsigned i)
{
	return load(f, offsetof(struct seccomp_data, args) + 8 * i +
			       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0));
}

/* Compares what is loaded, in the way that @how is. */
static unsigned branch(struct filter *f, unsigned how, uint32_t k, unsigned yes, unsigned no)
{
	return put(f, BPF_JMP | how | BPF_K, k, f->len - yes, f->len - no);
}

/* --- rules ----------------------------------------------------------------------------------- */

static unsigned check_ioctl(struct making *m)
{
	unsigned first = m->trap;
	size_t nr = 0;

	while (sandbox_ioctls[nr].name)
		nr++;
	while (nr--) {
		const struct rule_ioctl *i = &sandbox_ioctls[nr];

		if (i->kinds & m->kinds)
			first = branch(m->f, BPF_JEQ, (uint32_t)i->request, m->allow, first);
	}
	return load_arg(m->f, 1);
}

static unsigned check(struct making *m, enum rule_check how)
{
	switch (how) {
	case RULE_ANY:
		return m->allow;
	case RULE_IOCTL:
		return check_ioctl(m);
	case RULE_OWN_PID:
		(void)branch(m->f, BPF_JEQ, m->facts->pid, m->allow, m->trap);
		return load_arg(m->f, 0);
	case RULE_NO_EXEC:
		(void)branch(m->f, BPF_JSET, PROT_EXEC, m->trap, m->allow);
		return load_arg(m->f, 2);
	}
	return m->trap;
}

static void make_checks(struct making *m)
{
	for (unsigned n = 0; n < CALLS; n++)
		m->to[n] = (uint16_t)m->trap;
	for (const struct rule *r = sandbox_rules; r->name; r++) {
		if (!(r->kinds & m->kinds) || (r->watch && !m->facts->watch))
			continue;
		assert((unsigned)r->number < CALLS - 1 && m->to[r->number] == m->trap);
		m->to[r->number] = (uint16_t)check(m, r->check);
	}
}

/* --- the tree -------------------------------------------------------------------------------- */

static void find_ways(struct making *m)
{
	for (unsigned n = 0; n < CALLS; n++) {
		if (n > 0 && m->to[n] == m->to[n - 1])
			continue;
		assert(m->nr_ways < ARRAY_SIZE(m->ways));
		m->ways[m->nr_ways++] = (struct way){ (uint16_t)n, m->to[n] };
	}
}

/* The one of @first's followers that begins nearest to the middle of all their numbers. */
static unsigned middle_way(const struct making *m, unsigned first, unsigned end)
{
	const unsigned past = end < m->nr_ways ? m->ways[end].from : CALLS;
	const unsigned middle = (m->ways[first].from + past) / 2;
	unsigned at = first + 1;

	while (at + 1 < end && (m->ways[at].from + m->ways[at + 1].from) / 2U <= middle)
		at++;
	return at;
}

/* Of the ways from @first up to @end. */
static unsigned tree(struct making *m, unsigned first, unsigned end)
{
	unsigned at, high, low;

	if (end - first == 1)
		return m->ways[first].to;
	at = middle_way(m, first, end);
	high = tree(m, at, end);
	low = tree(m, first, at);
	return branch(m->f, BPF_JGE, m->ways[at].from, high, low);
}

void filter_make(struct filter *f, enum thread_kind kind, const struct filter_facts *facts)
{
	struct making m = { .f = f, .kinds = 1U << kind, .facts = facts };
	unsigned ioctl, others;

	f->len = 0;
	m.kill = ret(f, SECCOMP_RET_KILL_PROCESS);
	m.trap = ret(f, SECCOMP_RET_TRAP);
	m.allow = ret(f, SECCOMP_RET_ALLOW);
	make_checks(&m);
	ioctl = m.to[SYS_ioctl];
	m.to[SYS_ioctl] = (uint16_t)m.trap; /* the tree need not know it */
	find_ways(&m);
	others = tree(&m, 0, m.nr_ways);
	(void)branch(f, BPF_JEQ, SYS_ioctl, ioctl, others);
	(void)load(f, offsetof(struct seccomp_data, nr));
	(void)branch(f, BPF_JEQ, THIS_ARCH, f->len, m.kill);
	(void)load(f, offsetof(struct seccomp_data, arch));
	memmove(f->insn, f->insn + FILTER_MAX - f->len, f->len * sizeof(f->insn[0]));
}
