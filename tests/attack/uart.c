/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UART: what a PL011 must put up with. Mostly in loop-back, where what is sent comes back, and
 * nothing gets to the host: in a guest this is what verdicts are told by. Each attack leaves the
 * registers as they were.
 */
#include "tests/attack/attack.h"
#include "tests/attack/table.h"

enum {
	DR = 0x00,
	RSR = 0x04,
	FR = 0x18,
	ILPR = 0x20,
	IBRD = 0x24,
	FBRD = 0x28,
	LCR_H = 0x2c,
	CR = 0x30,
	IFLS = 0x34,
	IMSC = 0x38,
	RIS = 0x3c,
	MIS = 0x40,
	ICR = 0x44,
	DMACR = 0x48,
	LAST = 0x4c,
	IDS = 0xfe0,
	SIZE = 0x1000,
};

enum { DR_BREAK = 0x400, DR_OVERRUN = 0x800, RSR_OVERRUN = 8 };
enum { FR_CTS = 1, FR_DSR = 2, FR_DCD = 4, FR_RX_EMPTY = 0x10, FR_RX_FULL = 0x40, FR_RI = 0x100 };
enum { LCR_BREAK = 1, LCR_FIFO = 0x10 };
enum { CR_ENABLE = 1, CR_LOOP = 0x80, CR_SEND = 0x100, CR_RECEIVE = 0x200 };
enum { INT_RX = 0x10, INT_TX = 0x20, INT_TIMEOUT = 0x40, INT_OVERRUN = 0x400, INT_ALL = 0x7ff };
enum { FIFO = 16 };

static uint32_t get(unsigned reg)
{
	uint64_t v;

	if (!hal_load(hal.uart + reg, 4, &v))
		complain_of("a read was refused of register", reg, 0);
	return (uint32_t)v;
}

static void put(unsigned reg, uint32_t v)
{
	if (!hal_store(hal.uart + reg, 4, v))
		complain_of("a write was refused to register", reg, 0);
}

static void expect(const char *what, uint64_t is, uint64_t should)
{
	if (is != should)
		complain_of(what, is, should);
}

/* --- around each attack --- */

static const unsigned kept[] = { ILPR, IBRD, FBRD, LCR_H, IFLS, IMSC, DMACR, CR };
static uint32_t was[LENGTH(kept)];

static unsigned drain(void)
{
	unsigned n = 0;

	for (; !(get(FR) & FR_RX_EMPTY) && n < 4 * FIFO; n++)
		(void)get(DR);
	return n;
}

static void loop_back(unsigned lcr_h)
{
	put(IMSC, 0);
	put(LCR_H, lcr_h);
	put(CR, CR_ENABLE | CR_LOOP | CR_SEND | CR_RECEIVE);
	(void)drain();
	put(RSR, 0);
	put(ICR, INT_ALL);
}

static void begin(void)
{
	for (unsigned i = 0; i < LENGTH(kept); i++)
		was[i] = get(kept[i]);
	loop_back(LCR_FIFO);
}

/* Bytes come back as they were sent; then all is as it was found. */
static void end(void)
{
	loop_back(LCR_FIFO);
	for (unsigned i = 0; i < FIFO; i++)
		put(DR, 'a' + i);
	for (unsigned i = 0; i < FIFO && !complained(); i++)
		expect("a byte that came back", get(DR), 'a' + i);
	(void)drain();
	put(RSR, 0);
	for (unsigned i = 0; i < LENGTH(kept); i++)
		put(kept[i], was[i]);
	put(ICR, INT_ALL);
	for (unsigned i = 0; i < LENGTH(kept); i++)
		expect("a register that was put back", get(kept[i]), was[i]);
}

/* The row's own part is in data. */
struct part {
	void (*run)(const struct attack *a);
};

static void around(struct dev *d, const struct attack *a)
{
	const struct part *part = a->data;

	(void)d;
	begin();
	part->run(a);
	end();
}

/* --- accesses --- */

static bool exists(unsigned off)
{
	return off < LAST + 0x40 || off >= IDS;
}

/* arg: how wide. In loop-back a read of DR takes nothing of the host's. */
static void read_all(const struct attack *a)
{
	const unsigned width = (unsigned)a->arg;
	uint64_t v;

	for (unsigned off = 0; off < SIZE; off += width)
		if (exists(off) && !hal_load(hal.uart + off, width, &v))
			complain_of("a read was refused at", off, 0);
}

static void write_all(const struct attack *a)
{
	const unsigned width = (unsigned)a->arg;

	for (unsigned off = 0; off < SIZE; off += width)
		if (exists(off) && (off & ~3U) != CR)
			(void)hal_store(hal.uart + off, width, a->arg2);
}

/* arg: how wide, arg2: where: wider than a register, or not aligned. Refused, each way. */
static void access_refused(const struct attack *a)
{
	const unsigned width = (unsigned)a->arg;
	uint64_t v;

	if (hal_load(hal.uart + a->arg2, width, &v))
		complain("such a read is taken");
	if (hal_store(hal.uart + a->arg2, width, UINT64_MAX))
		complain("such a write is taken");
	expect("UARTCR", get(CR), CR_ENABLE | CR_LOOP | CR_SEND | CR_RECEIVE);
}

static void behind_the_registers(const struct attack *a)
{
	(void)a;
	for (unsigned off = LAST; off < LAST + 0x40; off += 4) {
		put(off, UINT32_MAX);
		expect("behind the registers is", get(off), 0);
	}
}

static void read_only(const struct attack *a)
{
	static const unsigned regs[] = { FR, RIS, MIS, IDS, IDS + 4, IDS + 0x1c };

	(void)a;
	for (unsigned i = 0; i < LENGTH(regs); i++) {
		const uint32_t v = get(regs[i]);

		put(regs[i], ~v);
		expect("a register that is read-only", get(regs[i]), v);
	}
}

/* arg: the register, arg2: the bits that it has. */
static void reserved_bits(const struct attack *a)
{
	const unsigned reg = (unsigned)a->arg;

	put(reg, UINT32_MAX);
	expect("after all ones", get(reg), a->arg2);
	put(reg, ~(uint32_t)a->arg2);
	expect("after the reserved bits alone", get(reg), 0);
}

static void write_only(const struct attack *a)
{
	(void)a;
	put(IMSC, INT_ALL);
	expect("UARTICR, which cannot be read", get(ICR), 0);
	expect("UARTIMSC", get(IMSC), INT_ALL);
}

/* --- the FIFO --- */

/* arg: words sent without one being read, arg2: UARTLCR_H. */
static void overrun(const struct attack *a)
{
	const unsigned depth = a->arg2 & LCR_FIFO ? FIFO : 1, n = (unsigned)a->arg;
	unsigned got = 0;

	loop_back((unsigned)a->arg2);
	for (unsigned i = 0; i < n; i++)
		put(DR, (i + 1) & 0xff);
	expect("UARTFR.RXFF", !!(get(FR) & FR_RX_FULL), n >= depth);
	expect("UARTRIS.OERIS", !!(get(RIS) & INT_OVERRUN), n > depth);
	expect("UARTRSR.OE", !!(get(RSR) & RSR_OVERRUN), n > depth);
	for (; !(get(FR) & FR_RX_EMPTY) && got < n; got++)
		expect("a word of a FIFO that ran over", get(DR) & 0xff, got + 1);
	expect("words in it", got, n < depth ? n : depth);
	put(RSR, 0);
	expect("UARTRSR after it was cleared", get(RSR), 0);
}

static void empty_reads(const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++)
		expect("UARTDR of an empty FIFO", get(DR), 0);
	expect("UARTFR.RXFE", !!(get(FR) & FR_RX_EMPTY), 1);
}

/* The FIFO becomes a register while it is full, and a FIFO again: no word comes twice. */
static void fifo_switched(const struct attack *a)
{
	unsigned got;

	for (unsigned i = 0; i < FIFO; i++)
		put(DR, i);
	for (uint64_t i = 0; i < times(a->arg); i++)
		put(LCR_H, i & 1 ? LCR_FIFO : 0);
	put(LCR_H, LCR_FIFO);
	for (got = 0; !(get(FR) & FR_RX_EMPTY) && got < 2 * FIFO; got++)
		expect("a word of the FIFO", get(DR), got);
	if (got > FIFO)
		complain_of("words in a FIFO", got, FIFO);
}

/* Each level that can be asked for, with each number of words. */
static void levels(const struct attack *a)
{
	static const unsigned words[] = { 2, 4, 8, 12, 14 };

	(void)a;
	for (unsigned sel = 0; sel < LENGTH(words); sel++) {
		put(IFLS, sel << 3);
		for (unsigned n = 1; n <= FIFO && !complained(); n++) {
			put(DR, n);
			expect("UARTRIS.RXRIS", !!(get(RIS) & INT_RX), n >= words[sel]);
		}
		(void)drain();
		expect("UARTRIS.RXRIS of an empty FIFO", get(RIS) & (INT_RX | INT_TIMEOUT), 0);
	}
}

static void levels_reserved(const struct attack *a)
{
	(void)a;
	for (unsigned v = 0; v < 64; v++) {
		put(IFLS, v);
		put(DR, v);
		(void)get(RIS);
	}
}

/* Loop-back ends and begins with words on their way. */
static void loop_switched(const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		put(DR, 0x55);
		put(CR, CR_ENABLE | CR_SEND | CR_RECEIVE);
		put(CR, CR_ENABLE | CR_LOOP | CR_SEND | CR_RECEIVE);
	}
	if (drain() > FIFO)
		complain("more words than there is room for");
}

/* --- interrupts and lines --- */

/* Masked and unmasked while it is asserted: a storm. */
static void irq_storm(const struct attack *a)
{
	put(DR, 'x');
	for (uint64_t i = 0; i < times(a->arg); i++) {
		put(IMSC, i & 1 ? 0 : INT_ALL);
		put(ICR, (uint32_t)a->arg2);
	}
	put(IMSC, INT_ALL);
	put(ICR, INT_ALL);
	put(DR, 'y');
	expect("UARTMIS.TXMIS", !!(get(MIS) & INT_TX), 1);
}

/* Bits that are no interrupt's, or are not asserted. */
static void clear_others(const struct attack *a)
{
	(void)a;
	put(DR, 'x');
	put(IMSC, INT_ALL);
	put(ICR, ~(uint32_t)INT_TX);
	expect("UARTRIS.TXRIS", !!(get(RIS) & INT_TX), 1);
	put(ICR, INT_TX);
	expect("UARTRIS.TXRIS after it was cleared", !!(get(RIS) & INT_TX), 0);
}

/* Breaks, more than there is room for. */
static void breaks(const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg); i++) {
		put(LCR_H, LCR_FIFO | LCR_BREAK);
		put(LCR_H, LCR_FIFO);
	}
	expect("a break that came back", get(DR) & (DR_BREAK | 0xff), DR_BREAK);
	if (drain() >= FIFO)
		complain("more breaks than there is room for");
}

/* Our own outputs are the inputs: each combination. */
static void modem_lines(const struct attack *a)
{
	(void)a;
	for (unsigned v = 0; v < 16; v++) {
		uint32_t should = (v & 1 ? FR_DSR : 0U) | (v & 2 ? FR_CTS : 0U) |
				  (v & 4 ? FR_DCD : 0U) | (v & 8 ? FR_RI : 0U);

		put(CR, CR_ENABLE | CR_LOOP | CR_SEND | CR_RECEIVE | v << 10);
		expect("modem lines", get(FR) & (FR_CTS | FR_DSR | FR_DCD | FR_RI), should);
	}
}

/* --- settings that no line can be run with --- */

static void baud(const struct attack *a)
{
	put(IBRD, (uint32_t)a->arg);
	put(FBRD, (uint32_t)a->arg2);
	put(DR, 'b');
	expect("a byte at such a speed", get(DR), 'b');
}

/* UARTCR, as arg, with words on their way; without loop-back they are zeroes that nobody sees. */
static void control(const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg2); i++) {
		put(DR, 'c');
		put(CR, (uint32_t)a->arg | CR_LOOP);
		(void)get(DR);
		(void)get(FR);
	}
}

static void dma(const struct attack *a)
{
	(void)a;
	for (unsigned v = 0; v < 16; v++) {
		put(DMACR, v);
		put(DR, v);
		expect("a byte with DMA, which there is not", get(DR), v);
	}
}

/* A program of chance, but the same each time; in loop-back all the while. */
static void soup(const struct attack *a)
{
	uint64_t x = a->arg2;

	for (uint64_t i = 0; i < times(a->arg); i++) {
		const unsigned width = 1U << (x >> 60 & 1) << (x >> 61 & 1);
		const uint64_t at = hal.uart + ((x >> 33) % LAST & ~(width - 1U));
		uint64_t v;

		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (((at - hal.uart) & ~UINT64_C(3)) == CR)
			put(CR, (uint32_t)x | CR_LOOP);
		else if (x >> 63)
			(void)hal_store(at, width, x);
		else
			(void)hal_load(at, width, &v);
	}
}

/* Really sent, to the host. */
static void sent(const struct attack *a)
{
	put(CR, CR_ENABLE | CR_SEND | CR_RECEIVE);
	for (uint64_t i = 0; i < times(a->arg); i++)
		put(DR, i % 64 == 63 ? '\n' : '.');
	put(DR, '\n');
}

/* A second CPU at the same registers. */
static void other_side(void *ctx)
{
	const uint64_t n = *(const uint64_t *)ctx;
	uint64_t v;

	for (uint64_t i = 0; i < n; i++) {
		(void)hal_store(hal.uart + DR, 4, i & 0xff);
		(void)hal_load(hal.uart + DR, 4, &v);
		(void)hal_store(hal.uart + LCR_H, 4, i & 1 ? LCR_FIFO : 0);
	}
}

static void two_sides(const struct attack *a)
{
	uint64_t n = times(a->arg);

	hal_start(other_side, &n);
	for (uint64_t i = 0; i < n; i++) {
		put(DR, (uint32_t)i & 0xff);
		(void)get(DR);
		put(IMSC, (uint32_t)i);
	}
	hal_join();
	if (drain() > FIFO)
		complain("more words than there is room for");
}

/* clang-format off */
#define ROW(id, fn, ...) { .name = (id), .data = &(const struct part){ (fn) }, __VA_ARGS__ }

static const struct attack rows[] = {
	ROW("reads of 1 byte", read_all, .arg = 1),
	ROW("reads of 2 bytes", read_all, .arg = 2),
	ROW("reads of 4 bytes", read_all, .arg = 4),
	ROW("writes of 1 byte of zeroes", write_all, .arg = 1),
	ROW("writes of 1 byte of ones", write_all, .arg = 1, .arg2 = UINT64_MAX),
	ROW("writes of 2 bytes of ones", write_all, .arg = 2, .arg2 = UINT64_MAX),
	ROW("writes of 4 bytes of ones", write_all, .arg = 4, .arg2 = UINT64_MAX),
	ROW("8 bytes at the data register", access_refused, .arg = 8, .arg2 = DR),
	ROW("8 bytes at the control register", access_refused, .arg = 8, .arg2 = CR),
	ROW("4 bytes that are not aligned", access_refused, .arg = 4, .arg2 = CR + 2),
	ROW("2 bytes that are not aligned", access_refused, .arg = 2, .arg2 = CR + 1),
	ROW("4 bytes across the end", access_refused, .arg = 4, .arg2 = SIZE - 2),
	ROW("8 bytes across the end", access_refused, .arg = 8, .arg2 = SIZE - 4),
	ROW("behind the registers", behind_the_registers),
	ROW("read-only registers written", read_only),
	ROW("a write-only register read", write_only),
	ROW("reserved bits of UARTIBRD", reserved_bits, .arg = IBRD, .arg2 = 0xffff),
	ROW("reserved bits of UARTFBRD", reserved_bits, .arg = FBRD, .arg2 = 0x3f),
	ROW("reserved bits of UARTIFLS", reserved_bits, .arg = IFLS, .arg2 = 0x3f),
	ROW("reserved bits of UARTIMSC", reserved_bits, .arg = IMSC, .arg2 = INT_ALL),
	ROW("reserved bits of UARTDMACR", reserved_bits, .arg = DMACR, .arg2 = 7),
	ROW("a FIFO that is full", overrun, .arg = FIFO, .arg2 = LCR_FIFO),
	ROW("a FIFO that runs over", overrun, .arg = FIFO + 1, .arg2 = LCR_FIFO),
	ROW("a FIFO that runs over far", overrun, .arg = 200, .arg2 = LCR_FIFO),
	ROW("one word that runs over", overrun, .arg = 2, .arg2 = 0),
	ROW("reads of an empty FIFO", empty_reads, .arg = 100000),
	ROW("a full FIFO becomes a word", fifo_switched, .arg = 1),
	ROW("a full FIFO switched often", fifo_switched, .arg = 1000),
	ROW("each level of the FIFO", levels),
	ROW("levels that are reserved", levels_reserved),
	ROW("loop-back switched under words", loop_switched, .arg = 200),
	ROW("a storm of masks", irq_storm, .arg = 50000, .arg2 = 0),
	ROW("a storm of masks and clears", irq_storm, .arg = 50000, .arg2 = INT_ALL),
	ROW("clearing what is no interrupt", clear_others),
	ROW("breaks", breaks, .arg = 1000),
	ROW("modem lines in loop-back", modem_lines),
	ROW("baud rate 0", baud),
	ROW("baud rate divided by 0 and a fraction", baud, .arg = 0, .arg2 = 0x3f),
	ROW("the lowest baud rate", baud, .arg = 0xffff, .arg2 = 0x3f),
	ROW("switched off under words", control, .arg = 0, .arg2 = 100),
	ROW("only receives", control, .arg = CR_RECEIVE, .arg2 = 100),
	ROW("all of the control register", control, .arg = UINT32_MAX, .arg2 = 100),
	ROW("DMA", dma),
	ROW("a program of chance", soup, .arg = 20000, .arg2 = 1),
	ROW("another program of chance", soup, .arg = 20000, .arg2 = 0x5eed),
	ROW("many bytes to the host", sent, .arg = 65536),
	ROW("two CPUs at it", two_sides, .arg = 5000, .needs = NEEDS_UART | NEEDS_CPU),
};
/* clang-format on */

const struct group group_uart = GROUP("uart", rows, .on = ON(ID_MACHINE), .run = around);
