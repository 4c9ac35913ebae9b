/* SPDX-License-Identifier: Apache-2.0 */
/* A host that refuses, under connections between guest and host: made, used, reset, ended. */
#include "tests/lib/host_faults.h"
#include "tests/lib/vsock_rig.h"

static struct rig r;
static struct err lost; /* the loop: then vmm would end, and say so */

/* Whatever is heard next; false: nothing, which takes a refusal. */
static bool hears(unsigned op, struct heard *h)
{
	for (unsigned i = 0; i < 20 && lost.code == 0; i++) {
		if (rig_hear(&r, h)) {
			EXPECT(h->op == op || faults_hit());
			return h->op == op;
		}
		guest_turns(&r.g, 1);
	}
	EXPECT(faults_hit());
	return false;
}

static void give_buffers(void)
{
	for (unsigned i = 0; i < RIG_BUFFERS; i++)
		rig_give(&r, GUEST_BUFFERS + i * RIG_BUFFER);
	guest_turns(&r.g, 1);
}

#define SAYS(...) rig_try_say(&r, &(const struct word){ __VA_ARGS__ })

/* Bytes both ways on a connection that stands. */
static void use_connection(int fd, uint32_t host_port)
{
	static struct heard h;
	char got[16] = "";

	EXPECT(SAYS(.op = VSOCK_OP_RW, .guest_port = 5, .host_port = host_port, .data = "there",
		    .len = 5) ||
	       faults_hit());
	EXPECT((read(fd, got, 5) == 5 && memcmp(got, "there", 5) == 0) || faults_hit());
	EXPECT(write(fd, "back", 4) == 4 || faults_hit());
	if (hears(VSOCK_OP_RW, &h))
		EXPECT(h.len && h.len <= 4 && memcmp(h.data, "back", h.len) == 0);
}

/* A program of the host connects; then one of the guest's. */
static void use(void)
{
	static struct heard h;
	char line[80] = "";
	const int fd = rig_connect_path(r.path), listener = rig_socket();
	struct sockaddr_un at;
	int taken;

	(void)snprintf(line, sizeof(line), "%s_9", r.path);
	at = rig_name(line);
	EXPECT_EQ(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	EXPECT_EQ(listen(listener, 1), 0);
	if (fd >= 0 && write(fd, "CONNECT 5\n", 10) == 10 && hears(VSOCK_OP_REQUEST, &h)) {
		const uint32_t port = h.host_port;

		if (SAYS(.op = VSOCK_OP_RESPONSE, .guest_port = 5, .host_port = port)) {
			EXPECT(read(fd, line, sizeof(line)) > 0 || faults_hit());
			use_connection(fd, port);
		}
	}
	if (SAYS(.op = VSOCK_OP_REQUEST, .guest_port = 6, .host_port = 9)) {
		rig_run_dials(&r);
		guest_turns(&r.g, 2);
		taken = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		EXPECT(taken >= 0 || faults_hit());
		if (taken >= 0)
			(void)close(taken);
	}
	if (fd >= 0)
		(void)close(fd);
	(void)close(listener);
	(void)unlink(at.sun_path);
	guest_turns(&r.g, 3);
}

static bool start(void)
{
	bool well;

	driver_write(&r.g.d, REG_STATUS, 0);
	driver_forget(&r.g.d);
	well = driver_try_start(&r.g.d, 0, GUEST_RING);
	if (well)
		give_buffers();
	else
		EXPECT(faults_hit());
	return well && lost.code == 0;
}

static void use_again(void)
{
	EXPECT(start());
	use();
}

static int vsock_scenario(struct err *e)
{
	const struct virtio_vsock_config c = { .cid = RIG_CID, .uds = r.path };
	struct virtio *v;
	int code;

	lost.code = 0;
	r.nr_dials = 0;
	r.dialer = (struct virtio_vsock_dialer){ .dial = rig_dial, .ctx = &r };
	FAULTS_OFF(guest_make(&r.g));
	r.g.lost = &lost;
	v = virtio_vsock_create(&c, &r.g.d.mem, r.g.loop, &r.dialer, e);
	code = v ? driver_try_plug(&r.g.d, v, e) : -e->code;
	if (code == 0) {
		if (start())
			use();
		if (lost.code == 0)
			FAULTS_OFF(use_again()); /* a reset cures it */
	}
	driver_done(&r.g.d);
	loop_destroy(r.g.loop);
	EXPECT(access(r.path, F_OK) < 0 || strcmp(faults_what(), "lstat") == 0);
	if (code == 0 && lost.code) {
		*e = lost;
		code = -lost.code;
	}
	return code;
}

TEST(sockets_between_guest_and_host_on_a_host_that_refuses)
{
	(void)snprintf(r.folder, sizeof(r.folder), "/tmp/test-vsock.XXXXXX");
	EXPECT(mkdtemp(r.folder));
	(void)snprintf(r.path, sizeof(r.path), "%s/v", r.folder);
	faults_sweep(vsock_scenario);
	EXPECT_EQ(rmdir(r.folder), 0);
}

TEST_MAIN(T(sockets_between_guest_and_host_on_a_host_that_refuses))
