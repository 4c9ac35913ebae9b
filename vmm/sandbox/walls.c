/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/sandbox/walls.h"

#include "vmm/base/scope.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* That may be opened later: the 2048 of vsock, and connections to consoles. */
#define SPARE_FDS 2304

/* --- namespaces ---------------------------------------------------------------------------- */

static bool has_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct has[2] = { { 0 } };

	return syscall(SYS_capget, &header, has) == 0 && (has[0].permitted || has[1].permitted);
}

static void put_line(const char *path, const char *line)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, line, strlen(line));
}

/* In our user namespace we are who we are outside; without that we would be nobody. */
static void map_id(const char *path, unsigned id)
{
	char line[32];

	(void)snprintf(line, sizeof(line), "%u %u 1", id, id);
	put_line(path, line);
}

static int own_pids(void)
{
	const unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWPID) == 0)
		return 0;
	/* Who has capabilities may need them till the walls are built; in there they are gone. */
	if (errno != EPERM || has_capabilities())
		return -errno;
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		return -errno;
	put_line("/proc/self/setgroups", "deny");
	map_id("/proc/self/uid_map", uid);
	map_id("/proc/self/gid_map", gid);
	return 0;
}

static int own_namespaces(void)
{
	static const int others = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

	/* Nobody has a number in the first: there is no user that we are, or could become. */
	if (unshare(CLONE_NEWUSER | others) == 0)
		return 0;
	/* Where user namespaces are forbidden, root can still have the others. */
	return unshare(others) < 0 ? -errno : 0;
}

/* --- an empty root ------------------------------------------------------------------------- */

/* Makes the working directory, a mount, the root. */
static int become_root(void)
{
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH);
	/* The kernel's first root, an initramfs, stays where it is: cover it. */
	if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return -1;
	return chroot(".");
}

static int empty_root(void)
{
	static const char place[] = "/proc"; /* a folder that every host has */
	static const unsigned long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", place, "tmpfs", plain, "size=4k,mode=0500") < 0 || chdir(place) < 0 ||
	    become_root() < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

/* --- Landlock ------------------------------------------------------------------------------ */

/* struct landlock_ruleset_attr, of which older headers know the beginning only. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* since version 4 */
	uint64_t scoped;	     /* since version 6 */
};

/*
 * All that the kernel's version knows of: doing anything to a file by name; TCP ports; signals to
 * processes outside, and abstract sockets of theirs. The namespaces stand before most of it. What
 * is open stays as it is.
 */
static int landlock(void)
{
	static const struct {
		unsigned fs, net, scoped; /* bits */
	} versions[] = { { 13, 0, 0 }, { 14, 0, 0 }, { 15, 0, 0 },
			 { 15, 2, 0 }, { 16, 2, 0 }, { 16, 2, 2 } };
	const long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	const size_t last = ARRAY_SIZE(versions) - 1;
	auto_fd int fd = -1;
	size_t i;

	if (version < 1)
		return version < 0 ? -errno : -EOPNOTSUPP;
	i = (size_t)version - 1 < last ? (size_t)version - 1 : last;
	const struct ruleset attr = {
		.handled_access_fs = (1ULL << versions[i].fs) - 1,
		.handled_access_net = (1ULL << versions[i].net) - 1,
		.scoped = (1ULL << versions[i].scoped) - 1,
	};
	/* Fields that are zero may be there, whether or not the kernel knows them. */
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return -errno;
	return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}

/* --- capabilities, limits ------------------------------------------------------------------ */

static int no_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { { 0 } };
	unsigned long cap = 0;

	/* Up to the last that the kernel knows. Who may not has no capabilities, nor any to get. */
	while (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
		cap++;
	if (errno != EINVAL && errno != EPERM)
		return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int limit(int which, rlim_t most)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)which, &now) < 0)
		return -errno;
	if (now.rlim_max > most)
		now.rlim_max = most;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	return setrlimit((__rlimit_resource_t)which, &now) < 0 ? -errno : 0;
}

static int limits(void)
{
	const int highest = fcntl(0, F_DUPFD_CLOEXEC, 0);
	int code;

	/* The lowest free fd; with holes there are others above it, which is what is to spare. */
	if (highest < 0)
		return -errno;
	(void)close(highest);
	code = limit(RLIMIT_NOFILE, (rlim_t)highest + SPARE_FDS);
	return code ? code : limit(RLIMIT_CORE, 0);
}

/* --- all of them --------------------------------------------------------------------------- */

static int no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static const struct {
	const char *name;
	int (*build)(void); /* 0 or -errno */
} kinds[NR_WALLS] = {
	[WALL_PIDS] = { "a PID namespace", own_pids },
	[WALL_NO_NEW_PRIVS] = { "no new privileges", no_new_privs },
	[WALL_NAMESPACES] = { "own namespaces", own_namespaces },
	[WALL_ROOT] = { "an empty root", empty_root },
	[WALL_LANDLOCK] = { "Landlock", landlock },
	[WALL_CAPABILITIES] = { "no capabilities", no_capabilities },
	[WALL_LIMITS] = { "limits", limits },
};

static int pids = -ENOSYS; /* how it went; not tried yet */

int wall_build(enum wall w)
{
	int code = kinds[w].build();

	if (w == WALL_PIDS)
		pids = code;
	return code;
}

static int build_next(const struct walls *w, enum wall next)
{
	if (next == WALL_PIDS)
		return pids;
	return next == WALL_ROOT && !w->holds[WALL_NAMESPACES] ? -EPERM : wall_build(next);
}

void walls_build(struct walls *w)
{
	*w = (struct walls){ 0 };
	for (unsigned i = 0; i < NR_WALLS; i++) {
		int code = build_next(w, (enum wall)i);

		w->holds[i] = code == 0;
		if (code)
			(void)snprintf(w->why_not[i], sizeof(w->why_not[i]), "%s", strerror(-code));
	}
}

const char *wall_name(enum wall w)
{
	return kinds[w].name;
}
