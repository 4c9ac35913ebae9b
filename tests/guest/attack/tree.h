/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree, as a guest finds its devices in it. */
#ifndef TESTS_GUEST_ATTACK_TREE_H
#define TESTS_GUEST_ATTACK_TREE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Calls @found for each node that has @value as its "compatible", or as its "device_type", with the
 * first range of its "reg", zeroes when that has none. False when this is no device tree.
 */
bool tree_each(const void *tree, const char *property, const char *value,
	       void (*found)(uint64_t at, uint64_t size));

/* The text of a property of /chosen; NULL: none. */
const char *tree_chosen(const void *tree, const char *property);

#endif
