/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/layout.h"

struct adding {
	struct space *space;
	struct err *e;
	int code;
};

static void add_device(struct device *d, void *ctx)
{
	struct adding *a = ctx;
	const struct space_range r = { d->base, d->size, SPACE_DEVICE, d->ops->name };

	if (a->code == 0)
		a->code = space_add(a->space, &r, a->e);
}

static int add_memory(const struct gmem *mem, struct space *s, struct err *e)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < mem->nr; i++) {
		const struct gmem_region *m = &mem->region[i];
		const struct space_range r = { m->base, m->size,
					       m->readonly ? SPACE_ROM : SPACE_RAM, m->name };

		code = space_add(s, &r, e);
	}
	return code;
}

/* Ranges that are probed on purpose. They come last: what is there is not a hole. */
static int add_quiet(const struct policy *p, struct space *s, struct err *e)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < p->nr; i++) {
		const struct space_range r = { p->hole[i].base, p->hole[i].size, SPACE_QUIET,
					       "a hole" };
		uint64_t unused;

		if (policy_value(p->hole[i].policy, &unused))
			code = space_add(s, &r, e);
	}
	return code;
}

int layout_describe(const struct machine *m, struct space *s, struct err *e)
{
	struct adding a = { s, e, 0 };
	int code = add_memory(m->mem, s, e);

	if (code == 0)
		code = gic_add_to_space(&m->arch->gic, s, e);
	if (code == 0) {
		bus_for_each(m->bus, add_device, &a);
		code = a.code;
	}
	return code ? code : add_quiet(&m->arch->policy, s, e);
}
