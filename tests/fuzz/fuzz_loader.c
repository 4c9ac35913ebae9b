/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a kernel file: sniffed, placed in a RAM whose size the first two bytes choose, and
 * loaded into memory that ends exactly where its room does.
 */
#include "arch/arm64/boot/place.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_one(const uint8_t *data, size_t len)
{
	struct io_file f = { .fd = -1, .name = "fuzz" };
	struct boot_layout at;
	struct image im;
	struct boot_input in = {
		.ram_base = 0x40000000, .image = &im, .initrd_size = 5000, .dtb_size = 9000
	};
	struct err e;

	if (len < 2)
		return;
	in.ram_size = ((uint64_t)data[0] + 1) * 64 * KiB << (data[1] & 3);
	data += 2;
	len -= 2;
	f.fd = memfd_create("fuzz", MFD_CLOEXEC);
	assert(f.fd >= 0);
	f.size = len;
	if (io_write(f.fd, data, len) == 0 && image_sniff(&im, &f, &e) == 0 &&
	    boot_place(&in, &at, &e) == 0) {
		void *room = malloc(at.kernel_room); /* its end is where ASan looks */

		assert(room && at.kernel_room >= im.size);
		if (image_load(&im, &f, room, at.kernel_room, false, &e) < 0)
			assert(e.text[0] && !strchr(e.text, '\n'));
		free(room);
	}
	io_close(&f);
}
