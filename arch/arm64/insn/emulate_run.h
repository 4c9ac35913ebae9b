/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of emulate share: one instruction while it is carried out. Nobody else includes
 * this.
 *
 * Data lives in two shapes: in registers, little-endian whatever the host and the guest are, and in
 * memory, all bytes of the instruction in the order of their addresses. Elements are moved between
 * the two, and turned round for big-endian data; everything else works on one shape.
 */
#ifndef VMM_ARCH_ARM64_EMULATE_RUN_H
#define VMM_ARCH_ARM64_EMULATE_RUN_H

#include "arch/arm64/insn/emulate.h"

#define EMULATE_REGS  8	 /* data registers of one instruction; of AArch32 32 words in their room */
#define EMULATE_WIDE  16 /* bytes of the widest register and access */
#define EMULATE_WORDS (EMULATE_REGS * EMULATE_WIDE / 4)

struct emulate_run {
	const struct emulate_cpu *cpu;
	const struct insn *i;
	struct emulate_result *out;
	struct emulate_address at;
	bool device;
	uint8_t reg[EMULATE_REGS][EMULATE_WIDE];  /* data registers, as read or to be written */
	uint8_t mem[EMULATE_REGS * EMULATE_WIDE]; /* the bytes at at.va */
	unsigned targets; /* so many of reg[] are written when all went well */
	bool has_status;  /* and rs becomes status */
	uint64_t status;
};

/* @v from its low @bytes, which are 1 to 8. */
static inline uint64_t zero_extend(uint64_t v, unsigned bytes)
{
	return v & UINT64_MAX >> (64 - 8 * bytes);
}

static inline uint64_t sign_extend(uint64_t v, unsigned bytes)
{
	uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

	return (zero_extend(v, bytes) ^ sign) - sign;
}

/* Bytes of what the manual calls one access; in AArch32, elements of 8 bytes are two words. */
static inline unsigned emulate_unit(const struct insn *i)
{
	return i->aarch32 && i->size > 4 ? 4 : i->size;
}

/* Whether [@va, @va + @bytes) lies within 16 aligned bytes. */
static inline bool within_16(uint64_t va, unsigned bytes)
{
	return va % 16 + bytes <= 16;
}

/* General register @n as data or offset: 31 is the zero register. Statuses are as in emulate.h. */
enum emulate_status emulate_get_x(const struct emulate_cpu *cpu, unsigned n, uint64_t *v);
enum emulate_status emulate_set_x(const struct emulate_cpu *cpu, unsigned n, uint64_t v);

/* Data register @n, of the file that the instruction uses, to r->reg[@k]. */
enum emulate_status emulate_get_data(struct emulate_run *r, unsigned k, unsigned n);

/* All registers that the instruction stores or, for INSN_CAS, compares, to r->reg. */
enum emulate_status emulate_get_all_data(struct emulate_run *r);

/* r->reg to all registers that the instruction loads, extended as it says. */
enum emulate_status emulate_set_all_data(const struct emulate_run *r);

/* All elements between r->reg and @mem, of r->at.bytes. What has no element in memory stays. */
void emulate_to_memory(struct emulate_run *r, uint8_t *mem);
void emulate_from_memory(struct emulate_run *r, const uint8_t *mem);

/* The @k-th element in @mem; of at most 8 bytes. */
uint64_t emulate_element(const struct emulate_run *r, const uint8_t *mem, unsigned k);
void emulate_set_element(struct emulate_run *r, uint8_t *mem, unsigned k, uint64_t v);

/* All accesses of the instruction, between memory and r->mem. */
enum emulate_status emulate_transfer(struct emulate_run *r, bool store);

/* Lists a call that was done. @old and @new are NULL where there is none. */
void emulate_note(struct emulate_run *r, enum emulate_kind kind, uint64_t va, unsigned bytes,
		  const uint8_t *old, const uint8_t *new);

/* Says where the instruction ends early. Returns @s. */
enum emulate_status emulate_refused(struct emulate_run *r, uint64_t va, enum emulate_status s);

/* Loads to r->reg, and has them written. INSN_LDST, INSN_STRUCT, loads of INSN_EXCLUSIVE. */
enum emulate_status emulate_load(struct emulate_run *r);

/*
 * AArch32 (emulate32.c): the address; data registers, to and from r->reg, a word each, but for
 * those of INSN_STRUCT, which are 8 bytes; the base of a write-back and PC, which a load may have
 * in its list, from where it was.
 */
enum emulate_status emulate32_address(const struct emulate_cpu *cpu, const struct insn *i,
				      struct emulate_address *out);
enum emulate_status emulate32_get_all_data(struct emulate_run *r);
enum emulate_status emulate32_set_all_data(const struct emulate_run *r);
uint64_t emulate32_next(const struct emulate_run *r, uint64_t pc);

/* INSN_EXCLUSIVE, INSN_ATOMIC, INSN_CAS. */
enum emulate_status emulate_load_exclusive(struct emulate_run *r);
enum emulate_status emulate_store_exclusive(struct emulate_run *r);
enum emulate_status emulate_atomic(struct emulate_run *r);
enum emulate_status emulate_cas(struct emulate_run *r);

#endif
