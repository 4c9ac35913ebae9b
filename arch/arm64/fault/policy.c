/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/policy.h"

#include <errno.h>
#include <stdlib.h>

int policy_read(struct policy *p, const struct vm_config *c, struct err *e)
{
	int code = 0;

	*p = (struct policy){ .general = (enum unclaimed)c->unclaimed };
	if (c->holes.nr == 0)
		return 0;
	p->hole = calloc(c->holes.nr, sizeof(*p->hole));
	if (!p->hole)
		return err_set(e, ENOMEM, "out of memory");
	for (; code == 0 && p->nr < c->holes.nr; p->nr++)
		code = hole_parse(&p->hole[p->nr], c->holes.at[p->nr], e);
	return code;
}

void policy_free(struct policy *p)
{
	free(p->hole);
	*p = (struct policy){ .nr = 0 };
}

enum unclaimed policy_at(const struct policy *p, uint64_t ipa)
{
	for (size_t i = 0; i < p->nr; i++)
		if (ipa - p->hole[i].base < p->hole[i].size)
			return p->hole[i].policy;
	return p->general;
}
