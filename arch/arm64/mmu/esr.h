/* SPDX-License-Identifier: Apache-2.0 */
/*
 * esr: what the guest is told about an exception, and in which mode it is, in words; and syndromes
 * of aborts, made. Pure. Follows the descriptions of ESR_EL1, SPSR_EL1 and AArch32's DFSR and IFSR
 * in the Arm ARM (DDI 0487), and names faults as they do.
 */
#ifndef VMM_ARCH_ARM64_ESR_H
#define VMM_ARCH_ARM64_ESR_H

#include "vmm/base/defs.h"

/* Exception classes that vmm gives; all others are known to esr_text(). */
enum esr_ec {
	ESR_EC_INSN_ABORT_LOWER = 0x20,
	ESR_EC_INSN_ABORT = 0x21, /* without a change of exception level */
	ESR_EC_DATA_ABORT_LOWER = 0x24,
	ESR_EC_DATA_ABORT = 0x25,
	ESR_EC_SERROR = 0x2f,
};

/* Fault status codes: ISS.DFSC, ISS.IFSC. The first four and the two about walks take a level. */
enum esr_fsc {
	ESR_FSC_ADDRESS_SIZE = 0x00,
	ESR_FSC_TRANSLATION = 0x04,
	ESR_FSC_ACCESS_FLAG = 0x08,
	ESR_FSC_PERMISSION = 0x0c,
	ESR_FSC_EXTERNAL = 0x10, /* synchronous External abort, not on a walk */
	ESR_FSC_SERROR = 0x11,	 /* of an SError interrupt: asynchronous, with a syndrome */
	ESR_FSC_EXTERNAL_WALK = 0x14,
	ESR_FSC_PARITY = 0x18,
	ESR_FSC_PARITY_WALK = 0x1c,
	ESR_FSC_ALIGNMENT = 0x21,
	ESR_FSC_TLB_CONFLICT = 0x30,
	ESR_FSC_EXCLUSIVE = 0x35, /* unsupported Exclusive or Atomic access */
	ESR_FSC_DOMAIN = 0x3c,	  /* with a level of 1 or 2: AArch32's short descriptors */
};

/* Bits of the ISS of an abort. */
#define ESR_WNR	  (1U << 6)
#define ESR_S1PTW (1U << 7)
#define ESR_CM	  (1U << 8)
#define ESR_EA	  (1U << 9)
#define ESR_FNV	  (1U << 10)
#define ESR_ISV	  (1U << 24) /* data aborts; of an SError: IDS */

#define ESR_IL (1U << 25)

/* The code of a fault of a kind that takes one, at @level -1 to 3; -1 has codes of its own. */
unsigned esr_fsc(enum esr_fsc kind, int level);

/*
 * ESR_EL1 for an abort taken to EL1 from @from_el (0 or 1). @il says that the instruction has 32
 * bits, which also is what aborts without ISV have. @flags: ESR_WNR and the like, or 0.
 */
uint64_t esr_data_abort(unsigned from_el, unsigned fsc, bool il, uint32_t flags);
uint64_t esr_fetch_abort(unsigned from_el, unsigned fsc, bool il, uint32_t flags);

/* ESR_EL1 for an SError interrupt; @iss has 25 bits, more are dropped. */
uint64_t esr_serror(uint32_t iss);

/*
 * A value of ESR_EL1 in one line; what does not fit @size is left out, item by item. EL0 and EL1
 * are named as ESR_EL1 means them: a lower level is EL0. Bits above 31 are not looked at: old KVMs
 * leave ones there.
 *
 *	"Data Abort from EL1, synchronous External abort, not on a walk, WnR 0"
 *	"Instruction Abort from EL0, Translation fault, level 3"
 */
void esr_text(uint64_t esr, char *buf, size_t size);

/* "Translation fault, level 2"; "reserved fault status 0x3f". */
struct esr_name {
	char s[64];
};
struct esr_name esr_fsc_name(unsigned fsc);

/*
 * DFSR (@data) or IFSR of AArch32, of the format that FSR.LPAE says, in one line:
 *
 *	"Data Abort, synchronous External abort, not on a walk, short descriptors, WnR 0"
 */
void esr_fsr_text(uint32_t fsr, bool data, char *buf, size_t size);

/*
 * DFSR for a fault of status code @fsc, of an access that does what @flags (ESR_WNR, ESR_CM) say;
 * in the format of long descriptors or of short ones. The domain is 0.
 */
uint32_t esr_dfsr(unsigned fsc, uint32_t flags, bool long_format);
#define DFSR_LPAE (1U << 9)

/* The mode: "EL1h, AArch64", "svc, AArch32 (T32)". */
void esr_pstate_text(uint64_t pstate, char *buf, size_t size);

#endif
