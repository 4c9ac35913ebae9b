/* SPDX-License-Identifier: Apache-2.0 */
/* Exit statuses of vmm, so that a CI job can branch on them. Numbers never change meaning. */
#ifndef VMM_STATUS_H
#define VMM_STATUS_H

/* One table for the code, the manual page and docs/cli.md: name, number, meaning. */
#define EXIT_STATUSES(X)                                                                           \
	X(STATUS_OFF, 0, "the guest powered itself off")                                           \
	X(STATUS_FAILED, 1, "the host refused something, at the start or later")                   \
	X(STATUS_USAGE, 2, "the command line or the configuration is wrong")                       \
	X(STATUS_PANIC, 3, "the guest panicked, and --on-panic says exit")                         \
	X(STATUS_RESET, 4, "the guest asked for a reset, and --on-reset says exit")                \
	X(STATUS_KILLED, 5,                                                                        \
	  "the user ended it: a second signal, --grace, Ctrl-a x, or a lost terminal")             \
	X(STATUS_FAULT, 6, "stopped by a fault policy")                                            \
	X(STATUS_CRASHED, 7, "the guest reached a state that the CPU cannot go on from")           \
	X(STATUS_LEFT, 8, "the guest powered itself off before the command in it had ended")

#define EXIT_STATUS_ENUM(name, number, meaning) name = (number),
enum exit_status { EXIT_STATUSES(EXIT_STATUS_ENUM) };
#undef EXIT_STATUS_ENUM

#endif
