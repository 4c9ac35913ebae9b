/* SPDX-License-Identifier: Apache-2.0 */
/* Images in a temporary folder, and requests that are waited for: what the tests of disk share. */
#ifndef TESTS_LIB_DISK_RIG_H
#define TESTS_LIB_DISK_RIG_H

#include "vmm/host/disk.h"

#include <sys/types.h>

/* A disk with one queue. */
struct disk_rig {
	struct disk *d;
	struct disk_queue *q;
};

/* Where images are made: $DISK_TEST_DIR, else a file system on a disk. One folder a process. */
const char *disk_rig_path(const char *name);

/* An image of @size bytes: each sector's bytes tell its number. */
const char *disk_rig_image(const char *name, uint64_t size);

/* The byte that disk_rig_image() puts at @offset. */
uint8_t disk_rig_byte(uint64_t offset);

/* Opens @c; skips the test when the host cannot do what is asked (O_DIRECT, io_uring). */
void disk_rig_open(struct disk_rig *r, const struct disk_config *c);
void disk_rig_close(struct disk_rig *r);

/* Why disk_open() refuses @c. Fails the test when it does not. Valid until the next call. */
const char *disk_rig_refused(const struct disk_config *c);

/* Starts @io and waits until it is done; its result. */
int disk_rig_do(struct disk_rig *r, struct disk_io *io);

/* The same for one buffer. */
int disk_rig_read(struct disk_rig *r, uint64_t offset, void *to, size_t len);
int disk_rig_write(struct disk_rig *r, uint64_t offset, const void *from, size_t len);
int disk_rig_op(struct disk_rig *r, enum disk_op op, uint64_t offset, uint64_t len);

/* Replaces results of the host: see struct host_disk. */
void disk_rig_fault(struct disk_rig *r, ssize_t (*fault)(enum disk_op op, ssize_t result));

/* What is in the file itself. */
void disk_rig_peek(const char *path, uint64_t offset, void *to, size_t len);

/* Tests of a function that takes the engine; io_uring may be forbidden, which skips. */
#define BOTH_ENGINES(name)                                                                         \
	TEST(name##_by_uring)                                                                      \
	{                                                                                          \
		name(DISK_URING);                                                                  \
	}                                                                                          \
	TEST(name##_by_threads)                                                                    \
	{                                                                                          \
		name(DISK_THREADS);                                                                \
	}
#define BOTH_T(name) T(name##_by_uring), T(name##_by_threads)

/* The test's folder goes at its end. */
void disk_rig_remove_folder(void);

#endif
