/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/rom.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens @path, a file that is not empty; *@size is its length. */
static int open_file(const char *path, uint64_t *size, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int code = 0;

	if (fd < 0)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) < 0)
		code = err_sys(e, "%s", path);
	else if (!S_ISREG(st.st_mode))
		code = err_set(e, EINVAL, "%s: not a regular file", path);
	else if (st.st_size == 0)
		code = err_set(e, EINVAL, "%s: empty", path);
	if (code) {
		(void)close(fd);
		return code;
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

static int name_it(struct rom *r, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (asprintf(&r->name, "ROM %s", slash ? slash + 1 : path) < 0) {
		r->name = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	return 0;
}

static int load(struct rom *r, const struct file_at *f, struct kvm *k, struct gmem *mem,
		struct err *e)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct gmem_region region = { .base = f->address, .readonly = true };
	uint64_t size = 0;
	auto_fd int fd = open_file(f->path, &size, e);
	ssize_t n;
	int code;

	if (fd < 0)
		return fd;
	if (f->address % page)
		return err_set(e, EINVAL,
			       "0x%" PRIx64 " is not a multiple of this host's page size, %" PRIu64
			       " bytes",
			       f->address, page);
	code = ram_create(&r->memory, (size + page - 1) & ~(page - 1), 0, e);
	if (code)
		return code;
	n = io_read(fd, r->memory.host, size);
	if (n < 0)
		return err_code(e, (int)-n, "%s", f->path);
	code = name_it(r, f->path, e);
	region.size = r->memory.size;
	region.host = TO_GUEST(r->memory.host);
	region.name = r->name;
	if (code == 0)
		code = gmem_add(mem, &region, e);
	/*
	 * Not a read-only slot: KVM would settle by itself what a table walk writes there. What the
	 * host's mapping refuses comes out as EFAULT, whatever it is.
	 */
	if (code == 0 && mprotect(r->memory.host, r->memory.size, PROT_READ) < 0)
		code = err_sys(e, "%s: mprotect", f->path);
	if (code == 0)
		code = kvm_add_slot(k, region.base, region.size, r->memory.host, 0, e);
	if (code == -EFAULT)
		return err_set(e, EFAULT,
			       "%s: 0x%" PRIx64 " is beyond the addresses that guests have",
			       f->path, f->address);
	return code;
}

int roms_create(struct roms *r, const struct key_list *items, struct kvm *k, struct gmem *mem,
		struct err *e)
{
	int code = 0;

	*r = (struct roms){ .nr = 0 };
	if (items->nr == 0)
		return 0;
	r->rom = calloc(items->nr, sizeof(*r->rom));
	if (!r->rom)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; code == 0 && i < items->nr; i++) {
		struct file_at f;

		r->rom[i].memory.fd = -1;
		r->nr++;
		code = rom_parse(&f, items->at[i], e);
		if (code == 0)
			code = load(&r->rom[i], &f, k, mem, e);
		file_at_free(&f);
	}
	return code ? err_ctx(e, "--rom") : 0;
}

void roms_destroy(struct roms *r)
{
	for (size_t i = 0; i < r->nr; i++) {
		ram_destroy(&r->rom[i].memory);
		free(r->rom[i].name);
	}
	free(r->rom);
	*r = (struct roms){ .nr = 0 };
}
