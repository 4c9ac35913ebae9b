/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/doctor.h"

#include "vmm/arch.h"
#include "vmm/base/json.h"
#include "vmm/base/log.h"
#include "vmm/base/scope.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct check *doctor_add(struct doctor *d, const char *name, const char *what, bool yes,
			 const char *advice)
{
	struct check *c = &d->check[d->nr];

	assert(d->nr < DOCTOR_MAX_CHECKS);
	d->nr++;
	*c = (struct check){
		.name = name,
		.what = what,
		.finding = yes ? FINDING_YES : FINDING_NO,
		.advice = advice,
	};
	return c;
}

static bool read_line(const char *path, char *to, int size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(to, size, f);

	if (f)
		(void)fclose(f);
	if (ok)
		to[strcspn(to, "\n")] = '\0';
	return ok;
}

static void check_huge_pages(struct doctor *d)
{
	char line[64];
	struct check *c;
	bool known = read_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof(line));
	bool on = known && !strstr(line, "[never]");

	c = doctor_add(d, "transparent-huge-pages", "transparent huge pages for guest RAM", on,
		       "guests run slower; as root: echo madvise > "
		       "/sys/kernel/mm/transparent_hugepage/enabled");
	if (known)
		(void)snprintf(c->detail, sizeof(c->detail), "%s", line);
	else
		(void)snprintf(c->detail, sizeof(c->detail), "not in this kernel");

	known = read_line("/proc/sys/vm/nr_hugepages", line, sizeof(line));
	on = known && strcmp(line, "0") != 0;
	c = doctor_add(d, "hugetlb", "reserved huge pages, for --hugepages", on,
		       "only --hugepages needs them; as root: sysctl vm.nr_hugepages=N");
	if (known)
		(void)snprintf(c->detail, sizeof(c->detail), "%s reserved", line);
}

static void check_vhost(struct doctor *d)
{
	static const struct {
		const char *name, *path, *what, *advice;
	} devices[] = {
		{ "vhost-vsock", "/dev/vhost-vsock", "sockets by the kernel, for --vsock cid=N",
		  "only --vsock without uds= needs it; as root: modprobe vhost_vsock" },
		{ "vhost-net", "/dev/vhost-net", "a network by the kernel, for --net tap",
		  "a network on a tap device is slower without; as root: modprobe vhost_net" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		bool usable = access(devices[i].path, R_OK | W_OK) == 0;
		int error = errno;
		struct check *c =
			doctor_add(d, devices[i].name, devices[i].what, usable, devices[i].advice);

		if (usable)
			continue;
		(void)snprintf(c->detail, sizeof(c->detail), "%s", strerror(error));
		if (error == EACCES)
			c->advice =
				"no permission; as root: setfacl -m u:USER:rw on the device, or "
				"usermod -aG GROUP USER with the group that it has";
	}
}

static void examine(struct doctor *d)
{
	struct kvm k = { .dev = -1, .vm = -1 };
	struct err e;
	struct check *c;
	int code = kvm_open(&k, &e);

	c = doctor_add(d, "kvm", "/dev/kvm", code == 0, NULL);
	c->needed = true;
	if (code) {
		(void)snprintf(c->detail, sizeof(c->detail), "%s", strerror(-code));
		c->advice =
			code == -EACCES || code == -EPERM
				? "no permission: as root: usermod -aG kvm USER, then log in again"
				: "load the kvm module or enable virtualization; in a guest, its "
				  "host must offer nested virtualization (EL2); on a machine "
				  "booted at EL1 there is none";
		check_huge_pages(d);
		check_vhost(d);
		doctor_walls(d);
		return;
	}
	(void)snprintf(c->detail, sizeof(c->detail), "API version %d", KVM_API_VERSION);
	code = kvm_create_vm(&k, arch_vm_type(&k), &e);
	c = doctor_add(d, "create-vm", "a virtual machine can be made", code == 0,
		       "see the host's kernel log");
	c->needed = true;
	if (code)
		(void)snprintf(c->detail, sizeof(c->detail), "%s", strerror(-code));
	arch_doctor(d, &k);
	check_huge_pages(d);
	check_vhost(d);
	doctor_walls(d);
	kvm_close(&k);
}

static bool usable(const struct doctor *d)
{
	for (size_t i = 0; i < d->nr; i++)
		if (d->check[i].needed && d->check[i].finding == FINDING_NO)
			return false;
	return true;
}

static const char *word(enum finding f)
{
	switch (f) {
	case FINDING_YES:
		return "yes";
	case FINDING_NO:
		return "no";
	case FINDING_UNKNOWN:
		break;
	}
	return "?";
}

static void print_text(const struct doctor *d)
{
	struct utsname u;

	if (uname(&u) == 0)
		(void)printf("host: Linux %s, %s\n", u.release, u.machine);
	for (size_t i = 0; i < d->nr; i++) {
		const struct check *c = &d->check[i];

		(void)printf("%-4s %s%s%s\n", word(c->finding), c->what, c->detail[0] ? ": " : "",
			     c->detail);
		if (c->finding == FINDING_NO && c->advice)
			(void)printf("     -> %s\n", c->advice);
	}
	(void)printf("vmm can%s run guests here\n", usable(d) ? "" : "not");
}

static int print_json(const struct doctor *d, struct err *e)
{
	struct json_writer w;
	struct utsname u;

	json_start(&w, stdout);
	json_object(&w, NULL);
	if (uname(&u) == 0) {
		json_string(&w, "kernel", u.release);
		json_string(&w, "machine", u.machine);
	}
	json_bool(&w, "usable", usable(d));
	json_array(&w, "checks");
	for (size_t i = 0; i < d->nr; i++) {
		const struct check *c = &d->check[i];

		json_object(&w, NULL);
		json_string(&w, "name", c->name);
		json_string(&w, "what", c->what);
		if (c->finding == FINDING_UNKNOWN)
			json_null(&w, "ok");
		else
			json_bool(&w, "ok", c->finding == FINDING_YES);
		json_bool(&w, "needed", c->needed);
		if (c->value)
			json_u64(&w, "value", c->value);
		if (c->detail[0])
			json_string(&w, "detail", c->detail);
		if (c->finding == FINDING_NO && c->advice)
			json_string(&w, "advice", c->advice);
		json_end(&w);
	}
	json_end(&w);
	json_end(&w);
	return json_finish(&w, e);
}

enum exit_status doctor_run(bool json)
{
	static struct doctor d;
	struct err e;

	examine(&d);
	if (!json)
		print_text(&d);
	else if (print_json(&d, &e)) {
		log_error("%s", e.text);
		return STATUS_FAILED;
	}
	return usable(&d) ? STATUS_OFF : STATUS_FAILED;
}
