/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/faults.h"

#include "vmm/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* --- names ----------------------------------------------------------------------------------- */

static bool read_memory(void *ctx, uint64_t pa, void *dst, size_t len)
{
	return gmem_peek(ctx, gpa(pa), dst, len);
}

/* Writes what was @found; says what turned out to be wrong with the files. */
static bool told(struct faults *f, bool found, const struct symbol_text *t, char *buf, size_t size)
{
	struct err e;

	while (symbols_problem(f->symbols, &e))
		log_warn("--symbols: %s", e.text);
	if (found)
		symbol_format(t, buf, size);
	return found;
}

static bool look_up(struct faults *f, uint64_t va, bool returns, char *buf, size_t size)
{
	struct symbol_text t;
	bool found;

	if (f->mmu_off)
		found = symbols_name_physical(f->symbols, va, &t);
	else if (returns)
		found = symbols_name_return(f->symbols, va, &t);
	else
		found = symbols_name(f->symbols, va, &t);
	return told(f, found, &t, buf, size);
}

/* Called inside faultlog_report() and faultlog_summary(), so one at a time. */
static bool name_at(struct faults *f, uint64_t va, bool returns, char *buf, size_t size)
{
	struct namecache *known = f->mmu_off ? NULL : f->known;

	if (known && namecache_get(known, va, returns, buf, size))
		return true;
	if (!look_up(f, va, returns, buf, size))
		return false;
	if (known)
		namecache_put(known, va, returns, buf);
	return true;
}

static bool name(void *ctx, uint64_t va, char *buf, size_t size)
{
	return name_at(ctx, va, false, buf, size);
}

static bool name_return(void *ctx, uint64_t va, char *buf, size_t size)
{
	return name_at(ctx, va, true, buf, size);
}

static int add_files(struct faults *f, const struct key_list *l, struct err *e)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < l->nr; i++) {
		struct file_at file;

		code = symbol_file_parse(&file, l->at[i], e);
		if (code == 0)
			code = symbols_add(f->symbols, file.path,
					   file.has_address ? &file.address : NULL, e);
		file_at_free(&file);
	}
	return code ? err_ctx(e, "--symbols") : 0;
}

static void say(void *ctx UNUSED, const char *lines)
{
	log_block(LOG_WARN, lines);
}

/* --- life ------------------------------------------------------------------------------------- */

static void look_at(struct faults *f, const struct fault *bad)
{
	assert_held(&f->lock);
	f->mmu_off = bad->mmu_off;
	if (bad->vectors_known)
		symbols_locate(f->symbols, bad->vectors_va, bad->vectors_pa);
}

static void write_hit(void *ctx, const struct fault *hit)
{
	struct faults *f = ctx;

	LOCK_SCOPE(&f->lock);
	if (!f->known)
		f->known = calloc(1, sizeof(*f->known)); /* without it all is slower */
	look_at(f, hit);
	faultlog_watched(f->log, hit);
}

static void write_fault(void *ctx, unsigned where, const struct fault *bad)
{
	struct faults *f = ctx;

	LOCK_SCOPE(&f->lock);
	look_at(f, bad);
	faultlog_report(f->log, where, bad);
}

static void write_missed(void *ctx, uint64_t n)
{
	const struct faults *f = ctx;

	faultlog_watched_more(f->log, n);
}

/* Hits that wait to be written: a second or two of work on a slow host, and 1 MiB. */
#define HITS 256

static int make_queue(struct faults *f, struct err *e)
{
	const struct faultqueue_config c = {
		.slots = HITS,
		.write = write_hit,
		.report = write_fault,
		.missed = write_missed,
		.ctx = f,
	};

	f->queue = faultqueue_create(&c, e);
	return f->queue ? 0 : -e->code;
}

static int make(struct faults *f, const struct vm_config *c, const struct gmem *mem, struct err *e)
{
	const struct guest_reader reader = { read_memory, (void *)(uintptr_t)mem };
	struct faultlog_config log = faultlog_defaults;

	f->symbols = symbols_create(&reader);
	if (!f->symbols)
		return err_set(e, ENOMEM, "symbols: out of memory");
	if (c->fault_log) {
		f->fd = open(c->fault_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
			     0666);
		if (f->fd < 0)
			return err_sys(e, "--fault-log: %s", c->fault_log);
	}
	log.nr_vcpus = c->cpus;
	log.say = say;
	log.json_fd = f->fd;
	log.names = (struct report_names){ .name = name, .name_return = name_return, .ctx = f };
	f->log = faultlog_create(&log, e);
	if (!f->log || add_files(f, &c->symbols, e))
		return -e->code;
	return make_queue(f, e);
}

int faults_create(struct faults *f, const struct vm_config *c, const struct gmem *mem,
		  struct err *e)
{
	int code;

	*f = (struct faults){ .fd = -1 };
	mutex_init(&f->lock);
	code = make(f, c, mem, e);
	if (code)
		faults_destroy(f);
	return code;
}

void faults_kernel(struct faults *f, uint64_t pa, uint64_t size)
{
	LOCK_SCOPE(&f->lock);
	symbols_image(f->symbols, pa, size);
	free(f->known);
	f->known = NULL;
}

unsigned faults_count(struct faults *f, const struct fault *bad)
{
	return faultlog_count(f->log, bad);
}

void faults_repeats(struct faults *f, const struct fault *bad, uint64_t n)
{
	faultlog_count_repeats(f->log, bad, n);
}

void faults_report(struct faults *f, unsigned where, const struct fault *bad)
{
	faultqueue_report(f->queue, where, bad);
}

bool faults_watch_room(struct faults *f)
{
	return faultqueue_has_room(f->queue);
}

void faults_watched(struct faults *f, const struct fault *hit)
{
	if (!hit)
		faultqueue_miss(f->queue);
	else if (hit->action == FAULT_STOPPED)
		faultqueue_put_surely(f->queue, hit);
	else
		faultqueue_put(f->queue, hit);
}

void faults_drain(struct faults *f)
{
	if (f->queue)
		faultqueue_drain(f->queue);
}

/* --- what is watched -------------------------------------------------------------------------- */

static int find_symbol(struct faults *f, const char *name, uint64_t *pa, struct err *e)
{
	struct symbol_place place;
	bool found = symbols_find(f->symbols, name, &place);

	(void)told(f, false, NULL, NULL, 0);
	if (!found)
		return err_set(e, ENOENT, "no symbol of that name is in the kernel or --symbols");
	if (!place.pa_known)
		return err_set(e, ENOENT,
			       "only symbols of the guest's kernel have a physical address");
	if (place.matches > 1)
		log_warn("--watch: %u symbols are called %s; watching the one at 0x%" PRIx64,
			 place.matches, name, place.pa);
	*pa = place.pa;
	return 0;
}

static int add_watch(struct faults *f, const char *text, struct watchset *s, struct err *e)
{
	struct watch_range r = { .name = text };
	struct watch_item w;
	int code = watch_parse(&w, text, e);

	if (code)
		return err_ctx(e, "--watch");
	r.base = w.base;
	r.size = w.size;
	r.kinds = (w.reads ? WATCH_READ : 0) | (w.writes ? WATCH_WRITE : 0);
	r.stop = w.stop;
	if (w.symbol)
		code = find_symbol(f, w.symbol, &r.base, e);
	if (code == 0)
		code = watchset_add(s, &r, e);
	watch_item_free(&w);
	return code ? err_ctx(e, "--watch %s", text) : 0;
}

int faults_watches(struct faults *f, const struct vm_config *c, struct watchset *s, struct err *e)
{
	int code = 0;

	LOCK_SCOPE(&f->lock);
	*s = (struct watchset){ 0 };
	for (size_t i = 0; code == 0 && i < c->watches.nr; i++)
		code = add_watch(f, c->watches.at[i], s, e);
	if (code)
		watchset_free(s);
	return code;
}

/* --- the end ---------------------------------------------------------------------------------- */

void faults_summary(struct faults *f)
{
	faults_drain(f);
	f->mmu_off = false;
	faultlog_summary(f->log);
}

void faults_destroy(struct faults *f)
{
	faultqueue_destroy(f->queue);
	faultlog_destroy(f->log);
	symbols_destroy(f->symbols);
	free(f->known);
	if (f->fd >= 0)
		(void)close(f->fd);
	mutex_destroy(&f->lock);
	*f = (struct faults){ .fd = -1 };
}
