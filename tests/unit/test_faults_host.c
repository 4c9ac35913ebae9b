/* SPDX-License-Identifier: Apache-2.0 */
/* A host that refuses, under what stands at the host's end: loops, disks, consoles, programs. */
#include "tests/lib/disk_rig.h"
#include "tests/lib/host_faults.h"
#include "tests/lib/test.h"
#include "vmm/command.h"
#include "vmm/core/loop.h"
#include "vmm/core/ram.h"
#include "vmm/host/chardev.h"
#include "vmm/host/keeper.h"
#include "vmm/host/net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the event loop -------------------------------------------------------------------------- */

enum { WATCHES = 20 };

static unsigned seen;

static struct loop *running;

static void saw_one(void)
{
	if (++seen == WATCHES + 1)
		loop_stop(running);
}

static void on_event(struct watch *w, uint32_t events UNUSED)
{
	loop_unwatch(w);
	saw_one();
}

static void on_call(struct call *c UNUSED)
{
	saw_one();
}

static void on_timer(struct timer *t UNUSED)
{
	loop_stop(running);
}

/* Lets it run for a while. */
static int turns(struct loop *l, unsigned ms, struct err *e)
{
	struct timer t = { .expired = on_timer };
	int code;

	running = l;
	loop_timer_arm(l, &t, loop_now_ns() + ms * UINT64_C(1000000));
	code = loop_run(l, e);
	loop_timer_disarm(l, &t);
	return code;
}

static int use_loop(struct loop *l, const int *fd, struct err *e)
{
	struct watch w[WATCHES] = { { .ready = on_event } };
	struct call c = { .fn = on_call };
	int code = 0;

	seen = 0;
	for (unsigned i = 0; code == 0 && i < WATCHES; i++) {
		w[i].ready = on_event;
		code = loop_watch(l, &w[i], fd[i], EPOLLIN, e);
	}
	if (code == 0) {
		loop_post(l, &c);
		code = turns(l, 10000, e);
		EXPECT(code || seen == WATCHES + 1);
	}
	for (unsigned i = 0; i < WATCHES; i++)
		loop_unwatch(&w[i]);
	loop_unpost(l, &c);
	return code;
}

static int loop_scenario(struct err *e)
{
	struct loop *l = loop_create(e);
	int fd[WATCHES], code;

	if (!l)
		return -e->code;
	for (unsigned i = 0; i < WATCHES; i++)
		fd[i] = eventfd(1, EFD_CLOEXEC);
	code = use_loop(l, fd, e);
	for (unsigned i = 0; i < WATCHES; i++)
		(void)close(fd[i]);
	loop_destroy(l);
	return code;
}

TEST(a_loop_on_a_host_that_refuses)
{
	faults_sweep(loop_scenario);
}

/* --- memory ---------------------------------------------------------------------------------- */

static int ram_with(unsigned flags, struct err *e)
{
	struct ram r = { .fd = -1 };
	int code = ram_create(&r, 8 << 20, flags, e);

	if (code == 0) {
		memset(r.host, 0x5a, 65536);
		(void)ram_discard(&r, 0, 65536);
		EXPECT(((char *)r.host)[0] == 0 || faults_hit());
	}
	ram_destroy(&r);
	return code;
}

static int ram_scenario(struct err *e)
{
	int code = ram_with(0, e);

	if (code == 0)
		code = ram_with(RAM_SHARED, e);
	return code ? code : ram_with(RAM_TWICE, e);
}

TEST(memory_of_a_host_that_refuses)
{
	faults_sweep(ram_scenario);
}

/* --- disks ----------------------------------------------------------------------------------- */

enum { DISK_BYTES = 1 << 18, PIECE = 8192 };

static struct disk_config disk;
static uint8_t buf[PIECE], file[PIECE];

/* What was said to be written is there, as the disk has it and, without a snapshot, as the file. */
static void expect_content(struct disk_rig *r, uint64_t at, uint8_t byte, bool written)
{
	memset(buf, 0, sizeof(buf));
	FAULTS_OFF(EXPECT_EQ(disk_rig_read(r, at, buf, PIECE), 0));
	if (!disk.snapshot)
		disk_rig_peek(disk.path, at, file, PIECE);
	for (size_t i = 0; written && i < PIECE; i++) {
		EXPECT_EQ(buf[i], byte);
		EXPECT(disk.snapshot || file[i] == byte);
	}
}

static void use_disk(struct disk_rig *r)
{
	static uint8_t byte;
	int wrote, read, flushed;

	byte = byte % 200 + 1;
	memset(buf, byte, sizeof(buf));
	wrote = disk_rig_write(r, 4096, buf, PIECE);
	EXPECT(wrote == 0 || faults_hit());
	flushed = disk_rig_op(r, DISK_FLUSH, 0, 0);
	EXPECT(flushed == 0 || faults_hit());
	if (flushed) /* what it held may be lost: never again a flush that works */
		FAULTS_OFF(EXPECT_EQ(disk_rig_op(r, DISK_FLUSH, 0, 0), -EIO));
	expect_content(r, 4096, byte, wrote == 0);
	memset(buf, 0, sizeof(buf));
	read = disk_rig_read(r, 4096, buf, PIECE);
	EXPECT(read == 0 || faults_hit());
	for (size_t i = 0; wrote == 0 && read == 0 && i < PIECE; i++)
		EXPECT_EQ(buf[i], byte);
	wrote = disk_rig_op(r, DISK_ZERO, 65536, PIECE);
	EXPECT(wrote == 0 || faults_hit());
	expect_content(r, 65536, 0, wrote == 0);
	EXPECT(disk_rig_op(r, DISK_DISCARD, 131072, PIECE) == 0 || faults_hit());
	EXPECT(disk_look_at_size(r->d) == 0 || faults_hit());
}

static int disk_scenario(struct err *e)
{
	struct disk_rig r = { .d = disk_open(&disk, e) };

	if (!r.d)
		return -e->code;
	r.q = disk_queue_create(r.d, 8, e);
	if (r.q)
		use_disk(&r);
	disk_queue_destroy(r.q);
	disk_close(r.d);
	return r.q ? 0 : -e->code;
}

static void disk_of(int engine, int cache, bool snapshot)
{
	struct disk_rig r;

	disk = (struct disk_config){ .path = disk_rig_image("disk", DISK_BYTES),
				     .engine = engine,
				     .cache = cache,
				     .snapshot = snapshot,
				     .discard = true };
	disk_rig_open(&r, &disk); /* or skips */
	disk_rig_close(&r);
	faults_sweep(disk_scenario);
}

TEST(a_disk_with_io_uring_on_a_host_that_refuses)
{
	disk_of(DISK_URING, DISK_WRITEBACK, false);
}

TEST(a_disk_with_threads_on_a_host_that_refuses)
{
	disk_of(DISK_THREADS, DISK_WRITEBACK, false);
}

TEST(a_disk_that_writes_through_on_a_host_that_refuses)
{
	disk_of(DISK_THREADS, DISK_WRITETHROUGH, false);
}

TEST(a_disk_without_page_cache_on_a_host_that_refuses)
{
	disk_of(DISK_AUTO, DISK_NONE, false);
}

TEST(a_snapshot_on_a_host_that_refuses)
{
	disk_of(DISK_AUTO, DISK_WRITEBACK, true);
}

/* --- consoles -------------------------------------------------------------------------------- */

static char folder[] = "/tmp/vmm-faults-XXXXXX";
static char path[64];
static enum chardev_kind kind;

static void make_folder(const char *name)
{
	EXPECT(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
}

static void remove_folder(void)
{
	(void)unlink(path);
	EXPECT_EQ(rmdir(folder), 0);
}

static int dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	EXPECT_EQ(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Whoever sits at the console; -1: nobody can. */
static int visitor(const struct chardev *c)
{
	if (kind == CHARDEV_SOCKET)
		return dial();
	if (kind == CHARDEV_PTY)
		return open(chardev_name(c), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return -1;
}

static void on_chardev(struct chardev_front *f UNUSED)
{
}

/* How long something may take to come: after a refusal it may never. */
static unsigned patience(void)
{
	return faults_hit() ? 10 : 5000;
}

/* Both ways: lost is nothing, unless the host has refused. */
static int visit(struct chardev *c, int fd, struct loop *l, struct err *e)
{
	static const char out[] = "out of the guest\n", in[] = "into the guest\n";
	char got[64] = "";
	size_t came = 0;
	int code = turns(l, 1, e);

	(void)chardev_write(c, out, sizeof(out) - 1);
	for (unsigned i = 0; code == 0 && came < sizeof(out) - 1 && i < patience(); i++) {
		const ssize_t n = read(fd, got + came, sizeof(got) - came);

		came += n > 0 ? (size_t)n : 0;
		code = turns(l, 1, e);
	}
	EXPECT(code || faults_hit() || strcmp(got, out) == 0);
	EXPECT(write(fd, in, sizeof(in) - 1) > 0 || faults_hit());
	came = 0;
	for (unsigned i = 0; code == 0 && came < sizeof(in) - 1 && i < patience(); i++) {
		came += chardev_read(c, got + came, sizeof(got) - came);
		code = turns(l, 1, e);
	}
	EXPECT(code || faults_hit() || memcmp(got, in, sizeof(in) - 1) == 0);
	return code;
}

static int use_chardev(struct chardev *c, struct loop *l, struct err *e)
{
	const int fd = visitor(c);
	int code;

	if (fd < 0) {
		(void)chardev_write(c, "out", 3);
		return turns(l, 2, e);
	}
	code = visit(c, fd, l, e);
	(void)close(fd);
	return code ? code : turns(l, 1, e);
}

static int chardev_scenario(struct err *e)
{
	struct chardev_front front = { .ready = on_chardev };
	struct loop *l = loop_create(e);
	struct chardev *c;
	int code;

	if (!l)
		return -e->code;
	c = chardev_open(kind, path, NULL, l, e);
	if (c) {
		chardev_attach(c, &front);
		code = use_chardev(c, l, e);
		chardev_attach(c, NULL);
		chardev_close(c);
	} else {
		code = -e->code;
	}
	loop_destroy(l);
	/* Also when it failed in the middle; but for one that may be another's by now. */
	if (kind == CHARDEV_SOCKET)
		EXPECT(access(path, F_OK) != 0 || strcmp(faults_what(), "lstat") == 0);
	return code;
}

static void chardev_of(enum chardev_kind k)
{
	kind = k;
	make_folder("console");
	faults_sweep(chardev_scenario);
	remove_folder();
}

TEST(a_pty_on_a_host_that_refuses)
{
	chardev_of(CHARDEV_PTY);
}

TEST(a_socket_on_a_host_that_refuses)
{
	chardev_of(CHARDEV_SOCKET);
}

TEST(a_file_on_a_host_that_refuses)
{
	chardev_of(CHARDEV_FILE);
}

/* --- programs, and connections --------------------------------------------------------------- */

static void on_up(void *ctx UNUSED, int fd)
{
	(void)close(fd);
}

static void on_down(void *ctx UNUSED, const char *why)
{
	EXPECT(why[0] != '\0');
}

static int keeper_scenario(struct err *e)
{
	static const char *const argv[] = { "sh", "-c",	     "echo said; exec cat <&$1 >&$1",
					    "sh", KEEPER_FD, NULL };
	const struct keeper_job j = {
		.kind = KEEPER_LISTEN, .name = "thing", .argv = argv, .up = on_up, .down = on_down
	};
	struct loop *l = loop_create(e);
	const int sock = l ? keeper_fork(e) : -1;
	struct keeper *k = sock >= 0 ? keeper_create(l, sock, e) : NULL;
	int fd = -1, code = k ? 0 : -e->code;
	unsigned job;

	if (code == 0)
		code = keeper_start(k, &j, &job, &fd, e);
	if (code == 0)
		code = keeper_seal(k, e);
	if (code == 0)
		code = turns(l, 2, e);
	if (fd >= 0)
		(void)close(fd);
	keeper_destroy(k);
	loop_destroy(l);
	return code;
}

TEST(programs_on_a_host_that_refuses)
{
	faults_sweep(keeper_scenario);
}

/* --- a command for the guest ------------------------------------------------------------------ */

static int command_scenario(struct err *e)
{
	char *words[] = { (char[]){ "make" }, (char[]){ "a b" } };
	const struct key_list list = { .at = words, .nr = 2 };
	char *const env[] = { (char[]){ "TERM=linux" }, NULL }, *block;
	size_t len;
	int code = command_block(&list, "/here", NULL, env, &block, &len, e);

	if (code)
		return code;
	EXPECT(len > 10 && memmem(block, len, "a b", 3));
	faults_free(block);
	return 0;
}

TEST(a_command_on_a_host_that_refuses)
{
	faults_sweep(command_scenario);
}

/* --- a network by a socket ------------------------------------------------------------------- */

static int listener;
static unsigned came;
static struct net_host *net;

static void on_frames(struct net_front *f UNUSED, unsigned queue, unsigned what)
{
	struct net_frame frame;

	while (what & NET_IN && net_receive(net, queue, &frame, (struct net_place){ 0 }) == 0)
		came++;
	net_want(net, queue, NET_IN);
}

static void on_link(struct net_front *f UNUSED, bool up UNUSED)
{
}

static int use_net(struct loop *main, struct loop *card, struct err *e)
{
	static const uint8_t frame[4 + 60] = { 0, 0, 0, 60, 0xff };
	struct net_header h = { 0 };
	struct iovec iov[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)(frame + 4), 60 } };
	struct net_front front = { .ready = on_frames, .link = on_link };
	const int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uint8_t got[100];
	int code = net_attach(net, card, &front, e);

	EXPECT(peer >= 0);
	came = 0;
	if (code == 0) {
		net_want(net, 0, NET_IN);
		EXPECT_EQ(write(peer, frame, sizeof(frame)), sizeof(frame));
		(void)net_send(net, 0, iov, 2);
		net_flush(net, 0);
		code = turns(card, 3, e);
	}
	if (code == 0)
		code = turns(main, 2, e);
	if (code == 0) {
		EXPECT(came == 1 || faults_hit());
		EXPECT(read(peer, got, sizeof(got)) == sizeof(frame) || faults_hit());
	}
	(void)close(peer);
	return code;
}

static int net_scenario(struct err *e)
{
	struct net_config c = net_defaults;
	struct loop *main = loop_create(e), *card = main ? loop_create(e) : NULL;
	const int sock = card ? keeper_fork(e) : -1;
	struct keeper *k = sock >= 0 ? keeper_create(main, sock, e) : NULL;
	int code = k ? 0 : -e->code, left;

	c.socket = path;
	net = k ? net_open(&c, 0, main, k, e) : NULL;
	if (k)
		code = net ? use_net(main, card, e) : -e->code;
	net_close(net);
	keeper_destroy(k);
	loop_destroy(card);
	loop_destroy(main);
	while ((left = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		(void)close(left);
	return code;
}

TEST(a_network_on_a_host_that_refuses)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	make_folder("net");
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	EXPECT_EQ(bind(listener, (const struct sockaddr *)&a, sizeof(a)), 0);
	EXPECT_EQ(listen(listener, 8), 0);
	faults_sweep(net_scenario);
	(void)close(listener);
	remove_folder();
}

TEST_MAIN(T(a_loop_on_a_host_that_refuses), T(memory_of_a_host_that_refuses),
	  T(a_disk_with_io_uring_on_a_host_that_refuses),
	  T(a_disk_with_threads_on_a_host_that_refuses),
	  T(a_disk_that_writes_through_on_a_host_that_refuses),
	  T(a_disk_without_page_cache_on_a_host_that_refuses), T(a_snapshot_on_a_host_that_refuses),
	  T(a_pty_on_a_host_that_refuses), T(a_socket_on_a_host_that_refuses),
	  T(a_file_on_a_host_that_refuses), T(programs_on_a_host_that_refuses),
	  T(a_command_on_a_host_that_refuses), T(a_network_on_a_host_that_refuses))
