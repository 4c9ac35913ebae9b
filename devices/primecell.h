/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all ARM PrimeCell peripherals share: eight identification registers of one byte each at
 * the end of their 4 KiB. The first three hold the part number and the designer (0x41, ARM); the
 * upper half of the third is the revision; the last four say "PrimeCell".
 */
#ifndef DEVICES_PRIMECELL_H
#define DEVICES_PRIMECELL_H

#include "fdt/fdt.h"
#include "vmm/base/defs.h"

#define PRIMECELL_ID_FIRST 0xfe0
#define PRIMECELL_ID_LAST  0xffc

/* Whether @off is one of the identification registers; then *@v is its value. */
static inline bool primecell_id(const uint8_t id[8], uint64_t off, uint64_t *v)
{
	if (off < PRIMECELL_ID_FIRST || off > PRIMECELL_ID_LAST || off % 4)
		return false;
	*v = id[(off - PRIMECELL_ID_FIRST) / 4];
	return true;
}

/*
 * The same for the device tree, so that a kernel need not read them one by one before it looks for
 * a driver (arm,primecell.yaml): "compatible" and the peripheral id.
 */
static inline void primecell_describe(struct fdt *t, const char *compatible, const uint8_t id[8])
{
	FDT_STRS(t, "compatible", compatible, "arm,primecell");
	FDT_CELLS(t, "arm,primecell-periphid",
		  (uint32_t)id[0] | (uint32_t)id[1] << 8 | (uint32_t)id[2] << 16 |
			  (uint32_t)id[3] << 24);
}

#endif
