/* SPDX-License-Identifier: Apache-2.0 */
/* All groups of attacks; each in the file that has its name. */
#include "tests/attack/attack.h"
#include "tests/attack/table.h"

const struct group *const groups[] = {
	&group_ring,	&group_indirect,  &group_state,	  &group_mmio,	&group_reset,
	&group_race,	&group_resources, &group_blk,	  &group_rng,	&group_uart,
	&group_balloon, &group_net,	  &group_console, &group_vsock, NULL,
};
