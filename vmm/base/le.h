/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Little-endian words as types of their own: le16 + 1 does not compile, so a byte order that tests
 * on a little-endian host cannot show is a build error instead.
 */
#ifndef VMM_BASE_LE_H
#define VMM_BASE_LE_H

#include "vmm/base/defs.h"

#include <endian.h>
#include <string.h>

/* The word as it lies there: of an order that sparse takes care nobody forgets. */
typedef uint16_t BITWISE raw16;
typedef uint32_t BITWISE raw32;
typedef uint64_t BITWISE raw64;

typedef struct {
	raw16 raw;
} le16;
typedef struct {
	raw32 raw;
} le32;
typedef struct {
	raw64 raw;
} le64;

static inline uint16_t le16_get(le16 v)
{
	return le16toh((FORCE uint16_t)v.raw);
}
static inline uint32_t le32_get(le32 v)
{
	return le32toh((FORCE uint32_t)v.raw);
}
static inline uint64_t le64_get(le64 v)
{
	return le64toh((FORCE uint64_t)v.raw);
}

static inline le16 le16_of(uint16_t v)
{
	return (le16){ (FORCE raw16)htole16(v) };
}
static inline le32 le32_of(uint32_t v)
{
	return (le32){ (FORCE raw32)htole32(v) };
}
static inline le64 le64_of(uint64_t v)
{
	return (le64){ (FORCE raw64)htole64(v) };
}

/* From bytes at any alignment. */
static inline uint16_t le16_at(const void *p)
{
	le16 v;

	memcpy(&v, p, sizeof(v));
	return le16_get(v);
}
static inline uint32_t le32_at(const void *p)
{
	le32 v;

	memcpy(&v, p, sizeof(v));
	return le32_get(v);
}
static inline uint64_t le64_at(const void *p)
{
	le64 v;

	memcpy(&v, p, sizeof(v));
	return le64_get(v);
}

#endif
