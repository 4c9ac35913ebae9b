/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal: the one terminal that this process may hold in raw mode, and its settings from before.
 *
 * Settings are changed only while our process group is in the foreground: another time the terminal
 * is somebody else's, and touching it would stop us. A terminal that is not our controlling one
 * knows no foreground, and is always ours.
 */
#ifndef VMM_HOST_TERMINAL_H
#define VMM_HOST_TERMINAL_H

#include "vmm/base/defs.h"

#include <termios.h>

/* Whether we may read and change the terminal @fd. Loop thread. */
bool terminal_is_ours(int fd);

/*
 * Makes @fd raw: every byte passes as it is, both ways, and none makes a signal. Saves the settings
 * for terminal_restore(), unless it is raw by us already. @fd stays open until restored. 0 or
 * -errno. Tells log whether lines on stderr want CR LF.
 */
int terminal_make_raw(int fd) MUST_CHECK;

/* Its size in characters, as far as it knows; false when @fd is no terminal. */
bool terminal_size(int fd, uint16_t *cols, uint16_t *rows) MUST_CHECK;

/*
 * For the parent of a process that was killed: if it left @fd raw, puts back @before, the settings
 * from before that process.
 */
void terminal_bring_back(int fd, const struct termios *before);

/*
 * Puts the settings back. Idempotent, any thread, async-signal-safe. In the background it does so
 * only when nobody has changed the settings since.
 */
void terminal_restore(void);

#endif
