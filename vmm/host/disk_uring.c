/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast engine: one io_uring a queue. A round costs one system call, which submits, waits and
 * runs what the kernel deferred to us. The kick is waited for in the ring by a poll that stays: it
 * is edge-triggered, so neither a read of the eventfd nor a new poll follows a kick, and a kick
 * that comes while nobody waits is an entry in the completion ring.
 *
 * The ring starts disabled and belongs to the thread that first uses it (IORING_SETUP_SINGLE_ISSUER
 * binds it to who enables it). After that it takes only the operations listed here.
 */
#include "vmm/base/checked.h"
#include "vmm/host/disk_private.h"

#include <errno.h>
#include <liburing.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILE_IMAGE, FILE_OVERLAY };	 /* registered files */
enum { TAG_KICK = 1, TAG_FINISHED = 2 }; /* no addresses of requests: those are aligned */
enum { SQ_MAX = 256, WORKERS_MAX = 8 };

struct disk_uring {
	struct io_uring ring;
	bool enabled;		       /* by the thread that uses it */
	bool kick_armed, finish_armed; /* the polls stand */
	bool kicked;		       /* and nobody was told yet */
	int kick_fd;		       /* that is polled */
};

/* Newer kernels first. */
static const unsigned setups[] = {
	IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER |
		IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER,
	IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
	0,
};

/* IORING_FEAT_RSRC_TAGS came with the kernel that has the poll that stays. */
enum { FEATURES = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_RSRC_TAGS };

static int set_up(struct io_uring *ring, unsigned depth)
{
	int code = -EINVAL;

	if (depth < 8)
		depth = 8;
	for (size_t i = 0; i < ARRAY_SIZE(setups) && code == -EINVAL; i++) {
		struct io_uring_params p = {
			.flags = setups[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE |
				 IORING_SETUP_CLAMP,
			.cq_entries = 2 * depth,
		};

		code = io_uring_queue_init_params(depth < SQ_MAX ? depth : SQ_MAX, ring, &p);
		if (!code && (p.features & FEATURES) != FEATURES) {
			io_uring_queue_exit(ring);
			return -ENOSYS;
		}
	}
	return code;
}

/* liburing 2.3 as a shared library has no functions for two of these. 0 or -errno. */
static int do_register(const struct io_uring *ring, unsigned what, const void *arg, unsigned n)
{
	return syscall(SYS_io_uring_register, ring->ring_fd, what, arg, n) < 0 ? -errno : 0;
}

static int restrict_to_what_is_used(const struct io_uring *ring)
{
	static const uint8_t ops[] = { IORING_OP_READ,	 IORING_OP_WRITE, IORING_OP_READV,
				       IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_POLL_ADD };
	struct io_uring_restriction r[ARRAY_SIZE(ops) + 3] = {
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_UNREGISTER_RING_FDS },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_UNREGISTER_FILES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		r[i + 3] = (struct io_uring_restriction){ .opcode = IORING_RESTRICTION_SQE_OP,
							  .sqe_op = ops[i] };
	return do_register(ring, IORING_REGISTER_RESTRICTIONS, r, ARRAY_SIZE(r));
}

struct disk_uring *disk_uring_create(struct disk_queue *q, unsigned depth, struct err *e)
{
	const struct host_disk *d = q->disk;
	const int files[] = { d->fd, d->has_overlay ? d->overlay.fd : -1 };
	unsigned workers[2] = { WORKERS_MAX, WORKERS_MAX };
	struct disk_uring *r = calloc(1, sizeof(*r));
	int code;

	if (!r) {
		(void)err_set(e, ENOMEM, "io_uring: out of memory");
		return NULL;
	}
	code = set_up(&r->ring, depth);
	if (code) {
		(void)err_code(e, -code, "io_uring");
		free(r);
		return NULL;
	}
	code = io_uring_register_files(&r->ring, files, ARRAY_SIZE(files));
	if (!code)
		code = restrict_to_what_is_used(&r->ring);
	if (code) {
		(void)err_code(e, -code, "io_uring: set-up");
		disk_uring_destroy(r);
		return NULL;
	}
	/* Kernels before 5.15 do not know it, and make as many as they like. */
	(void)io_uring_register_iowq_max_workers(&r->ring, workers);
	r->kick_fd = -1;
	return r;
}

void disk_uring_destroy(struct disk_uring *r)
{
	if (!r)
		return;
	/* The ring itself ends some time later, and would keep the image open till then. */
	(void)do_register(&r->ring, IORING_UNREGISTER_FILES, NULL, 0);
	io_uring_queue_exit(&r->ring);
	free(r);
}

/* Takes possession. A kernel that does not let us leaves the queue to the pool. */
static NOINLINE bool enable(struct disk_queue *q)
{
	struct disk_uring *r = q->ring;

	(void)io_uring_register_ring_fd(&r->ring); /* saves looking the descriptor up */
	if (do_register(&r->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0)) {
		disk_uring_destroy(r);
		q->ring = NULL;
		return false;
	}
	r->enabled = true;
	return true;
}

/* NULL when the kernel takes no more now. */
static struct io_uring_sqe *get_sqe(struct disk_uring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);

	if (!sqe && io_uring_submit(&r->ring) > 0)
		sqe = io_uring_get_sqe(&r->ring);
	return sqe;
}

/* Which registered file has all of it; -1: one has a part, another the rest. */
static int file_of(const struct host_disk *d, const struct disk_io *io)
{
	bool written;

	if (!d->has_overlay)
		return FILE_IMAGE;
	if (io->op == DISK_WRITE)
		return FILE_OVERLAY;
	if (disk_overlay_run(d, io, &written) != io->len)
		return -1;
	return written ? FILE_OVERLAY : FILE_IMAGE;
}

static void prepare(const struct host_disk *d, struct disk_io *io, int file,
		    struct io_uring_sqe *sqe)
{
	const bool one = io->niov == 1 && io->len <= GiB;

	if (io->op == DISK_FLUSH)
		io_uring_prep_fsync(sqe, file, IORING_FSYNC_DATASYNC);
	else if (io->op == DISK_READ && one)
		io_uring_prep_read(sqe, file, io->iov->iov_base, (unsigned)io->len, io->offset);
	else if (io->op == DISK_READ)
		io_uring_prep_readv(sqe, file, io->iov, io->niov, io->offset);
	else if (one)
		io_uring_prep_write(sqe, file, io->iov->iov_base, (unsigned)io->len, io->offset);
	else
		io_uring_prep_writev(sqe, file, io->iov, io->niov, io->offset);
	if (io->op == DISK_WRITE && disk_wants_stable(d, io))
		sqe->rw_flags = RWF_DSYNC;
	sqe->flags = IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, io);
}

static void leave_gate(struct host_disk *d, struct disk_io *io)
{
	if (!io->gated)
		return;
	io->gated = false;
	if (io->op == DISK_FLUSH)
		gate_end_alone(&d->flushes);
	else
		gate_unshare(&d->writes);
}

/* False: others are there, and it has to wait, which only the pool does. */
static bool enter_gate(struct host_disk *d, struct disk_io *io)
{
	if (io->op == DISK_FLUSH)
		io->gated = gate_try_alone(&d->flushes);
	else if (io->op == DISK_WRITE && d->gated)
		io->gated = gate_try_share(&d->writes);
	else
		return true;
	return io->gated;
}

/*
 * The kernel has io_uring make no more than one request to a device without waiting: it would find
 * that out after most of the work, and begin anew on a thread of its own.
 */
static bool is_several(const struct host_disk *d, const struct disk_io *io)
{
	return d->request_max && (io->len > d->request_max || io->niov > d->request_segs);
}

bool disk_uring_start(struct disk_queue *q, struct disk_io *io)
{
	struct host_disk *d = q->disk;
	struct io_uring_sqe *sqe;
	int file;

	if (!q->ring->enabled && !enable(q))
		return false;
	if (io->op > DISK_FLUSH || io->niov > IOV_MAX)
		return false;
	if (d->direct && io->op != DISK_FLUSH && (is_several(d, io) || !disk_aligned(d, io)))
		return false;
	file = file_of(d, io);
	if (file < 0 || !enter_gate(d, io))
		return false;
	sqe = get_sqe(q->ring);
	if (!sqe) {
		leave_gate(d, io);
		return false;
	}
	prepare(d, io, file, sqe);
	return true;
}

static void completed(struct disk_queue *q, struct disk_io *io, int res)
{
	struct host_disk *d = q->disk;
	bool again;

	res = (int)disk_faulted(d, io->op, res);
	again = res == -EINTR || res == -EAGAIN || res == -ECANCELED;
	if (io->op == DISK_FLUSH && !again)
		res = disk_flush_ended(d, res);
	leave_gate(d, io);
	if (again) {
		disk_pool_add(q, io);
		return;
	}
	if (res > 0) {
		if ((uint64_t)res < io->len || d->has_overlay)
			(void)disk_progress(d, io, (uint64_t)res);
		else
			io->len = 0;
		if (io->len) {
			disk_pool_add(q, io); /* goes on there, or finds out why not */
			return;
		}
		res = 0;
	} else if (res == 0 && io->op != DISK_FLUSH) {
		res = -EIO; /* the file ends here, or takes no more */
	}
	if (io->op == DISK_WRITE && res)
		(void)disk_write_ended(d, io, res);
	disk_finish(q, io, res);
}

/* A poll ended or could not be made: it is made again, and what it may have missed happened. */
static void polled(bool *armed, const struct io_uring_cqe *cqe)
{
	if (cqe->flags & IORING_CQE_F_MORE)
		return;
	*armed = false;
	if (cqe->res < 0 && cqe->res != -ECANCELED)
		disk_pause();
}

static void reap(struct disk_queue *q)
{
	struct disk_uring *r = q->ring;
	const struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe(&r->ring, head, cqe)
	{
		n++;
		switch (cqe->user_data) {
		case TAG_KICK:
			r->kicked = true;
			polled(&r->kick_armed, cqe);
			break;
		case TAG_FINISHED:
			polled(&r->finish_armed, cqe);
			break;
		default:
			completed(q, io_uring_cqe_get_data(cqe), cqe->res);
		}
	}
	io_uring_cq_advance(&r->ring, n);
}

static void arm(struct disk_uring *r, bool *armed, int fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = get_sqe(r);

	if (!sqe)
		return;
	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	io_uring_sqe_set_data64(sqe, tag);
	*armed = true;
}

static void enter(struct disk_uring *r, bool wait, int timeout_ms)
{
	struct __kernel_timespec t = { timeout_ms / 1000, timeout_ms % 1000 * 1000000LL };
	struct io_uring_cqe *cqe;
	int code;

	if (!wait)
		code = io_uring_submit_and_get_events(&r->ring);
	else if (timeout_ms < 0)
		code = io_uring_submit_and_wait(&r->ring, 1);
	else
		code = io_uring_submit_and_wait_timeout(&r->ring, &cqe, 1, &t, NULL);
	assert(code != -EEXIST); /* a thread that is not the queue's */
	/* The kernel is out of memory for requests, or the like: it may be better soon. */
	if (code < 0 && code != -EINTR && code != -ETIME && !io_uring_cq_ready(&r->ring))
		disk_pause();
}

bool disk_uring_wait(struct disk_queue *q, int kick_fd, int timeout_ms)
{
	const uint64_t until = timeout_ms > 0 ? disk_now_ms() + (uint64_t)timeout_ms : 0;
	struct disk_uring *r = q->ring;
	bool kicked;

	if (!r->enabled && !enable(q))
		return disk_pool_wait(q, kick_fd, timeout_ms);
	if (r->kicked && kick_fd >= 0)
		timeout_ms = 0;
	for (;;) {
		if (kick_fd >= 0 && !r->kick_armed) {
			assert(r->kick_fd < 0 || r->kick_fd == kick_fd);
			r->kick_fd = kick_fd;
			arm(r, &r->kick_armed, kick_fd, TAG_KICK);
		}
		if (q->in_pool && !r->finish_armed)
			arm(r, &r->finish_armed, q->event_fd, TAG_FINISHED);
		enter(r, timeout_ms != 0 && !io_uring_cq_ready(&r->ring), timeout_ms);
		reap(q);
		if (q->in_pool)
			disk_pool_collect(q);
		kicked = r->kicked && kick_fd >= 0;
		if (kicked || q->ready.first || timeout_ms == 0) {
			if (!io_uring_sq_ready(&r->ring))
				break;
			timeout_ms = 0; /* only to begin the rest */
		} else if (timeout_ms > 0) {
			const uint64_t now = disk_now_ms();

			timeout_ms = now < until ? (int)(until - now) : 0;
		}
	}
	if (kicked)
		r->kicked = false;
	return kicked;
}
