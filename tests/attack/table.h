/* SPDX-License-Identifier: Apache-2.0 */
/* The groups, for table.c and the files that have them. */
#ifndef TESTS_ATTACK_TABLE_H
#define TESTS_ATTACK_TABLE_H

#include "tests/attack/attack.h"

extern const struct group group_ring, group_indirect, group_state, group_mmio, group_reset,
	group_race, group_resources, group_blk, group_rng, group_uart, group_balloon, group_net,
	group_console, group_vsock;

#endif
