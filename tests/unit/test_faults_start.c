/* SPDX-License-Identifier: Apache-2.0 */
/* A host that refuses, before the guest runs: options, kernels, archives, symbols, trees, logs. */
#include "arch/arm64/boot/boot.h"
#include "fdt/fdt.h"
#include "tests/lib/fake_disk.h"
#include "tests/lib/fake_elf.h"
#include "tests/lib/fake_kernel.h"
#include "tests/lib/fake_modules.h"
#include "tests/lib/host_faults.h"
#include "tests/lib/test.h"
#include "vmm/consoles.h"
#include "vmm/faults.h"
#include "vmm/initramfs/initramfs.h"
#include "vmm/options.h"

#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static struct fake_modules dir;

/* --- options --------------------------------------------------------------------------------- */

static char config_file[64];

static int options_scenario(struct err *e)
{
	static const char *const words[] = {
		"vmm",
		"run",
		"--config",
		config_file,
		"-k",
		"Image",
		"--disk",
		"a.img,serial=1,queues=2",
		"--disk",
		"path=b,ro",
		"--net",
		"user,forward=tcp:1:2",
		"--net",
		"tap=t0,mac=02:00:5e:10:00:01",
		"--port",
		"name=x,to=socket:/run/x",
		"--vsock",
		"cid=3,uds=/run/v",
		"--balloon",
		"size=1M",
		"--hole",
		"0x1000+4096=zero",
		"--share",
		"dir=/tmp,tag=t",
		"--watch",
		"0x40000000+8:rw",
		"--symbols",
		"vmlinux",
		"--trace",
		"mmio,psci",
		"--cpus",
		"4",
		"--pin",
		"0-3",
		"--cmdline",
		"a b",
		"--print-config",
		NULL,
	};
	static char out[65536];
	FILE *f = fmemopen(out, sizeof(out), "w"), *errors = fopen("/dev/null", "w");
	char *argv[ARRAY_SIZE(words)] = { NULL };
	int argc = 0, code, status = 0;
	struct options o;

	for (; words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	EXPECT(f && errors);
	code = options_parse(argc, argv, &o, e);
	if (code == 0) {
		EXPECT(options_answer(&o, f, errors, &status));
		EXPECT(status == 0 || faults_hit());
		EXPECT(status != 0 || strstr(o.config.kernel, "Image"));
		options_free(&o);
	}
	(void)fclose(f);
	(void)fclose(errors);
	return code;
}

TEST(options_on_a_host_that_refuses)
{
	fake_modules_create(&dir);
	put_text(&dir, "config",
		 "{ \"mem\": \"1G\", \"cpu\": { \"sve\": \"off\" }, \"disk\": [ "
		 "{ \"path\": \"c\", \"ro\": true } ], \"symbols\": [ \"x\" ] }\n");
	(void)snprintf(config_file, sizeof(config_file), "%s", fake_path(&dir, "config"));
	faults_sweep(options_scenario);
	fake_modules_destroy(&dir);
}

/* --- kernels --------------------------------------------------------------------------------- */

enum { IMAGE_LEN = 40000, IMAGE_MEM = 65536, RAM_LEN = 8 << 20 };
#define RAM_BASE UINT64_C(0x40000000)

static uint8_t image[IMAGE_LEN], packed[2 * IMAGE_LEN];
static const char *const kernels[] = { "Image", "Image.gz", "Image.zst", "Image.xz" };

/* An Image as the kernel's documentation has it, with something that packs behind the header. */
static void make_kernels(void)
{
	const uint64_t size = IMAGE_MEM, flags = 10;
	z_stream z = { .next_in = image, .avail_in = IMAGE_LEN };
	size_t len = 0;

	for (size_t i = 64; i < IMAGE_LEN; i++)
		image[i] = (uint8_t)(i * i >> 7 & 0x1f);
	memcpy(image, "MZ\x40\xfa", 4);
	memcpy(image + 16, &size, 8);
	memcpy(image + 24, &flags, 8);
	memcpy(image + 56, "ARM\x64", 4);
	put_file(&dir, kernels[0], image, IMAGE_LEN);
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	put_file(&dir, kernels[1], packed, sizeof(packed) - z.avail_out);
	(void)deflateEnd(&z);
	len = ZSTD_compress(packed, sizeof(packed), image, IMAGE_LEN, 1);
	EXPECT(!ZSTD_isError(len));
	put_file(&dir, kernels[2], packed, len);
	len = 0;
	EXPECT_EQ(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, image, IMAGE_LEN, packed, &len,
					  sizeof(packed)),
		  LZMA_OK);
	put_file(&dir, kernels[3], packed, len);
}

static uint8_t *guest_ram;

static int boot_one(const char *kernel, struct err *e)
{
	static uint8_t tree[4096];
	struct gmem_region r = {
		.base = RAM_BASE, .size = RAM_LEN, .host = guest_ram, .name = "RAM", .fd = -1
	};
	const struct image_cpu cpu = { .granules = GRANULE_4K };
	struct gmem mem = { .nr = 0 };
	struct boot b;
	int code = boot_open(&b, fake_path(&dir, kernel), fake_path(&dir, "initrd"), NULL, e);

	EXPECT_EQ(gmem_add(&mem, &r, e), 0);
	if (code)
		return code;
	memset(guest_ram, 0, RAM_LEN);
	code = boot_plan(&b, &cpu, RAM_BASE, RAM_LEN, sizeof(tree), e);
	if (code == 0)
		code = boot_load(&b, &mem, tree, sizeof(tree), true, e);
	if (code == 0)
		EXPECT_EQ(memcmp(guest_ram + (b.at.kernel - RAM_BASE), image, IMAGE_LEN), 0);
	boot_close(&b);
	return code;
}

static int boot_scenario(struct err *e)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(kernels); i++)
		code = boot_one(kernels[i], e);
	return code;
}

TEST(kernels_on_a_host_that_refuses)
{
	guest_ram = malloc(RAM_LEN);
	EXPECT(guest_ram != NULL);
	fake_modules_create(&dir);
	make_kernels();
	put_text(&dir, "initrd", "something for the guest");
	faults_sweep(boot_scenario);
	fake_modules_destroy(&dir);
	free(guest_ram);
}

/* --- the initramfs --------------------------------------------------------------------------- */

static bool warned;

static void on_warn(void *ctx UNUSED, const char *sentence)
{
	EXPECT(sentence[0] != '\0');
	warned = true;
}

static int initramfs_scenario(struct err *e)
{
	static char kernel[64], disk[64];
	const char *const disks[] = { disk };
	const struct initramfs_config c = {
		.kernel = kernel,
		.cmdline = "console=ttyAMA0 virtio_blk.queue_depth=8",
		.root = "LABEL=plain",
		.disks = disks,
		.nr_disks = 1,
		.devices = INITRAMFS_BLK | INITRAMFS_CONSOLE,
		.init = "the program",
		.init_len = 11,
		.warn = on_warn,
	};
	struct initramfs out;
	int code;

	warned = false;
	(void)snprintf(kernel, sizeof(kernel), "%s", fake_path(&dir, "pkg/boot/vmlinuz-6.1"));
	(void)snprintf(disk, sizeof(disk), "%s", fake_path(&dir, "a.img"));
	code = initramfs_make(&c, &out, e);
	if (code == 0) {
		EXPECT(out.fd >= 0 || warned);
		initramfs_free(&out);
	} else {
		/* What is short is memory; said once whose. */
		EXPECT(!strstr(e->text, "more than") && !strstr(e->text, "--root: --root"));
	}
	return code;
}

TEST(an_initramfs_on_a_host_that_refuses)
{
	struct fake_disk d;

	fake_modules_create(&dir);
	put_text(&dir, "pkg/boot/vmlinuz-6.1", "");
	put_text(&dir, "pkg/lib/modules/6.1/modules.builtin", "kernel/fs/btrfs/btrfs.ko\n");
	fake_module(&dir, "pkg/lib/modules/6.1/kernel/virtio.ko", "depends=");
	fake_module(&dir, "pkg/lib/modules/6.1/kernel/virtio_mmio.ko.gz", "depends=virtio");
	fake_module(&dir, "pkg/lib/modules/6.1/kernel/virtio_blk.ko.xz", "depends=virtio");
	fake_module(&dir, "pkg/lib/modules/6.1/kernel/virtio_console.ko.zst", "depends=virtio");
	fake_module(&dir, "pkg/lib/modules/6.1/kernel/ext4.ko", "depends=");
	fake_disk_create(&d);
	fake_gpt(&d, 512);
	fake_fs(&d, FAKE_PART_A, "ext4", "plain");
	put_file(&dir, "a.img", d.data, FAKE_DISK_SIZE);
	fake_disk_destroy(&d);
	faults_sweep(initramfs_scenario);
	fake_modules_destroy(&dir);
}

/* --- names for addresses --------------------------------------------------------------------- */

static struct fake_kernel *running;
static char elf_path[64], map_path[64];

static int symbols_scenario(struct err *e)
{
	const struct guest_reader mem = { .read = fake_kernel_read, .ctx = running };
	struct symbols *s = symbols_create(&mem);
	struct symbol_place place;
	struct symbol_text t;
	struct err problem;
	int code;

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	code = symbols_add(s, elf_path, NULL, e);
	if (code == 0)
		code = symbols_add(s, map_path, NULL, e);
	if (code == 0) {
		symbols_image(s, running->base, FAKE_SIZE);
		EXPECT(symbols_name(s, 0x401004, &t) || faults_hit());
		(void)symbols_name(s, UINT64_C(0xffffaa8262800000) + FAKE_PANIC, &t);
		EXPECT(symbols_find(s, "panic", &place) || faults_hit());
		while (symbols_problem(s, &problem))
			EXPECT(problem.text[0] && faults_hit());
	}
	symbols_destroy(s);
	return code;
}

TEST(symbols_on_a_host_that_refuses)
{
	const struct fake_config c = { .layout = LAYOUT_6_4,
				       .all = true,
				       .text_va = UINT64_C(0xffffaa8262800000) };
	static struct fake_elf elf;
	static const uint8_t code[256];

	running = fake_kernel_make(&c);
	fake_modules_create(&dir);
	fake_elf_init(&elf, false, ET_EXEC);
	fake_elf_symbol(&elf, "start", 0x401000, 16,
			fake_elf_section(&elf, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
					 0x401000, code, sizeof(code)),
			STT_FUNC, STB_GLOBAL);
	fake_elf_finish(&elf);
	put_file(&dir, "program", elf.b, elf.len);
	put_text(&dir, "System.map", "0000000000400000 T one\n0000000000400010 T two\n");
	(void)snprintf(elf_path, sizeof(elf_path), "%s", fake_path(&dir, "program"));
	(void)snprintf(map_path, sizeof(map_path), "%s", fake_path(&dir, "System.map"));
	faults_sweep(symbols_scenario);
	fake_modules_destroy(&dir);
	free(running);
}

/* --- the device tree ------------------------------------------------------------------------- */

static int fdt_scenario(struct err *e)
{
	static const uint8_t much[5000];
	struct fdt *t = fdt_start(e);
	const void *blob;
	size_t size;
	int code;

	if (!t)
		return -e->code;
	for (unsigned i = 0; i < 10; i++) { /* it grows on the way */
		fdt_node_at(t, "dev", i);
		fdt_bytes(t, "much", much, sizeof(much));
		fdt_end(t);
	}
	code = fdt_done(t, &blob, &size, e);
	EXPECT(code || size > 10 * sizeof(much));
	fdt_free(t);
	return code;
}

TEST(a_device_tree_on_a_host_that_refuses)
{
	faults_sweep(fdt_scenario);
}

/* --- reports --------------------------------------------------------------------------------- */

static int reports_scenario(struct err *e)
{
	const struct fault bad = { .pc = 0x1000, .cause = FAULT_NOTHING_THERE, .size = 4 };
	struct gmem mem = { .nr = 0 };
	struct vm_config c;
	struct faults f;
	int code;

	config_init(&c);
	c.fault_log = (char *)(uintptr_t)fake_path(&dir, "log");
	code = faults_create(&f, &c, &mem, e);
	if (code == 0) {
		const unsigned where = faults_count(&f, &bad);

		EXPECT(where != 0);
		faults_report(&f, where, &bad);
		faults_drain(&f);
		faults_summary(&f);
		faults_destroy(&f);
	}
	c.fault_log = NULL;
	config_free(&c);
	return code;
}

TEST(reports_on_a_host_that_refuses)
{
	fake_modules_create(&dir);
	faults_sweep(reports_scenario);
	fake_modules_destroy(&dir);
}

/* --- consoles -------------------------------------------------------------------------------- */

static int consoles_scenario(struct err *e)
{
	static char to[64], name[] = "agent";
	struct port_config port = { .name = name, .kind = CHARDEV_SOCKET, .path = to };
	struct vm_config c = { .con = { .kind = CHARDEV_PTY },
			       .hvc = { .kind = CHARDEV_NULL },
			       .ports = { .at = &port, .nr = 1 } };
	struct consoles s = { .serial = NULL };
	struct loop *l = loop_create(e);
	int code;

	if (!l)
		return -e->code;
	(void)snprintf(to, sizeof(to), "%s", fake_path(&dir, "agent"));
	code = consoles_open(&s, &c, NULL, l, e);
	consoles_close(&s);
	loop_destroy(l);
	EXPECT(access(to, F_OK) != 0 || strcmp(faults_what(), "lstat") == 0);
	return code;
}

TEST(consoles_on_a_host_that_refuses)
{
	fake_modules_create(&dir);
	faults_sweep(consoles_scenario);
	fake_modules_destroy(&dir);
}

TEST_MAIN(T(options_on_a_host_that_refuses), T(kernels_on_a_host_that_refuses),
	  T(an_initramfs_on_a_host_that_refuses), T(symbols_on_a_host_that_refuses),
	  T(a_device_tree_on_a_host_that_refuses), T(reports_on_a_host_that_refuses),
	  T(consoles_on_a_host_that_refuses))
