/* SPDX-License-Identifier: Apache-2.0 */
#define ZLIB_CONST
#include "vmm/base/unpack.h"

#include "vmm/base/le.h"
#include "vmm/base/scope.h"

#include <limits.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define ZSTD_SKIPPABLE	    0x184d2a50U
#define ZSTD_SKIPPABLE_MASK 0xfffffff0U

/* inflateInit2(): the largest window, and a gzip header and trailer around the data. */
#define GZIP_WINDOW_BITS (15 + 16)

enum { CHUNK = 16 * 1024 };

static bool is_gzip(const uint8_t *p, size_t len)
{
	return len >= 2 && p[0] == 0x1f && p[1] == 0x8b;
}

static bool is_zstd(const uint8_t *p, size_t len)
{
	return len >= 4 && (le32_at(p) == ZSTD_MAGICNUMBER ||
			    (le32_at(p) & ZSTD_SKIPPABLE_MASK) == ZSTD_SKIPPABLE);
}

static bool is_xz(const uint8_t *p, size_t len)
{
	static const uint8_t magic[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };

	return len >= sizeof(magic) && memcmp(p, magic, sizeof(magic)) == 0;
}

enum packing unpack_sniff(const uint8_t *head, size_t len)
{
	if (is_gzip(head, len))
		return PACKED_GZIP;
	if (is_zstd(head, len))
		return PACKED_ZSTD;
	return is_xz(head, len) ? PACKED_XZ : PACKED_NOT;
}

const char *unpack_name(enum packing how)
{
	return how == PACKED_GZIP ? "gzip" : how == PACKED_ZSTD ? "zstd" : "xz";
}

static int truncated(const struct io_file *f, const char *how, struct err *e)
{
	return err_set(e, EINVAL, "%s: truncated: its %s data ends too early", f->name, how);
}

static int corrupt(const struct io_file *f, const char *how, const char *why, struct err *e)
{
	return err_set(e, EINVAL, "%s: corrupt %s data: %s", f->name, how,
		       why ? why : "no reason given");
}

static int too_much(const struct io_file *f, size_t room, struct err *e)
{
	return err_set(e, EFBIG, "%s: unpacks to more than %zu bytes", f->name, room);
}

/* --- gzip ------------------------------------------------------------------------------------- */

static void scope_inflate_end(z_stream *z)
{
	(void)inflateEnd(z);
}

#define auto_inflate __attribute__((cleanup(scope_inflate_end)))

/* Whether inflate()'s answer is one to go on after; if not, says why not. */
static int inflate_check(const struct io_file *f, const z_stream *z, int r, struct err *e)
{
	switch (r) {
	case Z_OK:
	case Z_STREAM_END:
	case Z_BUF_ERROR: /* no room or no input: for the caller to see */
		return 0;
	case Z_MEM_ERROR:
		return err_set(e, ENOMEM, "%s: no memory to unpack it", f->name);
	case Z_NEED_DICT:
		return corrupt(f, "gzip", "it wants a dictionary", e);
	default:
		return corrupt(f, "gzip", z->msg, e);
	}
}

static uInt clamp(size_t len)
{
	return len < UINT_MAX ? (uInt)len : UINT_MAX;
}

static int gzip_all(const struct io_file *f, const uint8_t *src, size_t len, uint8_t *dst,
		    size_t room, size_t *got, struct err *e)
{
	auto_inflate z_stream z = { .next_in = src, .next_out = dst };

	if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
		return err_set(e, ENOMEM, "%s: no memory to unpack it", f->name);
	for (;;) {
		size_t left = len - (size_t)(z.next_in - src);
		size_t free_ = room - (size_t)(z.next_out - dst);
		uInt in = z.avail_in = clamp(left), out = z.avail_out = clamp(free_);
		int r = inflate(&z, Z_FINISH); /* spares zlib a window of its own */
		int err = inflate_check(f, &z, r, e);

		if (err)
			return err;
		*got = (size_t)(z.next_out - dst);
		left -= in - z.avail_in;
		if (r == Z_STREAM_END) {
			if (!is_gzip(z.next_in, left))
				return 0;
			(void)inflateReset(&z);
		} else if (left == 0) {
			return truncated(f, "gzip", e);
		} else if (z.avail_in == in && z.avail_out == out) {
			return too_much(f, room, e);
		}
	}
}

static int gzip_head(const struct io_file *f, const struct packed *p, uint8_t *chunk, uint8_t *dst,
		     size_t len, size_t *got, struct err *e)
{
	auto_inflate z_stream z = { .next_out = dst, .avail_out = clamp(len) };
	uint64_t done = 0;
	int r = Z_OK;

	if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
		return err_set(e, ENOMEM, "%s: no memory to unpack it", f->name);
	while (r != Z_STREAM_END && z.avail_out) {
		size_t n = p->len - done < CHUNK ? (size_t)(p->len - done) : CHUNK;
		int err;

		if (n == 0)
			return truncated(f, "gzip", e);
		err = io_read_at(f, p->at + done, chunk, n, e);
		if (err)
			return err;
		done += n;
		z.next_in = chunk;
		z.avail_in = (uInt)n;
		r = inflate(&z, Z_NO_FLUSH);
		err = inflate_check(f, &z, r, e);
		if (err)
			return err;
	}
	*got = len - z.avail_out;
	return 0;
}

/* --- zstd ------------------------------------------------------------------------------------- */

static void scope_free_dctx(ZSTD_DCtx **d)
{
	(void)ZSTD_freeDCtx(*d);
}

#define auto_dctx __attribute__((cleanup(scope_free_dctx)))

static int zstd_error(const struct io_file *f, size_t r, size_t room, struct err *e)
{
	ZSTD_ErrorCode code = ZSTD_getErrorCode(r);

	if (code == ZSTD_error_srcSize_wrong)
		return truncated(f, "zstd", e);
	if (code == ZSTD_error_dstSize_tooSmall)
		return too_much(f, room, e);
	if (code == ZSTD_error_memory_allocation)
		return err_set(e, ENOMEM, "%s: no memory to unpack it", f->name);
	if (code == ZSTD_error_frameParameter_windowTooLarge)
		return err_set(e, EINVAL,
			       "%s: zstd data with a window of more than 128 MiB: "
			       "compress it without --long",
			       f->name);
	return corrupt(f, "zstd", ZSTD_getErrorName(r), e);
}

/* Frame by frame, each into its final place: that needs no window beside it. */
static int zstd_all(const struct io_file *f, const uint8_t *src, size_t len, uint8_t *dst,
		    size_t room, size_t *got, struct err *e)
{
	auto_dctx ZSTD_DCtx *d = ZSTD_createDCtx();

	if (!d)
		return err_set(e, ENOMEM, "%s: no memory to unpack it", f->name);
	*got = 0;
	do {
		size_t frame = ZSTD_findFrameCompressedSize(src, len), r;

		if (ZSTD_isError(frame))
			return zstd_error(f, frame, room, e);
		r = ZSTD_decompressDCtx(d, dst + *got, room - *got, src, frame);
		if (ZSTD_isError(r))
			return zstd_error(f, r, room, e);
		*got += r;
		src += frame;
		len -= frame;
	} while (is_zstd(src, len));
	return 0;
}

static int zstd_head(const struct io_file *f, const struct packed *p, uint8_t *chunk, uint8_t *dst,
		     size_t len, size_t *got, struct err *e)
{
	auto_dctx ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_outBuffer out = { .dst = dst, .size = len };
	uint64_t done = 0;
	size_t r = 1; /* 0 at the end of a frame */

	if (!d)
		return err_set(e, ENOMEM, "%s: no memory to unpack it", f->name);
	/* To the end of a frame that held something; skippable ones do not. */
	while (out.pos < out.size && (r != 0 || out.pos == 0)) {
		size_t n = p->len - done < CHUNK ? (size_t)(p->len - done) : CHUNK;
		ZSTD_inBuffer in = { .src = chunk, .size = n };
		int err;

		if (n == 0)
			return truncated(f, "zstd", e);
		err = io_read_at(f, p->at + done, chunk, n, e);
		if (err)
			return err;
		done += n;
		while (in.pos < in.size && out.pos < out.size && (r != 0 || out.pos == 0)) {
			r = ZSTD_decompressStream(d, &out, &in);
			if (ZSTD_isError(r))
				return zstd_error(f, r, len, e);
		}
	}
	*got = out.pos;
	return 0;
}

/* --- xz --------------------------------------------------------------------------------------- */

/* What a decoder may take, most of it for its dictionary. */
#define XZ_MEMORY (128 * MiB)

static void scope_lzma_end(lzma_stream *z)
{
	lzma_end(z);
}

#define auto_lzma __attribute__((cleanup(scope_lzma_end)))

static int xz_error(const struct io_file *f, lzma_ret r, struct err *e)
{
	switch ((int)r) {
	case LZMA_MEM_ERROR:
		return err_set(e, ENOMEM, "%s: no memory to unpack it", f->name);
	case LZMA_MEMLIMIT_ERROR:
		return err_set(e, EINVAL,
			       "%s: xz data that takes more than 128 MiB to unpack: compress it "
			       "with a smaller dictionary (xz -8)",
			       f->name);
	case LZMA_OPTIONS_ERROR:
		return corrupt(f, "xz", "it uses a filter that is not known here", e);
	case LZMA_DATA_ERROR:
		return corrupt(f, "xz", "its data or checksum is wrong", e);
	default:
		return corrupt(f, "xz", NULL, e);
	}
}

/* Stream by stream, as a decoder does not say where padding begins. */
static int xz_all(const struct io_file *f, const uint8_t *src, size_t len, uint8_t *dst,
		  size_t room, size_t *got, struct err *e)
{
	auto_lzma lzma_stream z = LZMA_STREAM_INIT;

	z.next_in = src;
	z.avail_in = len;
	z.next_out = dst;
	z.avail_out = room;
	do {
		lzma_ret r = lzma_stream_decoder(&z, XZ_MEMORY, 0);

		while (r == LZMA_OK)
			r = lzma_code(&z, LZMA_FINISH);
		*got = room - z.avail_out;
		if (r == LZMA_BUF_ERROR)
			return z.avail_in ? too_much(f, room, e) : truncated(f, "xz", e);
		if (r != LZMA_STREAM_END)
			return xz_error(f, r, e);
	} while (is_xz(z.next_in, z.avail_in));
	return 0;
}

static int xz_head(const struct io_file *f, const struct packed *p, uint8_t *chunk, uint8_t *dst,
		   size_t len, size_t *got, struct err *e)
{
	auto_lzma lzma_stream z = LZMA_STREAM_INIT;
	lzma_ret r = lzma_stream_decoder(&z, XZ_MEMORY, 0);
	uint64_t done = 0;

	z.next_out = dst;
	z.avail_out = len;
	while (r == LZMA_OK && z.avail_out) {
		size_t n = p->len - done < CHUNK ? (size_t)(p->len - done) : CHUNK;
		int err;

		if (n == 0)
			return truncated(f, "xz", e);
		err = io_read_at(f, p->at + done, chunk, n, e);
		if (err)
			return err;
		done += n;
		z.next_in = chunk;
		z.avail_in = n;
		while (r == LZMA_OK && z.avail_in && z.avail_out)
			r = lzma_code(&z, LZMA_RUN);
	}
	if (r != LZMA_OK && r != LZMA_STREAM_END)
		return xz_error(f, r, e);
	*got = len - z.avail_out;
	return 0;
}

/* --- all -------------------------------------------------------------------------------------- */

int unpack_head(const struct io_file *f, const struct packed *p, uint8_t *dst, size_t len,
		size_t *got, struct err *e)
{
	auto_free uint8_t *chunk = malloc(CHUNK);

	*got = 0;
	if (!chunk)
		return err_set(e, ENOMEM, "%s: no memory to unpack it", f->name);
	if (p->how == PACKED_GZIP)
		return gzip_head(f, p, chunk, dst, len, got, e);
	if (p->how == PACKED_ZSTD)
		return zstd_head(f, p, chunk, dst, len, got, e);
	return xz_head(f, p, chunk, dst, len, got, e);
}

int unpack_all(const struct io_file *f, const struct packed *p, uint8_t *dst, size_t room,
	       size_t *got, struct err *e)
{
	auto_bytes struct io_bytes src = { NULL, 0 };
	int err;

	*got = 0;
	err = io_load(f, p->at, p->len, &src, e);
	if (err)
		return err;
	if (p->how == PACKED_GZIP)
		return gzip_all(f, src.data, src.len, dst, room, got, e);
	if (p->how == PACKED_ZSTD)
		return zstd_all(f, src.data, src.len, dst, room, got, e);
	return xz_all(f, src.data, src.len, dst, room, got, e);
}
