/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program is a list of blocks, one for each rule: compare the number, else on to the next; look
 * at an argument if the rule does; allow, or trap. Nothing follows a block whose number was the
 * call's, so a number stands in one block of a program.
 */
#include "vmm/sandbox/filter.h"

#include <assert.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>

#ifdef __aarch64__
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#define THIS_ARCH AUDIT_ARCH_X86_64
#endif

#define ALLOW SECCOMP_RET_ALLOW
#define TRAP  SECCOMP_RET_TRAP

static void put(struct filter *f, struct sock_filter i)
{
	assert(f->len < FILTER_MAX);
	f->insn[f->len++] = i;
}

static void load(struct filter *f, size_t offset)
{
	put(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* The low half of an argument; vmm's own are all that the kernel looks at there. */
static void load_arg(struct filter *f, unsigned i)
{
	load(f, offsetof(struct seccomp_data, args) + 8 * i +
			(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0));
}

static void ret(struct filter *f, uint32_t what)
{
	put(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

/* Allows when what is loaded is @value, else goes on. */
static void allow_if(struct filter *f, uint32_t value)
{
	put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	ret(f, ALLOW);
}

static void check_ioctl(struct filter *f, unsigned kinds)
{
	load_arg(f, 1);
	for (const struct rule_ioctl *i = sandbox_ioctls; i->name; i++)
		if (i->kinds & kinds)
			allow_if(f, (uint32_t)i->request);
	ret(f, TRAP);
}

static void check(struct filter *f, const struct rule *r, unsigned kinds,
		  const struct filter_facts *facts)
{
	switch (r->check) {
	case RULE_ANY:
		ret(f, ALLOW);
		break;
	case RULE_IOCTL:
		check_ioctl(f, kinds);
		break;
	case RULE_OWN_PID:
		load_arg(f, 0);
		allow_if(f, facts->pid);
		ret(f, TRAP);
		break;
	case RULE_NO_EXEC:
		load_arg(f, 2);
		put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
		ret(f, TRAP);
		ret(f, ALLOW);
		break;
	}
}

void filter_make(struct filter *f, enum thread_kind kind, const struct filter_facts *facts)
{
	const unsigned kinds = 1U << kind;

	f->len = 0;
	load(f, offsetof(struct seccomp_data, arch));
	put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0));
	ret(f, SECCOMP_RET_KILL_PROCESS);
	load(f, offsetof(struct seccomp_data, nr));
	for (const struct rule *r = sandbox_rules; r->name; r++) {
		struct sock_filter *test;

		if (!(r->kinds & kinds) || (r->watch && !facts->watch))
			continue;
		put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->number,
						    0, 0));
		test = &f->insn[f->len - 1];
		check(f, r, kinds, facts);
		assert(f->insn + f->len - test - 1 <= UINT8_MAX);
		test->jf = (uint8_t)(f->insn + f->len - test - 1);
	}
	ret(f, TRAP);
}
