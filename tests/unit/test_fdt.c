/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/pvpanic.h"
#include "fdt/fdt.h"
#include "tests/lib/fake_chardev.h"
#include "tests/lib/fake_irq.h"
#include "tests/lib/fake_loop.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct fdt *start(void)
{
	struct err e;
	struct fdt *t = fdt_start(&e);

	EXPECT(t != NULL);
	return t;
}

/* The finished tree, which libfdt says is well formed. */
static const void *done(struct fdt *t, size_t *size)
{
	const void *blob;
	struct err e;

	EXPECT_EQ(fdt_done(t, &blob, size, &e), 0);
	EXPECT_EQ(fdt_check_full(blob, *size), 0);
	EXPECT_EQ(fdt_totalsize(blob), *size);
	return blob;
}

/* Expects property @name of the node at @path to be @want, @len bytes. */
static void expect_prop(const void *blob, const char *path, const char *name, const void *want,
			size_t len)
{
	int node = fdt_path_offset(blob, path), got_len;
	const void *got;

	EXPECT(node >= 0);
	got = fdt_getprop(blob, node, name, &got_len);
	if (!got)
		test_fail(__FILE__, __LINE__, "%s has no %s", path, name);
	if ((size_t)got_len != len || memcmp(got, want, len) != 0)
		test_fail(__FILE__, __LINE__, "%s: %s differs", path, name);
}

/* A literal without its terminator, so that what is compared is spelled out. */
#define EXPECT_PROP(blob, path, name, bytes)                                                       \
	expect_prop((blob), (path), (name), (bytes), sizeof(bytes) - 1)

TEST(fdt_writes_every_kind_of_property_in_big_endian)
{
	struct fdt *t = start();
	const void *b;
	size_t size;

	fdt_empty(t, "empty");
	fdt_u32(t, "u32", 0x01020304);
	fdt_u64(t, "u64", 0x0102030405060708);
	fdt_str(t, "str", "one");
	FDT_STRS(t, "strs", "one", "", "three");
	fdt_bytes(t, "bytes", "\1\0\2", 3);
	FDT_CELLS(t, "cells", 1, 0xffffffff);
	fdt_node_at(t, "dev", 0xabcdef012345);
	fdt_reg(t, 0xabcdef012345, 0x100000000);
	fdt_spi(t, 33);
	fdt_end(t);
	fdt_node(t, "plain");
	fdt_spi_edge(t, 16);
	fdt_node(t, "child");
	fdt_end(t);
	fdt_end(t);
	b = done(t, &size);
	EXPECT_PROP(b, "/", "empty", "");
	EXPECT_PROP(b, "/", "u32", "\1\2\3\4");
	EXPECT_PROP(b, "/", "u64", "\1\2\3\4\5\6\7\10");
	EXPECT_PROP(b, "/", "str", "one\0");
	EXPECT_PROP(b, "/", "strs", "one\0\0three\0");
	EXPECT_PROP(b, "/", "bytes", "\1\0\2");
	EXPECT_PROP(b, "/", "cells", "\0\0\0\1\377\377\377\377");
	EXPECT_PROP(b, "/dev@abcdef012345", "reg", "\0\0\xab\xcd\xef\1\x23\x45\0\0\0\1\0\0\0\0");
	EXPECT_PROP(b, "/dev@abcdef012345", "interrupts", "\0\0\0\0\0\0\0\41\0\0\0\4");
	EXPECT_PROP(b, "/plain", "interrupts", "\0\0\0\0\0\0\0\20\0\0\0\1");
	EXPECT(fdt_path_offset(b, "/plain/child") >= 0);
	fdt_free(t);
}

TEST(fdt_grows_from_a_page_to_whatever_is_written)
{
	static char big[70000];
	struct fdt *t = start();
	const void *b;
	size_t size;

	memset(big, 'b', sizeof(big));
	for (unsigned i = 0; i < 600; i++) {
		fdt_node_at(t, "cpu", i);
		FDT_STRS(t, "compatible", "arm,armv8");
		fdt_u32(t, "reg", i);
		fdt_end(t);
	}
	fdt_node(t, "chosen");
	fdt_bytes(t, "big", big, sizeof(big));
	fdt_end(t);
	b = done(t, &size);
	expect_prop(b, "/chosen", "big", big, sizeof(big));
	EXPECT_PROP(b, "/cpu@257", "reg", "\0\0\2\127");
	EXPECT_PROP(b, "/cpu@0", "reg", "\0\0\0\0");
	fdt_free(t);
}

TEST(fdt_reports_the_first_error_with_its_node)
{
	static char big[1 << 20];
	struct fdt *t = start();
	const void *blob;
	size_t size;
	struct err e;

	fdt_node(t, "soc");
	fdt_node_at(t, "first", 0x10);
	for (unsigned i = 0; i < 3; i++)
		fdt_bytes(t, "big", big, sizeof(big));
	fdt_end(t);
	fdt_node(t, "second");
	fdt_str(t, "model", "x");
	fdt_end(t);
	fdt_end(t);
	EXPECT_EQ(fdt_done(t, &blob, &size, &e), -E2BIG);
	EXPECT_STR(e.text, "device tree: node /soc/first@10: tree larger than 2097152 bytes");
	fdt_free(t);
	fdt_free(NULL);
}

static void on_event(void *ctx, unsigned events)
{
	(void)ctx;
	(void)events;
}

/* A tree with what the devices' nodes refer to, and the devices. */
static struct fdt *machine(void)
{
	static struct chardev chr;
	static struct loop loop;
	static struct fake_irq irq[3];
	struct fdt *t = start();
	struct device *d[4];
	struct err e;

	fake_chardev_init(&chr, 0);
	fake_loop_init(&loop);
	fake_irq_init(&irq[0], 1);
	fake_irq_init(&irq[1], 2);
	fake_irq_init(&irq[2], 7);
	d[0] = pl011_create(0x9000000, 0x1000, &irq[0].line, &chr, &e);
	d[1] = pl031_create(0x9010000, 0x1000, &irq[1].line, &loop, &e);
	d[2] = pl061_create(0x9030000, 0x1000, &irq[2].line, &loop, &e);
	d[3] = pvpanic_create(0x9070000, 0x2, on_event, NULL, &e);

	fdt_str(t, "model", "test");
	fdt_str(t, "compatible", "test,test");
	fdt_u32(t, "#address-cells", 2);
	fdt_u32(t, "#size-cells", 2);
	fdt_u32(t, "interrupt-parent", FDT_PHANDLE_GIC);
	fdt_node_at(t, "intc", 0x8000000);
	fdt_str(t, "compatible", "arm,gic-v3");
	fdt_reg(t, 0x8000000, 0x10000);
	fdt_empty(t, "interrupt-controller");
	fdt_u32(t, "#interrupt-cells", 3);
	fdt_u32(t, "#address-cells", 2);
	fdt_u32(t, "#size-cells", 2);
	fdt_empty(t, "ranges");
	fdt_u32(t, "phandle", FDT_PHANDLE_GIC);
	fdt_end(t);
	fdt_node(t, "apb-pclk");
	fdt_str(t, "compatible", "fixed-clock");
	fdt_u32(t, "#clock-cells", 0);
	fdt_u32(t, "clock-frequency", 24000000);
	fdt_str(t, "clock-output-names", "clk24mhz");
	fdt_u32(t, "phandle", FDT_PHANDLE_CLOCK);
	fdt_end(t);
	for (size_t i = 0; i < ARRAY_SIZE(d); i++) {
		EXPECT(d[i] != NULL);
		d[i]->ops->describe(d[i], t);
		device_destroy(d[i]);
	}
	return t;
}

TEST(fdt_nodes_of_the_devices_say_what_drivers_look_for)
{
	struct fdt *t = machine();
	size_t size;
	const void *b = done(t, &size);

	EXPECT_PROP(b, "/pl011@9000000", "compatible", "arm,pl011\0arm,primecell\0");
	EXPECT_PROP(b, "/pl011@9000000", "reg", "\0\0\0\0\x9\0\0\0\0\0\0\0\0\0\x10\0");
	EXPECT_PROP(b, "/pl011@9000000", "interrupts", "\0\0\0\0\0\0\0\1\0\0\0\4");
	EXPECT_PROP(b, "/pl011@9000000", "clocks", "\0\0\0\3\0\0\0\3");
	EXPECT_PROP(b, "/pl011@9000000", "clock-names", "uartclk\0apb_pclk\0");

	EXPECT_PROP(b, "/pl031@9010000", "arm,primecell-periphid", "\0\x14\x10\x31");
	EXPECT_PROP(b, "/pl031@9010000", "compatible", "arm,pl031\0arm,primecell\0");
	EXPECT_PROP(b, "/pl031@9010000", "interrupts", "\0\0\0\0\0\0\0\2\0\0\0\4");
	EXPECT_PROP(b, "/pl031@9010000", "clock-names", "apb_pclk\0");

	EXPECT_PROP(b, "/pl061@9030000", "compatible", "arm,pl061\0arm,primecell\0");
	EXPECT_PROP(b, "/pl061@9030000", "interrupts", "\0\0\0\0\0\0\0\7\0\0\0\4");
	EXPECT_PROP(b, "/pl061@9030000", "gpio-controller", "");
	EXPECT_PROP(b, "/pl061@9030000", "#gpio-cells", "\0\0\0\2");
	EXPECT_PROP(b, "/pl061@9030000", "gpio-reserved-ranges",
		    "\0\0\0\0\0\0\0\3\0\0\0\4\0\0\0\4");
	EXPECT_PROP(b, "/pl061@9030000", "phandle", "\0\0\0\4");

	EXPECT_PROP(b, "/gpio-keys", "compatible", "gpio-keys\0");
	EXPECT_PROP(b, "/gpio-keys/poweroff", "linux,code", "\0\0\0\164");
	EXPECT_PROP(b, "/gpio-keys/poweroff", "gpios", "\0\0\0\4\0\0\0\3\0\0\0\0");

	EXPECT_PROP(b, "/pvpanic@9070000", "compatible", "qemu,pvpanic-mmio\0");
	EXPECT_PROP(b, "/pvpanic@9070000", "reg", "\0\0\0\0\x9\7\0\0\0\0\0\0\0\0\0\2");
	fdt_free(t);
}

TEST(fdt_nodes_of_the_devices_leave_dtc_nothing_to_say)
{
	char path[] = "/tmp/test_fdt.XXXXXX", command[128], said[4096];
	struct fdt *t = machine();
	size_t size;
	const void *b = done(t, &size);
	int fd = mkstemp(path);
	FILE *out;

	EXPECT(fd >= 0);
	EXPECT_EQ(write(fd, b, size), size);
	EXPECT_EQ(close(fd), 0);
	(void)snprintf(command, sizeof(command), "dtc -I dtb -O dtb -o /dev/null %s 2>&1", path);
	if (system("command -v dtc >/dev/null") != 0) {
		(void)unlink(path);
		test_skip("dtc is not installed (package device-tree-compiler)");
	}
	out = popen(command, "r");
	EXPECT(out != NULL);
	size = fread(said, 1, sizeof(said) - 1, out);
	said[size] = '\0';
	(void)unlink(path);
	EXPECT_STR(said, "");
	EXPECT_EQ(pclose(out), 0);
	fdt_free(t);
}

TEST_MAIN(T(fdt_writes_every_kind_of_property_in_big_endian),
	  T(fdt_grows_from_a_page_to_whatever_is_written),
	  T(fdt_reports_the_first_error_with_its_node),
	  T(fdt_nodes_of_the_devices_say_what_drivers_look_for),
	  T(fdt_nodes_of_the_devices_leave_dtc_nothing_to_say))
