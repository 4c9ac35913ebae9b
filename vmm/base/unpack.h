/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack: gzip (RFC 1952), zstd (RFC 8878) and xz (the .xz file format, 1.1.0) data in a file,
 * unpacked straight to where it is wanted and never beyond. Checksums are checked. Several members,
 * frames or streams in a row are one; bytes after the last that begin no other are ignored, as the
 * usual tools do with padding.
 */
#ifndef VMM_BASE_UNPACK_H
#define VMM_BASE_UNPACK_H

#include "vmm/base/io.h"

enum packing { PACKED_NOT, PACKED_GZIP, PACKED_ZSTD, PACKED_XZ };

/* A piece of a file. */
struct packed {
	enum packing how;
	uint64_t at, len; /* bytes, inside the file */
};

/* How data that begins with @head is packed, by its magic number. */
enum packing unpack_sniff(const uint8_t *head, size_t len);

/* "gzip", "zstd", "xz". */
const char *unpack_name(enum packing how);

/*
 * The first @len bytes of what @p holds, or as many as its first member, frame or stream has:
 * *@got. Reads no more of the file than that takes.
 */
int unpack_head(const struct io_file *f, const struct packed *p, uint8_t *dst, size_t len,
		size_t *got, struct err *e) MUST_CHECK;

/* All of it: *@got bytes. -EFBIG when it is more than @room; then @dst is full of its beginning. */
int unpack_all(const struct io_file *f, const struct packed *p, uint8_t *dst, size_t room,
	       size_t *got, struct err *e) MUST_CHECK;

#endif
