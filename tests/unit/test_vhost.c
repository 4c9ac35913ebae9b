/* SPDX-License-Identifier: Apache-2.0 */
/* Queues that a kernel serves: here, one that only notes what it is told. */
#include "devices/virtio/vhost.h"
#include "devices/virtio/vsock_parts.h"
#include "tests/lib/fake_vhost.h"
#include "tests/lib/virtio_guest.h"
#include "vmm/sandbox/filter.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { CID = 42 };

static struct guest g;

static struct virtio *create(struct err *e)
{
	struct virtio_vsock_config c = { .cid = CID };

	k.path = "/dev/vhost-vsock";
	k.can = VIRTIO_BIT(VSOCK_F_SEQPACKET);
	return virtio_vsock_kernel_create(&c, &g.d.mem, g.loop, e);
}

static void begin(void)
{
	static char rom[4096];
	const struct gmem_region r = {
		.base = 0x1000, .size = sizeof(rom), .host = rom, .name = "ROM", .readonly = true
	};
	struct virtio *v;
	struct err e;

	guest_make(&g);
	EXPECT_EQ(gmem_add(&g.d.mem, &r, &e), 0);
	k.kick[0] = k.kick[1] = -1;
	v = create(&e);
	if (!v)
		test_fail(__FILE__, __LINE__, "%s", e.text);
	driver_plug(&g.d, v);
}

TEST(what_cannot_be_opened_is_a_sentence_that_says_what_to_do)
{
	static const struct {
		int open_error;
		unsigned long refuse;
		int with;
		const char *says;
	} rows[] = {
		{ ENOENT, 0, 0, "modprobe vhost_vsock" },
		{ ENODEV, 0, 0, "modprobe vhost_vsock" },
		{ EACCES, 0, 0, "/dev/vhost-vsock: no permission; as root: " },
		{ EMFILE, 0, 0, "Too many open files" },
		{ 0, VHOST_SET_OWNER, EBUSY, "/dev/vhost-vsock: " },
		{ 0, VHOST_SET_MEM_TABLE, ENOMEM, "memory" },
		{ 0, VHOST_VSOCK_SET_GUEST_CID, EADDRINUSE, "CID 42 is another guest's" },
		{ 0, VHOST_VSOCK_SET_GUEST_CID, EINVAL, "CID 42: Invalid argument" },
	};
	struct err e;

	guest_make(&g);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		k.open_error = rows[i].open_error;
		k.refuse = rows[i].refuse;
		k.with = rows[i].with;
		EXPECT(!create(&e));
		EXPECT_HAS(e.text, "--vsock: ");
		EXPECT_HAS(e.text, rows[i].says);
	}
	driver_done(&g.d);
	loop_destroy(g.loop);
}

TEST(only_what_the_kernel_can_is_offered)
{
	uint64_t offered;

	begin();
	EXPECT_EQ(k.cid, CID);
	driver_write(&g.d, REG_DEVICE_FEATURES_SEL, 1);
	offered = (uint64_t)driver_read(&g.d, REG_DEVICE_FEATURES) << 32;
	driver_write(&g.d, REG_DEVICE_FEATURES_SEL, 0);
	offered |= driver_read(&g.d, REG_DEVICE_FEATURES);
	EXPECT_EQ(offered, VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
				   VIRTIO_BIT(VIRTIO_F_EVENT_IDX) |
				   VIRTIO_BIT(VIRTIO_F_RING_RESET) | VIRTIO_BIT(VSOCK_F_SEQPACKET));
	EXPECT(!driver_negotiate(&g.d, VIRTIO_BIT(VIRTIO_F_VERSION_1) |
					       VIRTIO_BIT(VIRTIO_F_RING_PACKED)));
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG), CID);
	guest_end(&g);
}

TEST(the_kernel_gets_memory_that_may_be_written_and_the_rings_as_the_driver_has_them)
{
	begin();
	EXPECT_EQ(k.nregions, 1);
	EXPECT_EQ(k.region[0].guest_phys_addr, DRIVER_RAM);
	EXPECT_EQ(k.region[0].memory_size, GUEST_RAM_SIZE);
	EXPECT_EQ(k.region[0].userspace_addr, (uintptr_t)g.d.ram);
	guest_start(&g, VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | VIRTIO_BIT(VIRTIO_F_RING_RESET));
	EXPECT_EQ(k.features, VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX));
	EXPECT(k.running);
	EXPECT_EQ(k.starts, 1);
	for (unsigned i = 0; i < 2; i++) {
		const struct driver_queue *q = &g.d.queue[i];

		EXPECT_EQ(k.num[i], q->size);
		EXPECT_EQ(k.base[i], 0);
		EXPECT_EQ(k.at[i].desc_user_addr, (uintptr_t)driver_at(&g.d, q->desc));
		EXPECT_EQ(k.at[i].avail_user_addr, (uintptr_t)driver_at(&g.d, q->avail));
		EXPECT_EQ(k.at[i].used_user_addr, (uintptr_t)driver_at(&g.d, q->used));
		EXPECT_EQ(k.kick[i], virtio_mmio_virtio(g.d.dev)->queue[i].kick_fd);
	}
	/* The event queue is ours, and silent. */
	guest_give(&g, VSOCK_EVENT, guest_in(0, 8));
	guest_turns(&g, 2);
	EXPECT_EQ(guest_take(&g, VSOCK_EVENT), -1);
	guest_end(&g);
	EXPECT(!k.running);
}

TEST(a_kick_that_is_a_register_write_reaches_the_kernel)
{
	struct virtio *v;
	uint64_t n;

	begin();
	guest_start(&g, 0);
	v = virtio_mmio_virtio(g.d.dev);
	queue_unkick(&v->queue[1]);
	guest_kick(&g, 1);
	EXPECT_EQ(read(k.kick[1], &n, sizeof(n)), sizeof(n));
	EXPECT_EQ(n, 1);
	guest_end(&g);
}

TEST(its_interrupt_is_the_transport_s_with_a_cause)
{
	begin();
	guest_start(&g, 0);
	EXPECT_EQ(driver_read(&g.d, REG_INTERRUPT_STATUS), 0);
	for (unsigned i = 0; i < 2; i++) {
		signal_fd(k.call[i]);
		guest_turns(&g, 2);
		EXPECT_EQ(driver_wait(&g.d, 1000), VIRTIO_INT_QUEUE);
		guest_turns(&g, 2);
		EXPECT_EQ(driver_read(&g.d, REG_INTERRUPT_STATUS), 0);
	}
	guest_end(&g);
}

TEST(one_that_comes_too_late_is_not_the_next_driver_s)
{
	begin();
	guest_start(&g, 0);
	signal_fd(k.call[0]);
	signal_fd(k.err[1]);
	driver_write(&g.d, REG_STATUS, 0);
	EXPECT(!k.running);
	EXPECT_EQ(k.kick[0], -1);
	EXPECT_EQ(k.call[1], -1);
	guest_turns(&g, 2);
	guest_start(&g, 0);
	guest_turns(&g, 2);
	EXPECT_EQ(driver_read(&g.d, REG_INTERRUPT_STATUS), 0);
	EXPECT(!guest_needs_reset(&g));
	guest_end(&g);
}

TEST(what_the_kernel_finds_wrong_needs_a_reset)
{
	begin();
	guest_start(&g, 0);
	signal_fd(k.err[1]);
	guest_turns(&g, 2);
	EXPECT(guest_needs_reset(&g));
	guest_start(&g, 0);
	EXPECT(!guest_needs_reset(&g));
	guest_end(&g);
}

TEST(a_ring_that_the_kernel_refuses_needs_a_reset)
{
	static const unsigned long refused[] = {
		VHOST_SET_FEATURES,   VHOST_SET_VRING_NUM,     VHOST_SET_VRING_BASE,
		VHOST_SET_VRING_ADDR, VHOST_SET_VRING_CALL,    VHOST_SET_VRING_ERR,
		VHOST_SET_VRING_KICK, VHOST_VSOCK_SET_RUNNING,
	};

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		driver_write(&g.d, REG_STATUS, 0);
		k.refuse = refused[i];
		k.with = EFAULT;
		EXPECT(driver_negotiate(&g.d, VIRTIO_BIT(VIRTIO_F_VERSION_1)));
		for (unsigned q = 0; q < 2; q++) {
			driver_queue_make(&g.d, q, 16);
			driver_queue_program(&g.d, q);
			driver_write(&g.d, REG_QUEUE_SEL, q);
			driver_write(&g.d, REG_QUEUE_READY, 1);
		}
		driver_write(&g.d, REG_STATUS, 15);
		EXPECT(guest_needs_reset(&g));
		EXPECT(!k.running);
		k.refuse = 0;
		driver_forget(&g.d);
		guest_start(&g, 0);
		EXPECT(!guest_needs_reset(&g));
		EXPECT(k.running);
	}
	guest_end(&g);
}

TEST(a_queue_that_is_reset_alone_comes_back_and_the_other_goes_on)
{
	begin();
	guest_start(&g, VIRTIO_BIT(VIRTIO_F_RING_RESET));
	driver_write(&g.d, REG_QUEUE_SEL, 1);
	driver_write(&g.d, REG_QUEUE_RESET, 1);
	EXPECT(!k.running);
	EXPECT_EQ(k.kick[1], -1);
	EXPECT(k.kick[0] >= 0);
	driver_queue_make(&g.d, 1, 8);
	driver_queue_program(&g.d, 1);
	driver_write(&g.d, REG_QUEUE_SEL, 1);
	driver_write(&g.d, REG_QUEUE_READY, 1);
	EXPECT(k.running);
	EXPECT_EQ(k.num[1], 8);
	guest_end(&g);
}

TEST(registers_survive_abuse)
{
	begin();
	mmio_abuse(g.d.bus, g.d.dev);
	guest_turns(&g, 5);
	driver_forget(&g.d);
	guest_start(&g, 0);
	EXPECT(k.running);
	guest_end(&g);
}

/* A child that may make the calls of a vCPU's thread only. */
static void stop_as_a_vcpu(void)
{
	static struct filter f;
	const struct filter_facts facts = { .pid = (uint32_t)getpid() };
	struct sock_fprog program;

	filter_make(&f, THREAD_VCPU, &facts);
	program = (struct sock_fprog){ .len = (unsigned short)f.len, .filter = f.insn };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(77);
	driver_write(&g.d, REG_STATUS, 0);
	(void)syscall(SYS_exit_group, 0); /* not _exit(): before it a sanitizer makes calls */
}

TEST(a_vcpu_may_stop_the_kernel_s_queues)
{
	int status;
	pid_t pid;

	begin();
	guest_start(&g, 0);
	signal_fd(k.call[0]);
	pid = fork();
	if (pid == 0)
		stop_as_a_vcpu();
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		test_skip("no seccomp here");
	EXPECT_EQ(WEXITSTATUS(status), 0);
	guest_end(&g);
}

TEST_MAIN(T(what_cannot_be_opened_is_a_sentence_that_says_what_to_do),
	  T(only_what_the_kernel_can_is_offered),
	  T(the_kernel_gets_memory_that_may_be_written_and_the_rings_as_the_driver_has_them),
	  T(a_kick_that_is_a_register_write_reaches_the_kernel),
	  T(its_interrupt_is_the_transport_s_with_a_cause),
	  T(one_that_comes_too_late_is_not_the_next_driver_s),
	  T(what_the_kernel_finds_wrong_needs_a_reset),
	  T(a_ring_that_the_kernel_refuses_needs_a_reset),
	  T(a_queue_that_is_reset_alone_comes_back_and_the_other_goes_on),
	  T(a_vcpu_may_stop_the_kernel_s_queues), T(registers_survive_abuse))
