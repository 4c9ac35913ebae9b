/* SPDX-License-Identifier: Apache-2.0 */
/* guest_init: the program arch/arm64/guest/init.c, for vmm/initramfs to put into guests. */
	.section .rodata.guest_init, "a"
	.balign 16
	.globl	arch_guest_init, arch_guest_init_end
	.type	arch_guest_init, %object
arch_guest_init:
	.incbin	"guest-init"
arch_guest_init_end:
	.size	arch_guest_init, . - arch_guest_init
