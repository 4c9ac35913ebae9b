/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic that says when it would wrap, and alignment. The contracts are proved by `make prove`.
 */
#ifndef VMM_BASE_CHECKED_H
#define VMM_BASE_CHECKED_H

#include "vmm/base/defs.h"

/*@ predicate power_of_two(integer n) = \exists integer k; 0 <= k < 64 && n == (1 << k);
  @
  @ // Of words of 64 bits; shown by tests/prove/bits.
  @ axiomatic low_bits {
  @	axiom low_bits_and: \forall integer v, k; 0 <= v <= UINT64_MAX && 0 <= k < 64 ==>
  @		(v & ((1 << k) - 1)) == v % (1 << k);
  @	axiom low_bits_some: \forall integer k; 0 <= k < 64 ==> 0 < (1 << k) <= UINT64_MAX;
  @ }
  @
  @ lemma mul_grows: \forall integer a, b, c; 0 <= b && a <= c ==> a * b <= c * b;
  @*/

/* *sum = a + b; false, and *sum unspecified, when that does not fit in 64 bits. */
/*@ requires \valid(sum);
  @ assigns *sum;
  @ ensures \result <==> a + b <= UINT64_MAX;
  @ ensures \result ==> *sum == a + b;
  @*/
static inline MUST_CHECK bool add_ok(uint64_t a, uint64_t b, uint64_t *sum)
{
	if (b > UINT64_MAX - a)
		return false;
	*sum = a + b;
	return true;
}

/* *product = a * b; false when that does not fit in 64 bits. */
/*@ requires \valid(product);
  @ assigns *product;
  @ ensures \result <==> a * b <= UINT64_MAX;
  @ ensures \result ==> *product == a * b;
  @*/
static inline MUST_CHECK bool mul_ok(uint64_t a, uint64_t b, uint64_t *product)
{
	/*@ assert b > 0 ==> UINT64_MAX - b < (UINT64_MAX / b) * b <= UINT64_MAX; */
	/*@ assert b > 0 && a <= UINT64_MAX / b ==> a * b <= (UINT64_MAX / b) * b; */
	/*@ assert b > 0 && a > UINT64_MAX / b ==> a * b >= (UINT64_MAX / b + 1) * b; */
	if (b && a > UINT64_MAX / b)
		return false;
	*product = a * b;
	return true;
}

/* Whether [@at, @at + @len) lies in [@base, @base + @size). No sum is formed, so none can wrap. */
/*@ assigns \nothing;
  @ ensures \result <==> base <= at && at + len <= base + size;
  @*/
static inline bool range_inside(uint64_t at, uint64_t len, uint64_t base, uint64_t size)
{
	return at >= base && at - base <= size && len <= size - (at - base);
}

/*
 * How many of the @len bytes from @at on, counted from there, lie in [@base, @base + @size): 0 when
 * the first does not.
 */
/*@ assigns \nothing;
  @ ensures \result <= len;
  @ ensures \result > 0 <==> len > 0 && base <= at < base + size;
  @ ensures \result > 0 ==> at + \result <= base + size;
  @ ensures 0 < \result < len ==> at + \result == base + size;
  @*/
static inline uint64_t range_part(uint64_t at, uint64_t len, uint64_t base, uint64_t size)
{
	if (at < base || at - base >= size)
		return 0;
	return len < size - (at - base) ? len : size - (at - base);
}

/* @align is a power of two. */
/*@ requires power_of_two(align);
  @ assigns \nothing;
  @ ensures \result <==> v % align == 0;
  @*/
static inline bool is_aligned(uint64_t v, uint64_t align)
{
	return (v & (align - 1)) == 0;
}

/*@ requires power_of_two(align);
  @ assigns \nothing;
  @ ensures \result == v - v % align;
  @*/
static inline uint64_t align_down(uint64_t v, uint64_t align)
{
	return v - (v & (align - 1));
}

/* *up = @v rounded up to @align (a power of two); false when that does not fit. */
/*@ requires \valid(up) && power_of_two(align);
  @ assigns *up;
  @ ensures \result <==> v + (align - 1) <= UINT64_MAX;
  @ ensures \result ==> v <= *up < v + align;
  @ ensures \result ==> *up == v + (align - 1) - (v + (align - 1)) % align;
  @*/
static inline MUST_CHECK bool align_up_ok(uint64_t v, uint64_t align, uint64_t *up)
{
	if (!add_ok(v, align - 1, up))
		return false;
	*up = align_down(*up, align);
	return true;
}

/* Bits of 64 above the low @size bytes, 1 to 8 of them; shorter to compute than 64 - 8 * @size. */
/*@ requires 1 <= size <= 8;
  @ assigns \nothing;
  @ ensures \result < 64;
  @*/
static inline unsigned bits_above(unsigned size)
{
	return -8U * size % 64;
}

/* The low @size bytes of @v, 1 to 8 of them. */
/*@ requires 1 <= size <= 8;
  @ assigns \nothing;
  @*/
static inline uint64_t low_bytes(uint64_t v, unsigned size)
{
	return v << bits_above(size) >> bits_above(size);
}

static inline bool is_power_of_two(uint64_t v)
{
	return v && !(v & (v - 1));
}

#endif
