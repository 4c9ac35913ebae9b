/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/namecache.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Instructions are words, and what is called together lies apart: a few bits of all. */
static unsigned place(uint64_t va, bool returns)
{
	const uint64_t mixed = (va >> 2 | (uint64_t)returns << 62) * 0x9e3779b97f4a7c15;

	static_assert(NAMECACHE_SLOTS == 1 << 9, "as many as the top bits say");
	return (unsigned)(mixed >> (64 - 9));
}

bool namecache_get(const struct namecache *c, uint64_t va, bool returns, char *buf, size_t size)
{
	const struct namecache_slot *s = &c->slot[place(va, returns)];

	if (!s->name[0] || s->va != va || s->returns != returns)
		return false;
	(void)snprintf(buf, size, "%s", s->name);
	return true;
}

void namecache_put(struct namecache *c, uint64_t va, bool returns, const char *name)
{
	struct namecache_slot *s = &c->slot[place(va, returns)];
	const size_t len = strlen(name);

	if (len >= sizeof(s->name))
		return;
	*s = (struct namecache_slot){ .va = va, .returns = returns };
	memcpy(s->name, name, len + 1);
}
