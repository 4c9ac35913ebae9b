/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/pl011.h"
#include "tests/lib/fake_chardev.h"
#include "tests/lib/fake_irq.h"
#include "tests/lib/mmio.h"
#include "tests/lib/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BASE 0x9000000ULL

/* clang-format off */
enum {
	DR = 0x00, RSR = 0x04, FR = 0x18, ILPR = 0x20, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c,
	CR = 0x30, IFLS = 0x34, IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44, DMACR = 0x48,
};
enum {
	FR_MODEM = 0x107, FR_BUSY = 0x08, FR_RXFE = 0x10, FR_TXFF = 0x20, FR_RXFF = 0x40,
	FR_TXFE = 0x80,
};
enum {
	INT_MODEM = 0x0f, INT_RX = 0x10, INT_TX = 0x20, INT_RT = 0x40, INT_BE = 0x200,
	INT_OE = 0x400,
};
enum { FEN = 0x10, UARTEN = 0x01, LBE = 0x80, TXE = 0x100, RXE = 0x200 };
enum { DR_BE = 0x400, DR_OE = 0x800 };
/* clang-format on */

static struct chardev chr;
static struct fake_irq irq;
static struct device *dev;
static struct bus *bus;

/* A UART fresh from reset on a chardev that takes @room bytes. */
static void setup(size_t room)
{
	struct err e;

	fake_chardev_init(&chr, room);
	fake_irq_init(&irq, 1);
	dev = pl011_create(BASE, 0x1000, &irq.line, &chr, &e);
	EXPECT(dev != NULL);
	bus = mmio_bus(dev);
}

static void teardown(void)
{
	bus_destroy(bus);
	device_destroy(dev);
	EXPECT(chr.front == NULL);
}

static unsigned rd(unsigned reg)
{
	return (unsigned)mmio_read(bus, BASE + reg, 4);
}

static void wr(unsigned reg, unsigned v)
{
	mmio_write(bus, BASE + reg, 4, v);
}

static void type(const char *text)
{
	EXPECT_EQ(fake_chardev_type(&chr, text, strlen(text)), strlen(text));
}

TEST(pl011_registers_hold_what_the_manual_says)
{
	static const struct {
		unsigned reg, reset, bits;
	} regs[] = {
		{ ILPR, 0, 0xff },     { IBRD, 0, 0xffff },  { FBRD, 0, 0x3f },	 { LCR_H, 0, 0xff },
		{ CR, 0x300, 0xff87 }, { IFLS, 0x12, 0x3f }, { IMSC, 0, 0x7ff }, { DMACR, 0, 0x7 },
	};

	setup(100);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
			EXPECT_EQ(rd(regs[i].reg), regs[i].reset);
		EXPECT_EQ(rd(RSR), 0);
		EXPECT_EQ(rd(RIS), 0);
		EXPECT_EQ(rd(MIS), 0);
		EXPECT_EQ(rd(FR), FR_RXFE | FR_TXFE | 7);
		for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
			wr(regs[i].reg, 0xffffffff);
			EXPECT_EQ(rd(regs[i].reg), regs[i].bits);
			wr(regs[i].reg, 0);
			EXPECT_EQ(rd(regs[i].reg), 0);
			wr(regs[i].reg, 0x55555555);
			EXPECT_EQ(rd(regs[i].reg), 0x55555555 & regs[i].bits);
		}
		device_reset(dev);
	}
	EXPECT_EQ(dev->guest_errors, 0);
	teardown();
}

TEST(pl011_identifies_itself_to_the_amba_bus)
{
	setup(0);
	mmio_expect_id(bus, dev, (const uint8_t[]){ 0x11, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1 });
	teardown();
}

TEST(pl011_counts_accesses_that_the_manual_does_not_know)
{
	setup(0);
	EXPECT_EQ(rd(0x08), 0);
	EXPECT_EQ(rd(ICR), 0);
	EXPECT_EQ(rd(0x80), 0);
	EXPECT_EQ(mmio_read(bus, BASE + 1, 1), 0);
	EXPECT_EQ(dev->guest_errors, 4);
	wr(FR, 0);
	wr(RIS, 0xff);
	wr(MIS, 0xff);
	wr(0xfe0, 0xff);
	EXPECT_EQ(dev->guest_errors, 8);
	teardown();
}

TEST(pl011_survives_abuse)
{
	setup(1000);
	type("some input that waits");
	mmio_abuse(bus, dev);
	mmio_expect_id(bus, dev, (const uint8_t[]){ 0x11, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1 });
	EXPECT(dev->guest_errors > 0);
	device_reset(dev);
	EXPECT_EQ(rd(CR), 0x300);
	EXPECT(!irq.line.level);
	teardown();
}

TEST(pl011_sends_a_byte_per_write_before_anybody_enabled_it)
{
	setup(100);
	wr(CR, 0);
	wr(DR, 'a');
	mmio_write(bus, BASE + DR, 1, 'b');
	mmio_write(bus, BASE + DR, 2, 'c');
	wr(DR, 0xffffff00 | 'd');
	EXPECT_EQ(chr.out_len, 4);
	EXPECT_EQ(memcmp(chr.out, "abcd", 4), 0);
	EXPECT_EQ(chr.writes, 4); /* one call a byte, */
	EXPECT_EQ(chr.asks, 0);	  /* and no asking for room */
	EXPECT_EQ(rd(FR) & (FR_TXFE | FR_TXFF | FR_BUSY), FR_TXFE);
	EXPECT_EQ(chr.asks, 0);
	teardown();
}

TEST(pl011_transmit_interrupt_follows_a_byte_and_clears_by_icr)
{
	setup(100);
	wr(IMSC, INT_TX);
	EXPECT(!irq.line.level);
	wr(DR, 'x');
	EXPECT_EQ(rd(RIS), INT_TX);
	EXPECT_EQ(rd(MIS), INT_TX);
	EXPECT(irq.line.level);
	wr(ICR, 0x7ff & ~INT_TX);
	EXPECT(irq.line.level);
	wr(ICR, INT_TX);
	EXPECT(!irq.line.level);
	wr(DR, 'x');
	EXPECT(irq.line.level);
	wr(IMSC, 0);
	EXPECT(!irq.line.level);
	EXPECT_EQ(rd(RIS), INT_TX);
	EXPECT_EQ(rd(MIS), 0);
	EXPECT_EQ(irq.changes, 4); /* the wire was driven when it changed, and only then */
	teardown();
}

/* Writes until UARTFR says full; how many bytes. */
static unsigned write_until_full(unsigned most)
{
	unsigned n = 0;

	while (n < most && !(rd(FR) & FR_TXFF))
		wr(DR, 'A' + n++ % 26);
	return n;
}

static void expect_alphabet(size_t len)
{
	EXPECT_EQ(chr.out_len, len);
	for (size_t i = 0; i < len; i++)
		EXPECT_EQ(chr.out[i], 'A' + i % 26);
}

TEST(pl011_fills_its_fifo_when_the_chardev_is_full_and_loses_nothing)
{
	static const struct {
		unsigned lcr_h, depth;
	} modes[] = { { FEN, 16 }, { 0, 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		unsigned depth = modes[i].depth;

		setup(10);
		wr(LCR_H, modes[i].lcr_h);
		EXPECT_EQ(write_until_full(100), 10 + depth);
		EXPECT_EQ(rd(FR) & (FR_TXFE | FR_TXFF | FR_BUSY), FR_TXFF | FR_BUSY);
		EXPECT_EQ(rd(RIS) & INT_TX, 0);
		EXPECT(chr.asks > 0);
		EXPECT_EQ(dev->guest_errors, 0);
		wr(DR, '!'); /* who does not look, loses */
		EXPECT_EQ(dev->guest_errors, 1);
		fake_chardev_take(&chr, 100);
		expect_alphabet(10 + depth);
		EXPECT_EQ(rd(FR) & (FR_TXFE | FR_TXFF | FR_BUSY), FR_TXFE);
		teardown();
	}
}

TEST(pl011_asks_for_room_when_a_guest_polls_because_the_stall_rule_counts_that)
{
	setup(0);
	wr(LCR_H, FEN);
	for (int i = 0; i < 16; i++)
		wr(DR, 'x');
	EXPECT_EQ(chr.asks, 0);
	for (int i = 0; i < 1000; i++)
		EXPECT(rd(FR) & FR_TXFF);
	EXPECT_EQ(chr.asks, 1000);
	chr.room = 3; /* what chardev_room() answers by the stall rule, without a call */
	EXPECT_EQ(rd(FR) & (FR_TXFF | FR_BUSY), FR_BUSY);
	EXPECT_EQ(chr.out_len, 3);
	/* A driver that waits for the last bit to leave waits for the stall rule, too. */
	chr.room = 100;
	EXPECT_EQ(rd(FR) & (FR_TXFE | FR_BUSY), FR_TXFE);
	EXPECT_EQ(chr.out_len, 16);
	teardown();
}

TEST(pl011_transmit_interrupt_waits_for_the_trigger_level)
{
	static const unsigned level[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };

	for (unsigned sel = 0; sel < 8; sel++) {
		setup(0);
		wr(LCR_H, FEN);
		wr(IFLS, sel);
		wr(IMSC, INT_TX);
		for (int i = 0; i < 16; i++)
			wr(DR, 'x');
		EXPECT(!irq.line.level);
		fake_chardev_take(&chr, 16 - level[sel] - 1);
		EXPECT(!irq.line.level);
		fake_chardev_take(&chr, 1);
		EXPECT(irq.line.level);
		/* Filling it again takes the interrupt back as soon as it is above the level. */
		wr(DR, 'x');
		EXPECT(!irq.line.level);
		teardown();
	}
}

/* The transmit half of Linux's driver: eight bytes an interrupt, without a look at UARTFR. */
TEST(pl011_sends_all_for_a_driver_that_waits_for_the_interrupt)
{
	const unsigned total = 5000;
	unsigned sent;

	setup(7);
	wr(LCR_H, FEN);
	wr(CR, UARTEN | TXE | RXE);
	sent = write_until_full(total);
	wr(IMSC, INT_TX);
	while (sent < total) {
		EXPECT(!irq.line.level);
		fake_chardev_take(&chr, 1 + sent % 37);
		while (irq.line.level && sent < total)
			for (int i = 0; i < 8 && sent < total; i++)
				wr(DR, 'A' + sent++ % 26);
	}
	fake_chardev_take(&chr, 100);
	expect_alphabet(total);
	EXPECT_EQ(dev->guest_errors, 0);
	EXPECT(chr.asks < 40);
	teardown();
}

TEST(pl011_reset_does_not_drop_accepted_output)
{
	setup(3);
	wr(LCR_H, FEN);
	for (int i = 0; i < 10; i++)
		wr(DR, 'A' + (unsigned)i);
	wr(LCR_H, 0);
	device_reset(dev);
	EXPECT_EQ(rd(FR) & (FR_TXFE | FR_BUSY), FR_BUSY);
	EXPECT_EQ(rd(RIS), 0);
	fake_chardev_take(&chr, 100);
	expect_alphabet(10);
	teardown();
}

TEST(pl011_takes_only_the_input_it_has_room_for)
{
	setup(0);
	type("0123456789abcdefghij");
	EXPECT_EQ(chr.in_len, 19); /* FIFOs are off: one word */
	EXPECT_EQ(rd(FR) & (FR_RXFE | FR_RXFF), FR_RXFF);
	EXPECT_EQ(rd(RIS), INT_RX);
	wr(LCR_H, FEN);
	EXPECT_EQ(chr.in_len, 4);
	EXPECT_EQ(rd(FR) & (FR_RXFE | FR_RXFF), FR_RXFF);
	EXPECT_EQ(rd(DR), '0');
	EXPECT_EQ(rd(FR) & (FR_RXFE | FR_RXFF), 0);
	for (const char *p = "123456789abcdefghij"; *p; p++)
		EXPECT_EQ(rd(DR), *p);
	EXPECT_EQ(rd(FR) & (FR_RXFE | FR_RXFF), FR_RXFE);
	EXPECT_EQ(rd(DR), 0);
	EXPECT_EQ(rd(RIS), 0);
	EXPECT_EQ(dev->guest_errors, 0);
	teardown();
}

TEST(pl011_switching_the_fifos_off_keeps_what_they_hold)
{
	setup(0);
	wr(LCR_H, FEN);
	type("0123456789");
	wr(LCR_H, 0);
	EXPECT_EQ(rd(FR) & (FR_RXFE | FR_RXFF), FR_RXFF);
	for (const char *p = "0123456789"; *p; p++)
		EXPECT_EQ(rd(DR), *p);
	EXPECT_EQ(rd(FR) & (FR_RXFE | FR_RXFF), FR_RXFE);
	teardown();
}

TEST(pl011_receive_interrupt_at_the_trigger_level_and_timeout_below)
{
	static const unsigned level[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };

	for (unsigned sel = 0; sel < 8; sel++) {
		setup(0);
		wr(LCR_H, FEN);
		wr(IFLS, sel << 3);
		wr(IMSC, INT_RX | INT_RT);
		for (unsigned n = 1; n <= 16; n++) {
			type("x");
			EXPECT_EQ(rd(RIS) & INT_RX, n >= level[sel] ? INT_RX : 0);
			if (n < level[sel])
				EXPECT_EQ(rd(RIS) & INT_RT, INT_RT);
			EXPECT(irq.line.level);
		}
		for (unsigned n = 16; n-- > 0;) {
			EXPECT_EQ(rd(DR), 'x');
			EXPECT_EQ(rd(RIS) & INT_RX, n >= level[sel] ? INT_RX : 0);
			EXPECT_EQ(irq.line.level, n > 0); /* never sits, also below the level */
		}
		EXPECT_EQ(rd(RIS), 0);
		teardown();
	}
}

TEST(pl011_input_comes_back_when_a_driver_unmasks_after_clearing)
{
	setup(0);
	wr(LCR_H, FEN);
	wr(IMSC, INT_RT);
	type("abc");
	EXPECT(irq.line.level);
	wr(ICR, 0x7ff);
	EXPECT(!irq.line.level);
	wr(IMSC, INT_RT);
	EXPECT(irq.line.level);
	teardown();
}

TEST(pl011_waits_with_input_until_the_receiver_is_enabled)
{
	setup(0);
	wr(CR, UARTEN | TXE);
	type("abc");
	pl011_break(dev);
	EXPECT_EQ(chr.in_len, 3);
	EXPECT(rd(FR) & FR_RXFE);
	wr(CR, UARTEN | TXE | RXE);
	EXPECT_EQ(rd(DR), 'a');
	EXPECT_EQ(rd(DR), 'b');
	EXPECT_EQ(rd(DR), 'c');
	teardown();
}

TEST(pl011_reset_takes_up_input_that_waits)
{
	setup(0);
	wr(CR, 0);
	type("abc");
	device_reset(dev);
	EXPECT_EQ(rd(DR), 'a');
	teardown();
}

/* What Linux does when it opens the port: hwinit(), allocate_irq(), enable_interrupts(). */
TEST(pl011_keeps_what_was_typed_before_linux_opens_the_port)
{
	unsigned thrown_away = 0;

	setup(100);
	type("typed before boot, more than a FIFO");
	for (int open = 0; open < 2; open++) {
		wr(ICR, 0x7d0);
		wr(IMSC, INT_RT | INT_RX);
		wr(IMSC, 0);
		wr(IFLS, 0x12);
		wr(CR, UARTEN | TXE | RXE);
		wr(ICR, INT_RT | INT_RX);
		for (int i = 0; i < 32; i++) {
			if (rd(FR) & FR_RXFE)
				break;
			(void)rd(DR);
			thrown_away++;
		}
		wr(IMSC, INT_RT | INT_RX);
		EXPECT_EQ(thrown_away, 0);
		EXPECT(irq.line.level);
		/* stty, and the console printing meanwhile */
		wr(LCR_H, 0x70);
		wr(DR, '#');
		EXPECT(!(rd(FR) & FR_RXFE));
		/* close */
		wr(IMSC, 0);
		wr(ICR, 0xffff);
	}
	wr(IMSC, INT_RT | INT_RX);
	for (const char *p = "typed before boot, more than a FIFO"; *p; p++)
		EXPECT_EQ(rd(DR), *p);
	teardown();
}

TEST(pl011_shows_input_to_a_poller_that_clears_interrupts_at_every_look)
{
	setup(0);
	type("k");
	for (int look = 0;; look++) {
		EXPECT(look < 2);
		wr(ICR, 0x7ff);
		if (!(rd(FR) & FR_RXFE))
			break;
	}
	EXPECT_EQ(rd(DR), 'k');
	/* kgdb clears what is pending and unmasked, and writes the mask back, at every look. */
	wr(IMSC, INT_RX | INT_RT);
	type("g");
	wr(ICR, rd(MIS));
	wr(IMSC, rd(IMSC) & ~(unsigned)INT_TX);
	EXPECT(!(rd(FR) & FR_RXFE));
	EXPECT_EQ(rd(DR), 'g');
	teardown();
}

TEST(pl011_break_is_a_word_and_an_interrupt_of_its_own)
{
	setup(0);
	wr(LCR_H, FEN);
	wr(IMSC, INT_BE);
	pl011_break(dev);
	EXPECT(irq.line.level);
	EXPECT_EQ(rd(RIS), INT_BE | INT_RT);
	type("h");
	EXPECT_EQ(rd(DR), DR_BE);
	EXPECT_EQ(rd(RSR), DR_BE >> 8);
	EXPECT_EQ(rd(DR), 'h');
	EXPECT_EQ(rd(RSR), 0);
	EXPECT_EQ(rd(RIS), INT_BE);
	wr(ICR, INT_BE);
	EXPECT(!irq.line.level);
	teardown();
}

TEST(pl011_break_waits_for_room_and_comes_before_what_is_typed_after_it)
{
	setup(0);
	type("a");
	pl011_break(dev);
	EXPECT_EQ(rd(RIS) & INT_BE, 0);
	type("b");
	EXPECT_EQ(rd(DR), 'a');
	EXPECT_EQ(rd(DR), DR_BE);
	EXPECT_EQ(rd(DR), 'b');
	EXPECT(rd(FR) & FR_RXFE);
	teardown();
}

TEST(pl011_loop_back_gives_a_guest_its_own_words_and_keeps_the_host_out)
{
	setup(100);
	wr(LCR_H, FEN);
	wr(CR, UARTEN | LBE | TXE | RXE);
	type("host");
	pl011_break(dev);
	wr(DR, 'x');
	wr(DR, 'y');
	EXPECT_EQ(rd(RIS) & (INT_TX | INT_RT), INT_TX | INT_RT);
	EXPECT_EQ(rd(DR), 'x');
	EXPECT_EQ(rd(DR), 'y');
	EXPECT(rd(FR) & FR_RXFE);
	wr(LCR_H, FEN | 1);
	EXPECT_EQ(rd(DR), DR_BE);
	EXPECT_EQ(chr.out_len, 0);
	wr(CR, UARTEN | TXE | RXE);
	EXPECT_EQ(rd(DR), 'h');
	teardown();
}

TEST(pl011_overrun_in_loop_back_is_reported_until_cleared)
{
	setup(0);
	wr(LCR_H, FEN);
	wr(CR, UARTEN | LBE | TXE | RXE);
	for (unsigned i = 0; i < 17; i++)
		wr(DR, i);
	EXPECT(rd(RIS) & INT_OE);
	EXPECT_EQ(rd(RSR), DR_OE >> 8);
	EXPECT_EQ(rd(DR), DR_OE | 0); /* the FIFO's words are whole; the last one is lost */
	wr(DR, 16);
	EXPECT_EQ(rd(DR), 1);
	EXPECT_EQ(rd(RSR), DR_OE >> 8);
	wr(RSR, 0xff);
	EXPECT_EQ(rd(RSR), 0);
	wr(ICR, INT_OE);
	EXPECT_EQ(rd(RIS) & INT_OE, 0);
	for (unsigned i = 2; i <= 16; i++)
		EXPECT_EQ(rd(DR), i);
	EXPECT(rd(FR) & FR_RXFE);
	teardown();
}

TEST(pl011_loop_back_turns_modem_outputs_into_inputs_and_interrupts)
{
	static const struct {
		unsigned cr, fr, interrupt;
	} lines[] = {
		{ 1 << 10, 1 << 1, 1 << 3 }, /* DTR, DSR */
		{ 1 << 11, 1 << 0, 1 << 1 }, /* RTS, CTS */
		{ 1 << 12, 1 << 2, 1 << 2 }, /* Out1, DCD */
		{ 1 << 13, 1 << 8, 1 << 0 }, /* Out2, RI */
	};

	setup(0);
	EXPECT_EQ(rd(FR) & FR_MODEM, 7);
	wr(CR, LBE);
	EXPECT_EQ(rd(FR) & FR_MODEM, 0);
	EXPECT_EQ(rd(RIS) & INT_MODEM, 0xe);
	wr(ICR, INT_MODEM);
	wr(IMSC, INT_MODEM);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		for (int on = 1; on >= 0; on--) {
			wr(CR, LBE | (on ? lines[i].cr : 0));
			EXPECT_EQ(rd(FR) & FR_MODEM, on ? lines[i].fr : 0);
			EXPECT_EQ(rd(MIS), lines[i].interrupt);
			EXPECT(irq.line.level);
			wr(ICR, lines[i].interrupt);
			EXPECT(!irq.line.level);
		}
	}
	teardown();
}

#define PASTE (100 * 1024)

static uint8_t pasted(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

/* The host: pastes what there is room for, in portions of 1 to 97 bytes. */
static size_t paste_some(size_t done)
{
	uint8_t portion[97];
	size_t n = 1 + done % sizeof(portion);

	if (n > PASTE - done)
		n = PASTE - done;
	for (size_t i = 0; i < n; i++)
		portion[i] = pasted(done + i);
	return fake_chardev_type(&chr, portion, n);
}

/* Linux's receive handler: runs while the interrupt is there, reads until the FIFO is empty. */
static size_t handle_interrupt(size_t got)
{
	EXPECT(rd(RIS) & (INT_RX | INT_RT));
	for (int most = 256; most > 0 && !(rd(FR) & FR_RXFE); most--)
		EXPECT_EQ(rd(DR), pasted(got++));
	return got;
}

TEST(pl011_100_KiB_arrive_whole_by_interrupt_in_both_fifo_modes)
{
	for (unsigned fen = 0; fen <= FEN; fen += FEN) {
		size_t sent = 0, got = 0;

		setup(0);
		wr(LCR_H, fen);
		wr(IMSC, INT_RX | INT_RT);
		while (got < PASTE) {
			/* The guest is slow: a few portions come between two interrupts. */
			for (int i = 0; i < 5 && sent < PASTE; i++)
				sent += paste_some(sent);
			EXPECT(irq.line.level);
			got = handle_interrupt(got);
		}
		EXPECT_EQ(got, PASTE);
		EXPECT(!irq.line.level);
		EXPECT(rd(FR) & FR_RXFE);
		teardown();
	}
}

TEST(pl011_100_KiB_arrive_whole_by_polling_in_both_fifo_modes)
{
	for (unsigned fen = 0; fen <= FEN; fen += FEN) {
		size_t sent = 0, got = 0;

		setup(0);
		wr(LCR_H, fen);
		while (got < PASTE) {
			if (sent < PASTE)
				sent += paste_some(sent);
			for (int i = 0; i < 50 && !(rd(FR) & FR_RXFE); i++)
				EXPECT_EQ(rd(DR), pasted(got++));
		}
		EXPECT_EQ(got, PASTE);
		EXPECT(rd(FR) & FR_RXFE);
		teardown();
	}
}

TEST(pl011_reads_the_chardev_by_the_fifo_and_not_by_the_byte)
{
	size_t sent = 0, got = 0;

	setup(0);
	wr(LCR_H, FEN);
	wr(IMSC, INT_RX | INT_RT);
	while (sent < 3200)
		sent += paste_some(sent);
	while (irq.line.level)
		got = handle_interrupt(got);
	EXPECT_EQ(got, sent);
	EXPECT(chr.reads < sent / 4);
	teardown();
}

/* The loop thread: types, takes output, and sends breaks now and then. */
static void *loop_thread(void *done)
{
	size_t sent = 0;

	while (sent < PASTE) {
		sent += paste_some(sent);
		fake_chardev_take(&chr, 3);
	}
	while (!atomic_load((atomic_bool *)done))
		fake_chardev_take(&chr, 64);
	return NULL;
}

TEST(pl011_serves_a_vcpu_and_the_loop_at_once)
{
	atomic_bool done = false;
	pthread_t loop;
	size_t got = 0, written = 0;

	setup(0);
	wr(LCR_H, FEN);
	wr(IMSC, INT_RX | INT_RT | INT_TX);
	EXPECT_EQ(pthread_create(&loop, NULL, loop_thread, &done), 0);
	while (got < PASTE || written < 20000) {
		while (!(rd(FR) & FR_RXFE))
			EXPECT_EQ(rd(DR), pasted(got++));
		if (written < 20000 && !(rd(FR) & FR_TXFF))
			wr(DR, 'A' + (unsigned)(written++ % 26));
	}
	while (rd(FR) & FR_BUSY)
		;
	atomic_store(&done, true);
	EXPECT_EQ(pthread_join(loop, NULL), 0);
	expect_alphabet(20000);
	EXPECT_EQ(got, PASTE);
	teardown();
}

TEST_MAIN(T(pl011_registers_hold_what_the_manual_says), T(pl011_identifies_itself_to_the_amba_bus),
	  T(pl011_counts_accesses_that_the_manual_does_not_know), T(pl011_survives_abuse),
	  T(pl011_sends_a_byte_per_write_before_anybody_enabled_it),
	  T(pl011_transmit_interrupt_follows_a_byte_and_clears_by_icr),
	  T(pl011_fills_its_fifo_when_the_chardev_is_full_and_loses_nothing),
	  T(pl011_asks_for_room_when_a_guest_polls_because_the_stall_rule_counts_that),
	  T(pl011_transmit_interrupt_waits_for_the_trigger_level),
	  T(pl011_sends_all_for_a_driver_that_waits_for_the_interrupt),
	  T(pl011_reset_does_not_drop_accepted_output),
	  T(pl011_takes_only_the_input_it_has_room_for),
	  T(pl011_switching_the_fifos_off_keeps_what_they_hold),
	  T(pl011_receive_interrupt_at_the_trigger_level_and_timeout_below),
	  T(pl011_input_comes_back_when_a_driver_unmasks_after_clearing),
	  T(pl011_waits_with_input_until_the_receiver_is_enabled),
	  T(pl011_reset_takes_up_input_that_waits),
	  T(pl011_keeps_what_was_typed_before_linux_opens_the_port),
	  T(pl011_shows_input_to_a_poller_that_clears_interrupts_at_every_look),
	  T(pl011_break_is_a_word_and_an_interrupt_of_its_own),
	  T(pl011_break_waits_for_room_and_comes_before_what_is_typed_after_it),
	  T(pl011_loop_back_gives_a_guest_its_own_words_and_keeps_the_host_out),
	  T(pl011_overrun_in_loop_back_is_reported_until_cleared),
	  T(pl011_loop_back_turns_modem_outputs_into_inputs_and_interrupts),
	  T(pl011_100_KiB_arrive_whole_by_interrupt_in_both_fifo_modes),
	  T(pl011_100_KiB_arrive_whole_by_polling_in_both_fifo_modes),
	  T(pl011_reads_the_chardev_by_the_fifo_and_not_by_the_byte),
	  T(pl011_serves_a_vcpu_and_the_loop_at_once))
