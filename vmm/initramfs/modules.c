/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/modules.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/base/unpack.h"
#include "vmm/initramfs/modindex.h"
#include "vmm/initramfs/modinfo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* A module with all its debug information; what is there is bounded by the file's size or this. */
#define MODULE_MAX (128 * MiB)

/* Modules that are handed out for one guest, and how far one depends on another. */
enum { NEED_MAX = 512, CHAIN_MAX = 32 };

struct modules {
	char *dir; /* owned */
	struct modindex have, builtin;
	bool knows_builtin;
	struct io_bytes room;	    /* where modules are unpacked */
	char *seen[NEED_MAX];	    /* owned: names that were asked for */
	const char *done[NEED_MAX]; /* of these, those that were handed out with all they need */
	size_t nr_seen, nr_done;
};

static int out_of_memory(struct err *e)
{
	return err_set(e, ENOMEM, "modules: out of memory");
}

/* --- opening --------------------------------------------------------------------------------- */

static int read_index(struct modules *m, struct err *e)
{
	bool found;
	int code = modindex_read(&m->builtin, m->dir, "modules.builtin", &m->knows_builtin, e);

	if (code == 0)
		code = modindex_read(&m->have, m->dir, "modules.dep", &found, e);
	/* depmod of a folder that was empty leaves an empty one. */
	if (code == 0 && m->have.nr == 0) {
		modindex_free(&m->have);
		code = modindex_walk(&m->have, m->dir, e);
	}
	return code;
}

struct modules *modules_open(const char *dir, struct err *e)
{
	struct modules *m = calloc(1, sizeof(*m));

	if (m)
		m->dir = strdup(dir);
	if (!m || !m->dir) {
		(void)out_of_memory(e);
		free(m);
		return NULL;
	}
	if (read_index(m, e)) {
		modules_close(m);
		return NULL;
	}
	return m;
}

void modules_close(struct modules *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->nr_seen; i++)
		free(m->seen[i]);
	modindex_free(&m->have);
	modindex_free(&m->builtin);
	io_unload(&m->room);
	free(m->dir);
	free(m);
}

/* --- one module ------------------------------------------------------------------------------ */

static int unpack(struct modules *m, const struct io_file *f, enum packing how, size_t *len,
		  struct err *e)
{
	const struct packed p = { .how = how, .len = f->size };

	if (!m->room.data) {
		void *at = mmap(NULL, MODULE_MAX, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (at == MAP_FAILED)
			return err_sys(e, "modules: no memory to unpack them");
		m->room = (struct io_bytes){ at, MODULE_MAX };
	}
	return unpack_all(f, &p, m->room.data, m->room.len, len, e);
}

/* A module's bytes: in @own, or in m->room until the next one is read. */
static int read_module(struct modules *m, const struct io_file *f, struct io_bytes *own,
		       const void **data, size_t *len, struct err *e)
{
	uint8_t head[8];
	enum packing how;
	int code;

	if (f->size < sizeof(head) || f->size > MODULE_MAX)
		return err_set(e, EINVAL, "%s: %" PRIu64 " bytes are not those of a module",
			       f->name, f->size);
	code = io_read_at(f, 0, head, sizeof(head), e);
	if (code)
		return code;
	how = unpack_sniff(head, sizeof(head));
	if (how != PACKED_NOT) {
		code = unpack(m, f, how, len, e);
		*data = m->room.data;
		return code;
	}
	code = io_load(f, 0, f->size, own, e);
	*data = own->data;
	*len = own->len;
	return code;
}

/* What a module needs: names with commas or blanks between. Owned. */
struct needs {
	char *hard;
	char *soft[8];
	size_t nr_soft;
};

static void needs_free(struct needs *n)
{
	free(n->hard);
	for (size_t i = 0; i < n->nr_soft; i++)
		free(n->soft[i]);
}

#define auto_needs __attribute__((cleanup(needs_free)))

static int read_needs(struct needs *n, const struct io_file *f, const void *data, size_t len,
		      struct err *e)
{
	struct modinfo info;
	const char *v;

	if (!modinfo_find(&info, data, len))
		return err_set(e, EINVAL, "%s: is not a kernel module for arm64", f->name);
	v = modinfo_next(&info, "depends", NULL);
	n->hard = strdup(v ? v : "");
	if (!n->hard)
		return out_of_memory(e);
	for (v = NULL; n->nr_soft < ARRAY_SIZE(n->soft); n->nr_soft++) {
		v = modinfo_next(&info, "softdep", v);
		if (!v)
			return 0;
		n->soft[n->nr_soft] = strdup(v);
		if (!n->soft[n->nr_soft])
			return out_of_memory(e);
	}
	return 0;
}

/* Hands it out; *@n says what else is needed, also when this fails. */
static int hand_out(struct modules *m, const char *name, const char *path, struct needs *n,
		    module_sink *sink, void *ctx, struct err *e)
{
	auto_bytes struct io_bytes own = { NULL, 0 };
	auto_free char *whole = NULL;
	struct io_file f;
	const void *data = NULL;
	size_t len = 0;
	int code;

	if (asprintf(&whole, "%s%s%s", *path == '/' ? "" : m->dir, *path == '/' ? "" : "/", path) <
	    0) {
		whole = NULL;
		return out_of_memory(e);
	}
	code = io_open(&f, whole, e);
	if (code)
		return code;
	code = read_module(m, &f, &own, &data, &len, e);
	if (code == 0)
		code = read_needs(n, &f, data, len, e);
	io_close(&f);
	return code ? code : sink(ctx, name, data, len, e);
}

/* --- with all it needs ----------------------------------------------------------------------- */

struct request {
	struct modules *m;
	module_sink *sink;
	void *ctx;
};

static int need(const struct request *r, const char *name, unsigned chain, struct err *e);

static bool is_in(const struct modindex *x, const char *name)
{
	return modindex_find(x, name) != NULL;
}

/* What modprobe finds by an alias, as far as file systems ask for it. */
static const struct {
	const char *asked, *module;
} aliases[] = {
	{ "crc32", "crc32_generic" },	  { "crc32c", "crc32c_generic" },
	{ "crc32c", "crc32c_cryptoapi" }, { "xxhash64", "xxhash_generic" },
	{ "sha256", "sha256_generic" },	  { "blake2b-256", "blake2b_generic" },
};

/* Wanted, but nobody fails without. */
static int want(const struct request *r, const char *name, unsigned chain, struct err *e)
{
	int code;

	if (strncmp(name, "crypto-", 7) == 0) /* each algorithm has both names */
		name += 7;
	code = is_in(&r->m->have, name) ? need(r, name, chain, e) : 0;
	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(aliases); i++)
		if (strcmp(aliases[i].asked, name) == 0 && is_in(&r->m->have, aliases[i].module))
			code = need(r, aliases[i].module, chain, e);
	return code;
}

static int need_all(const struct request *r, const struct needs *n, unsigned chain, struct err *e)
{
	char *save, *w;
	int code = 0;

	for (size_t i = 0; i < n->nr_soft; i++)
		for (w = strtok_r(n->soft[i], " ", &save); w && code == 0;
		     w = strtok_r(NULL, " ", &save))
			if (w[strlen(w) - 1] != ':') /* "pre:", "post:" */
				code = want(r, w, chain, e);
	for (w = strtok_r(n->hard, ",", &save); w && code == 0; w = strtok_r(NULL, ",", &save))
		code = need(r, w, chain, e);
	return code;
}

static int need(const struct request *r, const char *name, unsigned chain, struct err *e)
{
	auto_needs struct needs n = { .nr_soft = 0 };
	struct modules *m = r->m;
	const char *path, *own_name;
	int code;

	for (size_t i = 0; i < m->nr_seen; i++)
		if (modindex_same(m->seen[i], name))
			return 0;
	path = modindex_find(&m->have, name);
	if (!path && (!m->knows_builtin || is_in(&m->builtin, name)))
		return 0;
	if (!path)
		return err_set(e, ENOENT,
			       "there is no module %s in %s, and the kernel has it not built in",
			       name, m->dir);
	if (m->nr_seen == NEED_MAX || chain == CHAIN_MAX)
		return err_set(e, EINVAL, "%s: the modules there depend on too many others",
			       m->dir);
	own_name = m->seen[m->nr_seen] = strdup(name);
	if (!own_name)
		return out_of_memory(e);
	for (char *p = m->seen[m->nr_seen++]; *p; p++)
		if (*p == '-')
			*p = '_';
	code = hand_out(m, own_name, path, &n, r->sink, r->ctx, e);
	if (code == 0)
		code = need_all(r, &n, chain + 1, e);
	if (code == 0)
		m->done[m->nr_done++] = own_name;
	return code;
}

int modules_need(struct modules *m, const char *name, module_sink *sink, void *ctx, struct err *e)
{
	return need(&(struct request){ m, sink, ctx }, name, 0, e);
}

const char *const *modules_order(const struct modules *m, size_t *nr)
{
	*nr = m->nr_done;
	return m->done;
}
