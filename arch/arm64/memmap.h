/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memmap: the machine's guest physical addresses and interrupts, compatible with QEMU's arm "virt"
 * board. Addresses are ABI for guests and snapshots: rows are added, never moved.
 */
#ifndef VMM_ARCH_ARM64_MEMMAP_H
#define VMM_ARCH_ARM64_MEMMAP_H

#include "vmm/base/defs.h"

enum memmap_row {
	MM_FLASH0,
	MM_FLASH1,
	MM_GIC_DIST,
	MM_GIC_CPU,
	MM_GICV2M,
	MM_GIC_ITS,
	MM_GIC_REDIST,
	MM_UART,
	MM_RTC,
	MM_FW_CFG,
	MM_GPIO,
	MM_PVTIME,
	MM_PVPANIC,
	MM_VIRTIO,
	MM_PCIE_MMIO,
	MM_PCIE_PIO,
	MM_PCIE_ECAM,
	MM_RAM, /* size 0: as asked */
	MM_HIGH_REDIST,
	MM_HIGH_ECAM,
	MM_HIGH_MMIO,
	MM_COUNT
};

struct memmap_entry {
	const char *name;
	uint64_t base, size;
};

/* Sorted by base, disjoint. High rows move up when RAM reaches them: memmap_high(). */
extern const struct memmap_entry memmap[MM_COUNT];

/* Base of high row @row with @ram_size bytes of RAM: the table's, or as much higher as RAM needs.
 */
uint64_t memmap_high(enum memmap_row row, uint64_t ram_size);

/* SPI numbers (INTID - 32). */
enum {
	SPI_UART = 1,
	SPI_RTC = 2,
	SPI_PCIE = 3, /* INTA..INTD: 3..6 */
	SPI_GPIO = 7,
	SPI_VIRTIO = 16, /* 16..47, one a slot */
	SPI_GICV2M = 48, /* 48..111, the message interrupts of GICv2m */
	SPI_GICV2M_COUNT = 64,
	SPI_COUNT = 64,		/* how many the GIC is made with: a kernel sets up each at boot */
	SPI_COUNT_GICV2M = 128, /* ... with a GICv2m; both multiples of 32 */
};

/* PPI numbers (INTID - 16), as the device tree names them. */
enum {
	PPI_HYP_TIMER = 10,
	PPI_VIRT_TIMER = 11,
	PPI_SEC_TIMER = 13,
	PPI_PHYS_TIMER = 14,
	PPI_PMU = 7
};

#define REDIST_SIZE	 0x20000ULL /* bytes a vCPU */
#define REDIST_LOW_CPUS	 123	    /* vCPUs whose redistributors fit in the low region */
#define PVTIME_SIZE	 64ULL	    /* bytes a vCPU */
#define VIRTIO_SLOTS	 32
#define VIRTIO_SLOT_SIZE 0x200ULL
#define MAX_CPUS	 512

#endif
