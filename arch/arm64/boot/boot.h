/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot: kernel, initrd and device tree, from files to guest memory.
 *
 *	boot_open()	once, while paths can still be opened; finds out what the kernel is
 *	boot_prepend()	if there is something to put in front of the initrd
 *	boot_plan()	for the first start and each reset: addresses, for the tree to name
 *	boot_load()	then: everything into memory
 *
 * The files stay open, so a reset needs no path. One that changed in between is sniffed and placed
 * anew by boot_plan(). The vCPU starts at at.entry with the tree's address in x0 and 0 in x1 to x3
 * (32-bit: 0 in r0, ~0 in r1, the tree's address in r2).
 */
#ifndef VMM_ARCH_ARM64_BOOT_H
#define VMM_ARCH_ARM64_BOOT_H

#include "arch/arm64/boot/place.h"
#include "vmm/core/gmem.h"

struct boot {
	struct io_file kernel, initrd, dtb; /* owned; fd -1: none */
	struct io_file first; /* owned: what comes before the initrd; fd -1: nothing */
	struct image image;
	struct boot_layout at; /* since boot_plan() */
};

/*
 * Opens the files and looks at the kernel. @initrd and @dtb may be NULL. The paths are borrowed for
 * messages and outlive @b. On failure nothing is held.
 */
int boot_open(struct boot *b, const char *kernel, const char *initrd, const char *dtb,
	      struct err *e) MUST_CHECK;

/*
 * The file @fd, whose size is a multiple of 4, becomes the initrd or, where there is one, comes in
 * front of it. It is borrowed for this call.
 */
int boot_prepend(struct boot *b, int fd, struct err *e) MUST_CHECK;

/* Closes the files; fine on a closed or zeroed one with its fds -1. */
void boot_close(struct boot *b);

/*
 * The user's own device tree (boot_open()'s @dtb): *@blob, checked and freed by the caller with
 * free(), and its *@size. NULL and 0 when there is none.
 */
int boot_user_dtb(struct boot *b, void **blob, size_t *size, struct err *e) MUST_CHECK;

/*
 * Checks the kernel against the vCPUs and places all in RAM: b->at. @dtb_room: bytes to keep for
 * the device tree, of which not all need be used.
 */
int boot_plan(struct boot *b, const struct image_cpu *cpu, uint64_t ram_base, uint64_t ram_size,
	      uint64_t dtb_room, struct err *e) MUST_CHECK;

/*
 * Loads all to where the last boot_plan() put it; @dtb_size at most its @dtb_room. @fresh: memory
 * has not been written since it was created or discarded, and reads 0. No vCPU may be running.
 */
int boot_load(const struct boot *b, struct gmem *mem, const void *dtb, size_t dtb_size, bool fresh,
	      struct err *e) MUST_CHECK;

#endif
