/* SPDX-License-Identifier: Apache-2.0 */
/* What the two tables of rules share: a letter for each kind of thread, so that a row is a line. */
#ifndef VMM_SANDBOX_RULES_PARTS_H
#define VMM_SANDBOX_RULES_PARTS_H

#include "vmm/sandbox/rules.h"

enum {
	M = KIND(MAIN),
	V = KIND(VCPU),
	Q = KIND(QUEUE),
	D = KIND(DISK),
	N = KIND(NET),
	B = KIND(BACKEND),
	R = KIND(REPORT),
	ALL = KINDS_ALL,
};

#endif
