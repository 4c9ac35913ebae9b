/* SPDX-License-Identifier: Apache-2.0 */
/* The types of devices: what a good request is to each. */
#include "tests/attack/arp.h"
#include "tests/attack/vsock.h"

enum { VSOCK_F_STREAM = 0 };
enum { BALLOON_F_STATS = 1, BALLOON_F_DEFLATE_ON_OOM = 2, BALLOON_F_REPORTING = 5 };
enum { SECTOR = 512, BLK_IN = 0, BLK_OUT = 1, BLK_FLUSH = 4 };
enum {
	BLK_F_RO = 5,
	BLK_F_FLUSH = 9,
	BLK_F_CONFIG_WCE = 11,
	BLK_F_DISCARD = 13,
	BLK_F_WRITE_ZEROES = 14
};

enum {
	NET_F_MAC = 5,
	NET_F_MRG_RXBUF = 15,
	NET_F_STATUS = 16,
	NET_F_CTRL_VQ = 17,
	NET_F_CTRL_RX = 18,
	NET_F_CTRL_RX_EXTRA = 20,
	NET_F_CTRL_MAC_ADDR = 23
};

/* Sectors with a known content, and behind them those that good requests write. */
enum { KNOWN = DISK_KNOWN, WRITTEN = 8 };

/* Nothing was ever written to such a disk: it is full of zeroes. */
static bool is_read_only(const struct dev *d)
{
	return d->offered & F(BLK_F_RO);
}

/* Eight bytes at @i of sector @sector, as the @number-th writer of disk @disk leaves them. */
static uint64_t content(unsigned disk, uint64_t sector, unsigned number, unsigned i)
{
	return (disk + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ sector << 40 ^ (uint64_t)number << 20 ^
	       i;
}

/* One sector at scratch + 512, the header before it and the status behind. */
static bool transfer(struct dev *d, uint32_t type, uint64_t sector)
{
	const uint64_t header = d->scratch, data = d->scratch + SECTOR, status = data + SECTOR;
	const bool in = type == BLK_IN;
	const struct piece with_data[] = { { header, 16, false },
					   { data, SECTOR, in },
					   { status, 1, true } };
	const struct piece without[] = { { header, 16, false }, { status, 1, true } };
	bool ok;

	hal_put32(header, type);
	hal_put32(header + 4, 0);
	hal_put64(header + 8, sector);
	hal_put8(status, 0xee);
	if (type == BLK_FLUSH)
		ok = ring_good(&d->ring[0], without, 2, 1);
	else
		ok = ring_good(&d->ring[0], with_data, 3, in ? SECTOR + 1 : 1);
	if (ok && hal_get8(status) != 0)
		complain_of("status of a good disk request", hal_get8(status), 0);
	return !complained();
}

static void fill_sector(struct dev *d, uint64_t sector, unsigned number)
{
	for (unsigned i = 0; i < SECTOR; i += 8)
		hal_put64(d->scratch + SECTOR + i, content(d->disk, sector, number, i));
}

static uint64_t content_of(const struct dev *d, uint64_t sector, unsigned number, unsigned i)
{
	return is_read_only(d) ? 0 : content(d->disk, sector, number, i);
}

static void expect_sector(struct dev *d, uint64_t sector, unsigned number)
{
	mem_fill(d->scratch + SECTOR, 0xdd, SECTOR);
	if (!transfer(d, BLK_IN, sector))
		return;
	for (unsigned i = 0; i < SECTOR; i += 8)
		if (hal_get64(d->scratch + SECTOR + i) != content_of(d, sector, number, i)) {
			complain_of("wrong data in sector", sector, sector);
			return;
		}
}

void disk_fill(struct dev *d)
{
	if (is_read_only(d))
		return;
	for (unsigned i = 0; i < KNOWN; i++) {
		fill_sector(d, i, 0);
		if (!transfer(d, BLK_OUT, i))
			return;
	}
}

void disk_expect(struct dev *d, unsigned n)
{
	for (; n; n--)
		expect_sector(d, d->number++ % KNOWN, 0);
}

void disk_expect_all(struct dev *d)
{
	const uint64_t header = dev_alloc(d, 32), data = dev_alloc(d, KNOWN * SECTOR);
	const struct piece p[] = { { header, 16, false },
				   { data, KNOWN * SECTOR, true },
				   { header + 16, 1, true } };

	hal_put32(header, BLK_IN);
	hal_put64(header + 8, 0);
	if (!ring_good(&d->ring[0], p, 3, KNOWN * SECTOR + 1))
		return;
	for (unsigned i = 0; i < KNOWN * SECTOR; i += 8)
		if (hal_get64(data + i) != content_of(d, i / SECTOR, 0, i % SECTOR)) {
			complain_of("wrong data in sector", i / SECTOR, i / SECTOR);
			return;
		}
}

static void disk_good(struct dev *d)
{
	const unsigned number = ++d->number;
	const uint64_t sector = KNOWN + number % WRITTEN;

	if (is_read_only(d)) {
		expect_sector(d, sector, number);
		return;
	}
	fill_sector(d, sector, number);
	if (!transfer(d, BLK_OUT, sector))
		return;
	if (d->features & F(BLK_F_FLUSH) && !transfer(d, BLK_FLUSH, 0))
		return;
	expect_sector(d, sector, number);
}

/* Two are never the same but by an accident of 1 in 2^128. */
static void rng_good(struct dev *d)
{
	const struct piece p[] = { { d->scratch, 16, true }, { d->scratch + 16, 16, true } };

	mem_fill(d->scratch, 0, 32);
	for (unsigned i = 0; i < 2; i++)
		if (!ring_good(&d->ring[0], &p[i], 1, 16))
			return;
	if (hal_get64(d->scratch) == hal_get64(d->scratch + 16) &&
	    hal_get64(d->scratch + 8) == hal_get64(d->scratch + 24))
		complain("random numbers are not");
}

static void console_good(struct dev *d)
{
	const struct piece p = { d->scratch, 16, false };

	mem_fill(d->scratch, 'g', 15);
	hal_put8(d->scratch + 15, '\n');
	(void)ring_good(&d->ring[1], &p, 1, 0);
}

/* A page that goes into the balloon reads as zeroes, and keeps what is written to it after. */
static void balloon_good(struct dev *d)
{
	const uint64_t list = dev_alloc(d, 16), page = dev_pages(d, 4096);
	const struct piece p = { list, 4, false };

	hal_put32(list, (uint32_t)(page / 4096));
	mem_fill(page, 0xbb, 4096);
	if (!ring_good(&d->ring[0], &p, 1, 0))
		return;
	for (unsigned i = 0; i < 4096; i += 8)
		if (hal_get64(page + i) != 0)
			complain("a page in the balloon keeps what it had");
	hal_put64(page, d->number);
	if (ring_good(&d->ring[1], &p, 1, 0) && hal_get64(page) != d->number++)
		complain("a page that came out of the balloon lost what it had");
}

/* A disk is asked for its name. */
void any_request(struct ring *r, unsigned i)
{
	const uint64_t at = dev_alloc(r->d, 64);

	if (r->d->kind->id == ID_BLOCK) {
		hal_put32(at, 8);
		ring_desc(r, i, at, 16, D_NEXT, (uint16_t)(i + 1));
		ring_desc(r, i + 1, at + 16, 21, D_WRITE, 0);
	} else {
		ring_desc(r, i, at, 16, r->d->kind->id == ID_RNG ? D_WRITE : 0, 0);
	}
}

static void machine_good(struct dev *d)
{
	(void)d;
}

const struct kind *kind_of(uint32_t id)
{
	static const struct kind kinds[] = {
		{
			.id = ID_BLOCK,
			.name = "disk",
			.wanted = F(BLK_F_FLUSH) | F(BLK_F_CONFIG_WCE) | F(BLK_F_DISCARD) |
				  F(BLK_F_WRITE_ZEROES),
			.good = disk_good,
		},
		{ .id = ID_CONSOLE,
		  .name = "console",
		  .ring = 1,
		  .any = true,
		  .good = console_good },
		{ .id = ID_RNG, .name = "rng", .any = true, .good = rng_good },
		{ .id = ID_NET,
		  .name = "net",
		  .ring = NET_SEND,
		  .wanted = F(NET_F_MAC) | F(NET_F_MRG_RXBUF) | F(NET_F_STATUS) | F(NET_F_CTRL_VQ) |
			    F(NET_F_CTRL_RX) | F(NET_F_CTRL_RX_EXTRA) | F(NET_F_CTRL_MAC_ADDR),
		  .good = arp_good },
		{ .id = ID_VSOCK,
		  .name = "vsock",
		  .ring = VSOCK_SEND,
		  .wanted = F(VSOCK_F_STREAM),
		  .good = vsock_good },
		{ .id = ID_BALLOON,
		  .name = "balloon",
		  .wanted =
			  F(BALLOON_F_STATS) | F(BALLOON_F_DEFLATE_ON_OOM) | F(BALLOON_F_REPORTING),
		  .good = balloon_good },
		{ .id = ID_MACHINE, .name = "machine", .good = machine_good },
	};

	for (unsigned i = 0; i < LENGTH(kinds); i++)
		if (kinds[i].id == id)
			return &kinds[i];
	return NULL;
}
