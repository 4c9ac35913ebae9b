/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share. A target is one file, tests/fuzz/fuzz_NAME.c, with fuzz_one(); its
 * corpus is tests/fuzz/corpus/NAME. It is linked with libFuzzer (make fuzz), or with a main() that
 * replays files (make fuzz-replay), which needs no clang.
 *
 * Most inputs are programs: a list of operations, each with its operands, of what a guest, a peer
 * and the host do. struct program takes them off the front; what is not there any more is zero, so
 * any bytes are a program, and a shorter one does the same as far as it goes.
 *
 * fuzz_one() leaves nothing behind: no memory, no descriptor. Both are looked at after each input.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "tests/lib/test.h"
#include "vmm/base/defs.h"

#include <string.h>

/* The target's. @data is as large as @len says, and its end is where the address sanitizer looks.
 */
void fuzz_one(const uint8_t *data, size_t len);

struct program {
	const uint8_t *at;
	size_t left;
};

static inline bool program_more(const struct program *p)
{
	return p->left > 0;
}

/* At most @len bytes where they lie; how many. */
static inline size_t program_take(struct program *p, const uint8_t **at, size_t len)
{
	if (len > p->left)
		len = p->left;
	*at = p->at;
	p->at += len;
	p->left -= len;
	return len;
}

static inline void program_copy(struct program *p, void *to, size_t len)
{
	const uint8_t *at;
	size_t n = program_take(p, &at, len);

	if (n)
		memcpy(to, at, n);
	memset((char *)to + n, 0, len - n);
}

static inline uint8_t program_u8(struct program *p)
{
	uint8_t v;

	program_copy(p, &v, sizeof(v));
	return v;
}

static inline uint16_t program_u16(struct program *p)
{
	uint16_t v;

	program_copy(p, &v, sizeof(v));
	return v;
}

static inline uint32_t program_u32(struct program *p)
{
	uint32_t v;

	program_copy(p, &v, sizeof(v));
	return v;
}

static inline uint64_t program_u64(struct program *p)
{
	uint64_t v;

	program_copy(p, &v, sizeof(v));
	return v;
}

#endif
