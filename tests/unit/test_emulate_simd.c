/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/emulate_rig.h"

/* With bit 22 cleared these are the stores. */
static const struct {
	const char *text;
	uint32_t load;
	unsigned regs, size;
} simd[] = {
	{ "ldr b0, [x1]", 0x3d400020, 1, 1 },	    { "ldr h0, [x1]", 0x7d400020, 1, 2 },
	{ "ldr s0, [x1]", 0xbd400020, 1, 4 },	    { "ldr d0, [x1]", 0xfd400020, 1, 8 },
	{ "ldr q0, [x1]", 0x3dc00020, 1, 16 },	    { "ldp s0, s2, [x1]", 0x2d400820, 2, 4 },
	{ "ldp d0, d2, [x1]", 0x6d400820, 2, 8 },   { "ldp q0, q2, [x1]", 0xad400820, 2, 16 },
	{ "ldnp q0, q2, [x1]", 0xac400820, 2, 16 },
};

TEST(emulate_simd_registers_of_every_size_load_and_clear_what_is_above)
{
	for (size_t n = 0; n < ARRAY_SIZE(simd); n++)
		for (unsigned k = 0; k < 4; k++) {
			struct world *w = fresh();
			unsigned size = simd[n].size, unit = k / 2 && size > 8 ? 8 : size;
			bool big = k & 1;

			w->cpu.big_endian = big;
			step_done(w, simd[n].text, simd[n].load, kinds[k / 2]);
			for (unsigned r = 0; r < simd[n].regs; r++) {
				struct emulate_wide want = get_wide(w, AT + r * size, size, big);

				ROW_EQ(simd[n].text, w->v[2 * r].lo, want.lo);
				ROW_EQ(simd[n].text, w->v[2 * r].hi, want.hi);
			}
			ROW_EQ(simd[n].text, w->v[1].lo, 0xa0a1a2a3a4a5a6a8);
			ROW_EQ(simd[n].text, w->x[0], 0x1122334455667788);
			/* A Q register is two calls for a device, low address first. */
			ROW_EQ(simd[n].text, w->calls, simd[n].regs * size / unit);
			for (unsigned c = 0; c < w->calls; c++)
				expect_call(w, simd[n].text, c, 'r', AT + c * unit, unit);
		}
}

TEST(emulate_simd_registers_of_every_size_store)
{
	for (size_t n = 0; n < ARRAY_SIZE(simd); n++)
		for (unsigned k = 0; k < 4; k++) {
			struct world *w = fresh();
			unsigned size = simd[n].size, unit = k / 2 && size > 8 ? 8 : size;
			uint64_t mask = size < 8 ? UINT64_MAX >> (64 - 8 * size) : UINT64_MAX;
			bool big = k & 1;

			w->cpu.big_endian = big;
			step_done(w, simd[n].text, simd[n].load & ~(1U << 22), kinds[k / 2]);
			for (unsigned r = 0; r < simd[n].regs; r++) {
				struct emulate_wide got = get_wide(w, AT + r * size, size, big);

				ROW_EQ(simd[n].text, got.lo, w->v[2 * r].lo & mask);
				ROW_EQ(simd[n].text, got.hi, size == 16 ? w->v[2 * r].hi : 0);
			}
			ROW_EQ(simd[n].text, w->calls, simd[n].regs * size / unit);
			for (unsigned c = 0; c < w->calls; c++)
				expect_call(w, simd[n].text, c, 'w', AT + c * unit, unit);
		}
}

/*
 * Which byte of memory belongs to each byte of a register, lowest first, from AT on: 0 to 9, a to
 * z, A to Z, + and / are 0 to 63, a dot is zero, a dash is left alone.
 */
static const struct layout {
	const char *text;
	uint32_t load;	      /* with bit 22 cleared it is the store */
	unsigned size, first; /* bytes of an element, first register */
	const char *map;      /* of each register, with blanks between */
} layouts[] = {
	{ "ld1 {v0.8b}", 0x0c407020, 1, 0, "01234567........" },
	{ "ld1 {v0.16b}", 0x4c407020, 1, 0, "0123456789abcdef" },
	{ "ld1 {v0.4h-v1.4h}", 0x0c40a420, 2, 0, "01234567........ 89abcdef........" },
	{ "ld1 {v0.2d-v2.2d}", 0x4c406c20, 8, 0,
	  "0123456789abcdef ghijklmnopqrstuv wxyzABCDEFGHIJKL" },
	{ "ld1 {v0.1d-v3.1d}", 0x0c402c20, 8, 0,
	  "01234567........ 89abcdef........ ghijklmn........ opqrstuv........" },
	{ "ld2 {v0.8b-v1.8b}", 0x0c408020, 1, 0, "02468ace........ 13579bdf........" },
	{ "ld2 {v0.4s-v1.4s}", 0x4c408820, 4, 0, "012389abghijopqr 4567cdefklmnstuv" },
	{ "ld2 {v0.2d-v1.2d}", 0x4c408c20, 8, 0, "01234567ghijklmn 89abcdefopqrstuv" },
	{ "ld3 {v0.4h-v2.4h}", 0x0c404420, 2, 0,
	  "0167cdij........ 2389efkl........ 45abghmn........" },
	{ "ld3 {v0.8h-v2.8h}", 0x4c404420, 2, 0,
	  "0167cdijopuvABGH 2389efklqrwxCDIJ 45abghmnstyzEFKL" },
	{ "ld4 {v0.16b-v3.16b}", 0x4c400020, 1, 0,
	  "048cgkoswAEIMQUY 159dhlptxBFJNRVZ 26aeimquyCGKOSW+ 37bfjnrvzDHLPTX/" },
	{ "ld4 {v30.2s-v1.2s}", 0x0c40083e, 4, 30,
	  "0123ghij........ 4567klmn........ 89abopqr........ cdefstuv........" },
	{ "ld1 {v0.b}[5]", 0x0d401420, 1, 0, "-----0----------" },
	{ "ld1 {v0.h}[7]", 0x4d405820, 2, 0, "--------------01" },
	{ "ld1 {v0.s}[2]", 0x4d408020, 4, 0, "--------0123----" },
	{ "ld1 {v0.d}[1]", 0x4d408420, 8, 0, "--------01234567" },
	{ "ldap1 {v0.d}[1]", 0x4d418420, 8, 0, "--------01234567" },
	{ "ld2 {v0.s-v1.s}[3]", 0x4d609020, 4, 0, "------------0123 ------------4567" },
	{ "ld3 {v0.h-v2.h}[1]", 0x0d406820, 2, 0,
	  "--01------------ --23------------ --45------------" },
	{ "ld4 {v0.d-v3.d}[0]", 0x0d60a420, 8, 0,
	  "01234567-------- 89abcdef-------- ghijklmn-------- opqrstuv--------" },
	{ "ld4 {v30.h-v1.h}[2]", 0x0d60703e, 2, 30,
	  "----01---------- ----23---------- ----45---------- ----67----------" },
};

/* These have no store. */
static const struct layout replicates[] = {
	{ "ld1r {v0.8b}", 0x0d40c020, 1, 0, "00000000........" },
	{ "ld1r {v0.16b}", 0x4d40c020, 1, 0, "0000000000000000" },
	{ "ld1r {v0.1d}", 0x0d40cc20, 8, 0, "01234567........" },
	{ "ld2r {v0.4h-v1.4h}", 0x0d60c420, 2, 0, "01010101........ 23232323........" },
	{ "ld3r {v0.2d-v2.2d}", 0x4d40ec20, 8, 0,
	  "0123456701234567 89abcdef89abcdef ghijklmnghijklmn" },
	{ "ld4r {v0.4s-v3.4s}", 0x4d60e820, 4, 0,
	  "0123012301230123 4567456745674567 89ab89ab89ab89ab cdefcdefcdefcdef" },
};

/* The same in A32, with bit 21 cleared for the store; in T32 the upper byte is 0xf9. */
static const struct layout layouts32[] = {
	{ "vld1.8 {d0}", 0xf421070f, 1, 0, "01234567--------" },
	{ "vld1.16 {d1}", 0xf421174f, 2, 0, "--------01234567" },
	{ "vld1.32 {d1, d2}", 0xf4211a8f, 4, 0, "--------01234567 89abcdef--------" },
	{ "vld1.64 {d1, d2, d3}", 0xf42116cf, 8, 0, "--------01234567 89abcdefghijklmn" },
	{ "vld1.8 {d28, d29, d30, d31}", 0xf461c20f, 1, 14, "0123456789abcdef ghijklmnopqrstuv" },
	{ "vld2.8 {d0, d1}", 0xf421080f, 1, 0, "02468ace13579bdf" },
	{ "vld2.16 {d1, d3}", 0xf421194f, 2, 0, "--------014589cd --------2367abef" },
	{ "vld2.32 {d0, d1, d2, d3}", 0xf421038f, 4, 0, "012389abghijopqr 4567cdefklmnstuv" },
	{ "vld3.16 {d0, d1, d2}", 0xf421044f, 2, 0, "0167cdij2389efkl 45abghmn--------" },
	{ "vld3.8 {d1, d3, d5}", 0xf421150f, 1, 0,
	  "--------0369cfil --------147adgjm --------258behkn" },
	{ "vld4.16 {d0, d1, d2, d3}", 0xf421004f, 2, 0, "0189ghop23abijqr 45cdklst67efmnuv" },
	{ "vld4.32 {d0, d2, d4, d6}", 0xf421018f, 4, 0,
	  "0123ghij-------- 4567klmn-------- 89abopqr-------- cdefstuv--------" },
	{ "vld1.8 {d0[5]}", 0xf4a100af, 1, 0, "-----0----------" },
	{ "vld1.16 {d1[3]}", 0xf4a114cf, 2, 0, "--------------01" },
	{ "vld1.32 {d1[1]}", 0xf4a1188f, 4, 0, "------------0123" },
	{ "vld2.8 {d0[7], d1[7]}", 0xf4a101ef, 1, 0, "-------0-------1" },
	{ "vld2.16 {d1[2], d3[2]}", 0xf4a115af, 2, 0, "------------01-- ------------23--" },
	{ "vld3.32 {d0[1], d2[1], d4[1]}", 0xf4a10acf, 4, 0,
	  "----0123-------- ----4567-------- ----89ab--------" },
	{ "vld3.8 {d1[0], d2[0], d3[0]}", 0xf4a1120f, 1, 0, "--------0------- 1-------2-------" },
	{ "vld4.16 {d28[1], d29[1], d30[1], d31[1]}", 0xf4e1c74f, 2, 14,
	  "--01------23---- --45------67----" },
	{ "vld4.32 {d1[0], d3[0], d5[0], d7[0]}", 0xf4a11b4f, 4, 0,
	  "--------0123---- --------4567---- --------89ab---- --------cdef----" },
};

static const struct layout replicates32[] = {
	{ "vld1.8 {d0[]}", 0xf4a10c0f, 1, 0, "00000000--------" },
	{ "vld1.16 {d1[], d2[]}", 0xf4a11c6f, 2, 0, "--------01010101 01010101--------" },
	{ "vld1.32 {d30[], d31[]}", 0xf4e1ecaf, 4, 15, "0123012301230123" },
	{ "vld2.8 {d0[], d2[]}", 0xf4a10d2f, 1, 0, "00000000-------- 11111111--------" },
	{ "vld3.16 {d1[], d2[], d3[]}", 0xf4a11e4f, 2, 0, "--------01010101 2323232345454545" },
	{ "vld4.32 {d0[], d2[], d4[], d6[]}", 0xf4a10faf, 4, 0,
	  "01230123-------- 45674567-------- 89ab89ab-------- cdefcdef--------" },
};

/* The offset that a letter of a map stands for; -1 when it is none. */
static int offset_of(char c, unsigned size, bool big)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/";
	const char *at = strchr(digits, c);
	int at_size = (int)size, n;

	if (!at)
		return -1;
	n = (int)(at - digits);
	return big ? n - n % at_size + at_size - 1 - n % at_size : n;
}

static uint8_t byte_of(struct emulate_wide v, unsigned b)
{
	return (uint8_t)((b < 8 ? v.lo : v.hi) >> b % 8 * 8);
}

static unsigned layout_regs(const struct layout *l)
{
	return (unsigned)(strlen(l->map) + 1) / 17;
}

/* How many bytes of memory a layout covers. */
static unsigned layout_bytes(const struct layout *l)
{
	int top = -1;

	for (unsigned k = 0; k < 16 * layout_regs(l); k++) {
		int at = offset_of(l->map[k / 16 * 17 + k % 16], l->size, false);

		top = at > top ? at : top;
	}
	return (unsigned)top + 1;
}

/* Where an instruction runs, and on what. */
struct way {
	enum { A64, A32, T32 } set;
	enum emulate_memory memory;
	bool big;
};

static struct world *perform(const struct layout *l, bool store, const struct way *y)
{
	struct world *w = fresh();

	w->cpu.big_endian = y->big;
	if (y->set == A64)
		step_done(w, l->text, store ? l->load & ~(1U << 22) : l->load, y->memory);
	else
		done32(w, l->text,
		       (store ? l->load & ~(1U << 21) : l->load) ^ (y->set == T32 ? 0x0d000000 : 0),
		       y->set == T32 ? CPSR_T : 0, y->memory);
	return w;
}

/* Each is an access; in AArch32 one of 8 bytes is two. */
static void expect_elements(const struct world *w, const struct layout *l, const struct way *y,
			    char what)
{
	const unsigned unit = y->set != A64 && l->size > 4 ? 4 : l->size;

	ROW_EQ(l->text, w->calls, layout_bytes(l) / unit);
	for (unsigned c = 0; c < w->calls; c++)
		expect_call(w, l->text, c, what, AT + c * unit, unit);
}

static void expect_loaded(const struct layout *l, const struct way *y)
{
	const struct world *w = perform(l, false, y);

	expect_elements(w, l, y, 'r');
	for (unsigned k = 0; k < 16 * layout_regs(l); k++) {
		unsigned n = l->first + k / 16;
		char c = l->map[k / 16 * 17 + k % 16];
		int at = offset_of(c, l->size, y->big);
		uint8_t got = byte_of(w->v[n % 32], k % 16);

		if (c == '-')
			ROW_EQ(l->text, got, byte_of(fresh_simd(n % 32), k % 16));
		else
			ROW_EQ(l->text, got, c == '.' ? 0 : (unsigned)(0x10 + at));
	}
}

static void expect_stored(const struct layout *l, const struct way *y)
{
	const struct world *w = perform(l, true, y);

	expect_elements(w, l, y, 'w');
	for (unsigned k = 0; k < 16 * layout_regs(l); k++) {
		int at = offset_of(l->map[k / 16 * 17 + k % 16], l->size, y->big);

		if (at >= 0)
			ROW_EQ(l->text, w->mem[AT % MEM + (unsigned)at],
			       byte_of(w->v[(l->first + k / 16) % 32], k % 16));
	}
	ROW_EQ(l->text, w->mem[AT % MEM - 1], 0x0f);
	ROW_EQ(l->text, w->mem[AT % MEM + layout_bytes(l)], 0x10 + layout_bytes(l));
}

/* All rows, in a set and in all ways. */
static void each(const struct layout *rows, size_t nr, unsigned set,
		 void (*expect)(const struct layout *l, const struct way *y))
{
	for (unsigned k = 0; k < 4; k++)
		for (size_t n = 0; n < nr; n++)
			expect(&rows[n], &(struct way){ set, kinds[k / 2], k & 1 });
}

TEST(emulate_structures_load_each_element_to_its_lane)
{
	each(layouts, ARRAY_SIZE(layouts), A64, expect_loaded);
	each(replicates, ARRAY_SIZE(replicates), A64, expect_loaded);
}

TEST(emulate_structures_store_each_lane_to_its_element)
{
	each(layouts, ARRAY_SIZE(layouts), A64, expect_stored);
}

TEST(emulate_structures_of_aarch32_are_in_halves_of_vector_registers)
{
	for (unsigned set = A32; set <= T32; set++) {
		each(layouts32, ARRAY_SIZE(layouts32), set, expect_loaded);
		each(layouts32, ARRAY_SIZE(layouts32), set, expect_stored);
		each(replicates32, ARRAY_SIZE(replicates32), set, expect_loaded);
	}
}

TEST(emulate_structures_of_aarch32_move_the_base)
{
	/* by: what is added to the base, r1, or sp; r2 is 16. */
	static const struct {
		const char *text;
		uint32_t word;
		unsigned base, by;
	} rows[] = {
		{ "vld1.8 {d0}, [r1]", 0xf421070f, 1, 0 },
		{ "vld1.8 {d0}, [r1]!", 0xf421070d, 1, 8 },
		{ "vst1.64 {d0, d1, d2, d3}, [r1]!", 0xf40102cd, 1, 32 },
		{ "vld3.32 {d0, d2, d4}, [r1]!", 0xf421058d, 1, 24 },
		{ "vst4.16 {d0[1], d1[1], d2[1], d3[1]}, [r1]!", 0xf481074d, 1, 8 },
		{ "vld1.32 {d0[], d1[]}, [r1]!", 0xf4a10cad, 1, 4 },
		{ "vld4.8 {d0[], d1[], d2[], d3[]}, [r1]!", 0xf4a10f0d, 1, 4 },
		{ "vld1.8 {d0}, [r1], r2", 0xf4210702, 1, 16 },
		{ "vst2.16 {d0, d1}, [r1], r1", 0xf4010841, 1, AT },
		{ "vld2.32 {d4[1], d5[1]}, [sp:64]!", 0xf4ad499d, 13, 8 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct world *w = fresh();

		w->x[13] = AT;
		done32(w, rows[n].text, rows[n].word, 0, EMULATE_DEVICE);
		ROW_EQ(rows[n].text, w->x[rows[n].base], AT + rows[n].by);
		ROW_EQ(rows[n].text, w->call[0].va, AT);
	}
}

/* On any memory what the instruction says; on a device each access as well. */
TEST(emulate_structures_of_aarch32_have_their_alignment_checked)
{
	static const struct {
		const char *text;
		uint32_t word;
		unsigned normal, device; /* the smallest power of two that will do */
	} rows[] = {
		{ "vld1.8 {d0}, [r1]", 0xf421070f, 1, 1 },
		{ "vld1.8 {d0}, [r1:64]", 0xf421071f, 8, 8 },
		{ "vld1.8 {d0, d1}, [r1:128]", 0xf4210a2f, 16, 16 },
		{ "vst1.8 {d0, d1, d2, d3}, [r1:256]", 0xf401023f, 32, 32 },
		{ "vld1.16 {d2}, [r1]", 0xf421274f, 1, 2 },
		{ "vld1.64 {d2}, [r1]", 0xf42127cf, 1, 4 },
		{ "vld1.16 {d0[0]}, [r1:16]", 0xf4a1041f, 2, 2 },
		{ "vld1.32 {d0[0]}, [r1:32]", 0xf4a1083f, 4, 4 },
		{ "vld2.8 {d0[0], d1[0]}, [r1:16]", 0xf4a1011f, 2, 2 },
		{ "vld4.32 {d0[0], d1[0], d2[0], d3[0]}, [r1:128]", 0xf4a10b2f, 16, 16 },
		{ "vld4.32 {d0[], d1[], d2[], d3[]}, [r1:128]", 0xf4a10fdf, 16, 16 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned k = 0; k < 2; k++)
			for (unsigned step = 1; step <= 32; step *= 2) {
				const unsigned need = k ? rows[n].device : rows[n].normal;
				struct world *w = fresh();

				w->x[1] = EDGE - 64 + step;
				ROW_EQ(rows[n].text, step32(w, rows[n].word, 0, kinds[k]),
				       step >= need ? EMULATE_DONE : EMULATE_ALIGNMENT);
				if (step >= need)
					continue;
				ROW_EQ(rows[n].text, w->calls, 0);
				ROW_EQ(rows[n].text, w->out.va, w->x[1]);
			}
}

/* Nothing is loaded, and the base stays. */
TEST(emulate_structures_of_aarch32_that_are_refused_change_nothing)
{
	for (unsigned k = 1; k <= 6; k++) {
		struct world *w = fresh();

		w->abort_at = k;
		EXPECT_EQ(step32(w, 0xf421058d, 0, EMULATE_DEVICE), EMULATE_ABORT);
		EXPECT_EQ(w->out.va, AT + 4 * (k - 1));
		EXPECT_EQ(w->x[1], AT);
		for (unsigned n = 0; n < 32; n++) {
			EXPECT_EQ(w->v[n].lo, fresh_simd(n).lo);
			EXPECT_EQ(w->v[n].hi, fresh_simd(n).hi);
		}
	}
}

TEST_MAIN(T(emulate_simd_registers_of_every_size_load_and_clear_what_is_above),
	  T(emulate_simd_registers_of_every_size_store),
	  T(emulate_structures_load_each_element_to_its_lane),
	  T(emulate_structures_store_each_lane_to_its_element),
	  T(emulate_structures_of_aarch32_are_in_halves_of_vector_registers),
	  T(emulate_structures_of_aarch32_move_the_base),
	  T(emulate_structures_of_aarch32_have_their_alignment_checked),
	  T(emulate_structures_of_aarch32_that_are_refused_change_nothing))
