/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: takes from vmm, before the first guest instruction, all power that it will not need:
 * walls around the process (walls.h), and for each kind of thread only the system calls of
 * rules.c.
 *
 * A call that no rule allows names itself and its thread on stderr, and ends the process at once.
 * The way: threads_hold(); everything is opened and made; sandbox_build(); threads_release() with
 * sandbox_enter(), which threads then pass; at last sandbox_enter(THREAD_MAIN).
 */
#ifndef VMM_SANDBOX_SANDBOX_H
#define VMM_SANDBOX_SANDBOX_H

#include "vmm/base/thread.h"

enum sandbox_mode {
	SANDBOX_ON,	/* what the host allows; what is missing is said */
	SANDBOX_STRICT, /* all of it, or no start */
	SANDBOX_OFF,
};

/*
 * One thread only. @watch: --watch is used. @crash is called before the process ends by a denied
 * call: async-signal-safe; may be NULL.
 */
int sandbox_build(enum sandbox_mode mode, bool watch, void (*crash)(void),
		  struct err *e) MUST_CHECK;

/* From here on the calling thread makes the calls of its kind only. Ends the process if it fails.
 */
void sandbox_enter(enum thread_kind kind);

#endif
