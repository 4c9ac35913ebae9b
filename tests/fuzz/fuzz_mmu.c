/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any registers and any memory: walked, put into words, read through, and unwound. The first bytes
 * are the registers and an address, the rest is guest memory that repeats for ever with holes in
 *it.
 */
#include "arch/arm64/mmu/esr.h"
#include "arch/arm64/mmu/mmu.h"
#include "arch/arm64/mmu/unwind.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

struct memory {
	const uint8_t *data;
	size_t len;
	struct mmu_regs regs;
};

static bool read_pa(void *ctx, gpa_t at, void *dst, size_t len)
{
	const struct memory *m = ctx;

	assert(len <= 4096 && at.a >> 52 == 0);
	if (m->len == 0 || at.a >> 12 & 0x80)
		return false;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)dst)[i] = m->data[(at.a + i) % m->len];
	return true;
}

static bool read_va(void *ctx, uint64_t va, void *dst, size_t len)
{
	struct memory *m = ctx;
	const struct mmu_memory memory = { .read = read_pa, .ctx = m };

	return mmu_read_va(&m->regs, &memory, va, dst, len) == len;
}

static void check_text(const char *buf, size_t size)
{
	size_t len = strnlen(buf, size);

	assert(len > 0 && len < size);
	for (size_t i = 0; i < len; i++)
		assert(buf[i] >= ' ' && buf[i] <= '~');
}

static void walk(const struct mmu_regs *r, const struct mmu_memory *m, uint64_t va,
		 enum fault_access access, bool privileged)
{
	struct fault f;
	struct mmu_walk w;

	mmu_walk(r, m, va, access, privileged, &w);
	assert(w.nr_steps <= MMU_MAX_STEPS && (w.mapped || w.fault != MMU_NO_FAULT));
	mmu_regime_text(&w, f.regime, sizeof(f.regime));
	check_text(f.regime, sizeof(f.regime));
	for (unsigned i = 0; i < w.nr_steps; i++) {
		mmu_step_text(r, &w, i, f.step[i].text, sizeof(f.step[i].text));
		check_text(f.step[i].text, sizeof(f.step[i].text));
	}
	mmu_result_text(&w, f.walk_result, sizeof(f.walk_result));
	check_text(f.walk_result, sizeof(f.walk_result));
	esr_text(esr_data_abort(privileged, mmu_fsc(&w), true, 0), f.esr_text, sizeof(f.esr_text));
	check_text(f.esr_text, sizeof(f.esr_text));
}

void fuzz_one(const uint8_t *data, size_t len)
{
	uint64_t word[16] = { 0 }, frame[FAULT_FRAMES];
	struct memory m;
	const struct mmu_memory memory = { .read = read_pa, .ctx = &m };
	struct unwind u = { .read = read_va, .ctx = &m };
	char buf[128];
	bool cut;

	if (len < sizeof(word))
		return;
	memcpy(word, data, sizeof(word));
	m = (struct memory){
		.data = data + sizeof(word),
		.len = len - sizeof(word),
		.regs = { .aarch32 = word[0] & 1,
			  .pan = word[0] & 2,
			  .sctlr = word[1],
			  .tcr = word[2],
			  .tcr2 = word[3],
			  .ttbr0 = word[4],
			  .ttbr1 = word[5],
			  .mair = word[6],
			  .pir = word[7],
			  .pire0 = word[8],
			  .mmfr = { word[9], word[10], word[11], word[12] },
			  .dacr = (uint32_t)(word[0] >> 32) },
	};
	for (unsigned access = 0; access < FAULT_ACCESS_COUNT; access++) {
		walk(&m.regs, &memory, word[13], (enum fault_access)access, true);
		walk(&m.regs, &memory, word[13], (enum fault_access)access, false);
	}
	u.pc = word[13];
	u.lr = word[14];
	u.fp = word[15];
	u.va_bits[0] = mmu_va_bits(&m.regs, 0);
	u.va_bits[1] = mmu_va_bits(&m.regs, ~0ULL);
	u.big_endian = word[0] & 4;
	assert(unwind_frames(&u, frame, FAULT_FRAMES, &cut) <= FAULT_FRAMES);
	esr_text(word[13], buf, sizeof(buf));
	check_text(buf, sizeof(buf));
	esr_fsr_text((uint32_t)word[14], word[0] & 8, buf, sizeof(buf));
	check_text(buf, sizeof(buf));
	esr_pstate_text(word[15], buf, 32);
	check_text(buf, 32);
}
