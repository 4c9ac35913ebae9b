/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest does: by the word "faults=NAME" on its command line; else as with "log". */
#include "faults.h"

void stray(uint64_t esr, uint64_t far, uint64_t elr);
void main(const char *tree);

bool asked(const char *tree, const char *word)
{
	static const char key[] = "faults=";
	const size_t size = (size_t)__builtin_bswap32(((const uint32_t *)(const void *)tree)[1]);

	for (size_t i = 0; i + 64 < size; i++) {
		size_t n = 0;

		while (key[n] && tree[i + n] == key[n])
			n++;
		if (key[n])
			continue;
		i += n;
		for (n = 0; word[n] && tree[i + n] == word[n]; n++)
			;
		return !word[n] && (tree[i + n] == ' ' || !tree[i + n]);
	}
	return false;
}

/* An exception that no case asked for: head.S. */
void stray(uint64_t esr, uint64_t far, uint64_t elr)
{
	say("Bail out! exception with ESR ");
	say_hex(esr);
	say(" FAR ");
	say_hex(far);
	say(" ELR ");
	say_hex(elr);
	say("\n");
}

static void all(void)
{
	static const struct state kernel = { "", HIGH, NORMAL, EL1H };

	cases_devices();
	cases_holes();
	end_rows("MMU off");
	cases_fetch();
	mmu_on();
	cases_devices();
	cases_holes();
	cases_rom();
	cases_straddle();
	cases_fetch();
	cases_walk();
	for (const struct row *r = rows; r < rows_end; r++)
		if (!possible(r, &kernel))
			skip(r->name, "this CPU does not have it");
}

static void first(void)
{
	mmu_on();
	cases_first();
}

static void fetch_device(void)
{
	mmu_on();
	case_fetch_from_device();
}

static void fetch_device_spin(void)
{
	case_fetch_from_device();
	say("# spins\n");
	for (;;)
		;
}

static void fetch_device_read(void)
{
	case_fetch_from_device();
	(void)read32(0x0a000000);
}

static void fetch_by_device(void)
{
	mmu_on();
	case_fetch_by_tables_in_a_device();
}

static void fetch_far(void)
{
	case_fetch_far_away();
}

static void opened(void)
{
	mmu_on();
	cases_opened();
}

static void translate(void)
{
	mmu_on();
	cases_translate();
}

static void log(void)
{
	mmu_on();
	cases_log();
}

static void log_rom(void)
{
	mmu_on();
	cases_log_rom();
}

static void stop(void)
{
	(void)read32(0x0a000000);
}

static void aarch32(void)
{
	mmu_on();
	cases_aarch32();
}

static void aarch32_ram(void)
{
	mmu_on();
	cases_aarch32_ram();
}

static void granules(void)
{
	mmu_on();
	cases_granules();
}

static void ranges(void)
{
	mmu_on();
	cases_ranges();
}

static void by_value(void (*cases)(uint8_t value), uint8_t value)
{
	cases(value);
	mmu_on();
	cases(value);
}

static void zero(void)
{
	by_value(cases_value, 0);
}

static void ones(void)
{
	by_value(cases_value, 0xff);
}

static void zero_odd(void)
{
	by_value(cases_value_odd, 0);
}

static void ones_device(void)
{
	mmu_on();
	cases_value_device(0xff);
}

static void ones_straddle(void)
{
	mmu_on();
	cases_value_straddle(0xff);
}

static void poison(void)
{
	mmu_on();
	cases_poison();
}

static void denied(void)
{
	mmu_on();
	cases_denied();
}

void main(const char *tree)
{
	static const struct {
		const char *word;
		void (*run)(void);
	} jobs[] = {
		{ "all", all },
		{ "first", first },
		{ "opened", opened },
		{ "fetch-device", fetch_device },
		{ "fetch-device-spin", fetch_device_spin },
		{ "fetch-device-read", fetch_device_read },
		{ "fetch-by-device", fetch_by_device },
		{ "fetch-far", fetch_far },
		{ "translate", translate },
		{ "log", log },
		{ "log-rom", log_rom },
		{ "stop", stop },
		{ "aarch32", aarch32 },
		{ "aarch32-ram", aarch32_ram },
		{ "granules", granules },
		{ "ranges", ranges },
		{ "zero", zero },
		{ "ones", ones },
		{ "zero-odd", zero_odd },
		{ "ones-device", ones_device },
		{ "ones-straddle", ones_straddle },
		{ "poison", poison },
		{ "denied", denied },
	};
	bool done = false;

	lockup(tree);
	if (asked(tree, "poison-reset")) {
		cases_poison_reset(tree);
		done = true;
	}
	for (unsigned i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		if (asked(tree, jobs[i].word)) {
			jobs[i].run();
			done = true;
		}
	if (!done)
		log();
	tap_plan();
	say("# faults ");
	say_number(faults_expected);
	say("\n# syndromes with ones in the upper half ");
	say_number(esr_ones);
	say("\n");
}
