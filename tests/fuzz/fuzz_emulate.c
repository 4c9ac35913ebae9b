/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any instruction, of A64, A32 or T32, carried out for a vCPU with any registers, on memory or a
 * device that refuses some access, while others write, and on a host that fails. What is asked of
 * memory is what is promised (tests/lib/emulate_rig.h).
 */
#include "arch/arm64/insn/insn32.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/emulate_rig.h"

static void set_up(struct world *w, struct program *p)
{
	const uint8_t how = program_u8(p);

	for (unsigned n = program_u8(p) & 7; n; n--) {
		const unsigned reg = program_u8(p) % EMULATE_PC;

		w->x[reg] = program_u64(p);
	}
	w->cpu.big_endian = how & 1;
	w->cpu.zva_bytes = how & 2 ? 64 : how & 4 ? 2048 : 3;
	w->memory = how & 8 ? EMULATE_DEVICE : EMULATE_NORMAL;
	w->abort_at = how & 16 ? program_u8(p) : 0;
	w->host_fails = how & 32;
	w->reg_fails = how & 64 ? program_u8(p) % 16U : 0;
	w->races = how & 128 ? program_u8(p) : 0;
}

static void run(struct world *w, const struct insn *i)
{
	struct emulate_address at;
	enum emulate_status s = emulate_address(&w->cpu, i, &at);

	EXPECT(s != EMULATE_DONE || at.bytes <= 2048);
	w->calls = w->regs = 0;
	s = emulate(&w->cpu, i, w->memory, &w->out);
	EXPECT(w->out.nr <= EMULATE_MAX_ACCESSES);
	EXPECT(s != EMULATE_CANNOT || w->calls == 0);
	EXPECT(s != EMULATE_ALIGNMENT || w->calls == 0);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };
	struct world *w = fresh();
	char text[INSN_TEXT_MAX];
	unsigned n = 0;

	set_up(w, &p);
	while (program_more(&p) && n++ < 16) {
		const uint8_t kind = program_u8(&p);
		const uint32_t word = program_u32(&p);
		/* Of CPSR: the state, the mode and where in an IT block. */
		const uint32_t cpsr = 0x10U | (kind & 1 ? 0x20U : 0) | (kind & 0xf0U) << 24;
		struct insn i;

		if (kind & 2) {
			if (insn32_decode(word, cpsr, &i))
				run(w, &i);
			EXPECT(insn32_text(word, cpsr, text, sizeof(text)) > 0);
			(void)insn32_advance(cpsr, word);
		} else if (insn_decode(word, &i)) {
			run(w, &i);
		}
	}
}
