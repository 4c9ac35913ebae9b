/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/ballooning.h"

#include "vmm/base/log.h"
#include "vmm/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char blanks[] = " \t\r\n";

int ballooning_parse(const char *text, uint64_t mem, uint64_t *size, struct err *e)
{
	char word[32];
	size_t len;

	text += strspn(text, blanks);
	len = strcspn(text, blanks);
	(void)snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : 0), text);
	if (text[len + strspn(text + len, blanks)] || !text_size(word, size))
		return err_set(e, EINVAL, "%s is not a size; write one like 256M",
			       text_quote(text).s);
	if (*size >= mem)
		return err_set(e, EINVAL, "%s is not less than --mem, which is %s",
			       text_of_size(*size).s, text_of_size(mem).s);
	return 0;
}

static int read_size(struct ballooning *b, struct err *e)
{
	char text[64];
	const ssize_t n = io_pread(b->file.fd, text, sizeof(text) - 1, 0);
	int code;

	if (n < 0)
		return err_code(e, (int)-n, "--balloon: from=%s", b->file.name);
	text[n] = '\0';
	code = ballooning_parse(text, b->mem, &b->size, e);
	return code ? err_ctx(e, "--balloon: from=%s", b->file.name) : 0;
}

/* --- what has become of it ------------------------------------------------------------------- */

/* Appended to @to, as far as there is room. */
static void append(char *to, size_t size, const char *fmt, ...) PRINTF(3, 4);

static void append(char *to, size_t size, const char *fmt, ...)
{
	const size_t len = strlen(to);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(to + len, size - len, fmt, args);
	va_end(args);
}

static void say(enum log_level level, const struct virtio_balloon_figures *f)
{
	static const struct {
		unsigned tag;
		const char *what;
	} guest[] = {
		{ VIRTIO_BALLOON_S_TOTAL, "in all" },
		{ VIRTIO_BALLOON_S_FREE, "free" },
		{ VIRTIO_BALLOON_S_AVAILABLE, "available" },
		{ VIRTIO_BALLOON_S_CACHES, "caches" },
	};
	const char *before = "; the guest has";
	char words[320] = "";

	append(words, sizeof(words), "%" PRIu64 " of %" PRIu64 " MiB are in it", f->inside / MiB,
	       f->target / MiB);
	append(words, sizeof(words),
	       "; given back so far: %" PRIu64 " MiB of it, %" PRIu64 " MiB that were free",
	       f->inflated / MiB, f->reported / MiB);
	for (size_t i = 0; i < ARRAY_SIZE(guest); i++) {
		if (!(f->has_stats & 1U << guest[i].tag))
			continue;
		append(words, sizeof(words), "%s %" PRIu64 " MiB %s", before,
		       f->stats[guest[i].tag] / MiB, guest[i].what);
		before = ",";
	}
	log_line(level, "balloon: %s", words);
}

static void tell(struct virtio_balloon_asked *a UNUSED, const struct virtio_balloon_figures *f)
{
	say(LOG_WARN, f);
}

/* --- life ------------------------------------------------------------------------------------- */

int ballooning_open(struct ballooning *b, const struct vm_config *c, struct err *e)
{
	const struct virtio_balloon_config *config = c->balloon.at;
	int code;

	b->mem = c->mem;
	b->asked.tell = tell;
	if (c->balloon.nr == 0 || !config->from)
		return 0;
	code = io_open(&b->file, config->from, e);
	return code ? err_ctx(e, "--balloon: from") : read_size(b, e);
}

void ballooning_start(struct ballooning *b, struct virtio *device)
{
	b->device = device;
	if (device && b->file.fd >= 0)
		virtio_balloon_resize(device, b->size);
}

void ballooning_look(struct ballooning *b)
{
	struct virtio_balloon_figures f;
	struct err e;

	if (!b->device)
		return;
	if (b->file.fd >= 0) {
		if (read_size(b, &e))
			log_warn("%s; it stays as it is", e.text);
		else
			virtio_balloon_resize(b->device, b->size);
	}
	if (virtio_balloon_ask(b->device, &b->asked))
		return;
	virtio_balloon_figures(b->device, &f);
	f.has_stats = 0; /* they may be old */
	say(LOG_WARN, &f);
}

void ballooning_stop(struct ballooning *b)
{
	if (b->device)
		virtio_balloon_figures(b->device, &b->last);
	b->last.has_stats = 0;
	b->said = !b->device;
	b->device = NULL;
}

void ballooning_close(struct ballooning *b)
{
	if (!b->said)
		say(LOG_INFO, &b->last);
	io_close(&b->file);
}
