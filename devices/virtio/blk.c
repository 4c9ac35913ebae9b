/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/blk.h"

#include "devices/virtio/blk_parts.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BLOCK = 2 };

/*
 * Entries of a queue, and segments of one transfer: with a header and a status, 1 MiB in pages of
 * 4 KiB goes into one request.
 */
enum { QUEUE_SIZE = 512, SEGMENTS = 256 };

/* What the driver sees of the configuration space: as far as write zeroes. */
enum { SPACE_SIZE = 60 };

static_assert(offsetof(struct blk_space, unused1) + 3 == SPACE_SIZE, "as section 5.2.4 has it");

/* --- the options ----------------------------------------------------------------------------- */

static const char *const cache_names[] = { [DISK_WRITEBACK] = "writeback",
					   [DISK_WRITETHROUGH] = "writethrough",
					   [DISK_NONE] = "none",
					   NULL };

static const char *const engine_names[] = {
	[DISK_AUTO] = "auto", [DISK_URING] = "io_uring", [DISK_THREADS] = "threads", NULL
};

#define AT(field) .offset = offsetof(struct virtio_blk_config, field)

const struct key virtio_blk_keys[] = {
	{
		.name = "path",
		.arg = "FILE",
		.help = "image file (raw) or block device",
		.type = KEY_STR,
		.required = true,
		.unnamed = true,
		.min = 1,
		AT(path),
	},
	{ .name = "ro", .help = "the guest cannot write", .type = KEY_BOOL, AT(ro) },
	{
		.name = "snapshot",
		.help = "the image stays as it is; changes end with vmm",
		.type = KEY_BOOL,
		AT(snapshot),
	},
	{
		.name = "cache",
		.help = "when a write is on the disk",
		.more = "writeback: the host's page cache; what the guest flushes is on the disk. "
			"writethrough: the same, and each write is on the disk when it is done. "
			"none: direct I/O.",
		.type = KEY_CHOICE,
		.choices = cache_names,
		AT(cache),
	},
	{
		.name = "queues",
		.arg = "N",
		.help = "request queues, each served by a thread",
		.type = KEY_U32,
		.min = 1,
		.max = VIRTIO_BLK_MAX_QUEUES,
		AT(queues),
	},
	{
		.name = "packed",
		.help = "offer packed rings beside split ones",
		.more = "Linux takes packed ones where it can.",
		.type = KEY_BOOL,
		AT(packed),
	},
	{
		.name = "discard",
		.help = "what the guest discards is freed on the host",
		.type = KEY_BOOL,
		AT(discard),
	},
	{
		.name = "serial",
		.arg = "TEXT",
		.help = "serial number that the guest sees, up to 20 bytes",
		.type = KEY_STR,
		.min = 1,
		AT(serial),
	},
	{
		.name = "id",
		.arg = "NAME",
		.help = "what messages call the disk",
		.type = KEY_STR,
		.min = 1,
		AT(id),
	},
	{
		.name = "aio",
		.help = "how the host's I/O is done",
		.more = "With auto, io_uring where the host allows it, else threads.",
		.type = KEY_CHOICE,
		.choices = engine_names,
		AT(engine),
	},
	{ 0 },
};

const struct virtio_blk_config virtio_blk_defaults = {
	.discard = true,
	.packed = true,
	.queues = 1,
};

/* --- the device ------------------------------------------------------------------------------ */

static struct blk *blk(struct virtio *v)
{
	return container_of(v, struct blk, v);
}

/* Without a FLUSH to ask for it, every write must be safe when it is done. */
static void decide_cache(struct blk *b)
{
	bool through = !virtio_has(&b->v, VIRTIO_BLK_F_FLUSH);

	if (virtio_has(&b->v, VIRTIO_BLK_F_CONFIG_WCE))
		through = !b->space.writeback;
	/* The disk itself writes through when it was asked to. */
	atomic_store(&b->write_through, through && b->write_back);
}

static void blk_config_write(struct virtio *v, uint32_t off, const void *from, uint32_t len)
{
	struct blk *b = blk(v);

	if (off != offsetof(struct blk_space, writeback) || len != 1 ||
	    !virtio_has(v, VIRTIO_BLK_F_CONFIG_WCE))
		return;
	b->space.writeback = *(const uint8_t *)from != 0;
	decide_cache(b);
}

static void blk_start(struct virtio *v)
{
	decide_cache(blk(v));
}

static void blk_queue_stopped(struct virtio *v, unsigned index)
{
	struct blk_queue *s = &blk(v)->serving[index];

	atomic_store(&s->abandon, true);
	queue_kick(s->queue);
	queue_drain(s->queue);
	atomic_store(&s->abandon, false);
}

static void blk_reset(struct virtio *v)
{
	struct blk *b = blk(v);

	b->space.writeback = b->write_back;
	atomic_store(&b->write_through, b->write_back); /* till the driver says what it can */
}

static void end_threads(struct blk *b)
{
	atomic_store(&b->ending, true);
	for (unsigned i = 0; i < b->nr; i++) {
		struct blk_queue *s = &b->serving[i];

		if (s->thread.begun)
			queue_kick(s->queue);
		thread_join(&s->thread);
	}
}

static void blk_destroy(struct virtio *v)
{
	struct blk *b = blk(v);

	end_threads(b);
	for (unsigned i = 0; i < b->nr; i++) {
		disk_queue_destroy(b->serving[i].host);
		queue_done(&b->queues[i]);
	}
	disk_close(b->disk);
	free(b->name);
	free(b);
}

static const struct virtio_ops blk_ops = {
	.name = "virtio-blk",
	.id = ID_BLOCK,
	.config_write = blk_config_write,
	.start = blk_start,
	.queue_stopped = blk_queue_stopped,
	.reset = blk_reset,
	.destroy = blk_destroy,
};

/* --- making it ------------------------------------------------------------------------------- */

static uint32_t log2_of(uint32_t v)
{
	uint32_t n = 0;

	while (v >>= 1)
		n++;
	return n;
}

static void describe_disk(struct blk *b)
{
	const struct disk *d = b->disk;
	const uint32_t block = d->logical_block;
	uint32_t align = d->discard_granularity / SECTOR, min_io = d->min_io / block;

	if (min_io > UINT16_MAX)
		min_io = 0; /* not known, rather than cut to another */
	atomic_store(&b->sectors, d->size / SECTOR);
	b->space = (struct blk_space){
		.capacity = le64_of(d->size / SECTOR),
		.seg_max = le32_of(SEGMENTS),
		.blk_size = le32_of(block),
		.physical_block_exp = (uint8_t)log2_of(d->physical_block / block),
		.min_io_size = le16_of((uint16_t)min_io),
		.opt_io_size = le32_of(d->opt_io / block),
		.writeback = b->write_back,
		.num_queues = le16_of((uint16_t)b->nr),
		.max_discard_sectors = le32_of(MAX_DISCARD_SECTORS),
		.max_discard_seg = le32_of(1),
		.discard_sector_alignment = le32_of(align ? align : 1),
		.max_write_zeroes_sectors = le32_of(MAX_ZERO_SECTORS),
		.max_write_zeroes_seg = le32_of(1),
		.write_zeroes_may_unmap = d->can_discard,
	};
}

static uint64_t features(const struct blk *b)
{
	const struct disk *d = b->disk;
	uint64_t f = 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
		     1ULL << VIRTIO_BLK_F_TOPOLOGY;

	if (b->nr > 1)
		f |= 1ULL << VIRTIO_BLK_F_MQ;
	if (d->ro)
		return f | 1ULL << VIRTIO_BLK_F_RO;
	if (b->write_back)
		f |= 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_CONFIG_WCE;
	if (d->can_discard)
		f |= 1ULL << VIRTIO_BLK_F_DISCARD;
	return f | 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
}

static int create_queue(struct blk *b, unsigned i, struct gmem *mem, struct err *e)
{
	struct blk_queue *s = &b->serving[i];
	int code;

	s->blk = b;
	s->queue = &b->queues[i];
	s->done_tail = &s->done;
	code = queue_init(s->queue, &b->v, mem, i, QUEUE_SIZE, SEGMENTS + 2, blk_own_size, e);
	if (code)
		return code;
	b->nr = i + 1;
	s->host = disk_queue_create(b->disk, QUEUE_SIZE, e);
	if (!s->host)
		return -e->code;
	s->thread = (struct thread){ .kind = THREAD_QUEUE, .run = blk_serve, .ctx = s };
	(void)snprintf(s->thread.name, sizeof(s->thread.name), "disk/%u", i);
	code = thread_start(&s->thread, e);
	return code ? err_ctx(e, "disk %s", b->name) : 0;
}

static struct disk_config host_config(const struct virtio_blk_config *c)
{
	return (struct disk_config){
		.path = c->path,
		.ro = c->ro,
		.snapshot = c->snapshot,
		.discard = c->discard,
		.cache = c->cache,
		.engine = c->engine,
	};
}

int virtio_blk_check(const struct virtio_blk_config *c, size_t nr, struct err *e)
{
	int code = 0;

	for (size_t i = 1; i < nr; i++) {
		const struct disk_config b = host_config(&c[i]);

		for (size_t j = 0; code == 0 && j < i; j++) {
			const struct disk_config a = host_config(&c[j]);

			code = disk_check_pair(&a, &b, e);
		}
	}
	return code;
}

static int open_disk(struct blk *b, const struct virtio_blk_config *c, struct err *e)
{
	const struct disk_config host = host_config(c);

	b->disk = disk_open(&host, e);
	if (!b->disk)
		return -e->code;
	b->write_back = c->cache != DISK_WRITETHROUGH;
	atomic_store(&b->write_through, b->write_back);
	b->name = strdup(c->id ? c->id : c->path);
	if (!b->name)
		return err_set(e, ENOMEM, "out of memory");
	if (c->serial)
		memcpy(b->serial, c->serial, strnlen(c->serial, SERIAL_LEN));
	return 0;
}

struct virtio *virtio_blk_create(const struct virtio_blk_config *c, struct gmem *mem,
				 const struct virtio_blk_events *events, struct err *e)
{
	struct blk *b = calloc(1, sizeof(*b));
	int code;

	if (!b) {
		(void)err_set(e, ENOMEM, "disk %s: out of memory", c->path);
		return NULL;
	}
	b->events = *events;
	code = open_disk(b, c, e);
	for (unsigned i = 0; code == 0 && i < c->queues; i++)
		code = create_queue(b, i, mem, e);
	if (code) {
		blk_destroy(&b->v);
		return NULL;
	}
	describe_disk(b);
	virtio_init(&b->v, &blk_ops, features(b), &b->space, SPACE_SIZE, b->queues, b->nr);
	if (!c->packed)
		b->v.offered &= ~VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	return &b->v;
}

void virtio_blk_look_at_size(struct virtio *v)
{
	struct blk *b = blk(v);

	LOCK_SCOPE(v->lock);
	const int changed = disk_look_at_size(b->disk);

	if (changed < 0)
		log_warn("disk %s: its size cannot be read: %s", b->name, strerror(-changed));
	if (changed != 1)
		return;
	atomic_store(&b->sectors, b->disk->size / SECTOR);
	b->space.capacity = le64_of(b->disk->size / SECTOR);
	virtio_config_changed(v);
}
