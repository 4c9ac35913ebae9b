/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inner: a PID namespace for vmm. A process cannot move into one, so the one that the user started
 * stays outside and makes two more: the namespace's init, which only waits, and the inner process,
 * in which vmm goes on.
 *
 * The outer process reads nothing that the inner one writes. It
 * - hands signals on. What comes to the whole process group (a terminal's, kill %1) comes to both,
 *   so the inner process lets its own be, and reads what the outer one had;
 * - stops when the inner one has stopped itself for a shell, and has it go on when it goes on;
 * - ends as the inner one did; where that was by a signal, it puts back the terminal, and ends by
 *   the same.
 * When the outer process ends, however it does, so does the namespace's init, and with that the
 * kernel ends all in it. Only SIGSTOP to the outer process alone is not felt inside.
 */
#ifndef VMM_INNER_H
#define VMM_INNER_H

#include "vmm/base/err.h"

/*
 * Returns in the inner process, where *@signals, the caller's, gives struct signalfd_siginfo (with
 * ssi_signo and ssi_code) of all signals that come to the outer one. The same signals may come to
 * the inner process itself, to be blocked once *@signals is read. Where the host allows no PID
 * namespace it returns in the process that called, and *@signals is -1. Or -errno, with @e.
 *
 * One thread; before anything is made that a child would not have: memory to share, VMs, rings.
 */
int inner_enter(int *signals, struct err *e) MUST_CHECK;

#endif
