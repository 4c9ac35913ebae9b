/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/pl011.h"

#include "devices/primecell.h"
#include "fdt/fdt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum reg {
	DR = 0x00,
	RSR = 0x04, /* UARTECR when written */
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
};

/* UARTDR: status of a received word; the same four bits, moved down by 8, are UARTRSR. */
enum { DR_BE = 1 << 10, DR_OE = 1 << 11 };
enum { RSR_OE = DR_OE >> 8 };

enum {
	FR_CTS = 1 << 0,
	FR_DSR = 1 << 1,
	FR_DCD = 1 << 2,
	FR_BUSY = 1 << 3,
	FR_RXFE = 1 << 4,
	FR_TXFF = 1 << 5,
	FR_RXFF = 1 << 6,
	FR_TXFE = 1 << 7,
	FR_RI = 1 << 8,
};

enum { LCR_BRK = 1 << 0, LCR_FEN = 1 << 4 };

enum {
	CR_LBE = 1 << 7,
	CR_TXE = 1 << 8,
	CR_RXE = 1 << 9,
	CR_DTR = 1 << 10,
	CR_RTS = 1 << 11,
	CR_OUT1 = 1 << 12,
	CR_OUT2 = 1 << 13,
	CR_MASK = 0xff87,
};

/* Interrupts, as in UARTIMSC, UARTRIS, UARTMIS and UARTICR. */
enum {
	INT_RI = 1 << 0,
	INT_CTS = 1 << 1,
	INT_DCD = 1 << 2,
	INT_DSR = 1 << 3,
	INT_RX = 1 << 4,
	INT_TX = 1 << 5,
	INT_RT = 1 << 6,
	INT_BE = 1 << 9,
	INT_OE = 1 << 10,
	INT_MASK = 0x7ff,
};

#define FIFO_SIZE 16

static const uint8_t pl011_id[8] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

/* FIFO levels that UARTIFLS selects; reserved values count as the last. */
static const uint8_t trigger_level[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };

/* Whether the receive FIFO pretends to be empty: see pl011.h. */
enum hide {
	HIDE_READY, /* the next clearing of both receive interrupts begins it */
	HIDE_NOW,   /* the next look at UARTFR sees an empty FIFO */
	HIDE_DONE,  /* was seen so; not again before UARTDR is read or an interrupt unmasked */
};

/* All fields: dev.lock, but for the two that are lent. */
struct pl011 {
	struct device dev;
	struct chardev_front front;
	struct chardev *chr;  /* borrowed from the machine, outlives us */
	struct irq_line *irq; /* borrowed from the machine, outlives us */

	uint16_t cr, ibrd, imsc, ris;
	uint8_t rsr, ilpr, fbrd, lcr_h, ifls, dmacr;

	uint16_t rx[FIFO_SIZE]; /* words: a byte and its four status bits */
	unsigned rx_head, rx_level;
	bool rx_dry;	 /* the chardev had less than we asked for; it calls when there is more */
	bool rx_overrun; /* a word was lost, and none has come since */
	enum hide rx_hide;
	bool break_due; /* a break that found no room yet */

	uint8_t tx[FIFO_SIZE]; /* bytes that the chardev had no room for, oldest first */
	unsigned tx_level;
};

static struct pl011 *pl011(struct device *d)
{
	return container_of(d, struct pl011, dev);
}

static unsigned fifo_depth(const struct pl011 *s)
{
	return s->lcr_h & LCR_FEN ? FIFO_SIZE : 1;
}

/* Words in the receive FIFO from which on the receive interrupt is asserted. */
static unsigned rx_trigger(const struct pl011 *s)
{
	return s->lcr_h & LCR_FEN ? trigger_level[s->ifls >> 3 & 7] : 1;
}

/* Bytes in the transmit FIFO down from which the transmit interrupt is asserted. */
static unsigned tx_trigger(const struct pl011 *s)
{
	return s->lcr_h & LCR_FEN ? trigger_level[s->ifls & 7] : 0;
}

static void set_ris(struct pl011 *s, uint16_t bits, bool on)
{
	s->ris = (uint16_t)(on ? s->ris | bits : s->ris & ~bits);
}

static void update_irq(struct pl011 *s)
{
	irq_set(s->irq, (s->ris & s->imsc) != 0);
}

/* --- receiving ---------------------------------------------------------------------------- */

/* The receive interrupts as the level of the FIFO asks for. */
static void rx_interrupts(struct pl011 *s)
{
	bool trigger = s->rx_level >= rx_trigger(s);

	set_ris(s, INT_RX, trigger);
	if (s->rx_level == 0)
		set_ris(s, INT_RT, false);
	else if (!trigger)
		set_ris(s, INT_RT, true);
}

/* There is room. */
static void rx_push(struct pl011 *s, uint16_t word)
{
	s->rx[(s->rx_head + s->rx_level++) % FIFO_SIZE] = word;
	s->rx_overrun = false;
	if (word & DR_BE)
		set_ris(s, INT_BE, true);
}

/* Takes from the chardev what there is room for. */
static void rx_fill(struct pl011 *s)
{
	unsigned depth = fifo_depth(s);
	uint8_t bytes[FIFO_SIZE];
	size_t want, got;

	if (!(s->cr & CR_RXE) || s->cr & CR_LBE)
		return;
	if (s->break_due && s->rx_level < depth) {
		s->break_due = false;
		rx_push(s, DR_BE);
	}
	if (!s->rx_dry && s->rx_level < depth) {
		want = depth - s->rx_level;
		got = chardev_read(s->chr, bytes, want);
		s->rx_dry = got < want;
		for (size_t i = 0; i < got; i++)
			rx_push(s, bytes[i]);
	}
	rx_interrupts(s);
}

/* Reads UARTDR. */
static uint16_t rx_pop(struct pl011 *s)
{
	uint16_t word = 0;

	if (s->rx_level > 0) {
		word = s->rx[s->rx_head];
		s->rx_head = (s->rx_head + 1) % FIFO_SIZE;
		s->rx_level--;
		if (s->rx_level < rx_trigger(s))
			rx_fill(s);
		rx_interrupts(s);
	}
	if (s->rx_overrun)
		word |= DR_OE;
	s->rsr = (uint8_t)((s->rsr & RSR_OE) | word >> 8);
	s->rx_hide = HIDE_READY;
	return word;
}

/* A word comes back from our own transmitter, which does not wait for room. */
static void rx_loop_back(struct pl011 *s, uint16_t word)
{
	if (s->rx_level < fifo_depth(s)) {
		rx_push(s, word);
	} else {
		s->rx_overrun = true;
		s->rsr |= RSR_OE;
		set_ris(s, INT_OE, true);
	}
	rx_interrupts(s);
}

/* --- transmitting ------------------------------------------------------------------------- */

/* Hands the chardev what waits in the FIFO. */
static void tx_drain(struct pl011 *s)
{
	size_t n = chardev_write(s->chr, s->tx, s->tx_level);

	s->tx_level -= (unsigned)n;
	memmove(s->tx, s->tx + n, s->tx_level);
	if (n > 0 && s->tx_level <= tx_trigger(s))
		set_ris(s, INT_TX, true);
}

/*
 * Writes UARTDR. The transmit interrupt follows a byte that leaves, even one that was never seen
 * to wait, because drivers wait for it after they have written.
 */
static void tx_push(struct pl011 *s, uint8_t byte)
{
	if (s->cr & CR_LBE) {
		rx_loop_back(s, byte);
		set_ris(s, INT_TX, true);
		return;
	}
	if (s->tx_level > 0)
		tx_drain(s);
	if (s->tx_level == 0 && chardev_write(s->chr, &byte, 1) == 1) {
		set_ris(s, INT_TX, true);
	} else if (s->tx_level < fifo_depth(s)) {
		s->tx[s->tx_level++] = byte;
		if (s->tx_level > tx_trigger(s))
			set_ris(s, INT_TX, false);
	} else {
		s->dev.guest_errors++; /* UARTFR.TXFF said so; the byte is lost */
	}
}

/* --- modem lines -------------------------------------------------------------------------- */

/* The inputs, as UARTFR shows them; in loop-back our own outputs. */
static unsigned modem(const struct pl011 *s)
{
	if (!(s->cr & CR_LBE))
		return FR_CTS | FR_DSR | FR_DCD;
	return (s->cr & CR_RTS ? FR_CTS : 0u) | (s->cr & CR_DTR ? FR_DSR : 0u) |
	       (s->cr & CR_OUT1 ? FR_DCD : 0u) | (s->cr & CR_OUT2 ? FR_RI : 0u);
}

static void write_cr(struct pl011 *s, uint16_t cr)
{
	unsigned changed = modem(s);

	s->cr = cr & CR_MASK;
	changed ^= modem(s);
	if (changed & FR_CTS)
		set_ris(s, INT_CTS, true);
	if (changed & FR_DSR)
		set_ris(s, INT_DSR, true);
	if (changed & FR_DCD)
		set_ris(s, INT_DCD, true);
	if (changed & FR_RI)
		set_ris(s, INT_RI, true);
	rx_fill(s);
}

/* --- registers ---------------------------------------------------------------------------- */

static inline unsigned flags(struct pl011 *s)
{
	unsigned fr = modem(s), depth = fifo_depth(s);

	fr |= s->tx_level == 0 ? FR_TXFE : FR_BUSY;
	if (s->tx_level >= depth)
		fr |= FR_TXFF;
	if (s->rx_level == 0 || s->rx_hide == HIDE_NOW)
		fr |= FR_RXFE;
	else if (s->rx_level >= depth)
		fr |= FR_RXFF;
	if (s->rx_hide == HIDE_NOW)
		s->rx_hide = HIDE_DONE;
	return fr;
}

/* Who looks at the flags while output waits, waits for it: that is what the stall rule counts. */
static NOINLINE uint64_t poll_flags(struct pl011 *s)
{
	if (chardev_room(s->chr) > 0) {
		tx_drain(s);
		update_irq(s);
	}
	return flags(s);
}

/* Reads UARTFR. */
static inline uint64_t read_fr(struct pl011 *s)
{
	return s->tx_level > 0 ? poll_flags(s) : flags(s);
}

static void write_lcr_h(struct pl011 *s, uint8_t v)
{
	bool breaks = v & ~s->lcr_h & LCR_BRK;

	s->lcr_h = v;
	if (breaks && s->cr & CR_LBE)
		rx_loop_back(s, DR_BE);
	rx_fill(s);
}

static void write_imsc(struct pl011 *s, uint16_t v)
{
	s->imsc = v & INT_MASK;
	/* What a driver cleared before it began to listen is still there to be read. */
	if (s->imsc & (INT_RX | INT_RT)) {
		s->rx_hide = HIDE_READY;
		rx_interrupts(s);
	}
}

static void write_icr(struct pl011 *s, uint16_t v)
{
	const unsigned both = INT_RX | INT_RT;

	set_ris(s, v, false);
	if ((v & both) == both && !(s->imsc & both) && s->rx_hide == HIDE_READY)
		s->rx_hide = HIDE_NOW;
}

static NOINLINE uint16_t read_dr(struct pl011 *s)
{
	uint16_t word = rx_pop(s);

	update_irq(s);
	return word;
}

static uint64_t pl011_read(struct device *d, uint64_t off, unsigned size UNUSED)
{
	struct pl011 *s = pl011(d);
	uint64_t v;

	if (off == FR) /* what drivers poll */
		return read_fr(s);
	switch (off) {
	case DR:
		return read_dr(s);
	case RSR:
		return s->rsr;
	case ILPR:
		return s->ilpr;
	case IBRD:
		return s->ibrd;
	case FBRD:
		return s->fbrd;
	case LCR_H:
		return s->lcr_h;
	case CR:
		return s->cr;
	case IFLS:
		return s->ifls;
	case IMSC:
		return s->imsc;
	case RIS:
		return s->ris;
	case MIS:
		return s->ris & s->imsc;
	case DMACR:
		return s->dmacr;
	default:
		if (primecell_id(pl011_id, off, &v))
			return v;
		d->guest_errors++;
		return 0;
	}
}

static void pl011_write(struct device *d, uint64_t off, unsigned size UNUSED, uint64_t v)
{
	struct pl011 *s = pl011(d);

	switch (off) {
	case DR:
		tx_push(s, (uint8_t)v);
		break;
	case RSR:
		s->rsr = 0;
		break;
	case ILPR:
		s->ilpr = (uint8_t)v;
		break;
	case IBRD:
		s->ibrd = (uint16_t)v;
		break;
	case FBRD:
		s->fbrd = v & 0x3f;
		break;
	case LCR_H:
		write_lcr_h(s, (uint8_t)v);
		break;
	case CR:
		write_cr(s, (uint16_t)v);
		break;
	case IFLS:
		s->ifls = v & 0x3f;
		rx_interrupts(s);
		break;
	case IMSC:
		write_imsc(s, (uint16_t)v);
		break;
	case ICR:
		write_icr(s, (uint16_t)v);
		break;
	case DMACR:
		s->dmacr = v & 0x7;
		break;
	default:
		d->guest_errors++;
		return;
	}
	update_irq(s);
}

/* --- life --------------------------------------------------------------------------------- */

/* Loop thread: input came, or there is room for output again. */
static void pl011_ready(struct chardev_front *f)
{
	struct pl011 *s = container_of(f, struct pl011, front);

	LOCK_SCOPE(&s->dev.lock);
	s->rx_dry = false;
	rx_fill(s);
	if (s->tx_level > 0)
		tx_drain(s);
	update_irq(s);
}

void pl011_break(struct device *d)
{
	struct pl011 *s = pl011(d);

	LOCK_SCOPE(&d->lock);
	if (!(s->cr & CR_RXE) || s->cr & CR_LBE)
		return;
	s->break_due = true;
	rx_fill(s);
	update_irq(s);
}

/* What waits in the transmit FIFO was accepted and is still sent. */
static void pl011_reset(struct device *d)
{
	struct pl011 *s = pl011(d);

	s->cr = CR_RXE | CR_TXE;
	s->ifls = 0x12; /* half full, both */
	s->ibrd = s->imsc = s->ris = 0;
	s->rsr = s->ilpr = s->fbrd = s->lcr_h = s->dmacr = 0;
	s->rx_head = s->rx_level = 0;
	s->rx_dry = s->rx_overrun = s->break_due = false;
	s->rx_hide = HIDE_READY;
	rx_fill(s);
	update_irq(s);
}

static void pl011_describe(const struct device *d, struct fdt *t)
{
	const struct pl011 *s = container_of(d, const struct pl011, dev);

	fdt_node_at(t, "pl011", d->base);
	primecell_describe(t, "arm,pl011", pl011_id);
	fdt_reg(t, d->base, d->size);
	fdt_spi(t, s->irq->spi);
	FDT_CELLS(t, "clocks", FDT_PHANDLE_CLOCK, FDT_PHANDLE_CLOCK);
	FDT_STRS(t, "clock-names", "uartclk", "apb_pclk");
	fdt_end(t);
}

static void pl011_destroy(struct device *d)
{
	struct pl011 *s = pl011(d);

	chardev_attach(s->chr, NULL);
	free(s);
}

static const struct device_ops pl011_ops = {
	.name = "pl011",
	.reset = pl011_reset,
	.read = pl011_read,
	.write = pl011_write,
	.describe = pl011_describe,
	.destroy = pl011_destroy,
	.min_access = 1,
	.max_access = 4,
};

struct device *pl011_create(uint64_t base, uint64_t size, struct irq_line *irq, struct chardev *chr,
			    struct err *e)
{
	struct pl011 *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_set(e, ENOMEM, "pl011: out of memory");
		return NULL;
	}
	device_init(&s->dev, &pl011_ops, base, size);
	s->front.ready = pl011_ready;
	s->irq = irq;
	s->chr = chr;
	chardev_attach(chr, &s->front);
	return &s->dev;
}
