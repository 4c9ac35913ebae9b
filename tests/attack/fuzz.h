/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz: no table: whatever a seed says, to all devices at once, one step after the other. The same
 * seed gives the same steps on the same machine, so what it finds can be had again, and the first
 * step that is needed can be searched for by doing fewer.
 */
#ifndef TESTS_ATTACK_FUZZ_H
#define TESTS_ATTACK_FUZZ_H

#include "tests/attack/attack.h"

struct fuzz {
	uint64_t seed, steps;
	void (*more)(uint64_t random); /* a step that only one back end knows; NULL: none */
	void (*after)(void);	       /* at each check; may complain; NULL: nothing */
};

/* After attack_begin(): says seed and steps, then one line of result; whether all is well. */
bool attack_fuzz(const struct fuzz *f);

#endif
