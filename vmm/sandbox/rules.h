/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: which system calls each kind of thread may make once the guest runs. The one table:
 * filters are made from it (filter.h), the documentation is printed from it, the tests read it.
 */
#ifndef VMM_SANDBOX_RULES_H
#define VMM_SANDBOX_RULES_H

#include "vmm/base/thread.h"

/* What is looked at besides the number. */
enum rule_check {
	RULE_ANY,
	RULE_IOCTL,   /* args[1] is one of sandbox_ioctls for the kind */
	RULE_OWN_PID, /* args[0] is vmm's */
	RULE_NO_EXEC, /* args[2], the protection, has no PROT_EXEC */
};

#define KIND(k)	  (1U << THREAD_##k)
#define KINDS_ALL ((1U << NR_THREAD_KINDS) - 1)

struct rule {
	int number;
	const char *name;
	unsigned kinds; /* 1 << enum thread_kind */
	enum rule_check check;
	bool watch; /* only with --watch */
	const char *why;
};

struct rule_ioctl {
	unsigned long request;
	const char *name;
	unsigned kinds;
};

extern const struct rule sandbox_rules[]; /* ended by a name of NULL */
extern const struct rule_ioctl sandbox_ioctls[];

#endif
