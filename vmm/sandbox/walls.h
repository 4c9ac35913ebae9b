/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walls: what a process can do about its own power, without root: namespaces of its own with
 * nothing in them, an empty read-only root, Landlock, no capabilities, limits.
 *
 * Everything that is open stays so. The process has one thread, and everything that it will ever
 * open by name is open.
 */
#ifndef VMM_SANDBOX_WALLS_H
#define VMM_SANDBOX_WALLS_H

#include "vmm/base/err.h"

/* One wall each; what walls_build() tried and doctor shows. */
enum wall {
	WALL_NO_NEW_PRIVS,
	WALL_NAMESPACES, /* user, mount, net, ipc, uts */
	WALL_ROOT,	 /* empty, read-only; needs the namespaces */
	WALL_LANDLOCK,
	WALL_CAPABILITIES,
	WALL_LIMITS,
	NR_WALLS,
};

struct walls {
	bool holds[NR_WALLS];
	char why_not[NR_WALLS][80]; /* of those that do not */
};

/* Builds what can be built, once and for all, and says what could not be and why. */
void walls_build(struct walls *w);

/* One of them; 0 or -errno. In their order, each once. */
int wall_build(enum wall w) MUST_CHECK;

const char *wall_name(enum wall w);

#endif
