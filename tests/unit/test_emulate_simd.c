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

static void expect_elements(const struct world *w, const struct layout *l, char what)
{
	ROW_EQ(l->text, w->calls, layout_bytes(l) / l->size);
	for (unsigned c = 0; c < w->calls; c++)
		expect_call(w, l->text, c, what, AT + c * l->size, l->size);
}

static void expect_structure_loaded(const struct layout *l, enum emulate_memory memory, bool big)
{
	struct world *w = fresh();

	w->cpu.big_endian = big;
	step_done(w, l->text, l->load, memory);
	expect_elements(w, l, 'r');
	for (unsigned k = 0; k < 16 * layout_regs(l); k++) {
		unsigned n = l->first + k / 16;
		char c = l->map[k / 16 * 17 + k % 16];
		int at = offset_of(c, l->size, big);
		uint8_t got = byte_of(w->v[n % 32], k % 16);

		if (c == '-')
			ROW_EQ(l->text, got, byte_of(fresh_simd(n % 32), k % 16));
		else
			ROW_EQ(l->text, got, c == '.' ? 0 : (unsigned)(0x10 + at));
	}
}

TEST(emulate_structures_load_each_element_to_its_lane)
{
	for (unsigned k = 0; k < 4; k++) {
		for (size_t n = 0; n < ARRAY_SIZE(layouts); n++)
			expect_structure_loaded(&layouts[n], kinds[k / 2], k & 1);
		for (size_t n = 0; n < ARRAY_SIZE(replicates); n++)
			expect_structure_loaded(&replicates[n], kinds[k / 2], k & 1);
	}
}

static void expect_structure_stored(const struct layout *l, enum emulate_memory memory, bool big)
{
	struct world *w = fresh();

	w->cpu.big_endian = big;
	step_done(w, l->text, l->load & ~(1U << 22), memory);
	expect_elements(w, l, 'w');
	for (unsigned k = 0; k < 16 * layout_regs(l); k++) {
		int at = offset_of(l->map[k / 16 * 17 + k % 16], l->size, big);

		if (at >= 0)
			ROW_EQ(l->text, w->mem[AT % MEM + (unsigned)at],
			       byte_of(w->v[(l->first + k / 16) % 32], k % 16));
	}
	ROW_EQ(l->text, w->mem[AT % MEM - 1], 0x0f);
	ROW_EQ(l->text, w->mem[AT % MEM + layout_bytes(l)], 0x10 + layout_bytes(l));
}

TEST(emulate_structures_store_each_lane_to_its_element)
{
	for (unsigned k = 0; k < 4; k++)
		for (size_t n = 0; n < ARRAY_SIZE(layouts); n++)
			expect_structure_stored(&layouts[n], kinds[k / 2], k & 1);
}

TEST_MAIN(T(emulate_simd_registers_of_every_size_load_and_clear_what_is_above),
	  T(emulate_simd_registers_of_every_size_store),
	  T(emulate_structures_load_each_element_to_its_lane),
	  T(emulate_structures_store_each_lane_to_its_element))
