/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a device that a driver can bring it to. */
#ifndef TESTS_ATTACK_STATE_H
#define TESTS_ATTACK_STATE_H

#include "tests/attack/attack.h"

enum state {
	STATE_RESET,
	STATE_ACKNOWLEDGE,
	STATE_DRIVER,
	STATE_FEATURES_OK,
	STATE_RUNS,
	STATE_BROKEN, /* DRIVER_OK and NEEDS_RESET */
	STATE_FAILED,
};

/* Brings a device there; its status then. */
uint32_t state_enter(struct dev *d, enum state to);

#endif
