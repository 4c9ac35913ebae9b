/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic that says when it would wrap, and alignment. */
#ifndef VMM_BASE_CHECKED_H
#define VMM_BASE_CHECKED_H

#include "vmm/base/defs.h"

/* *sum = a + b; false, and *sum unspecified, when that does not fit in 64 bits. */
static inline MUST_CHECK bool add_ok(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

/* *product = a * b; false when that does not fit in 64 bits. */
static inline MUST_CHECK bool mul_ok(uint64_t a, uint64_t b, uint64_t *product)
{
	return !__builtin_mul_overflow(a, b, product);
}

/* Whether [@at, @at + @len) lies in [@base, @base + @size). No sum is formed, so none can wrap. */
static inline bool range_inside(uint64_t at, uint64_t len, uint64_t base, uint64_t size)
{
	return at >= base && at - base <= size && len <= size - (at - base);
}

/* @align is a power of two. */
static inline bool is_aligned(uint64_t v, uint64_t align)
{
	return (v & (align - 1)) == 0;
}

static inline uint64_t align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}

/* *up = @v rounded up to @align (a power of two); false when that does not fit. */
static inline MUST_CHECK bool align_up_ok(uint64_t v, uint64_t align, uint64_t *up)
{
	if (!add_ok(v, align - 1, up))
		return false;
	*up = align_down(*up, align);
	return true;
}

/* Bits of 64 above the low @size bytes, 1 to 8 of them; shorter to compute than 64 - 8 * @size. */
static inline unsigned bits_above(unsigned size)
{
	return -8U * size % 64;
}

/* The low @size bytes of @v, 1 to 8 of them. */
static inline uint64_t low_bytes(uint64_t v, unsigned size)
{
	return v << bits_above(size) >> bits_above(size);
}

static inline bool is_power_of_two(uint64_t v)
{
	return v && !(v & (v - 1));
}

#endif
