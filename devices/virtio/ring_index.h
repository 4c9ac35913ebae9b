/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions in rings, for queue*.c: where they lie, and how they move on. Touches no memory but its
 * arguments. The contracts are proved by `make prove`.
 *
 * Of a split ring they count to 2^16, whatever its size, a power of two; of a packed one to its
 * size, with a wrap counter that changes each time round.
 */
#ifndef DEVICES_VIRTIO_RING_INDEX_H
#define DEVICES_VIRTIO_RING_INDEX_H

#include "vmm/base/checked.h"

/* How many positions @to is ahead of @from. */
/*@ assigns \nothing;
  @ ensures from <= to ==> \result == to - from;
  @ ensures from > to ==> \result == to - from + 65536;
  @*/
static inline uint16_t ring_ahead(uint16_t to, uint16_t from)
{
	return (uint16_t)((to + 65536U - from) % 65536);
}

/* The entry of a split ring of @size that @position is. */
/*@ requires power_of_two(size);
  @ assigns \nothing;
  @ ensures \result == position % size && \result < size;
  @*/
static inline uint32_t ring_slot(uint16_t position, uint32_t size)
{
	/*@ assert (position & (size - 1)) == position % size; */
	return position & (size - 1);
}

/* Moves a position in a packed ring of @size on by @n, at most once round. */
/*@ requires \valid(at) && \valid(wrap) && \separated(at, wrap);
  @ requires *at < size <= 32768 && n <= size;
  @ assigns *at, *wrap;
  @ ensures *at < size;
  @ ensures \old(*at) + n < size ==> *at == \old(*at) + n && *wrap == \old(*wrap);
  @ ensures \old(*at) + n >= size ==> *at == \old(*at) + n - size && *wrap != \old(*wrap);
  @*/
static inline void ring_move(uint16_t *at, bool *wrap, uint32_t n, uint32_t size)
{
	uint32_t to = *at + n;

	if (to >= size) {
		to -= size;
		*wrap = !*wrap;
	}
	*at = (uint16_t)to;
}

/* Bytes of an area of a ring: @each for each of its entries, and @more. */
/*@ assigns \nothing;
  @ ensures \result == each * entries + more;
  @*/
static inline uint64_t ring_bytes(uint32_t each, uint32_t entries, uint32_t more)
{
	return (uint64_t)each * entries + more;
}

/*
 * Whether a side that asked to hear of position @event does, now that positions up to, not
 * including, @now were passed, @passed of them since it was last told.
 */
/*@ assigns \nothing;
  @ ensures event < now ==> (\result <==> now - event <= passed);
  @ ensures event >= now ==> (\result <==> now + 65536 - event <= passed);
  @*/
static inline bool event_passed(uint16_t event, uint16_t now, uint32_t passed)
{
	return (now + 65535U - event) % 65536 < passed;
}

#endif
