/* SPDX-License-Identifier: Apache-2.0 */
/* policy: what an access that nothing claims becomes: --unclaimed, --hole. */
#ifndef VMM_ARCH_ARM64_POLICY_H
#define VMM_ARCH_ARM64_POLICY_H

#include "vmm/config.h"

struct policy {
	enum unclaimed general;
	struct hole *hole; /* the first that holds an address counts; owned */
	size_t nr;
};

/* Reads the options of @c, which were validated. */
int policy_read(struct policy *p, const struct vm_config *c, struct err *e) MUST_CHECK;

/* Fine on zeroes. */
void policy_free(struct policy *p);

/* The policy for @ipa. */
enum unclaimed policy_at(const struct policy *p, uint64_t ipa);

/* Whether @p gives accesses a value, all of whose bits are set or clear: *@v. */
static inline bool policy_value(enum unclaimed p, uint64_t *v)
{
	*v = p == UNCLAIMED_ONES ? UINT64_MAX : 0;
	return p == UNCLAIMED_ZERO || p == UNCLAIMED_ONES;
}

#endif
