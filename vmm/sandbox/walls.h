/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walls: what a process can do about its own power, without root: namespaces of its own with
 * nothing in them, an empty read-only root, Landlock, no capabilities, limits.
 *
 * Everything that is open stays so. The process has one thread, and everything that it will ever
 * open by name is open. The PID namespace alone is built long before, since a process cannot move
 * into one: wall_build(WALL_PIDS), then fork().
 */
#ifndef VMM_SANDBOX_WALLS_H
#define VMM_SANDBOX_WALLS_H

#include "vmm/base/err.h"

/* One wall each; what walls_build() tried and doctor shows. */
enum wall {
	/*
	 * A PID namespace, not for this process but for those that it makes from then on, the first
	 * of which is its init; and where that takes one, a user namespace for all of them, in
	 * which we are who we were. This process can have no threads any more.
	 */
	WALL_PIDS,
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

/*
 * Builds what can be built, once and for all, and says what could not be and why; of the first, how
 * it went here, or in a parent.
 */
void walls_build(struct walls *w);

/* One of them; 0 or -errno. In their order, each once. */
int wall_build(enum wall w) MUST_CHECK;

const char *wall_name(enum wall w);

#endif
