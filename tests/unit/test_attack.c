/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacks of tests/attack on devices in this process: on a bus, with the threads that they have
 * in vmm, and a guest's memory beside. What only a look from outside can tell is checked after each
 * attack: that vmm holds no more memory, descriptors or threads than before.
 *
 * $ATTACK names one attack of a group, to run it alone; $SEED and $STEPS are for fuzz.
 */
#include "tests/attack/fuzz.h"
#include "tests/attack/table.h"
#include "tests/attack/vsock.h"
#include "tests/lib/answering_net.h"
#include "tests/lib/test.h"
#include "tests/lib/vsock_peers.h"

#include "devices/pl011.h"
#include "devices/virtio/balloon.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/net.h"
#include "devices/virtio/queue_ring.h"
#include "devices/virtio/rng.h"
#include "devices/virtio/vsock.h"
#include "vmm/core/bus.h"
#include "vmm/core/gmem.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RAM_BASE  0x40000000ULL
#define RAM_SIZE  (32 * MiB)
#define FREE_BASE (RAM_BASE + 8 * MiB)
#define FREE_SIZE (20 * MiB)
#define ROM_BASE  0x0c000000ULL
#define UART_BASE 0x09000000ULL
#define SLOT_BASE 0x0a000000ULL

enum { PORTS = 3, PAUSE_NS = 20000, MAX_DEVICES = 16, WATCHDOG_S = 50, SETTLE_MS = 5000 };
enum { IMAGE_SIZE = 1 << 20, SLACK = 65536 /* of the C library's own bookkeeping */ };

struct hal hal;

static struct ram ram;
static struct gmem mem;
static struct bus *bus;
static struct loop *loop;
static pthread_t loop_thread, other;
static struct irq_line lines[MAX_DEVICES];
static struct device *devices[MAX_DEVICES];
static unsigned nr_devices;
static struct chardev *serial, *plain, *hvc[PORTS];
static struct fake_net card;
static struct vsock_peers peers;
static int images[4]; /* of the disks, to look at */
static unsigned nr_images;

/* --- what attacks are made of: hal.h --- */

static __thread struct bus_cursor cursor;

bool hal_load(uint64_t at, unsigned width, uint64_t *v)
{
	return bus_read(bus, &cursor, at, width, v) == ACCESS_OK;
}

bool hal_store(uint64_t at, unsigned width, uint64_t v)
{
	return bus_write(bus, &cursor, at, width, v) == ACCESS_OK;
}

volatile void *hal_at(uint64_t at)
{
	EXPECT(at >= RAM_BASE && at - RAM_BASE < RAM_SIZE);
	return (char *)ram.host + (at - RAM_BASE);
}

void __msan_check_mem_is_initialized(const volatile void *at, size_t len) __attribute__((weak));

/* What vmm writes to a guest's memory is what it means to write: nothing that was left there. */
void hal_look(uint64_t at, uint64_t len)
{
	if (__msan_check_mem_is_initialized)
		__msan_check_mem_is_initialized(hal_at(at), len);
}

void hal_fence(void)
{
	store_load_fence();
}

uint64_t hal_now_us(void)
{
	return loop_now_ns() / 1000;
}

void hal_pause(void)
{
	const struct timespec t = { .tv_nsec = PAUSE_NS };

	(void)nanosleep(&t, NULL);
}

static struct {
	void (*fn)(void *ctx);
	void *ctx;
} job;

static void *run_job(void *arg)
{
	job.fn(job.ctx);
	return arg;
}

void hal_start(void (*fn)(void *ctx), void *ctx)
{
	job.fn = fn;
	job.ctx = ctx;
	EXPECT_EQ(pthread_create(&other, NULL, run_job, NULL), 0);
}

void hal_join(void)
{
	EXPECT_EQ(pthread_join(other, NULL), 0);
}

void hal_say(const char *s)
{
	(void)fputs(s, stdout);
}

void hal_say_number(uint64_t v)
{
	(void)printf("%" PRIu64, v);
}

/* --- the machine --- */

static void set_line(struct irq_line *line UNUSED, bool level UNUSED)
{
}

static void add(struct device *d, struct err *e)
{
	if (!d)
		test_fail(__FILE__, __LINE__, "%s", e->text);
	EXPECT_EQ(bus_add(bus, d, e), 0);
	device_reset(d);
	devices[nr_devices++] = d;
}

static void plug(struct virtio *v, struct err *e)
{
	const uint64_t at = SLOT_BASE + hal.nr_slots * (uint64_t)R_END;

	if (!v)
		test_fail(__FILE__, __LINE__, "%s", e->text);
	lines[nr_devices].set = set_line;
	add(virtio_mmio_create(at, R_END, &lines[nr_devices], v, e), e);
	hal.slot[hal.nr_slots++] = at;
}

static void plug_disk(enum disk_engine engine, bool ro, unsigned queues, struct err *e)
{
	static const struct virtio_blk_events no_events;
	struct virtio_blk_config c = virtio_blk_defaults;
	char path[] = "/tmp/attack.XXXXXX";
	int fd = mkstemp(path);

	EXPECT(fd >= 0 && nr_images < ARRAY_SIZE(images));
	EXPECT_EQ(ftruncate(fd, IMAGE_SIZE), 0);
	images[nr_images++] = fd;
	c.path = path;
	c.engine = (int)engine;
	c.ro = ro;
	c.queues = queues;
	plug(virtio_blk_create(&c, &mem, &no_events, e), e);
	(void)unlink(path);
}

static struct chardev *null_chardev(struct err *e)
{
	struct chardev *c = chardev_open(CHARDEV_NULL, NULL, NULL, loop, e);

	if (!c)
		test_fail(__FILE__, __LINE__, "%s", e->text);
	return c;
}

static void plug_vsock(struct err *e)
{
	char folder[] = "/tmp/attack.XXXXXX", path[32];
	const struct virtio_vsock_config c = { .cid = VSOCK_CID, .uds = path };

	EXPECT(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof(path), "%s/v", folder);
	vsock_peers_init(&peers, loop, VSOCK_LISTENS, VSOCK_SLOW);
	plug(virtio_vsock_create(&c, &mem, loop, &peers.dialer, e), e);
	/* Nobody calls from the host. */
	(void)unlink(path);
	(void)rmdir(folder);
}

static void *run_loop(void *arg)
{
	struct err e;

	EXPECT_EQ(loop_run(loop, &e), 0);
	return arg;
}

static void make_memory(struct err *e)
{
	static const char rom[4096] __attribute__((aligned(4096)));
	struct gmem_region r[] = {
		{ .base = RAM_BASE, .size = RAM_SIZE, .name = "RAM", .ram = &ram },
		{ .base = ROM_BASE, .size = sizeof(rom), .name = "ROM", .readonly = true },
	};

	EXPECT_EQ(ram_create(&ram, RAM_SIZE, 0, e), 0);
	r[0].host = ram.host;
	r[1].host = (void *)(uintptr_t)rom;
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		EXPECT_EQ(gmem_add(&mem, &r[i], e), 0);
	hal = (struct hal){
		.ram = RAM_BASE,
		.ram_size = RAM_SIZE,
		.free = FREE_BASE,
		.free_size = FREE_SIZE,
		.rom = ROM_BASE,
		.uart = UART_BASE,
		.cpus = 2,
		.patience_ms = 10000,
		.slower = 1,
	};
}

static void make_machine(void)
{
	struct virtio_console_port port[PORTS] = { { .console = true },
						   { .name = "one" },
						   { .name = "two" } };
	struct err e = { 0 };

	make_memory(&e);
	bus = bus_create(&e);
	loop = loop_create(&e);
	EXPECT(bus && loop);
	serial = null_chardev(&e);
	for (unsigned i = 0; i < PORTS; i++)
		port[i].chardev = hvc[i] = null_chardev(&e);
	plain = null_chardev(&e);
	lines[0].set = set_line;
	add(pl011_create(UART_BASE, 4096, &lines[0], serial, &e), &e);
	plug_disk(DISK_AUTO, false, 2, &e);
	plug_disk(DISK_THREADS, false, 1, &e);
	plug_disk(DISK_AUTO, true, 1, &e);
	plug(virtio_rng_create(&mem, loop, &e), &e);
	plug(virtio_console_create(port, PORTS, &mem, loop, &e), &e);
	port[0].chardev = plain;
	plug(virtio_console_create(port, 1, &mem, loop, &e), &e);
	plug(virtio_balloon_create(&virtio_balloon_defaults, &mem, loop, &e), &e);
	plug_vsock(&e);
	answering_net_init(&card, 2);
	plug(virtio_net_create(&card.host, 0, true, NET_VHOST_OFF, &mem, &e), &e);
	plug_disk(DISK_AUTO, false, 1, &e);
	EXPECT_EQ(pthread_create(&loop_thread, NULL, run_loop, NULL), 0);
}

static void destroy_machine(void)
{
	loop_stop(loop);
	EXPECT_EQ(pthread_join(loop_thread, NULL), 0);
	bus_destroy(bus);
	while (nr_devices)
		device_destroy(devices[--nr_devices]);
	vsock_peers_done(&peers);
	chardev_close(serial);
	chardev_close(plain);
	for (unsigned i = 0; i < PORTS; i++)
		chardev_close(hvc[i]);
	loop_destroy(loop);
	ram_destroy(&ram);
	while (nr_images)
		(void)close(images[--nr_images]);
}

/* --- what this process holds, and on the host's disk --- */

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

struct holds {
	size_t heap;
	unsigned fds, threads;
};

/* Threads but for the kernel's own, which come and go with I/O that waits. */
static unsigned our_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	const struct dirent *t;
	unsigned n = 0;

	EXPECT(d != NULL);
	while ((t = readdir(d))) {
		char path[300], name[16] = "";
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", t->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n += fd >= 0 && read(fd, name, sizeof(name)) > 0 && strncmp(name, "iou-", 4) != 0;
		if (fd >= 0)
			(void)close(fd);
	}
	(void)closedir(d);
	return n;
}

static struct holds holds(void)
{
	return (struct holds){
		.fds = test_entries("/proc/self/fd"),
		.threads = our_threads(),
		.heap = __sanitizer_get_current_allocated_bytes
				? __sanitizer_get_current_allocated_bytes()
				: mallinfo2().uordblks,
	};
}

static struct holds before;

static bool more_than_before(const struct holds *now)
{
	const size_t slack = __sanitizer_get_current_allocated_bytes ? 0 : SLACK;

	return now->fds > before.fds || now->threads > before.threads ||
	       now->heap > before.heap + slack;
}

static void expect_no_more(void)
{
	struct holds now = holds();

	vsock_peers_leave(&peers);
	/*
	 * Who was connected sees it a moment later that the guest is gone, a thread of the kernel's
	 * has its name only when it first runs, and others of ours may be at work.
	 */
	for (unsigned i = 0; i < SETTLE_MS && more_than_before(&now); i++) {
		(void)usleep(1000);
		now = holds();
	}

	if (now.fds > before.fds)
		complain_of("file descriptors", now.fds, before.fds);
	else if (now.threads > before.threads)
		complain_of("threads", now.threads, before.threads);
	else if (more_than_before(&now))
		complain_of("bytes of the heap", now.heap, before.heap);
	for (unsigned i = 0; i < nr_images; i++) {
		struct stat st;

		EXPECT_EQ(fstat(images[i], &st), 0);
		if (st.st_size != IMAGE_SIZE)
			complain_of("bytes of an image", (uint64_t)st.st_size, IMAGE_SIZE);
	}
}

/* A guest may have two devices use the same memory at once: that is between them and the guest. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:poison_copy\n";
}

/* --- the tests --- */

static void nothing(void *ctx UNUSED)
{
}

static void begin(void)
{
	static char line[1024]; /* or there would be more on the heap */

	(void)setvbuf(stdout, line, _IOLBF, sizeof(line));
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	(void)alarm(WATCHDOG_S);
	make_machine();
	EXPECT(attack_begin());
	hal_start(nothing, NULL); /* the C library keeps something of its first thread */
	hal_join();
	before = holds();
}

static void run_group(const struct group *g)
{
	const char *only = getenv("ATTACK");
	struct score score = { 0 };

	begin();
	attack_group(g, only, expect_no_more, &score);
	attack_sum(&score, only ? 1 : g->nr);
	destroy_machine();
	EXPECT_EQ(score.failed, 0);
	EXPECT_EQ(score.rows, only ? 1 : g->nr);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

TEST(fuzz)
{
	const struct fuzz f = {
		.seed = from_environment("SEED", 1),
		.steps = from_environment("STEPS", 20000),
		.after = expect_no_more,
	};

	begin();
	if (f.steps > 20000)
		(void)alarm(0);
	EXPECT(attack_fuzz(&f));
	destroy_machine();
}

#define EACH_GROUP(X)                                                                              \
	X(ring)                                                                                    \
	X(indirect)                                                                                \
	X(state)                                                                                   \
	X(mmio)                                                                                    \
	X(reset) X(race) X(resources) X(blk) X(rng) X(uart) X(balloon) X(net) X(console) X(vsock)

#define ITS_TEST(name)                                                                             \
	TEST(name)                                                                                 \
	{                                                                                          \
		run_group(&group_##name);                                                          \
	}
EACH_GROUP(ITS_TEST)

TEST(all_groups_are_run_here_and_no_two_attacks_have_one_name)
{
#define ITS_ADDRESS(name) &group_##name,
	static const struct group *const here[] = { EACH_GROUP(ITS_ADDRESS) NULL };
	unsigned all = 0;

	for (size_t i = 0; groups[i] || here[i]; i++) {
		const struct group *g = groups[i];

		EXPECT(g == here[i]);
		all += g->nr;
		for (unsigned k = 0; k < g->nr; k++) {
			EXPECT(g->attack[k].run || g->run);
			for (unsigned m = 0; m < k; m++)
				EXPECT(strcmp(g->attack[k].name, g->attack[m].name) != 0);
		}
	}
	(void)printf("    %u attacks\n", all);
}

#define ITS_ROW(name) T(name),

TEST_MAIN(EACH_GROUP(ITS_ROW) T(fuzz), T(all_groups_are_run_here_and_no_two_attacks_have_one_name))
