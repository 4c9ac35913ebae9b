/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: the first program of a guest that was given vmm's own initramfs (vmm/initramfs): loads the
 * modules it brings, in their order; then mounts the root file system and becomes its init, or
 * becomes the /init of the user's initrd, or runs a command in either.
 *
 * What to do stands in /vmm/plan, a line each: a word, a blank, and the rest of the line.
 *
 *	module NAME ... load /vmm/modules/NAME.ko with the parameters that follow
 *	root NAME	mount /dev/NAME; without this line, /init is next
 *	fstype NAME	what it is; without it, all that the kernel knows are tried
 *	flags TEXT	as in mount's third argument -o, for the file system
 *	rw		writable
 *	init PATH	the program on it; without it, what the kernel itself would try
 *	wait SECONDS	how long the device may take to appear
 *	hint TEXT	what to say besides when it does not
 *	share TAG	mount the shared folder (virtiofs) TAG instead of a device
 *	overlay		what is written to the root goes to memory, and is lost
 *	command		run what COMMAND_BLOCK says (command.h) instead of an init
 *
 * It speaks on the console, always with "vmm-init: " in front. When it cannot go on it says why and
 * ends; the kernel then panics, which is what a failed start is to whoever watches the guest. So
 * that it can be seen from outside, the panic is one that resets the machine.
 *
 * Freestanding: no C library, so that it is a few KiB and builds with any compiler.
 */
#include "arch/arm64/guest/base.h"
#include "arch/arm64/guest/command.h"

#include <sys/mount.h>

#define PLAN_MAX 65536

/* The kernel enters with the stack pointer at argc. */
__asm__(".globl _start\n"
	".type _start, %function\n"
	"_start:\n"
	"	mov	x29, #0\n"
	"	mov	x30, #0\n"
	"	mov	x0, sp\n"
	"	bl	init_main\n"
	"	brk	#0\n");

_Noreturn void init_main(const uintptr_t *stack);

/* --- the plan -------------------------------------------------------------------------------- */

struct plan {
	const char *root, *share, *fstype, *flags, *init, *hint;
	unsigned long wait_s;
	int writable, overlay, command;
};

static char plan_text[PLAN_MAX];

/* Cuts the next line off *@text: its first word, and in *@rest what follows. NULL at the end. */
static const char *next_line(char **text, char **rest)
{
	char *word = *text, *end = word;

	if (!*word)
		return NULL;
	while (*end && *end != '\n')
		end++;
	*text = *end ? end + 1 : end;
	*end = '\0';
	for (*rest = word; **rest && **rest != ' '; ++*rest)
		;
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

/* Cuts @s behind its first word; what follows that. */
static const char *cut_word(char *s)
{
	while (*s && *s != ' ')
		s++;
	if (!*s)
		return s;
	*s = '\0';
	return s + 1;
}

static void load_module(char *name)
{
	const char *parameters = cut_word(name);
	struct line path, text;
	int fd = open_at(JOIN(&path, "/vmm/modules/", name, ".ko"), O_RDONLY | O_CLOEXEC);
	long r = fd;

	if (fd >= 0) {
		r = call5(SYS_finit_module, (uintptr_t)fd, P(parameters), 0, 0, 0);
		close_fd(fd);
		remove_file(path.s);
	}
	/* ENODEV is a driver that finds nothing to drive, as one for a feature of other CPUs. */
	if (r < 0 && r != -EEXIST && r != -ENODEV)
		SAY("module ", name, ": ", why(&text, r));
}

static void follow(struct plan *plan)
{
	struct line text;
	long len = read_file("/vmm/plan", plan_text, sizeof(plan_text));
	char *at = plan_text, *rest;
	const char *word;

	*plan = (struct plan){ .wait_s = 10 };
	if (len < 0) {
		SAY("/vmm/plan: ", why(&text, len));
		give_up();
	}
	while ((word = next_line(&at, &rest))) {
		if (equal(word, "module"))
			load_module(rest);
		else if (equal(word, "root"))
			plan->root = rest;
		else if (equal(word, "fstype"))
			plan->fstype = rest;
		else if (equal(word, "flags"))
			plan->flags = rest;
		else if (equal(word, "init"))
			plan->init = rest;
		else if (equal(word, "rw"))
			plan->writable = 1;
		else if (equal(word, "share"))
			plan->share = rest;
		else if (equal(word, "overlay"))
			plan->overlay = 1;
		else if (equal(word, "command"))
			plan->command = 1;
		else if (equal(word, "hint"))
			plan->hint = rest;
		else if (equal(word, "wait"))
			plan->wait_s = number(rest);
		else
			SAY("/vmm/plan: ", word, " is not known");
	}
	if (plan->command)
		command_read();
	remove_dir("/vmm/modules");
	remove_file("/vmm/plan");
}

/* --- the root file system -------------------------------------------------------------------- */

/* Names in /sys/class/block, for who asked for one that is not there. */
static long add_device(void *ctx, const char *name)
{
	struct line *l = ctx;

	if (l->len)
		add(l, ", ");
	add(l, name);
	return 0;
}

static void add_block_devices(struct line *l)
{
	(void)each_name("/sys/class/block", add_device, l);
	if (l->len == 0)
		add(l, "none");
}

static void wait_for(const char *device, const struct plan *plan)
{
	long begin = now_ms(), end = begin + (long)plan->wait_s * 1000;
	struct line there = { .len = 0 }, after = { .len = 0 };
	int told = 0;

	for (long pause = 1;; pause = pause < 50 ? pause * 2 : pause) {
		int fd = open_at(device, O_RDONLY | O_CLOEXEC);

		if (fd >= 0) {
			close_fd(fd);
			return;
		}
		if (now_ms() >= end)
			break;
		if (!told && now_ms() >= begin + 2000) {
			SAY("waiting for ", device);
			told = 1;
		}
		sleep_ms(pause);
	}
	add_number(&after, plan->wait_s);
	add_block_devices(&there);
	SAY("no ", device, " after ", after.s, " s; the block devices here: ", there.s);
	if (plan->hint)
		SAY(plan->hint);
	give_up();
}

/* With each type that the kernel knows and that wants a device. */
static long mount_any(const char *device, unsigned long flags, const char *options)
{
	static char types[8192];
	char *at = types;
	long r = -ENODEV;

	(void)read_file("/proc/filesystems", types, sizeof(types));
	while (*at) {
		char *type, *end = at;

		while (*end && *end != '\n')
			end++;
		if (*end)
			*end++ = '\0';
		type = *at == '\t' ? at + 1 : NULL; /* else "nodev" stands in front */
		at = end;
		if (!type)
			continue;
		r = mount_at(device, ROOT, type, flags, options);
		if (r != -EINVAL)
			return r; /* mounted, or its kind but broken */
	}
	return r;
}

static long mount_once(const struct plan *p, const char *device, unsigned long flags)
{
	return p->fstype ? mount_at(device, ROOT, p->fstype, flags, p->flags)
			 : mount_any(device, flags, p->flags);
}

static void mount_root(const struct plan *p, const char *device)
{
	struct line text;
	long r = mount_once(p, device, p->writable ? 0 : MS_RDONLY);

	if (p->writable && (r == -EACCES || r == -EROFS)) {
		r = mount_once(p, device, MS_RDONLY);
		if (r == 0)
			SAY(device, " cannot be written, so its file system is mounted read-only");
	}
	if (r == 0)
		return;
	if (p->fstype && r == -ENODEV)
		SAY("this kernel has no ", p->fstype, ", which is what ", device, " has on it");
	else if (!p->fstype && (r == -EINVAL || r == -ENODEV))
		SAY("this kernel knows no file system that could be what ", device, " has on it");
	else
		SAY("cannot mount ", device, p->fstype ? " as " : "", p->fstype ? p->fstype : "",
		    ": ", why(&text, r));
	give_up();
}

static void mount_share(const struct plan *p)
{
	struct line text;
	long r = mount_at(p->share, ROOT, "virtiofs", p->overlay || !p->writable ? MS_RDONLY : 0,
			  p->flags);

	if (r == 0)
		return;
	if (r == -ENODEV)
		SAY("this kernel has no virtiofs, which a folder of the host needs");
	else
		SAY("cannot mount the host's folder: ", why(&text, r));
	if (p->hint)
		SAY(p->hint);
	give_up();
}

/*
 * Puts memory over the root. Its folders stay out of sight: what is mounted there moves below, into
 * the first root, which the new one covers.
 */
static void lay_over(void)
{
	struct line text;
	long r;

	make_dir("/lower");
	make_dir("/over");
	r = mount_at(ROOT, "/lower", NULL, MS_MOVE, NULL);
	if (r == 0)
		r = mount_at("tmpfs", "/over", "tmpfs", 0, "mode=755");
	make_dir("/over/upper");
	make_dir("/over/work");
	if (r == 0)
		r = mount_at("overlay", ROOT, "overlay", 0,
			     "lowerdir=/lower,upperdir=/over/upper,workdir=/over/work");
	if (r == 0)
		return;
	if (r == -ENODEV)
		SAY("this kernel has no overlay, so its root is mounted with ,rw or ,ro");
	else
		SAY("cannot lay memory over the root: ", why(&text, r));
	give_up();
}

/* What is mounted on them comes from the kernel, so any root can have them. */
static void make_mount_points(void)
{
	static const char *const dirs[] = { ROOT "/dev", ROOT "/proc", ROOT "/sys" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(dirs[i]);
}

/* Takes a mount along into the new root, or leaves it behind when that has no such folder. */
static void take_along(const char *from, const char *to)
{
	if (mount_at(from, to, NULL, MS_MOVE, NULL) < 0)
		unmount(from);
}

static void enter_root(void)
{
	struct line text;
	long r;

	take_along("/dev", ROOT "/dev");
	take_along("/proc", ROOT "/proc");
	take_along("/sys", ROOT "/sys");
	r = call5(SYS_chdir, P(ROOT), 0, 0, 0, 0);
	if (r == 0)
		r = mount_at(".", "/", NULL, MS_MOVE, NULL);
	if (r == 0)
		r = call5(SYS_chroot, P("."), 0, 0, 0, 0);
	if (r == 0)
		r = call5(SYS_chdir, P("/"), 0, 0, 0, 0);
	if (r < 0) {
		SAY("cannot enter the root file system: ", why(&text, r));
		give_up();
	}
}

/* --- the end --------------------------------------------------------------------------------- */

/* Which /dev/console is, can be another since a console's driver was loaded. */
static void take_console(void)
{
	int fd = open_at("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	for (int i = 0; i <= 2; i++)
		if (i != fd)
			(void)call5(SYS_dup3, (uintptr_t)fd, (uintptr_t)i, 0, 0, 0);
	if (fd > 2)
		close_fd(fd);
}

/* Becomes @path, with the kernel's arguments; comes back only with an error. */
static long become(const char *path, const char **argv, const char *const *envp)
{
	argv[0] = path;
	return call5(SYS_execve, P(path), P(argv), P(envp), 0, 0);
}

static _Noreturn void become_root_init(const struct plan *p, const char *device, const char **argv,
				       const char *const *envp)
{
	static const char *const usual[] = { "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	struct line text;
	long r;

	if (p->init) {
		r = become(p->init, argv, envp);
		SAY(p->init, " on ", device, ": ", why(&text, r));
		give_up();
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		r = become(usual[i], argv, envp);
		if (r != -ENOENT && r != -ENOTDIR)
			SAY(usual[i], " on ", device, ": ", why(&text, r));
	}
	SAY("no init on ", device, ": tried /sbin/init, /etc/init, /bin/init and /bin/sh");
	give_up();
}

static _Noreturn void become_users_init(const char **argv, const char *const *envp)
{
	struct line text;
	long r;

	/* As the kernel would have left it. */
	unmount("/sys");
	unmount("/proc");
	unmount("/dev");
	r = become("/init", argv, envp);
	SAY("/init of the initrd: ", why(&text, r));
	give_up();
}

static void mount_kernels_own(void)
{
	static const struct {
		const char *type, *where;
	} mounts[] = { { "devtmpfs", "/dev" }, { "proc", "/proc" }, { "sysfs", "/sys" } };
	struct line text;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		long r;

		make_dir(mounts[i].where);
		r = mount_at(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL);
		if (r < 0 && r != -EBUSY)
			SAY(mounts[i].type, ": ", why(&text, r));
	}
}

static _Noreturn void run_command(const struct plan *p)
{
	const int has_root = p->root || p->share;
	const int writes = has_root && p->writable && !p->overlay;

	command_open_ports();
	if (has_root) {
		make_mount_points();
		enter_root();
	}
	command_make_world(has_root && !p->overlay && !writes);
	command_run(writes);
}

_Noreturn void init_main(const uintptr_t *stack)
{
	uintptr_t argc = stack[0];
	const char **argv = (const char **)(uintptr_t)(stack + 1);
	const char *const *envp = (const char *const *)(stack + 1 + argc + 1);
	struct line device;
	struct plan plan;

	mount_kernels_own();
	keep_panic_timeout();
	follow(&plan);
	take_console();
	if (!plan.root && !plan.share) {
		if (plan.command)
			run_command(&plan);
		become_users_init(argv, envp);
	}
	make_dir(ROOT);
	if (plan.share) {
		JOIN(&device, "the host's folder");
		mount_share(&plan);
	} else {
		wait_for(JOIN(&device, "/dev/", plan.root), &plan);
		mount_root(&plan, device.s);
	}
	if (plan.overlay)
		lay_over();
	if (plan.command)
		run_command(&plan);
	enter_root();
	become_root_init(&plan, device.s, argv, envp);
}
