/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVE and SME accesses, as far as their mnemonics: Arm ARM C4.1 "SVE encodings" (the groups whose
 * names begin with "SVE Memory") and "SME encodings" ("SME Memory"). Known up to SVE2 and SME.
 */
#include "arch/arm64/insn/insn_groups.h"

/* What is appended to a name, and from which bits. */
enum tail {
	TAIL_NONE,
	TAIL_MSZ,    /* 24:23: size in memory */
	TAIL_PRF,    /* 14:13: size in memory */
	TAIL_SME,    /* 23:22: size in memory */
	TAIL_DTYPE,  /* 24:21: sizes in memory and in the register */
	TAIL_DTYPE2, /* 24:23, 14:13: the same */
	TAIL_STORE,  /* 24:23: size in memory, no more than 22:21, size in the register */
	TAIL_GATHER, /* 24:23: size in memory; U (14): not signed; ff (13): LDFF1 */
};

struct row {
	uint32_t mask, value;
	const char *name;
	enum tail tail;
	uint8_t sizes;	/* bit n: 1 << n bytes in memory are allowed; 0: not a field */
	uint8_t ssizes; /* the same for a signed gather */
	bool rm;	/* 20:16 is an offset register, and may not be 31 */
};

static const struct row rows[] = {
	/* 32-bit gather and unsized contiguous */
	{ 0xfe208000, 0x84000000, "ld1", TAIL_GATHER, 7, 3, false },
	{ 0xfe208000, 0x84200000, "ld1", TAIL_GATHER, 6, 2, false },
	{ 0xfe608000, 0x84208000, "ld1", TAIL_GATHER, 7, 3, false },
	{ 0xfe60e000, 0x8400a000, "ldnt1", TAIL_MSZ, 7, 0, false },
	{ 0xfe60e000, 0x84008000, "ldnt1s", TAIL_MSZ, 3, 0, false },
	{ 0xfe408000, 0x84408000, "ld1r", TAIL_DTYPE2, 0, 0, false },
	{ 0xffc0e010, 0x85800000, "ldr", TAIL_NONE, 0, 0, false },
	{ 0xffc0e000, 0x85804000, "ldr", TAIL_NONE, 0, 0, false },
	{ 0xffa08010, 0x84200000, "prf", TAIL_PRF, 0, 0, false },
	{ 0xffc08010, 0x85c00000, "prf", TAIL_PRF, 0, 0, false },
	{ 0xfe60e010, 0x8400c000, "prf", TAIL_MSZ, 0, 0, true },
	{ 0xfe60e010, 0x8400e000, "prf", TAIL_MSZ, 0, 0, false },
	/* contiguous load */
	{ 0xfe00e000, 0xa4004000, "ld1", TAIL_DTYPE, 0, 0, true },
	{ 0xfe10e000, 0xa400a000, "ld1", TAIL_DTYPE, 0, 0, false },
	{ 0xfe00e000, 0xa4006000, "ldff1", TAIL_DTYPE, 0, 0, false },
	{ 0xfe10e000, 0xa410a000, "ldnf1", TAIL_DTYPE, 0, 0, false },
	{ 0xfe60e000, 0xa400c000, "ldnt1", TAIL_MSZ, 0, 0, true },
	{ 0xfe60e000, 0xa420c000, "ld2", TAIL_MSZ, 0, 0, true },
	{ 0xfe60e000, 0xa440c000, "ld3", TAIL_MSZ, 0, 0, true },
	{ 0xfe60e000, 0xa460c000, "ld4", TAIL_MSZ, 0, 0, true },
	{ 0xfe70e000, 0xa400e000, "ldnt1", TAIL_MSZ, 0, 0, false },
	{ 0xfe70e000, 0xa420e000, "ld2", TAIL_MSZ, 0, 0, false },
	{ 0xfe70e000, 0xa440e000, "ld3", TAIL_MSZ, 0, 0, false },
	{ 0xfe70e000, 0xa460e000, "ld4", TAIL_MSZ, 0, 0, false },
	{ 0xfe60e000, 0xa4000000, "ld1rq", TAIL_MSZ, 0, 0, true },
	{ 0xfe60e000, 0xa4200000, "ld1ro", TAIL_MSZ, 0, 0, true },
	{ 0xfe70e000, 0xa4002000, "ld1rq", TAIL_MSZ, 0, 0, false },
	{ 0xfe70e000, 0xa4202000, "ld1ro", TAIL_MSZ, 0, 0, false },
	/* 64-bit gather */
	{ 0xfe208000, 0xc4000000, "ld1", TAIL_GATHER, 15, 7, false },
	{ 0xfe208000, 0xc4200000, "ld1", TAIL_GATHER, 14, 6, false },
	{ 0xfe608000, 0xc4208000, "ld1", TAIL_GATHER, 15, 7, false },
	{ 0xfe608000, 0xc4408000, "ld1", TAIL_GATHER, 15, 7, false },
	{ 0xfe608000, 0xc4608000, "ld1", TAIL_GATHER, 14, 6, false },
	{ 0xfe60e000, 0xc400c000, "ldnt1", TAIL_MSZ, 15, 0, false },
	{ 0xfe60e000, 0xc4008000, "ldnt1s", TAIL_MSZ, 7, 0, false },
	{ 0xffa08010, 0xc4200000, "prf", TAIL_PRF, 0, 0, false },
	{ 0xffe08010, 0xc4608000, "prf", TAIL_PRF, 0, 0, false },
	{ 0xfe60e010, 0xc400e000, "prf", TAIL_MSZ, 0, 0, false },
	/* stores */
	{ 0xffc0e010, 0xe5800000, "str", TAIL_NONE, 0, 0, false },
	{ 0xffc0e000, 0xe5804000, "str", TAIL_NONE, 0, 0, false },
	{ 0xfe00e000, 0xe4004000, "st1", TAIL_STORE, 0, 0, true },
	{ 0xfe10e000, 0xe400e000, "st1", TAIL_STORE, 0, 0, false },
	{ 0xfe60e000, 0xe4006000, "stnt1", TAIL_MSZ, 0, 0, true },
	{ 0xfe60e000, 0xe4206000, "st2", TAIL_MSZ, 0, 0, true },
	{ 0xfe60e000, 0xe4406000, "st3", TAIL_MSZ, 0, 0, true },
	{ 0xfe60e000, 0xe4606000, "st4", TAIL_MSZ, 0, 0, true },
	{ 0xfe70e000, 0xe410e000, "stnt1", TAIL_MSZ, 0, 0, false },
	{ 0xfe70e000, 0xe430e000, "st2", TAIL_MSZ, 0, 0, false },
	{ 0xfe70e000, 0xe450e000, "st3", TAIL_MSZ, 0, 0, false },
	{ 0xfe70e000, 0xe470e000, "st4", TAIL_MSZ, 0, 0, false },
	{ 0xfe60e000, 0xe4002000, "stnt1", TAIL_MSZ, 15, 0, false },
	{ 0xfe60e000, 0xe4402000, "stnt1", TAIL_MSZ, 7, 0, false },
	{ 0xfe60a000, 0xe4008000, "st1", TAIL_MSZ, 15, 0, false },
	{ 0xfe60a000, 0xe4208000, "st1", TAIL_MSZ, 14, 0, false },
	{ 0xfe60a000, 0xe4408000, "st1", TAIL_MSZ, 7, 0, false },
	{ 0xfe60a000, 0xe4608000, "st1", TAIL_MSZ, 6, 0, false },
	{ 0xfe60e000, 0xe400a000, "st1", TAIL_MSZ, 15, 0, false },
	{ 0xfe60e000, 0xe420a000, "st1", TAIL_MSZ, 14, 0, false },
	{ 0xfe60e000, 0xe440a000, "st1", TAIL_MSZ, 15, 0, false },
	{ 0xfe60e000, 0xe460a000, "st1", TAIL_MSZ, 7, 0, false },
	/* SME: ZA by slices, by rows */
	{ 0xff200010, 0xe0000000, "ld1", TAIL_SME, 0, 0, false },
	{ 0xff200010, 0xe0200000, "st1", TAIL_SME, 0, 0, false },
	{ 0xffe00010, 0xe1c00000, "ld1q", TAIL_NONE, 0, 0, false },
	{ 0xffe00010, 0xe1e00000, "st1q", TAIL_NONE, 0, 0, false },
	{ 0xffff9c10, 0xe1000000, "ldr", TAIL_NONE, 0, 0, false },
	{ 0xffff9c10, 0xe1200000, "str", TAIL_NONE, 0, 0, false },
};

static const char *const sizes[4] = { "b", "h", "w", "d" };
static const char *const signed_sizes[4] = { "sb", "sh", "sw", "" };
static const char *const dtypes[16] = { "b",  "b",  "b", "b", "sw", "h",  "h",	"h",
					"sh", "sh", "w", "w", "sb", "sb", "sb", "d" };

/* The mnemonic of @w, which fits @r in its fixed bits; false when a size is not allowed. */
static bool name(const struct row *r, uint32_t w, struct insn *i)
{
	unsigned msz = insn_bits(w, 24, 23);

	i->name = r->name;
	i->suffix = "";
	switch (r->tail) {
	case TAIL_NONE:
		break;
	case TAIL_MSZ:
		i->suffix = sizes[msz];
		return !r->sizes || r->sizes >> msz & 1;
	case TAIL_PRF:
		i->suffix = sizes[insn_bits(w, 14, 13)];
		break;
	case TAIL_SME:
		i->suffix = sizes[insn_bits(w, 23, 22)];
		break;
	case TAIL_DTYPE:
		i->suffix = dtypes[insn_bits(w, 24, 21)];
		break;
	case TAIL_DTYPE2:
		i->suffix = dtypes[msz << 2 | insn_bits(w, 14, 13)];
		break;
	case TAIL_STORE:
		i->suffix = sizes[msz];
		return insn_bits(w, 22, 21) >= msz;
	case TAIL_GATHER:
		i->name = insn_bit(w, 13) ? "ldff1" : "ld1";
		i->suffix = insn_bit(w, 14) ? sizes[msz] : signed_sizes[msz];
		return (insn_bit(w, 14) ? r->sizes : r->ssizes) >> msz & 1;
	}
	return true;
}

bool insn_scalable(uint32_t w, struct insn *i)
{
	i->class = insn_bits(w, 31, 25) == 0x70 ? INSN_SME : INSN_SVE;
	i->rn = i->rt = 0;
	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		const struct row *r = &rows[n];

		if ((w & r->mask) != r->value || (r->rm && insn_bits(w, 20, 16) == 31) ||
		    !name(r, w, i))
			continue;
		i->load = r->name[0] == 'l';
		i->store = r->name[0] == 's';
		return true;
	}
	return false;
}
