/* SPDX-License-Identifier: Apache-2.0 */
/* A few rounds of an event loop, which never sleeps in them. Include it in a target's file. */
#ifndef TESTS_FUZZ_ROUNDS_H
#define TESTS_FUZZ_ROUNDS_H

#include "tests/lib/test.h"
#include "vmm/core/loop.h"

struct rounds {
	struct call call;
	struct loop *loop;
	unsigned left;
};

static void rounds_one(struct call *c)
{
	struct rounds *t = container_of(c, struct rounds, call);

	if (t->left--)
		loop_post(t->loop, c);
	else
		loop_stop(t->loop);
}

/* @n rounds, and the calls that the last of them posted. */
static UNUSED void rounds_run(struct loop *l, unsigned n)
{
	struct rounds t = { .call = { .fn = rounds_one }, .loop = l, .left = n };
	struct err e;

	loop_post(l, &t.call);
	EXPECT_EQ(loop_run(l, &e), 0);
}

#endif
