/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Little-endian words as types of their own: le16 + 1 does not compile, so a byte order that tests
 * on a little-endian host cannot show is a build error instead.
 */
#ifndef VMM_BASE_LE_H
#define VMM_BASE_LE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef struct {
	uint16_t raw;
} le16;
typedef struct {
	uint32_t raw;
} le32;
typedef struct {
	uint64_t raw;
} le64;

static inline uint16_t le16_get(le16 v)
{
	return le16toh(v.raw);
}
static inline uint32_t le32_get(le32 v)
{
	return le32toh(v.raw);
}
static inline uint64_t le64_get(le64 v)
{
	return le64toh(v.raw);
}

static inline le16 le16_of(uint16_t v)
{
	return (le16){ htole16(v) };
}
static inline le32 le32_of(uint32_t v)
{
	return (le32){ htole32(v) };
}
static inline le64 le64_of(uint64_t v)
{
	return (le64){ htole64(v) };
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
