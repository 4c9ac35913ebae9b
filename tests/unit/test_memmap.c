/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "arch/arm64/memmap.h"
#include "vmm/base/checked.h"

TEST(memmap_rows_are_named_sorted_disjoint_and_page_aligned)
{
	for (unsigned i = 0; i < MM_COUNT; i++) {
		const struct memmap_entry *m = &memmap[i];

		EXPECT(m->name != NULL);
		EXPECT(is_aligned(m->base, 0x1000));
		EXPECT(m->size != 0 || i == MM_RAM);
		if (i > 0) {
			EXPECT(m->base > memmap[i - 1].base);
			EXPECT(m->base - memmap[i - 1].base >= memmap[i - 1].size);
		}
	}
}

/* Spot checks against QEMU's hw/arm/virt.c: a row that moves breaks guests and snapshots. */
TEST(memmap_is_that_of_qemus_virt_board)
{
	EXPECT_EQ(memmap[MM_GIC_REDIST].base + memmap[MM_GIC_REDIST].size, 0x09000000);
	EXPECT_EQ(memmap[MM_UART].base, 0x09000000);
	EXPECT_EQ(memmap[MM_VIRTIO].base, 0x0a000000);
	EXPECT_EQ(memmap[MM_VIRTIO].size, 0x4000);
	EXPECT_EQ(memmap[MM_PCIE_MMIO].base + memmap[MM_PCIE_MMIO].size, 0x3eff0000);
	EXPECT_EQ(memmap[MM_PCIE_ECAM].base + memmap[MM_PCIE_ECAM].size, 0x40000000);
	EXPECT_EQ(memmap[MM_RAM].base, 0x40000000);
}

TEST(memmap_high_rows_stay_where_the_table_has_them_while_ram_ends_below_256_gib)
{
	static const uint64_t sizes[] = { 0, 512 * MiB, 254 * GiB, 255 * GiB };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		for (enum memmap_row r = MM_HIGH_REDIST; r < MM_COUNT; r++)
			EXPECT_EQ(memmap_high(r, sizes[i]), memmap[r].base);
}

TEST(memmap_high_rows_float_above_ram_aligned_and_disjoint)
{
	for (uint64_t size = 255 * GiB; size < 1ULL << 51; size += size / 7 + 2 * MiB) {
		uint64_t end = memmap[MM_RAM].base + size;

		for (enum memmap_row r = MM_HIGH_REDIST; r < MM_COUNT; r++) {
			uint64_t at = memmap_high(r, size);

			EXPECT(at >= end);
			EXPECT(is_aligned(at, 64 * MiB));
			end = at + memmap[r].size;
		}
		EXPECT(is_aligned(memmap_high(MM_HIGH_ECAM, size), 256 * MiB));
		EXPECT(is_aligned(memmap_high(MM_HIGH_MMIO, size), 512 * GiB));
	}
	/* One byte of RAM more than fits moves all of them. */
	EXPECT_EQ(memmap_high(MM_HIGH_REDIST, 255 * GiB + 1), 0x4004000000);
}

TEST(memmap_has_room_for_every_vcpu)
{
	EXPECT_EQ(memmap[MM_GIC_REDIST].size / REDIST_SIZE, REDIST_LOW_CPUS);
	EXPECT_EQ((memmap[MM_GIC_REDIST].size + memmap[MM_HIGH_REDIST].size) / REDIST_SIZE,
		  MAX_CPUS);
	EXPECT(memmap[MM_PVTIME].size >= MAX_CPUS * PVTIME_SIZE);
}

TEST_MAIN(T(memmap_rows_are_named_sorted_disjoint_and_page_aligned),
	  T(memmap_is_that_of_qemus_virt_board),
	  T(memmap_high_rows_stay_where_the_table_has_them_while_ram_ends_below_256_gib),
	  T(memmap_high_rows_float_above_ram_aligned_and_disjoint),
	  T(memmap_has_room_for_every_vcpu))
