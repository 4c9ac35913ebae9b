/* SPDX-License-Identifier: Apache-2.0 */
/* text: words that a person typed: reading numbers, showing them back, guessing what was meant. */
#ifndef VMM_BASE_TEXT_H
#define VMM_BASE_TEXT_H

#include "vmm/base/defs.h"

/*
 * The whole of @s as a number: decimal, or hexadecimal with 0x. False on anything else: signs,
 * blanks, an empty string, more than 64 bits.
 */
bool text_u64(const char *s, uint64_t *v) MUST_CHECK;

/* The same with one optional suffix behind a decimal number: K, M, G, T (powers of 1024). */
bool text_size(const char *s, uint64_t *v) MUST_CHECK;

/* A short piece of text, returned by value so that it can stand among printf's arguments. */
struct text {
	char s[72];
};

/* @v as text_size() reads it, as short as it is exact: "512M", "1000". */
struct text text_of_size(uint64_t v);

/* @s in single quotes, for a message: cut when long; control and non-ASCII bytes shown as '?'. */
struct text text_quote(const char *s);

/* The best guess so far at what was meant. */
struct text_guess {
	const char *name; /* NULL: nothing is near */
	size_t distance;
};

/* Keeps @name in @g when it is near to @typed, and nearer than what @g has. */
void text_guess(struct text_guess *g, const char *typed, const char *name);

#endif
