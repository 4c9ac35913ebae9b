/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind: who called whom, by the frame records of AArch64 code (AAPCS64, "The Frame Pointer"): X29
 * points to {the caller's X29, the return address}, and so on up to a record of zeroes. Needs no
 * symbols. Pure, but for the callbacks. AArch32 code has no such records: do not ask.
 *
 * The stack is the guest's: every step is a step up, but for the few that UNWIND_JUMPS allows for
 * changes of stack (Linux: from the interrupt's or the overflow's to the task's), so loops end.
 * Memory is read only where X29, X30 and the records point.
 *
 * Pointer authentication codes are taken off return addresses. Since 6.13 Linux marks the place
 * where an exception interrupted the kernel with a record of zeroes, and a 2 behind it, inside its
 * saved registers: the chain goes on there, with the interrupted PC as if it were a return address.
 */
#ifndef VMM_ARCH_ARM64_UNWIND_H
#define VMM_ARCH_ARM64_UNWIND_H

#include "vmm/base/defs.h"

#define UNWIND_JUMPS 4

/* The interrupted code, and ways to look around. */
struct unwind {
	uint64_t pc, lr, fp; /* PC, X30, X29 as they are */
	unsigned va_bits[2]; /* of addresses with bit 55 clear, set: mmu_va_bits(); 0: no codes */
	bool big_endian;     /* its loads are */

	/* Reads @len bytes (at most 40) at a virtual address, all or nothing: false. */
	bool (*read)(void *ctx, uint64_t va, void *dst, size_t len);

	/* Where the function that @va lies in begins; false when unknown. NULL: never known. */
	bool (*function)(void *ctx, uint64_t va, uint64_t *start);
	void *ctx;
};

/*
 * Return addresses, innermost first, into @frame: at most @max. Returns how many. pc itself is not
 * among them. *@cut: the end of the chain was not seen; there may be more.
 *
 * While a function has no record of its own (a leaf, or one that has just begun or is about to
 * return), only X30 tells its caller. Later X30 is stale: it points behind the last call that the
 * function made, into itself. So X30 comes first if all of this is so:
 *	- it is not what the first record says anyway;
 *	- a call instruction stands before it (BL, or BLR and kin);
 *	- it lies in another function than pc does. Where that is not known, the call must be a BL
 *to at most 64 KiB before pc, and not lie between its target and pc itself.
 */
size_t unwind_frames(const struct unwind *u, uint64_t *frame, size_t max, bool *cut);

/* @va without a pointer authentication code: bits from @va_bits on are those of bit 55. */
uint64_t unwind_strip(uint64_t va, const unsigned va_bits[2]);

#endif
