/* SPDX-License-Identifier: Apache-2.0 */
/* The content of the ROMs: faults.h says what is where. */
#include "faults.h"

	.macro	pages attributes
	.set	at, RAM
	.rept	512
	.quad	at | \attributes
	.set	at, at + PAGE
	.endr
	.endm

	.text
rom:	.set	v, 0x8d
	.rept	PAGE
	.byte	v & 0xff
	.set	v, v * 5 + 0x3b
	.endr
	/* Page, AttrIndx 1 (Normal), EL1 only, inner shareable */
	pages	0x307
	pages	0x707
	.rept	PAGE / 4
	brk	#BRK_DONE
	.endr
	.rept	4 * PAGE
	.byte	(v >> 4) & 0xff
	.set	v, v * 13 + 0x51
	.endr
