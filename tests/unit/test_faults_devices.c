/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that refuses, under virtio devices: from their making over a driver's start, requests, a
 * reset and a second start to their end. Whatever fails meanwhile: the device says so, or the
 * request, and what a reset finds works again.
 */
#include "devices/virtio/balloon.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/net.h"
#include "devices/virtio/rng.h"
#include "tests/lib/disk_rig.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/host_faults.h"
#include "tests/lib/virtio_guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

enum { WAIT_MS = 10000 };

static struct guest g;
static struct err lost; /* the loop: then vmm would end, and say so */

/* Makes a device; what it does with it. */
static struct virtio *(*create)(struct err *e);
static void (*use)(void);	/* requests may fail; answers that come must be true */
static void (*must_work)(void); /* and now none may */
static void (*end_of_it)(void); /* what create() made beside the device; or NULL */
static uint64_t features;

static bool start(void)
{
	driver_write(&g.d, REG_STATUS, 0);
	driver_forget(&g.d);
	return driver_try_start(&g.d, features, GUEST_RING);
}

static int device_scenario(struct err *e)
{
	struct virtio *v;
	int code;

	lost.code = 0;
	FAULTS_OFF(guest_make(&g));
	g.lost = &lost;
	v = create(e);
	code = v ? 0 : -e->code;
	if (v)
		code = driver_try_plug(&g.d, v, e);
	if (code == 0) {
		if (start())
			use();
		else
			EXPECT(faults_hit());
		if (lost.code == 0 && start())
			use();
		if (lost.code == 0)
			FAULTS_OFF({
				EXPECT(start());
				must_work();
			});
	}
	driver_done(&g.d);
	if (end_of_it)
		end_of_it();
	loop_destroy(g.loop);
	if (code == 0 && lost.code) {
		*e = lost;
		code = -lost.code;
	}
	return code;
}

/* The next answer of queue @q, which is waited for; false: there is none any more. */
static bool answer(unsigned q, uint32_t *written)
{
	uint64_t cookie;

	for (unsigned ms = 0; ms < WAIT_MS && lost.code == 0; ms++) {
		if (driver_get(&g.d.queue[q], &cookie, written))
			return true;
		if (guest_needs_reset(&g)) {
			EXPECT(faults_hit());
			return false;
		}
		guest_turns(&g, 1);
		(void)usleep(ms < 20 ? 50 : 1000);
	}
	if (lost.code == 0)
		test_fail(__FILE__, __LINE__, "queue %u gives no answer", q);
	return false;
}

/* --- a disk ---------------------------------------------------------------------------------- */

enum { IN = 0, OUT = 1, FLUSH = 4, OK = 0, IOERR = 1, NONE = 0xff };

static struct virtio_blk_config blk;

static struct virtio *create_blk(struct err *e)
{
	static const struct virtio_blk_events none;

	return virtio_blk_create(&blk, &g.d.mem, &none, e);
}

/* One sector, the first bytes of which are @byte; the status. */
static uint8_t blk_ask(uint32_t type, uint64_t sector, uint8_t *data)
{
	const uint32_t out = type == OUT ? DISK_SECTOR : 0, in = type == IN ? DISK_SECTOR : 0;
	const struct piece p[] = { guest_out(0, 16 + out), guest_in(4096, in + 1) };
	uint32_t written;

	memset(guest_buf(&g, 0), 0, 16);
	memcpy(guest_buf(&g, 0), &type, sizeof(type));
	memcpy(guest_buf(&g, 8), &sector, sizeof(sector));
	memcpy(guest_buf(&g, 16), data, out);
	memset(guest_buf(&g, 4096), NONE, in + 1);
	guest_add(&g, 0, p, 2);
	if (!answer(0, &written))
		return NONE;
	memcpy(data, guest_buf(&g, 4096), in);
	return guest_buf(&g, 4096 + in)[0];
}

static void use_blk(void)
{
	static uint8_t byte;
	uint8_t data[DISK_SECTOR], file[DISK_SECTOR];
	uint8_t wrote, flushed, read;

	memset(data, ++byte, sizeof(data));
	wrote = blk_ask(OUT, 9, data);
	flushed = blk_ask(FLUSH, 0, data);
	if (wrote == OK) {
		disk_rig_peek(blk.path, 9 * DISK_SECTOR, file, sizeof(file));
		EXPECT_EQ(memcmp(file, data, sizeof(file)), 0);
	}
	memset(data, 0, sizeof(data));
	read = blk_ask(IN, 9, data);
	if (wrote == OK && read == OK)
		EXPECT_EQ(memcmp(file, data, sizeof(file)), 0);
	EXPECT(faults_hit() || (wrote == OK && flushed == OK && read == OK));
}

/* A flush that failed stays so; all else works. */
static void blk_must_work(void)
{
	uint8_t data[DISK_SECTOR];

	memset(data, 0x77, sizeof(data));
	EXPECT_EQ(blk_ask(OUT, 3, data), OK);
	memset(data, 0, sizeof(data));
	EXPECT_EQ(blk_ask(IN, 3, data), OK);
	EXPECT_EQ(data[5], 0x77);
}

static void blk_of(int engine)
{
	blk = virtio_blk_defaults;
	blk.path = (char *)(uintptr_t)disk_rig_image("disk", 1 << 16);
	blk.engine = engine;
	blk.queues = 1;
	create = create_blk;
	use = use_blk;
	must_work = blk_must_work;
	features = VIRTIO_BIT(9); /* FLUSH */
	faults_sweep(device_scenario);
}

TEST(a_disk_by_io_uring_on_a_host_that_refuses)
{
	const struct disk_config c = { .path = disk_rig_image("disk", 1 << 16),
				       .engine = DISK_URING };
	struct disk_rig r;

	disk_rig_open(&r, &c); /* or skips */
	disk_rig_close(&r);
	blk_of(DISK_URING);
}

TEST(a_disk_by_threads_on_a_host_that_refuses)
{
	blk_of(DISK_THREADS);
}

/* --- a network card -------------------------------------------------------------------------- */

static struct fake_net net;

static struct virtio *create_net(struct err *e)
{
	fake_net_init(&net, 1);
	return virtio_net_create(&net.host, 0, true, NET_VHOST_OFF, &g.d.mem, e);
}

static void use_net(void)
{
	static const uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const struct fake_frame *sent;
	uint32_t written;

	memset(guest_buf(&g, 0), 0, 12);
	memcpy(guest_buf(&g, 12), frame, sizeof(frame));
	guest_give(&g, 1, guest_out(0, 12 + sizeof(frame)));
	if (answer(1, &written)) {
		sent = fake_net_next(&net, WAIT_MS);
		EXPECT(sent && sent->len == sizeof(frame));
	}
	guest_give(&g, 0, guest_in(4096, 2048));
	EXPECT(fake_net_give(&net, NULL, frame, sizeof(frame)));
	if (answer(0, &written))
		EXPECT_EQ(written, 12 + sizeof(frame));
}

static void end_net(void)
{
	EXPECT(net.closed); /* also by a card that could not be made */
}

TEST(a_network_card_on_a_host_that_refuses)
{
	create = create_net;
	use = must_work = use_net;
	end_of_it = end_net;
	faults_sweep(device_scenario);
}

/* --- entropy --------------------------------------------------------------------------------- */

static struct virtio *create_rng(struct err *e)
{
	return virtio_rng_create(&g.d.mem, g.loop, e);
}

static void use_rng(void)
{
	uint32_t written;

	guest_give(&g, 0, guest_in(0, 64));
	if (answer(0, &written))
		EXPECT(written == 64 || faults_hit());
}

TEST(entropy_on_a_host_that_refuses)
{
	create = create_rng;
	use = must_work = use_rng;
	faults_sweep(device_scenario);
}

/* --- a balloon ------------------------------------------------------------------------------- */

static struct ram ram;

static struct virtio *create_balloon(struct err *e)
{
	ram = (struct ram){
		.host = g.d.ram, .guest = g.d.ram, .size = GUEST_RAM_SIZE, .fd = -1, .page = 4096
	};
	g.d.mem.region[0].ram = &ram;
	EXPECT(mmap(g.d.ram, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == g.d.ram);
	return virtio_balloon_create(&virtio_balloon_defaults, &g.d.mem, g.loop, e);
}

static void use_balloon(void)
{
	const uint32_t page = (uint32_t)((GUEST_BUFFERS + 65536) / 4096);
	uint32_t written;

	*guest_buf(&g, 65536) = 1;
	memcpy(guest_buf(&g, 0), &page, sizeof(page));
	for (unsigned q = 0; q < 2; q++) { /* in, and out again */
		guest_give(&g, q, guest_out(0, sizeof(page)));
		if (answer(q, &written))
			EXPECT(*guest_buf(&g, 65536) == 0 || faults_hit());
	}
}

TEST(a_balloon_on_a_host_that_refuses)
{
	create = create_balloon;
	use = must_work = use_balloon;
	faults_sweep(device_scenario);
}

/* --- a console ------------------------------------------------------------------------------- */

static struct chardev *console;
static int screen = -1;

static struct virtio *create_console(struct err *e)
{
	struct virtio_console_port port = { .console = true };

	screen = -1;
	console = chardev_open(CHARDEV_PTY, NULL, NULL, g.loop, e);
	if (!console)
		return NULL;
	screen = open(chardev_name(console), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	EXPECT(screen >= 0);
	port.chardev = console;
	return virtio_console_create(&port, 1, &g.d.mem, g.loop, e);
}

static void use_console(void)
{
	static const char words[] = "in and out\n";
	uint32_t written;
	char got[64];

	memcpy(guest_buf(&g, 0), words, sizeof(words) - 1);
	guest_give(&g, 1, guest_out(0, sizeof(words) - 1));
	(void)answer(1, &written);
	for (unsigned ms = 0; lost.code == 0 && read(screen, got, sizeof(got)) <= 0; ms++) {
		guest_turns(&g, 1);
		(void)usleep(1000);
		if (ms > (faults_hit() ? 10 : WAIT_MS)) {
			EXPECT(faults_hit());
			break;
		}
	}
	guest_give(&g, 0, guest_in(4096, 64));
	EXPECT(write(screen, words, sizeof(words) - 1) > 0 || faults_hit());
	for (unsigned ms = 0; lost.code == 0 && guest_take(&g, 0) <= 0; ms++) {
		guest_turns(&g, 1);
		(void)usleep(1000);
		if (ms > (faults_hit() ? 10 : WAIT_MS)) {
			EXPECT(faults_hit());
			break;
		}
	}
}

/* Whatever became of the terminal: buffers for output come back. */
static void console_must_work(void)
{
	uint32_t written;

	guest_give(&g, 1, guest_out(0, 8));
	EXPECT(answer(1, &written));
}

static void end_console(void)
{
	chardev_close(console);
	console = NULL;
	if (screen >= 0)
		(void)close(screen);
}

TEST(a_console_on_a_host_that_refuses)
{
	create = create_console;
	use = use_console;
	must_work = console_must_work;
	end_of_it = end_console;
	faults_sweep(device_scenario);
}

TEST_MAIN(T(a_disk_by_io_uring_on_a_host_that_refuses), T(a_disk_by_threads_on_a_host_that_refuses),
	  T(a_network_card_on_a_host_that_refuses), T(entropy_on_a_host_that_refuses),
	  T(a_balloon_on_a_host_that_refuses), T(a_console_on_a_host_that_refuses))
