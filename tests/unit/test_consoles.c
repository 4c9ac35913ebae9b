/* SPDX-License-Identifier: Apache-2.0 */
/* Which console or port is meant when the host's end of one cannot be opened. */
#include "tests/lib/test.h"
#include "vmm/consoles.h"

#include <errno.h>

static char here[] = "/nowhere/x";
static struct port_config ports[] = {
	{ .name = (char[]){ "first" }, .kind = CHARDEV_NULL },
	{ .name = (char[]){ "agent" }, .kind = CHARDEV_SOCKET, .path = here },
};

/* What is said of @c, which has something in a folder that is not there. */
static const char *refused(const struct vm_config *c)
{
	static struct err e;
	struct loop *l = loop_create(&e);
	struct consoles s = { .serial = NULL };

	EXPECT(l != NULL);
	EXPECT_EQ(consoles_open(&s, c, NULL, l, &e), -ENOENT);
	consoles_close(&s);
	loop_destroy(l);
	return e.text;
}

TEST(what_cannot_be_opened_is_said_with_whose_it_is)
{
	struct vm_config c = { .con = { .kind = CHARDEV_FILE, .path = here } };

	EXPECT_STR(refused(&c), "console: /nowhere/x: No such file or directory");
	c.con = (struct console_config){ .kind = CHARDEV_NULL };
	c.hvc = (struct console_config){ .kind = CHARDEV_SOCKET, .path = here };
	EXPECT_STR(refused(&c), "hvc: socket /nowhere/x: No such file or directory");
	c.hvc = (struct console_config){ .kind = CHARDEV_NONE };
	c.ports = (struct key_objects){ .at = ports, .nr = ARRAY_SIZE(ports) };
	EXPECT_STR(refused(&c), "port agent: socket /nowhere/x: No such file or directory");
	ports[1].kind = CHARDEV_FILE;
	EXPECT_STR(refused(&c), "port agent: /nowhere/x: No such file or directory");
}

TEST_MAIN(T(what_cannot_be_opened_is_said_with_whose_it_is))
