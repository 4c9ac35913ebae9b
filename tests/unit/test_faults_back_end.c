/* SPDX-License-Identifier: Apache-2.0 */
/* A host that refuses, under a device that a back end of our own serves, in a thread. */
#include "devices/virtio/vhost_user_parts.h"
#include "tests/lib/host_faults.h"
#include "tests/lib/vhost_back.h"
#include "tests/lib/virtio_guest.h"

#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 5000 };

static struct guest g;
static struct back b;
static struct virtio *v;
static struct err lost;
static unsigned asked;

/* A connection was lost: there is another at once. Not from inside. */
static void again(void *ctx UNUSED)
{
	asked++;
}

static void come_back(void)
{
	if (!asked)
		return;
	asked = 0;
	back_kill(&b);
	vhost_user_up(v, back_start(&b));
}

/* One request, and it is done, though the back end may have been lost in between. */
static void use(void)
{
	int64_t got = -1;

	memset(guest_buf(&g, 0), 3, 512);
	memset(guest_buf(&g, 2048), 0, 512);
	guest_add(&g, 0, (struct piece[]){ guest_out(0, 512), guest_in(2048, 512) }, 2);
	for (unsigned ms = 0; ms < WAIT_MS && lost.code == 0; ms++) {
		got = guest_take(&g, 0);
		if (got >= 0 || guest_needs_reset(&g))
			break;
		come_back();
		guest_turns(&g, 1);
		(void)usleep(ms < 50 ? 100 : 1000);
	}
	if (got >= 0)
		EXPECT(guest_buf(&g, 2048)[7] == (uint8_t)~3);
	else
		EXPECT(faults_hit());
	EXPECT(got >= 0 || lost.code || guest_needs_reset(&g));
}

static bool start(void)
{
	driver_write(&g.d, REG_STATUS, 0);
	driver_forget(&g.d);
	return driver_try_start(&g.d, 0, 16);
}

static void must_work(void)
{
	come_back();
	EXPECT(start());
	use();
	EXPECT(!guest_needs_reset(&g));
}

static int back_end_scenario(struct err *e)
{
	static const struct vhost_user_setup setup = { .name = "back end",
						       .type = VHOST_USER_BLK,
						       .again = again };
	int code;

	lost.code = 0;
	asked = 0;
	back_init(&b);
	FAULTS_OFF(guest_make(&g));
	g.lost = &lost;
	vhost_user_limit_ms = 10000;
	v = vhost_user_create(&setup, back_start(&b), &g.d.mem, g.loop, e);
	code = v ? driver_try_plug(&g.d, v, e) : -e->code;
	if (code == 0) {
		if (start())
			use();
		if (lost.code == 0)
			FAULTS_OFF(must_work());
	}
	driver_done(&g.d);
	loop_destroy(g.loop);
	back_kill(&b);
	if (code == 0 && lost.code) {
		*e = lost;
		code = -lost.code;
	}
	return code;
}

TEST(a_back_end_on_a_host_that_refuses)
{
	faults_sweep(back_end_scenario);
}

TEST_MAIN(T(a_back_end_on_a_host_that_refuses))
