/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/watch/watch_memory.h"

#include "arch/arm64/machine.h"
#include "arch/arm64/watch/watch_parts.h"
#include "vmm/base/checked.h"

#include <string.h>

static enum emulate_status stop(struct touch *t, enum touch_stop why)
{
	t->stop = why;
	return EMULATE_ABORT;
}

/* Sets t->ipa. */
static enum emulate_status find(struct touch *t, uint64_t va, enum fault_access access)
{
	const struct arch_machine *a = t->view->v->machine->arch;
	const struct space_range *r;

	assert_held(&a->watching.lock);
	view_walk(t->view, va, access, &t->walk);
	if (!t->walk.mapped)
		return stop(t, TOUCH_STAGE_1);
	t->ipa = t->walk.pa;
	r = space_at(&a->space, t->ipa);
	return r && r->kind == SPACE_RAM ? EMULATE_DONE : stop(t, TOUCH_KERNEL);
}

/* One access where there is one of such a size: a part of an access in two pages may have any. */
static enum emulate_status load(struct touch *t, void *data, unsigned size)
{
	const struct gmem *m = t->view->v->machine->mem;
	const unsigned step = is_power_of_two(size) ? size : 1;

	for (unsigned i = 0; i < size; i += step)
		if (!gmem_load(m, gpa(t->ipa + i), (char *)data + i, step))
			return stop(t, TOUCH_NOBODY);
	return EMULATE_DONE;
}

static enum emulate_status store(struct touch *t, const void *data, unsigned size)
{
	struct machine *m = t->view->v->machine;
	const unsigned step = is_power_of_two(size) ? size : 1;

	watch_written(m->arch, t->ipa, size);
	for (unsigned i = 0; i < size; i += step)
		if (!gmem_store(m->mem, gpa(t->ipa + i), (const char *)data + i, step))
			return stop(t, TOUCH_NOBODY);
	return EMULATE_DONE;
}

enum emulate_status watch_read(struct touch *t, uint64_t va, void *data, unsigned size)
{
	enum emulate_status s = find(t, va, FAULT_READ);

	return s ? s : load(t, data, size);
}

enum emulate_status watch_write(struct touch *t, uint64_t va, const void *data, unsigned size)
{
	enum emulate_status s = find(t, va, FAULT_WRITE);

	return s ? s : store(t, data, size);
}

enum emulate_status watch_cas(struct touch *t, uint64_t va, unsigned size, void *expected,
			      const void *desired, bool *matched)
{
	uint8_t now[16];
	enum emulate_status s = find(t, va, FAULT_WRITE);

	if (!s)
		s = load(t, now, size);
	if (s)
		return s;
	*matched = memcmp(now, expected, size) == 0;
	if (*matched)
		return store(t, desired, size);
	memcpy(expected, now, size);
	return EMULATE_DONE;
}
