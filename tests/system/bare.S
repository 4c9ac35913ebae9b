/* SPDX-License-Identifier: Apache-2.0 */
/* A bare-metal guest that says "bare" on the PL011, then asks PSCI to power off or, built with RESET
 * defined, to reset: for ever. */
#ifdef RESET
#define LAST_CALL 0x84000009
#else
#define LAST_CALL 0x84000008
#endif
#include "bare.inc"

start:	ldr	x11, =0x09000000
	adr	x2, text
	bl	say
	ldr	x0, =LAST_CALL
	hvc	#0
	b	.
text:	.asciz	"bare\n"
	.align	2
	.ltorg
end:
