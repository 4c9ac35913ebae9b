/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/boot/foreign.h"

#include "vmm/base/le.h"

#include <elf.h>

struct magic {
	size_t at;
	const char *bytes;
	size_t len;
	const char *what;
};

/* clang-format off */
#define ROW(at, bytes, what) { at, bytes, sizeof(bytes) - 1, what }
#define UNPACK(name, tool) "is compressed with " name ", which vmm does not unpack: unpack it first (" tool ")"

static const struct magic magics[] = {
	ROW(0,     "BZh",		     UNPACK("bzip2", "bzip2 -d")),
	ROW(0,     "\x04\x22\x4d\x18",	     UNPACK("lz4", "lz4 -d")),
	ROW(0,     "\x02\x21\x4c\x18",	     UNPACK("lz4", "lz4 -d")),
	ROW(0,     "\x89LZO\0\r\n\x1a\n",    UNPACK("lzo", "lzop -d")),
	ROW(0,     "LZIP",		     UNPACK("lzip", "lzip -d")),
	ROW(0,     "\x5d\0\0",		     UNPACK("lzma", "xz -d --format=lzma")),
	ROW(0x202, "HdrS",		     "is an x86 kernel (bzImage): an arm64 one is needed"),
	ROW(56,    "RSC\x05",		     "is a RISC-V kernel: an arm64 one is needed"),
	ROW(0x24,  "\x01\x6f\x28\x18",	     "is a big-endian 32-bit ARM kernel (zImage): vmm boots little-endian ones"),
	ROW(0,     "\x27\x05\x19\x56",	     "is a U-Boot image (uImage): give the Image that it wraps"),
	ROW(0,     "\xd0\x0d\xfe\xed",	     "is a device tree or U-Boot FIT image: a device tree goes to --dtb, and of a FIT give the kernel in it"),
	ROW(0,     "ANDROID!",		     "is an Android boot image: give the kernel in it (unpack_bootimg)"),
	ROW(0,     "VNDRBOOT",		     "is an Android vendor boot image, which has no kernel in it"),
	ROW(0,     "070701",		     "is an initrd (cpio archive): give it with --initrd"),
	ROW(0,     "070702",		     "is an initrd (cpio archive): give it with --initrd"),
	ROW(0,     "070707",		     "is an initrd (cpio archive): give it with --initrd"),
	ROW(0,     "hsqs",		     "is a squashfs file system, not a kernel"),
	ROW(0x438, "\x53\xef",		     "is an ext4 file system, not a kernel"),
	ROW(0x200, "EFI PART",		     "is a disk image, not a kernel"),
	ROW(0,     "QFI\xfb",		     "is a qcow2 disk image, not a kernel"),
	ROW(0,     "!<arch>\n",		     "is an archive (a .deb package?): give the kernel in it"),
	ROW(0,     "\xed\xab\xee\xdb",	     "is an RPM package: give the kernel in it"),
	ROW(0,     "PK\x03\x04",	     "is a zip archive: give the kernel in it"),
	ROW(257,   "ustar",		     "is a tar archive: give the kernel in it"),
	ROW(0,     "\x1f\x8b",		     "is compressed with gzip: unpack it first (gzip -d)"),
	ROW(0,     "\x28\xb5\x2f\xfd",	     "is compressed with zstd: unpack it first (zstd -d)"),
	ROW(0,     "\xfd" "7zXZ\0",	     "is compressed with xz: unpack it first (xz -d)"),
	ROW(0,     "\x7f" "ELF",	     "is an ELF file: give it as it is"),
	ROW(0,     "#!",		     "is a script, not a kernel"),
	ROW(0,     "<!DOCTYPE",		     "is a web page (a download that failed?), not a kernel"),
	ROW(0,     "<html",		     "is a web page (a download that failed?), not a kernel"),
};
/* clang-format on */

const char *foreign_file(const uint8_t *head, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct magic *m = &magics[i];

		if (len >= m->at + m->len && memcmp(head + m->at, m->bytes, m->len) == 0)
			return m->what;
	}
	return NULL;
}

const char *foreign_pe_machine(const uint8_t *head, size_t len)
{
	uint32_t pe;

	if (len < 0x40 || memcmp(head, "MZ", 2) != 0)
		return NULL;
	pe = le32_at(head + 0x3c);
	if (pe > len - 6 || memcmp(head + pe, "PE\0\0", 4) != 0)
		return NULL;
	switch (le16_at(head + pe + 4)) {
	case 0xaa64:
		return "arm64";
	case 0x8664:
		return "x86-64";
	case 0x014c:
		return "32-bit x86";
	case 0x01c0 ... 0x01c4:
		return "32-bit ARM";
	case 0x5032:
	case 0x5064:
		return "RISC-V";
	case 0x6232:
	case 0x6264:
		return "LoongArch";
	default:
		return "an unknown machine";
	}
}

const char *foreign_elf_machine(unsigned machine)
{
	switch (machine) {
	case EM_AARCH64:
		return "arm64";
	case EM_X86_64:
		return "x86-64";
	case EM_386:
		return "32-bit x86";
	case EM_ARM:
		return "32-bit ARM";
	case EM_RISCV:
		return "RISC-V";
	case EM_LOONGARCH:
		return "LoongArch";
	case EM_PPC:
	case EM_PPC64:
		return "PowerPC";
	case EM_S390:
		return "s390";
	case EM_MIPS:
		return "MIPS";
	default:
		return "an unknown machine";
	}
}
