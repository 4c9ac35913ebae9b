/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/turns.h"

#include <sched.h>

enum { SINGLES = 4, OTHERS = 64 }; /* end a try */

static void change(struct turns *t)
{
	const struct sched_param none = { 0 };

	t->batch = !t->batch;
	t->count = 0;
	/* A hint: without it, all is as it was. */
	(void)sched_setscheduler(0, t->batch ? SCHED_BATCH : SCHED_OTHER, &none);
}

void turns_took(struct turns *t, unsigned requests, unsigned every)
{
	t->others = 0;
	if (t->batch && requests > 1)
		t->count = 0;
	else if (++t->count >= (t->batch ? SINGLES : every))
		change(t);
}

void turns_other(struct turns *t)
{
	if (t->batch && ++t->others >= OTHERS)
		change(t);
}
