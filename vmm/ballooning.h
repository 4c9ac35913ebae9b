/* SPDX-License-Identifier: Apache-2.0 */
/* ballooning: the user's end of the balloon: how large it should be, and what has become of it. */
#ifndef VMM_BALLOONING_H
#define VMM_BALLOONING_H

#include "vmm/base/io.h"
#include "vmm/config.h"

struct ballooning {
	struct virtio *device; /* borrowed; NULL: none */
	struct io_file file;   /* that has the size; closed: none */
	uint64_t mem;	       /* the guest's, in bytes */
	uint64_t size;	       /* as it was read last */
	struct virtio_balloon_asked asked;
	bool said;
	struct virtio_balloon_figures last; /* at ballooning_stop() */
};

#define BALLOONING_NONE                                                                            \
	{                                                                                          \
		.file = {.fd = -1 }                                                                \
	}

/* Opens the file with the size, if there is one, and reads it. */
int ballooning_open(struct ballooning *b, const struct vm_config *c, struct err *e) MUST_CHECK;

/* The device is there (NULL: there is none), and outlives our use of it. */
void ballooning_start(struct ballooning *b, struct virtio *device);

/* Reads the file again, and has the guest say what memory it uses. Loop thread. */
void ballooning_look(struct ballooning *b);

/* The device goes away. Fine without one. Loop thread. */
void ballooning_stop(struct ballooning *b);

/* Says what went back to the host, when that is to be shown. After ballooning_stop(). */
void ballooning_close(struct ballooning *b);

/* Reads a size as the file has it: as text_size() does, with blanks or ends of lines around. */
int ballooning_parse(const char *text, uint64_t mem, uint64_t *size, struct err *e) MUST_CHECK;

#endif
