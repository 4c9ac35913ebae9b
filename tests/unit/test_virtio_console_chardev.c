/* SPDX-License-Identifier: Apache-2.0 */
/* The console on real chardevs, with the loop in a thread: the whole way of a byte, but for KVM. */
#include "devices/virtio/console.h"
#include "tests/lib/chardev_rig.h"
#include "tests/lib/virtio_guest.h"

#include <sys/socket.h>
#include <sys/un.h>

enum { RX0, TX0, CRX, CTX, RX1, TX1 };
enum { MULTIPORT = 2, OPEN = 6 };
enum { MUCH = 10 << 20, BUFFER = 4096, BUFFERS = 32 };

static struct guest g;
static struct chardev *con, *agent; /* a pty and a socket */
static pthread_t loop_thread;

static void *run_loop(void *arg UNUSED)
{
	struct err e;

	EXPECT_EQ(loop_run(g.loop, &e), 0);
	return NULL;
}

static struct chardev *must_open(enum chardev_kind kind, const char *path)
{
	struct err e;
	struct chardev *c = chardev_open(kind, path, NULL, g.loop, &e);

	EXPECT(c != NULL);
	return c;
}

static void begin(uint64_t features)
{
	struct virtio_console_port ports[2] = { { .console = true }, { .name = "agent" } };
	struct virtio *v;
	struct err e;

	guest_make(&g);
	ports[0].chardev = con = must_open(CHARDEV_PTY, NULL);
	ports[1].chardev = agent = must_open(CHARDEV_SOCKET, rig_path("agent"));
	v = virtio_console_create(ports, 2, &g.d.mem, g.loop, &e);
	EXPECT(v != NULL);
	driver_plug(&g.d, v);
	loop_thread = rig_spawn(run_loop, NULL);
	guest_start(&g, features | MULTIPORT);
}

static void end(void)
{
	loop_stop(g.loop);
	(void)pthread_join(loop_thread, NULL);
	driver_done(&g.d);
	chardev_close(con);
	chardev_close(agent);
	loop_destroy(g.loop);
	rig_remove_folder();
}

static int dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", rig_path("agent"));
	EXPECT_EQ(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static int open_pty(void)
{
	int fd = open(chardev_name(con), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	EXPECT(fd >= 0);
	return fd;
}

/* The guest opens both ports. */
static void open_ports(void)
{
	for (uint32_t id = 0; id < 2; id++) {
		const uint16_t m[4] = { (uint16_t)id, 0, OPEN, 1 };

		memcpy(guest_buf(&g, 0), m, sizeof(m));
		guest_give(&g, CTX, guest_out(0, sizeof(m)));
		while (guest_take(&g, CTX) < 0)
			rig_sleep(1);
	}
}

static void print(unsigned q, size_t len)
{
	static size_t at = 8 << 20; /* where nobody else's buffers are */

	rig_fill(guest_buf(&g, at), 0, len);
	guest_give(&g, q, guest_out(at, len));
	at += len;
}

static bool wait_back(unsigned q, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		if (guest_take(&g, q) == 0)
			return true;
		rig_sleep(1);
	}
	return false;
}

/* --- much, both ways at once ---------------------------------------------------------------- */

/* The host's user: sends and reads MUCH on its end. */
static void *user(void *arg)
{
	size_t sent = 0, got = 0;
	uint8_t buf[3000];
	int fd = *(int *)arg;

	while (sent < MUCH || got < MUCH) {
		struct pollfd p = { fd, (short)(sent < MUCH ? POLLIN | POLLOUT : POLLIN), 0 };
		ssize_t n = 0;

		if (poll(&p, 1, 30000) != 1)
			test_fail(__FILE__, __LINE__, "%zu sent, %zu got, %ju dropped", sent, got,
				  (uintmax_t)(chardev_dropped(con) + chardev_dropped(agent)));
		if (p.revents & POLLOUT) {
			size_t want = MUCH - sent < sizeof(buf) ? MUCH - sent : sizeof(buf);

			rig_fill(buf, sent, want);
			n = write(fd, buf, want);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (p.revents & POLLIN) {
			n = read(fd, buf, sizeof(buf));
			EXPECT(n > 0);
			rig_expect(buf, got, (size_t)n);
			got += (size_t)n;
		}
	}
	return NULL;
}

static bool keep_sending(unsigned q, size_t *sent)
{
	static const unsigned sizes[] = { 1, 4096, 77, 1000, 3, 2222 };
	bool any = false;

	while (guest_take(&g, q) >= 0)
		any = true;
	while (*sent < MUCH && g.d.queue[q].out < BUFFERS) {
		size_t len = sizes[*sent % ARRAY_SIZE(sizes)], at = (4 << 20) + *sent % (1 << 20);

		if (len > MUCH - *sent)
			len = MUCH - *sent;
		rig_fill(guest_buf(&g, at), *sent, len);
		guest_give(&g, q, guest_out(at, len));
		*sent += len;
		any = true;
	}
	return any;
}

static bool keep_receiving(unsigned q, size_t *got)
{
	uint64_t at, base = GUEST_BUFFERS + (2 << 20);
	bool any = false;
	uint32_t n;

	for (unsigned i = g.d.queue[q].out; i < BUFFERS && *got == 0; i++)
		guest_give(&g, q, guest_in((2 << 20) + i * BUFFER, 1 + i * 131));
	while (driver_get(&g.d.queue[q], &at, &n)) {
		rig_expect(driver_at(&g.d, at), *got, n);
		*got += n;
		guest_give(&g, q, guest_in(at - GUEST_BUFFERS, 1 + (at - base) / BUFFER * 131));
		any = true;
	}
	return any;
}

/* A driver that sleeps until an interrupt when there is nothing to do. */
static void exchange(unsigned rx, unsigned tx)
{
	struct driver_queue *r = &g.d.queue[rx], *t = &g.d.queue[tx];
	size_t sent = 0, got = 0;

	while (got < MUCH || sent < MUCH || t->out) {
		bool any = keep_sending(tx, &sent);

		any |= keep_receiving(rx, &got);
		if (any)
			continue;
		any = driver_want_interrupt(r, true);
		any |= driver_want_interrupt(t, true);
		if (!any && !driver_wait(&g.d, 20000))
			test_fail(__FILE__, __LINE__, "no interrupt; %zu sent, %zu got", sent, got);
		(void)driver_want_interrupt(r, false);
		(void)driver_want_interrupt(t, false);
	}
}

static void both_ways(uint64_t features, int (*open_end)(void), unsigned rx, unsigned tx)
{
	pthread_t t;
	int fd;

	begin(features);
	open_ports();
	fd = open_end();
	print(tx, 1);
	rig_check(fd, 0, 1, 0); /* now the chardev knows that somebody is there */
	EXPECT(wait_back(tx, 20000));
	t = rig_spawn(user, &fd);
	exchange(rx, tx);
	(void)pthread_join(t, NULL);
	EXPECT_EQ(chardev_dropped(con) + chardev_dropped(agent), 0);
	(void)close(fd);
	end();
}

TEST(ten_mebibytes_pass_both_ways_on_a_console)
{
	both_ways(0, open_pty, RX0, TX0);
}

TEST(ten_mebibytes_pass_both_ways_on_a_named_port)
{
	both_ways(VIRTIO_BIT(VIRTIO_F_RING_PACKED) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX) |
			  VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC),
		  dial, RX1, TX1);
}

/* --- readers that stop ---------------------------------------------------------------------- */

TEST(a_console_whose_reader_stopped_lets_its_driver_go_after_a_while)
{
	int fd;

	begin(0);
	fd = open_pty();
	print(TX0, 1);
	rig_check(fd, 0, 1, 0);
	print(TX0, 1 << 20);
	EXPECT(wait_back(TX0, 20000));
	EXPECT(!wait_back(TX0, 500));
	EXPECT(wait_back(TX0, 20000));
	EXPECT(chardev_dropped(con) > 0);
	(void)close(fd);
	end();
}

TEST(a_named_port_whose_reader_stopped_waits_and_loses_nothing)
{
	enum { LEN = 1 << 20 };
	int fd;

	begin(0);
	fd = dial();
	print(TX1, 1);
	rig_check(fd, 0, 1, 0);
	EXPECT(wait_back(TX1, 20000));
	print(TX1, LEN);
	EXPECT(!wait_back(TX1, 3000));
	print(TX0, 1000);
	EXPECT(wait_back(TX0, 20000)); /* nobody else waits */
	rig_check(fd, 0, LEN, 0);
	EXPECT(wait_back(TX1, 20000));
	EXPECT_EQ(chardev_dropped(agent), 0);
	(void)close(fd);
	end();
}

TEST(what_was_written_before_somebody_came_is_there)
{
	int fd;

	begin(0);
	print(TX1, 60000);
	EXPECT(wait_back(TX1, 20000));
	fd = dial();
	rig_check(fd, 0, 60000, 0);
	(void)close(fd);
	end();
}

/* --- resets --------------------------------------------------------------------------------- */

static atomic_bool stop_flood;

/* A host that sends and reads as fast as it can. */
static void *flood(void *arg)
{
	uint8_t buf[3000] = { 0 };
	int fd = *(int *)arg;

	while (!atomic_load(&stop_flood)) {
		(void)!write(fd, buf, sizeof(buf));
		(void)!read(fd, buf, sizeof(buf));
	}
	return NULL;
}

TEST(resets_amid_traffic_are_survived)
{
	pthread_t t;
	int fd;

	begin(0);
	fd = dial();
	t = rig_spawn(flood, &fd);
	for (unsigned i = 0; i < 200; i++) {
		open_ports();
		for (unsigned k = 0; k < 8; k++) {
			guest_give(&g, RX1, guest_in(k * 4096, 4096));
			guest_give(&g, TX1, guest_out((1 << 20) + k * 4096, 4096));
		}
		if (i % 3)
			(void)wait_back(TX1, i % 4);
		driver_write(&g.d, REG_STATUS, 0);
		driver_forget(&g.d);
		guest_start(&g, MULTIPORT | (i % 2 ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0));
	}
	atomic_store(&stop_flood, true);
	(void)pthread_join(t, NULL);
	(void)close(fd);
	end();
}

TEST_MAIN(T(ten_mebibytes_pass_both_ways_on_a_console),
	  T(ten_mebibytes_pass_both_ways_on_a_named_port),
	  T(a_console_whose_reader_stopped_lets_its_driver_go_after_a_while),
	  T(a_named_port_whose_reader_stopped_waits_and_loses_nothing),
	  T(what_was_written_before_somebody_came_is_there), T(resets_amid_traffic_are_survived))
