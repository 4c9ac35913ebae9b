/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/memmap.h"

#include "vmm/base/checked.h"

#include <assert.h>

/* Where RAM may end before the high rows move: what QEMU's board grew up with. */
#define RAM_END_LEGACY (256 * GiB)

/* clang-format off */
const struct memmap_entry memmap[MM_COUNT] = {
	[MM_FLASH0]	 = { "flash0",      0x00000000, 0x04000000 },
	[MM_FLASH1]	 = { "flash1",      0x04000000, 0x04000000 },
	[MM_GIC_DIST]	 = { "gic-dist",    0x08000000, 0x00010000 },
	[MM_GIC_CPU]	 = { "gic-cpu",     0x08010000, 0x00010000 },
	[MM_GICV2M]	 = { "gicv2m",      0x08020000, 0x00001000 },
	[MM_GIC_ITS]	 = { "gic-its",     0x08080000, 0x00020000 },
	[MM_GIC_REDIST]	 = { "gic-redist",  0x080a0000, REDIST_LOW_CPUS * REDIST_SIZE },
	[MM_UART]	 = { "uart",        0x09000000, 0x00001000 },
	[MM_RTC]	 = { "rtc",         0x09010000, 0x00001000 },
	[MM_FW_CFG]	 = { "fw-cfg",      0x09020000, 0x00000018 },
	[MM_GPIO]	 = { "gpio",        0x09030000, 0x00001000 },
	[MM_PVTIME]	 = { "pvtime",      0x090a0000, 0x00010000 },
	[MM_PVPANIC]	 = { "pvpanic",     0x09100000, 0x00001000 },
	[MM_VIRTIO]	 = { "virtio",      0x0a000000, VIRTIO_SLOTS * VIRTIO_SLOT_SIZE },
	[MM_PCIE_MMIO]	 = { "pcie-mmio",   0x10000000, 0x2eff0000 },
	[MM_PCIE_PIO]	 = { "pcie-pio",    0x3eff0000, 0x00010000 },
	[MM_PCIE_ECAM]	 = { "pcie-ecam",   0x3f000000, 0x01000000 },
	[MM_RAM]	 = { "ram",         0x40000000, 0 },
	[MM_HIGH_REDIST] = { "high-redist", 0x4000000000, (MAX_CPUS - REDIST_LOW_CPUS) * REDIST_SIZE },
	[MM_HIGH_ECAM]	 = { "high-ecam",   0x4010000000, 256 * MiB },
	[MM_HIGH_MMIO]	 = { "high-mmio",   0x8000000000, 512 * GiB },
};
/* clang-format on */

static uint64_t power_of_two_above(uint64_t v)
{
	uint64_t p = 1;

	while (p < v)
		p <<= 1;
	return p;
}

uint64_t memmap_high(enum memmap_row row, uint64_t ram_size)
{
	uint64_t at = memmap[MM_RAM].base;

	assert(row >= MM_HIGH_REDIST && row < MM_COUNT);
	assert(ram_size < 1ULL << 62); /* beyond any address space of the architecture */
	at += ram_size;
	if (at < RAM_END_LEGACY)
		at = RAM_END_LEGACY;
	for (enum memmap_row r = MM_HIGH_REDIST;; r++) {
		uint64_t slot = power_of_two_above(memmap[r].size);

		at = align_down(at + slot - 1, slot);
		if (r == row)
			return at;
		at += slot;
	}
}
