/* SPDX-License-Identifier: Apache-2.0 */
/* The console on chardevs that the test plays: every message, and what a hostile driver tries. */
#include "devices/virtio/console.h"
#include "tests/lib/fake_chardev.h"
#include "tests/lib/virtio_guest.h"

#include <stdio.h>
#include <time.h>

/* Port 0's queues, the control queues, and those of port 1. */
enum { RX0, TX0, CRX, CTX, RX1, TX1 };
enum { SIZE = 1, MULTIPORT = 2, EMERG = 4, ALL = 7 };
enum { READY = 0, ADD = 1, PORT_READY = 3, CONSOLE = 4, RESIZE = 5, OPEN = 6, NAME = 7 };

/* Where in the guest's buffers: what it sends, and where it wants control messages. */
enum { SENT = 0, CONTROL = 1 << 20, CONTROL_EACH = 128, DATA = 2 << 20 };

static struct guest g;
static struct chardev chr[VIRTIO_CONSOLE_PORTS];
static unsigned messages, buffers; /* heard, and given for it, so far */

static void make(const struct virtio_console_port *ports, unsigned nr)
{
	struct virtio *v;
	struct err e;

	guest_make(&g);
	v = virtio_console_create(ports, nr, &g.d.mem, g.loop, &e);
	if (!v)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	driver_plug(&g.d, v);
	messages = 0;
}

/* One console; MULTIPORT is not offered. */
static void begin_single(size_t room)
{
	const struct virtio_console_port port = { .chardev = &chr[0], .console = true };

	fake_chardev_init(&chr[0], room);
	chr[0].cols = 80;
	chr[0].rows = 25;
	make(&port, 1);
	guest_start(&g, SIZE | EMERG);
}

/* A console and a named port. */
static void make_two(size_t room)
{
	const struct virtio_console_port ports[] = {
		{ .chardev = &chr[0], .console = true },
		{ .chardev = &chr[1], .name = "org.example.agent" },
	};

	fake_chardev_init(&chr[0], room);
	fake_chardev_init(&chr[1], room);
	chr[0].cols = 80;
	chr[0].rows = 25;
	make(ports, 2);
}

static uint32_t offered(void)
{
	driver_write(&g.d, REG_DEVICE_FEATURES_SEL, 0);
	return driver_read(&g.d, REG_DEVICE_FEATURES) & 0xffffff;
}

/* Gives the device @n buffers for control messages. */
static void listen(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		size_t at = CONTROL + (size_t)(buffers++ % 1000 * CONTROL_EACH);

		memset(guest_buf(&g, at), 0xee, CONTROL_EACH);
		guest_give(&g, CRX, guest_in(at, CONTROL_EACH));
	}
	guest_turns(&g, 3);
}

static void say(uint32_t id, uint16_t event, uint16_t value)
{
	uint8_t *m = guest_buf(&g, SENT);

	memcpy(m, &id, 4);
	memcpy(m + 4, &event, 2);
	memcpy(m + 6, &value, 2);
	guest_give(&g, CTX, guest_out(SENT, 8));
	guest_turns(&g, 3);
	EXPECT_EQ(guest_take(&g, CTX), 0);
}

/* The next message is this one, with @more behind it. */
static void hear_more(uint32_t id, uint16_t event, uint16_t value, const void *more, size_t len)
{
	uint32_t i, written = 0;
	const uint8_t *m;
	uint64_t at = 0;
	uint16_t e, v;

	EXPECT(driver_get(&g.d.queue[CRX], &at, &written));
	EXPECT_EQ(written, 8 + len);
	m = driver_at(&g.d, at);
	memcpy(&i, m, 4);
	memcpy(&e, m + 4, 2);
	memcpy(&v, m + 6, 2);
	EXPECT_EQ(e, event);
	EXPECT_EQ(i, id);
	EXPECT_EQ(v, value);
	EXPECT_EQ(memcmp(m + 8, more, len), 0);
	messages++;
}

static void hear(uint32_t id, uint16_t event, uint16_t value)
{
	hear_more(id, event, value, "", 0);
}

static void hear_size(uint32_t id, uint16_t cols, uint16_t rows)
{
	const uint16_t size[2] = { cols, rows };

	hear_more(id, RESIZE, 0, size, sizeof(size));
}

static void hear_nothing(void)
{
	EXPECT_EQ(guest_take(&g, CRX), -1);
}

/* The hand-shake of a driver for two ports; both are open in the guest afterwards. */
static void shake_hands(void)
{
	guest_start(&g, ALL);
	listen(32);
	say(0, READY, 1);
	hear(0, ADD, 1);
	hear(1, ADD, 1);
	say(0, PORT_READY, 1);
	hear(0, CONSOLE, 1);
	hear_size(0, 80, 25);
	hear(0, OPEN, 1);
	say(1, PORT_READY, 1);
	hear_more(1, NAME, 1, "org.example.agent", 17);
	hear(1, OPEN, 1);
	say(0, OPEN, 1);
	say(1, OPEN, 1);
	hear_nothing();
}

static void begin_two(size_t room)
{
	make_two(room);
	shake_hands();
}

/* Sends @text, which must come back at once. */
static void print(unsigned q, const char *text)
{
	memcpy(guest_buf(&g, DATA), text, strlen(text));
	guest_give(&g, q, guest_out(DATA, strlen(text)));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, q), 0);
}

static void expect_out(struct chardev *c, const char *text)
{
	EXPECT_EQ(c->out_len, strlen(text));
	EXPECT_EQ(memcmp(c->out, text, c->out_len), 0);
	c->out_len = 0;
}

/* --- what it is ----------------------------------------------------------------------------- */

TEST(a_single_console_needs_no_multiport_and_has_its_size_in_the_configuration)
{
	begin_single(1000);
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_ID), 3);
	EXPECT_EQ(offered(), SIZE | EMERG);
	EXPECT_EQ(mmio_read(g.d.bus, DRIVER_MMIO + 0x100, 2), 80);
	EXPECT_EQ(mmio_read(g.d.bus, DRIVER_MMIO + 0x102, 2), 25);
	/* Linux looks there only when it is told to. */
	EXPECT_EQ(driver_read(&g.d, REG_INTERRUPT_STATUS) & 2, 2);
	EXPECT_EQ(g.d.nr_queues, 2);
	print(TX0, "hello\n");
	expect_out(&chr[0], "hello\n");
	guest_end(&g);
}

TEST(the_driver_is_told_of_each_port_in_order)
{
	make_two(1000);
	EXPECT_EQ(offered(), ALL);
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG + 4), 2);
	shake_hands();
	EXPECT_EQ(messages, 7);
	guest_end(&g);
}

TEST(messages_wait_for_a_driver_that_is_slow_with_buffers)
{
	make_two(1000);
	guest_start(&g, ALL);
	say(0, READY, 1);
	listen(1);
	hear(0, ADD, 1);
	say(0, PORT_READY, 1);
	listen(1);
	hear(0, CONSOLE, 1);
	listen(4);
	hear_size(0, 80, 25);
	hear(0, OPEN, 1);
	hear(1, ADD, 1);
	hear_nothing();
	guest_end(&g);
}

TEST(without_multiport_port_0_works_and_other_queues_break)
{
	for (unsigned q = CRX; q <= TX1; q++) {
		make_two(1000);
		guest_start(&g, 0);
		print(TX0, "early");
		expect_out(&chr[0], "early");
		guest_give(&g, RX0, guest_in(DATA, 100));
		(void)fake_chardev_type(&chr[0], "abc", 3);
		guest_turns(&g, 2);
		EXPECT_EQ(guest_take(&g, RX0), 3);
		EXPECT(!guest_needs_reset(&g));
		guest_give(&g, q, q % 2 ? guest_out(SENT, 8) : guest_in(CONTROL, 100));
		guest_turns(&g, 2);
		EXPECT(guest_needs_reset(&g));
		shake_hands();
		guest_end(&g);
	}
}

TEST(each_of_31_ports_has_its_queues)
{
	static char name[VIRTIO_CONSOLE_PORTS][16];
	struct virtio_console_port ports[VIRTIO_CONSOLE_PORTS];

	for (unsigned i = 0; i < VIRTIO_CONSOLE_PORTS; i++) {
		fake_chardev_init(&chr[i], 1000);
		(void)snprintf(name[i], sizeof(name[i]), "port%u", i);
		ports[i] = (struct virtio_console_port){ .name = name[i], .chardev = &chr[i] };
	}
	make(ports, VIRTIO_CONSOLE_PORTS);
	EXPECT_EQ(offered(), MULTIPORT);
	guest_start(&g, MULTIPORT);
	for (unsigned i = 0; i < VIRTIO_CONSOLE_PORTS; i++) {
		unsigned q = i ? 2 * i + 2 : 0;

		say(i, OPEN, 1);
		print(q + 1, name[i]);
		expect_out(&chr[i], name[i]);
		guest_give(&g, q, guest_in(DATA, 100));
		(void)fake_chardev_type(&chr[i], name[i], strlen(name[i]));
		guest_turns(&g, 2);
		EXPECT_EQ(guest_take(&g, q), strlen(name[i]));
		EXPECT_EQ(memcmp(guest_buf(&g, DATA), name[i], strlen(name[i])), 0);
	}
	guest_end(&g);
}

TEST(ports_that_cannot_be_are_refused_by_a_sentence)
{
	struct virtio_console_port ports[VIRTIO_CONSOLE_PORTS + 1] = { { .name = "" } };
	char name[VIRTIO_CONSOLE_NAME + 2] = "";
	struct err e;

	guest_make(&g);
	EXPECT(!virtio_console_create(ports, 0, &g.d.mem, g.loop, &e));
	EXPECT_STR(e.text, "virtio-console: 0 ports, where 1 to 31 can be");
	EXPECT(!virtio_console_create(ports, 32, &g.d.mem, g.loop, &e));
	EXPECT_STR(e.text, "virtio-console: 32 ports, where 1 to 31 can be");
	EXPECT(!virtio_console_create(ports, 1, &g.d.mem, g.loop, &e));
	EXPECT_HAS(e.text, "has 0 bytes, not 1 to 64");
	memset(name, 'x', sizeof(name) - 1);
	ports[0].name = name;
	EXPECT(!virtio_console_create(ports, 1, &g.d.mem, g.loop, &e));
	EXPECT_HAS(e.text, "has 65 bytes, not 1 to 64");
	guest_end(&g);
}

/* --- output --------------------------------------------------------------------------------- */

TEST(a_request_waits_for_room_and_holds_up_no_other_port)
{
	begin_two(1000);
	chr[1].room = 5;
	memcpy(guest_buf(&g, DATA + 100), "0123456789", 10);
	guest_give(&g, TX1, guest_out(DATA + 100, 10));
	guest_give(&g, TX1, guest_out(DATA + 100, 10));
	guest_turns(&g, 3);
	EXPECT_EQ(guest_take(&g, TX1), -1);
	print(TX0, "others go on");
	expect_out(&chr[0], "others go on");

	/* Nobody asks again and again: who asks in vain for long has its output dropped. */
	chr[1].writes = chr[1].asks = 0;
	for (int i = 0; i < 10; i++) {
		guest_kick(&g, TX1);
		guest_turns(&g, 2);
	}
	EXPECT_EQ(chr[1].writes + chr[1].asks, 0);

	fake_chardev_take(&chr[1], 7);
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, TX1), 0);
	EXPECT_EQ(guest_take(&g, TX1), -1);
	fake_chardev_take(&chr[1], 100);
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, TX1), 0);
	expect_out(&chr[1], "01234567890123456789");
	guest_end(&g);
}

static void sleep_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

TEST(a_console_that_waits_asks_for_room_because_its_driver_spins)
{
	begin_single(3);
	memcpy(guest_buf(&g, DATA), "0123456789", 10);
	guest_give(&g, TX0, guest_out(DATA, 10));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, TX0), -1);
	for (int i = 0; i < 2000 && chr[0].asks < 20; i++) {
		sleep_ms(1);
		guest_turns(&g, 1);
	}
	EXPECT(chr[0].asks >= 20);

	/* As the stall rule does: room, without a call. */
	chr[0].room = 100;
	for (int i = 0; i < 2000 && g.d.queue[TX0].out; i++) {
		sleep_ms(1);
		guest_turns(&g, 1);
		(void)guest_take(&g, TX0);
	}
	expect_out(&chr[0], "0123456789");
	chr[0].asks = 0;
	sleep_ms(5);
	guest_turns(&g, 3);
	EXPECT_EQ(chr[0].asks, 0);
	guest_end(&g);
}

TEST(much_output_does_not_keep_the_loop)
{
	size_t before = 0;
	unsigned turns = 0;

	begin_single(1 << 18);
	for (size_t i = 0; i < 1 << 18; i++)
		guest_buf(&g, DATA)[i] = (uint8_t)(i * 7 + (i >> 9));
	guest_give(&g, TX0, guest_out(DATA, 1 << 18));
	while (chr[0].out_len < 1 << 18) {
		guest_turns(&g, 1);
		EXPECT(chr[0].out_len - before <= 2 * 65536);
		before = chr[0].out_len;
		EXPECT(++turns < 10);
	}
	EXPECT_EQ(memcmp(chr[0].out, guest_buf(&g, DATA), 1 << 18), 0);
	guest_turns(&g, 1);
	EXPECT_EQ(guest_take(&g, TX0), 0);
	guest_end(&g);
}

/* --- input ---------------------------------------------------------------------------------- */

TEST(input_is_taken_as_the_guest_gives_buffers)
{
	begin_single(0);
	(void)fake_chardev_type(&chr[0], "0123456789", 10);
	guest_turns(&g, 2);
	EXPECT_EQ(chr[0].in_len, 10);
	guest_give(&g, RX0, guest_in(DATA, 4));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, RX0), 4);
	EXPECT_EQ(memcmp(guest_buf(&g, DATA), "0123", 4), 0);
	EXPECT_EQ(chr[0].in_len, 6);
	guest_give(&g, RX0, guest_in(DATA, 100));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, RX0), 6);
	EXPECT_EQ(memcmp(guest_buf(&g, DATA), "456789", 6), 0);

	/* A buffer that waits for input gets it at once. */
	guest_give(&g, RX0, guest_in(DATA, 100));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, RX0), -1);
	(void)fake_chardev_type(&chr[0], "xy", 2);
	EXPECT_EQ(guest_take(&g, RX0), 2);
	guest_end(&g);
}

TEST(much_input_does_not_keep_the_loop)
{
	enum { EACH = 16384 };
	unsigned taken = 0, before;

	begin_single(0);
	chr[0].endless = true;
	for (unsigned i = 0; i < 32; i++)
		guest_give(&g, RX0, guest_in(DATA + i * EACH, EACH));
	for (unsigned turns = 0; taken < 32; turns++) {
		guest_turns(&g, 1);
		before = taken;
		while (guest_take(&g, RX0) > 0)
			taken++;
		EXPECT(taken - before <= 2 * 65536 / EACH);
		EXPECT(turns < 20);
	}
	guest_end(&g);
}

TEST(input_waits_until_the_guest_opens_the_port)
{
	begin_two(0);
	say(1, OPEN, 0);
	guest_give(&g, RX1, guest_in(DATA, 100));
	(void)fake_chardev_type(&chr[1], "abc", 3);
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, RX1), -1);
	EXPECT_EQ(chr[1].in_len, 3);
	say(1, OPEN, 1);
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, RX1), 3);
	guest_end(&g);
}

/* --- requests that are odd ------------------------------------------------------------------ */

#define AT(off) (GUEST_BUFFERS + (off))

/* With five bytes of input and room for output: what comes back, -1 for a queue that breaks. */
static const struct {
	const char *what;
	unsigned q;
	struct piece p[4];
	unsigned n;
	int64_t gets;
	size_t out; /* bytes of output that the host sees */
} requests[] = {
	{ "pieces of output", TX1, { { AT(0), 1, 0 }, { AT(9), 2, 0 }, { AT(3), 3, 0 } }, 3, 0, 6 },
	{ "output that is to be written to", TX1, { { AT(0), 100, 1 } }, 1, 0, 0 },
	{ "output with room behind it", TX1, { { AT(0), 5, 0 }, { AT(0), 100, 1 } }, 2, 0, 5 },
	{ "output outside RAM", TX1, { { 0x1000, 100, 0 } }, 1, -1, 0 },
	{ "output that wraps", TX1, { { UINT64_MAX - 5, 100, 0 } }, 1, -1, 0 },
	{ "output of 2^32 - 1", TX1, { { AT(0), UINT32_MAX, 0 } }, 1, -1, 0 },
	{ "pieces of input", RX1, { { AT(0), 1, 1 }, { AT(9), 2, 1 }, { AT(4), 3, 1 } }, 3, 5, 0 },
	{ "a huge buffer", RX1, { { AT(0), 8 << 20, 1 } }, 1, 5, 0 },
	{ "a buffer that is to be read", RX1, { { AT(0), 100, 0 } }, 1, 0, 0 },
	{ "a buffer behind what is to be read",
	  RX1,
	  { { AT(0), 9, 0 }, { AT(0), 9, 1 } },
	  2,
	  5,
	  0 },
	{ "what is to be read behind a buffer",
	  RX1,
	  { { AT(0), 9, 1 }, { AT(0), 9, 0 } },
	  2,
	  -1,
	  0 },
	{ "a buffer outside RAM", RX1, { { 0x1000, 100, 1 } }, 1, -1, 0 },
	{ "no message", CTX, { { AT(0), 100, 1 } }, 1, 0, 0 },
	{ "a short message", CTX, { { AT(0), 7, 0 } }, 1, 0, 0 },
	{ "a message in pieces", CTX, { { AT(0), 1, 0 }, { AT(1), 7, 0 } }, 2, 0, 0 },
	{ "a long message", CTX, { { AT(0), 1 << 20, 0 } }, 1, 0, 0 },
	{ "a message outside RAM", CTX, { { 8, 8, 0 } }, 1, -1, 0 },
};

TEST(odd_requests_come_back_or_break_the_queue_until_a_reset)
{
	begin_two(1000);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int64_t got;

		memset(guest_buf(&g, 0), 0xff, 64); /* as a message: unknown port and event */
		chr[1].room = 1000;
		chr[1].in_len = chr[1].out_len = 0;
		(void)fake_chardev_type(&chr[1], "12345", 5);
		guest_add(&g, requests[i].q, requests[i].p, requests[i].n);
		guest_turns(&g, 3);
		got = guest_take(&g, requests[i].q);
		if (got != requests[i].gets || chr[1].out_len != requests[i].out ||
		    guest_needs_reset(&g) != (got < 0))
			test_fail(__FILE__, __LINE__, "%s: got %jd, output %zu, status 0x%x",
				  requests[i].what, (intmax_t)got, chr[1].out_len,
				  guest_status(&g));
		hear_nothing();
		if (got < 0)
			shake_hands();
		chr[1].out_len = 0;
		print(TX1, "still there");
		expect_out(&chr[1], "still there");
	}
	guest_end(&g);
}

/* Messages that a driver should not send; nothing is said to them, and nothing changes. */
static const struct {
	uint32_t id;
	uint16_t event, value;
} odd[] = {
	{ 0, READY, 0 },
	{ 0, READY, 2 },
	{ 0, ADD, 1 },
	{ 0, 2, 1 },
	{ 1, CONSOLE, 1 },
	{ 0, RESIZE, 1 },
	{ 1, NAME, 1 },
	{ 0, 8, 1 },
	{ 0, UINT16_MAX, 1 },
	{ 2, PORT_READY, 1 },
	{ 2, OPEN, 1 },
	{ 30, OPEN, 1 },
	{ 31, PORT_READY, 1 },
	{ 32, OPEN, 1 },
	{ INT32_MAX, PORT_READY, 1 },
	{ UINT32_MAX, OPEN, 1 },
	{ UINT32_MAX, 0, 0 },
	{ 1U << 31, OPEN, 0 },
};

TEST(messages_about_what_there_is_not_are_ignored)
{
	begin_two(1000);
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		say(odd[i].id, odd[i].event, odd[i].value);
		hear_nothing();
		EXPECT(!guest_needs_reset(&g));
	}
	print(TX1, "fine");
	expect_out(&chr[1], "fine");
	guest_end(&g);
}

TEST(a_driver_that_failed_to_add_a_port_hears_no_more_of_it)
{
	begin_two(1000);
	say(1, PORT_READY, 0);
	chr[1].peers = 2;
	fake_chardev_call(&chr[1]);
	guest_turns(&g, 2);
	hear_nothing();
	say(1, PORT_READY, 1);
	hear_more(1, NAME, 1, "org.example.agent", 17);
	hear_nothing();
	guest_end(&g);
}

/* Also of what had waited for its buffers. */
TEST(a_port_that_is_gone_before_it_was_told_hears_nothing)
{
	make_two(1000);
	guest_start(&g, ALL);
	listen(2);
	say(0, READY, 1);
	hear(0, ADD, 1);
	hear(1, ADD, 1);
	say(1, PORT_READY, 1);
	say(1, PORT_READY, 0);
	listen(4);
	hear_nothing();
	say(1, PORT_READY, 1);
	hear_more(1, NAME, 1, "org.example.agent", 17);
	hear(1, OPEN, 1);
	hear_nothing();
	guest_end(&g);
}

TEST(a_buffer_too_small_for_its_message_breaks_the_control_queue_alone)
{
	make_two(1000);
	guest_start(&g, ALL);
	guest_give(&g, CRX, guest_in(CONTROL, 7));
	say(0, READY, 1);
	EXPECT(guest_needs_reset(&g));
	print(TX0, "ports work");
	expect_out(&chr[0], "ports work");
	shake_hands();
	guest_end(&g);
}

TEST(a_storm_of_messages_takes_turns_with_the_rest_of_the_loop)
{
	begin_two(1 << 18);
	for (int i = 0; i < 1000; i++) {
		uint8_t *m = guest_buf(&g, SENT);

		memset(m, 0, 8);
		m[6] = 1; /* READY: all ports are to be added again */
		while (g.d.queue[CTX].out < 32)
			guest_give(&g, CTX, guest_out(SENT, 8));
		if (i % 100 == 0) {
			print(TX0, "x");
			EXPECT_EQ(chr[0].out_len, (size_t)i / 100 + 1);
		} else {
			guest_turns(&g, 1);
		}
		while (guest_take(&g, CTX) == 0)
			;
		while (guest_take(&g, CRX) >= 0)
			;
		listen(1);
	}
	EXPECT(!guest_needs_reset(&g));
	guest_end(&g);
}

/* --- the host's side ------------------------------------------------------------------------ */

TEST(a_named_port_opens_and_closes_with_its_peer_and_a_console_does_not)
{
	begin_two(0);
	chr[0].peers = 2;
	fake_chardev_call(&chr[0]);
	chr[1].peers = 2;
	fake_chardev_call(&chr[1]);
	guest_turns(&g, 2);
	hear(1, OPEN, 0);
	chr[1].peers = 3;
	fake_chardev_call(&chr[1]);
	guest_turns(&g, 2);
	hear(1, OPEN, 1);

	/* One left and another came between two looks. */
	chr[1].peers = 5;
	fake_chardev_call(&chr[1]);
	guest_turns(&g, 2);
	hear(1, OPEN, 0);
	hear(1, OPEN, 1);
	hear_nothing();
	guest_end(&g);
}

TEST(the_end_of_a_peer_is_told_when_its_input_is_read)
{
	begin_two(0);
	(void)fake_chardev_type(&chr[1], "last words", 10);
	chr[1].peers = 1; /* so says a chardev while input of one that left waits */
	guest_give(&g, RX1, guest_in(DATA, 100));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, RX1), 10);
	hear_nothing();
	chr[1].peers = 2;
	guest_give(&g, RX1, guest_in(DATA, 100)); /* looking for more, it sees that there is none */
	guest_turns(&g, 3);
	EXPECT_EQ(guest_take(&g, RX1), -1);
	fake_chardev_call(&chr[1]);
	guest_turns(&g, 2);
	hear(1, OPEN, 0);
	guest_end(&g);
}

TEST(the_size_follows_the_terminal)
{
	uint32_t generation;

	begin_two(0);
	generation = driver_read(&g.d, REG_CONFIG_GENERATION);
	driver_write(&g.d, REG_INTERRUPT_ACK, 3);
	chr[0].cols = 132;
	chr[0].rows = 50;
	fake_chardev_call(&chr[0]);
	guest_turns(&g, 2);
	hear_size(0, 132, 50);
	EXPECT(driver_read(&g.d, REG_CONFIG_GENERATION) != generation);
	EXPECT_EQ(driver_read(&g.d, REG_INTERRUPT_STATUS) & 2, 2);
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG), 50 << 16 | 132);

	/* Changes while the driver is slow are one message. */
	chr[0].cols = 1;
	fake_chardev_call(&chr[0]);
	chr[0].cols = 100;
	fake_chardev_call(&chr[0]);
	guest_turns(&g, 2);
	hear_size(0, 100, 50);
	hear_nothing();

	/* Nor is it told before the driver has the port. */
	say(0, PORT_READY, 0);
	chr[0].cols = 90;
	fake_chardev_call(&chr[0]);
	guest_turns(&g, 2);
	hear_nothing();

	/* A port that is no console has no size. */
	chr[1].cols = 7;
	fake_chardev_call(&chr[1]);
	guest_turns(&g, 2);
	hear_nothing();
	guest_end(&g);
}

TEST(emergency_writes_work_without_a_driver)
{
	const struct virtio_console_port port = { .chardev = &chr[0], .console = true };

	fake_chardev_init(&chr[0], 4);
	make(&port, 1);
	mmio_write(g.d.bus, DRIVER_MMIO + 0x108, 4, 0xffffff00 | 'a');
	mmio_write(g.d.bus, DRIVER_MMIO + 0x108, 1, 'b');
	mmio_write(g.d.bus, DRIVER_MMIO + 0x108, 2, 'c');
	mmio_write(g.d.bus, DRIVER_MMIO + 0x109, 1, 'x');
	mmio_write(g.d.bus, DRIVER_MMIO + 0x100, 4, 'x');
	mmio_write(g.d.bus, DRIVER_MMIO + 0x104, 4, 'x');
	guest_start(&g, 0);
	mmio_write(g.d.bus, DRIVER_MMIO + 0x108, 4, 'd');
	mmio_write(g.d.bus, DRIVER_MMIO + 0x108, 4, 'e'); /* no room: lost */
	expect_out(&chr[0], "abcd");
	guest_end(&g);
}

/* --- resets --------------------------------------------------------------------------------- */

TEST(a_reset_in_the_middle_of_transfers_lets_go_of_everything)
{
	begin_two(3);
	for (int i = 0; i < 5; i++) {
		memcpy(guest_buf(&g, DATA), "0123456789", 10);
		guest_give(&g, TX0, guest_out(DATA, 10)); /* waits for room */
		guest_give(&g, TX1, guest_out(DATA, 10));
		guest_give(&g, RX0, guest_in(DATA, 10)); /* waits for input */
		guest_give(&g, RX1, guest_in(DATA, 10));
		guest_turns(&g, 3);
		if (i % 2)
			guest_kick(&g, TX1);
		shake_hands();
	}

	/* No word of the former drivers comes to the new one. */
	fake_chardev_take(&chr[0], 100);
	fake_chardev_take(&chr[1], 100);
	(void)fake_chardev_type(&chr[1], "abc", 3);
	guest_turns(&g, 3);
	EXPECT_EQ(guest_take(&g, TX0), -1);
	EXPECT_EQ(guest_take(&g, RX1), -1);
	chr[0].out_len = chr[1].out_len = 0;
	print(TX0, "new");
	expect_out(&chr[0], "new");
	guest_give(&g, RX1, guest_in(DATA, 10));
	guest_turns(&g, 3);
	EXPECT_EQ(guest_take(&g, RX1), 3);
	guest_end(&g);
}

TEST(a_queue_that_is_reset_alone_starts_anew)
{
	begin_two(3);
	memcpy(guest_buf(&g, DATA), "0123456789", 10);
	guest_give(&g, TX1, guest_out(DATA, 10));
	guest_turns(&g, 2);
	driver_write(&g.d, REG_QUEUE_SEL, TX1);
	driver_write(&g.d, REG_QUEUE_READY, 0);
	EXPECT_EQ(driver_read(&g.d, REG_QUEUE_READY), 0);
	driver_queue_make(&g.d, TX1, 8);
	driver_queue_program(&g.d, TX1);
	driver_write(&g.d, REG_QUEUE_READY, 1);
	chr[1].out_len = 0;
	fake_chardev_take(&chr[1], 100);
	print(TX1, "anew");
	expect_out(&chr[1], "anew");
	guest_end(&g);
}

TEST(the_device_goes_with_requests_in_flight)
{
	begin_two(3);
	guest_give(&g, TX0, guest_out(DATA, 10));
	guest_give(&g, TX1, guest_out(DATA, 10));
	guest_give(&g, RX1, guest_in(DATA, 10));
	guest_turns(&g, 3);
	guest_end(&g);
	EXPECT(chr[0].front == NULL && chr[1].front == NULL);
}

TEST(registers_survive_abuse)
{
	make_two(1 << 18);
	mmio_abuse(g.d.bus, g.d.dev);
	guest_turns(&g, 5);
	shake_hands();
	guest_end(&g);
}

TEST_MAIN(T(much_input_does_not_keep_the_loop),
	  T(a_port_that_is_gone_before_it_was_told_hears_nothing),
	  T(a_single_console_needs_no_multiport_and_has_its_size_in_the_configuration),
	  T(the_driver_is_told_of_each_port_in_order),
	  T(messages_wait_for_a_driver_that_is_slow_with_buffers),
	  T(without_multiport_port_0_works_and_other_queues_break),
	  T(each_of_31_ports_has_its_queues), T(ports_that_cannot_be_are_refused_by_a_sentence),
	  T(a_request_waits_for_room_and_holds_up_no_other_port),
	  T(a_console_that_waits_asks_for_room_because_its_driver_spins),
	  T(much_output_does_not_keep_the_loop), T(input_is_taken_as_the_guest_gives_buffers),
	  T(input_waits_until_the_guest_opens_the_port),
	  T(odd_requests_come_back_or_break_the_queue_until_a_reset),
	  T(messages_about_what_there_is_not_are_ignored),
	  T(a_driver_that_failed_to_add_a_port_hears_no_more_of_it),
	  T(a_buffer_too_small_for_its_message_breaks_the_control_queue_alone),
	  T(a_storm_of_messages_takes_turns_with_the_rest_of_the_loop),
	  T(a_named_port_opens_and_closes_with_its_peer_and_a_console_does_not),
	  T(the_end_of_a_peer_is_told_when_its_input_is_read), T(the_size_follows_the_terminal),
	  T(emergency_writes_work_without_a_driver),
	  T(a_reset_in_the_middle_of_transfers_lets_go_of_everything),
	  T(a_queue_that_is_reset_alone_starts_anew), T(the_device_goes_with_requests_in_flight),
	  T(registers_survive_abuse))
