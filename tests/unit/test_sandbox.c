/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/refuse_call.h"
#include "tests/lib/test.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/core/poison.h"
#include "vmm/sandbox/filter.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/sandbox/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __aarch64__
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#define THIS_ARCH AUDIT_ARCH_X86_64
#endif

/* More than any architecture has. */
enum { CALLS = 600 };

/* How many instructions the kernel has followed. */
static unsigned steps;

/* What the kernel does with a program: the instructions that filters are made of. */
static uint32_t run(const struct filter *f, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (unsigned pc = 0; pc < f->len; pc++) {
		const struct sock_filter *i = &f->insn[pc];

		steps++;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			EXPECT(i->k + 4 <= sizeof(*d) && i->k % 4 == 0);
			memcpy(&a, (const char *)d + i->k, 4);
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			test_fail(__FILE__, __LINE__, "instruction %#x", i->code);
		}
	}
	test_fail(__FILE__, __LINE__, "the program has no end");
}

static struct filter_facts facts = { .pid = 77 };

static uint32_t call(enum thread_kind kind, int number, uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
	static struct filter f;
	const struct seccomp_data d = { .nr = number,
					.arch = THIS_ARCH,
					.args = { arg0, arg1, arg2 } };

	filter_make(&f, kind, &facts);
	return run(&f, &d);
}

static const struct rule *rule_of(enum thread_kind kind, int number)
{
	for (const struct rule *r = sandbox_rules; r->name; r++)
		if (r->number == number && (r->kinds & 1U << kind) && !r->watch)
			return r;
	return NULL;
}

/* Arguments with which a rule allows its call. */
static uint32_t call_well(enum thread_kind kind, const struct rule *r)
{
	uint64_t request = 0;

	for (const struct rule_ioctl *i = sandbox_ioctls; i->name; i++)
		if (i->kinds & 1U << kind)
			request = i->request;
	return call(kind, r->number, 77, r->check == RULE_IOCTL ? request : 0, 0);
}

TEST(what_no_rule_allows_is_trapped_for_every_kind_and_number)
{
	for (unsigned k = 0; k < NR_THREAD_KINDS; k++) {
		for (int n = -1; n < CALLS; n++) {
			const struct rule *r = rule_of((enum thread_kind)k, n);
			const uint32_t got = r ? call_well((enum thread_kind)k, r)
					       : call((enum thread_kind)k, n, 0, 0, 0);

			if (got != (r ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRAP))
				test_fail(__FILE__, __LINE__, "%s, call %d: %#x",
					  thread_kind_name((enum thread_kind)k), n, got);
		}
	}
}

TEST(foreign_calls_kill)
{
	static struct filter f;
	const struct seccomp_data d = { .nr = SYS_futex, .arch = AUDIT_ARCH_ARM };

	filter_make(&f, THREAD_VCPU, &facts);
	EXPECT_EQ(run(&f, &d), SECCOMP_RET_KILL_PROCESS);
}

TEST(arguments_are_looked_at)
{
	static const unsigned long kvm_create_vm = 0xae01;

	for (const struct rule_ioctl *i = sandbox_ioctls; i->name; i++)
		for (unsigned k = 0; k < NR_THREAD_KINDS; k++)
			EXPECT_EQ(call((enum thread_kind)k, SYS_ioctl, 5, i->request, 0),
				  i->kinds & 1U << k ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRAP);
	EXPECT_EQ(call(THREAD_VCPU, SYS_ioctl, 5, KVM_RUN, 0), SECCOMP_RET_ALLOW);
	/* Whoever serves queues raises interrupts, by this where KVM takes no eventfd for them. */
	EXPECT_EQ(call(THREAD_QUEUE, SYS_ioctl, 5, KVM_IRQ_LINE, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(call(THREAD_NET, SYS_ioctl, 5, KVM_IRQ_LINE, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(call(THREAD_BACKEND, SYS_ioctl, 5, KVM_IRQ_LINE, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(call(THREAD_MAIN, SYS_ioctl, 5, kvm_create_vm, 0), SECCOMP_RET_TRAP);
	EXPECT_EQ(call(THREAD_MAIN, SYS_ioctl, 5, TIOCSTI, 0), SECCOMP_RET_TRAP);

	EXPECT_EQ(call(THREAD_MAIN, SYS_tgkill, 77, 78, SIGKILL), SECCOMP_RET_ALLOW);
	EXPECT_EQ(call(THREAD_MAIN, SYS_tgkill, 1, 1, SIGKILL), SECCOMP_RET_TRAP);

	EXPECT_EQ(call(THREAD_DISK, SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE), SECCOMP_RET_ALLOW);
	EXPECT_EQ(call(THREAD_DISK, SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC), SECCOMP_RET_TRAP);
	EXPECT_EQ(call(THREAD_MAIN, SYS_mprotect, 0, 4096, PROT_EXEC), SECCOMP_RET_TRAP);
}

/* Each exit of the guest passes by here. */
TEST(nothing_comes_before_what_a_vcpu_asks_for)
{
	steps = 0;
	EXPECT_EQ(call(THREAD_VCPU, SYS_ioctl, 5, KVM_RUN, 0), SECCOMP_RET_ALLOW);
	EXPECT(steps <= 7);
}

/* The kernel follows a program for every number when it takes it. */
TEST(the_way_of_every_number_is_short)
{
	for (unsigned k = 0; k < NR_THREAD_KINDS; k++) {
		unsigned most = 0;

		steps = 0;
		for (int n = 0; n < CALLS; n++) {
			const unsigned before = steps;

			(void)call((enum thread_kind)k, n, 0, 0, 0);
			if (n != SYS_ioctl && steps - before > most)
				most = steps - before;
		}
		EXPECT(steps < 12 * CALLS);
		EXPECT(most <= 18);
	}
}

/* A number that no rule could have, whatever becomes of it on the way. */
TEST(numbers_out_of_range_are_trapped)
{
	static const int out[] = { 511,	      512, 1024 + SYS_futex, INT32_MAX,
				   INT32_MIN, -1,  -SYS_futex,	     0x40000000 + SYS_futex };

	for (size_t i = 0; i < ARRAY_SIZE(out); i++)
		for (unsigned k = 0; k < NR_THREAD_KINDS; k++)
			EXPECT_EQ(call((enum thread_kind)k, out[i], 0, 0, 0), SECCOMP_RET_TRAP);
}

/* Seldom made, so that no other test may come by them: what each is for is in the table. */
TEST(rare_calls_are_allowed)
{
	EXPECT_EQ(call(THREAD_QUEUE, SYS_ppoll, 0, 0, 0), SECCOMP_RET_ALLOW);
	EXPECT_EQ(call(THREAD_DISK, SYS_ppoll, 0, 0, 0), SECCOMP_RET_ALLOW);
	/* A crash that is nobody's fault but vmm's ends it as it would without a sandbox. */
	for (unsigned k = 0; k < NR_THREAD_KINDS; k++)
		EXPECT_EQ(call((enum thread_kind)k, SYS_tgkill, 77, 78, SIGSEGV),
			  SECCOMP_RET_ALLOW);
}

TEST(powers_that_nobody_has)
{
	static const int never[] = {
		SYS_openat,
		SYS_openat2,
		SYS_socket,
		SYS_connect,
		SYS_clone,
		SYS_clone3,
		SYS_execve,
		SYS_execveat,
		SYS_ptrace,
		SYS_io_uring_setup,
		SYS_process_vm_readv,
		SYS_process_vm_writev,
		SYS_unlinkat,
		SYS_mount,
		SYS_setns,
		SYS_unshare,
		SYS_kill,
		SYS_prctl,
		SYS_seccomp,
		SYS_bind,
		SYS_memfd_create,
		SYS_fchmodat,
		SYS_rt_sigaction,
	};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		for (const struct rule *r = sandbox_rules; r->name; r++)
			EXPECT(r->number != never[i]);
}

/* Whatever is used: those for --watch count, too. */
TEST(there_are_few_rules)
{
	unsigned vcpu = 0, all = 0;

	for (const struct rule *r = sandbox_rules; r->name; r++) {
		vcpu += (r->kinds & KIND(VCPU)) != 0;
		all++;
	}
	EXPECT(vcpu <= 14);
	EXPECT(all <= 40);
}

TEST(vcpus_change_what_is_mapped_only_to_watch_it)
{
	EXPECT_EQ(call(THREAD_VCPU, SYS_mprotect, 0, 4096, PROT_NONE), SECCOMP_RET_TRAP);
	facts.watch = true;
	EXPECT_EQ(call(THREAD_VCPU, SYS_mprotect, 0, 4096, PROT_NONE), SECCOMP_RET_ALLOW);
	EXPECT_EQ(call(THREAD_VCPU, SYS_mprotect, 0, 4096, PROT_EXEC), SECCOMP_RET_TRAP);
}

TEST(all_rules_fit_with_everything_used)
{
	static const struct filter_facts most = { .pid = UINT32_MAX, .watch = true };
	static struct filter f;

	for (unsigned k = 0; k < NR_THREAD_KINDS; k++) {
		filter_make(&f, (enum thread_kind)k, &most);
		EXPECT(f.len > 10 && f.len <= FILTER_MAX / 2);
	}
}

/* --- for real, in a child ------------------------------------------------------------------- */

/* What the child did: its exit status, and what it wrote to stderr. */
/* Its status, or 128 and the signal that ended it, as a shell says it. */
static int in_child(void (*fn)(void), char *said, size_t len)
{
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	EXPECT_EQ(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(pipes[1], STDERR_FILENO);
		(void)close(pipes[0]);
		(void)close(pipes[1]);
		fn();
		_exit(99);
	}
	(void)close(pipes[1]);
	n = io_read(pipes[0], said, len - 1);
	said[n > 0 ? n : 0] = '\0';
	(void)close(pipes[0]);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void try_to_open(void)
{
	struct err e;

	if (sandbox_build(SANDBOX_ON, false, NULL, &e))
		_exit(98);
	sandbox_enter(THREAD_MAIN);
	(void)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

TEST(a_denied_call_is_named_and_ends_the_process)
{
	char said[2000], want[80];

	(void)snprintf(want, sizeof(want), "denies a thread of kind main the system call %d",
		       SYS_openat);
	EXPECT_EQ(in_child(try_to_open, said, sizeof(said)), 1);
	EXPECT_HAS(said, want);
}

static void say_restored(void)
{
	(void)!write(STDERR_FILENO, "restored\n", 9);
}

/* A filter of the test's own has the next one refused, as a host without memory would. */
static void be_refused_a_filter(void)
{
	struct err e;

	threads_hold();
	if (sandbox_build(SANDBOX_ON, false, say_restored, &e) || !refuse_call(SYS_seccomp, ENOMEM))
		_exit(98);
	sandbox_enter(THREAD_MAIN);
	_exit(99);
}

TEST(a_filter_that_is_refused_ends_the_process_with_the_terminal_as_it_was)
{
	char said[2000];

	EXPECT_EQ(in_child(be_refused_a_filter, said, sizeof(said)), 1);
	EXPECT_HAS(said, "restored");
	EXPECT_HAS(said, "vmm: seccomp: Cannot allocate memory");
}

static void find_itself_broken(void)
{
	struct err e;

	log_set_level(LOG_ERROR);
	threads_hold();
	if (sandbox_build(SANDBOX_ON, false, NULL, &e))
		_exit(98);
	sandbox_enter(THREAD_MAIN);
	abort();
}

TEST(an_abort_is_one)
{
	char said[2000];

	int status;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	test_skip("a sanitizer has calls of its own to make");
#endif
	status = in_child(find_itself_broken, said, sizeof(said));
	EXPECT_STR(said, "");
	EXPECT_EQ(status, 128 + SIGABRT);
}

/* As the program has it. */
static void on_crash(int sig)
{
	say_restored();
	thread_raise(sig);
}

/* What lies behind the end of a file fails, but not as memory of the host does. */
static volatile char *beyond;

static void touch_it(void *ctx UNUSED)
{
	*beyond = 1;
}

static void be_sent_one(void *ctx UNUSED)
{
	thread_raise(SIGBUS);
}

/* With a C library that does not unblock the signal first, as from glibc 2.41 on. */
static void begin_to_abort(void *ctx UNUSED)
{
	(void)syscall(SYS_gettid);
}

/* In a vCPU's thread. */
static void crash_by(void (*how)(void *ctx))
{
	const struct sigaction sa = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };
	struct thread t = { .kind = THREAD_VCPU, .name = "vcpu", .run = how };
	struct err e;

	beyond = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		      memfd_create("empty", MFD_CLOEXEC), 0);
	log_set_level(LOG_ERROR); /* not of a PID namespace, in which it would have to be born */
	threads_hold();
	if (beyond == MAP_FAILED || sigaction(SIGBUS, &sa, NULL) || sigaction(SIGABRT, &sa, NULL) ||
	    poison_handle(&e) || sandbox_build(SANDBOX_ON, false, NULL, &e) ||
	    thread_start(&t, &e) || threads_release(sandbox_enter, &e))
		_exit(98);
	thread_join(&t);
}

static void crash_by_an_access(void)
{
	crash_by(touch_it);
}

static void crash_by_a_signal(void)
{
	crash_by(be_sent_one);
}

static void crash_by_an_abort(void)
{
	crash_by(begin_to_abort);
}

TEST(a_crash_has_the_terminal_restored_and_ends_the_process)
{
	char said[2000];

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	test_skip("a sanitizer has calls of its own to make");
#endif
	EXPECT_EQ(in_child(crash_by_an_access, said, sizeof(said)), 128 + SIGBUS);
	EXPECT_STR(said, "restored\n");
	EXPECT_EQ(in_child(crash_by_a_signal, said, sizeof(said)), 128 + SIGABRT);
	EXPECT_STR(said, "restored\nrestored\n");
	EXPECT_EQ(in_child(crash_by_an_abort, said, sizeof(said)), 128 + SIGABRT);
	EXPECT_STR(said, "restored\n");
}

/* What a report takes: of a vCPU a line, of the writer a heap that grows, and what is in files. */
static void say_a_line(void *ctx UNUSED)
{
	log_block(LOG_ERROR, "from a vCPU\n");
}

static void write_reports(void *ctx)
{
	const struct io_file *self = ctx;
	static char head[4096];
	struct err e;
	char *p = NULL;

	for (size_t n = 1; n <= 16 * MiB; n *= 2) {
		p = realloc(p, n);
		if (!p)
			_exit(97);
		memset(p, 1, n);
	}
	free(p);
	if (io_read_at(self, 0, head, sizeof(head), &e))
		_exit(96);
	log_error("from the writer");
}

static void report_behind_the_walls(void)
{
	struct io_file self;
	struct thread t[] = {
		{ .kind = THREAD_VCPU, .name = "vcpu", .run = say_a_line },
		{ .kind = THREAD_REPORT, .name = "reports", .run = write_reports, .ctx = &self },
	};
	struct err e;

	threads_hold();
	if (io_open(&self, "/proc/self/exe", &e) || sandbox_build(SANDBOX_ON, false, NULL, &e))
		_exit(98);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if (thread_start(&t[i], &e))
			_exit(95);
	if (threads_release(sandbox_enter, &e))
		_exit(94);
	sandbox_enter(THREAD_MAIN);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		thread_join(&t[i]);
	_exit(0);
}

TEST(reports_are_written_behind_the_walls)
{
	char said[2000];
	int status;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	test_skip("a sanitizer's heap asks for more");
#endif
	status = in_child(report_behind_the_walls, said, sizeof(said));
	EXPECT_HAS(said, "vmm: from a vCPU\n");
	EXPECT_HAS(said, "vmm: from the writer\n");
	EXPECT_EQ(status, 0);
}

static struct walls built;

static bool fails_with(int code, int ret)
{
	return ret < 0 && errno == code;
}

/* Each step that is not as it should be is a status of its own. */
static void look_around(void)
{
	static const unsigned long plain = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
	const int kept = open("/proc/self/exe", O_RDONLY);
	const long landlock =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	const struct sockaddr_in port = { .sin_family = AF_INET, .sin_port = htons(8080) };
	struct rlimit core;
	struct statvfs root;
	char byte;
	int s;

	const pid_t outer = getppid();
	pid_t inner;
	int status;

	if (wall_build(WALL_PIDS) == 0) {
		inner = fork();
		if (inner) {
			(void)waitpid(inner, &status, 0);
			_exit(inner < 0 || !WIFEXITED(status) ? 9 : WEXITSTATUS(status));
		}
	}
	walls_build(&built);
	for (unsigned i = 0; i < NR_WALLS; i++)
		if (!built.holds[i]) {
			(void)fprintf(stderr, "%s: %s", wall_name((enum wall)i), built.why_not[i]);
			_exit(77);
		}
	if (read(kept, &byte, 1) != 1)
		_exit(10); /* what is open stays open */
	if (open("/etc/passwd", O_RDONLY) >= 0)
		_exit(11);
	if (open("/", O_RDONLY | O_DIRECTORY) >= 0)
		_exit(12);
	if (!fails_with(EACCES, open("/x", O_CREAT | O_WRONLY, 0600)) && errno != EROFS)
		_exit(13);
	if (!fails_with(EPERM, setuid(getuid() + 1)) && errno != EINVAL)
		_exit(14);
	if (statvfs("/", &root) || (root.f_flag & plain) != plain)
		_exit(17);
	if (getrlimit(RLIMIT_CORE, &core) || core.rlim_max != 0)
		_exit(15);
	if (getpid() != 1 || !fails_with(ESRCH, kill(outer, 0)))
		_exit(18);
	if (kill(getpid(), 0))
		_exit(19);
	/* A network of its own has no way out; and since Linux 6.7 nobody comes in. */
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0)
		_exit(16);
	if (landlock >= 4 && !fails_with(EACCES, bind(s, (const void *)&port, sizeof(port))))
		_exit(20);
	_exit(0);
}

TEST(behind_the_walls_there_is_nothing)
{
	char said[2000];
	int status = in_child(look_around, said, sizeof(said));

	if (status == 77)
		test_skip(said);
	EXPECT_EQ(status, 0);
}

static void strict(void)
{
	struct err e;

	if (sandbox_build(SANDBOX_STRICT, false, NULL, &e)) {
		(void)fprintf(stderr, "%s", e.text);
		_exit(1);
	}
	_exit(0);
}

/* One wall that is not there, whoever we are: it had to be built before. */
TEST(strict_refuses_what_is_missing)
{
	char said[2000];

	EXPECT_EQ(in_child(strict, said, sizeof(said)), 1);
	EXPECT_HAS(said, "--sandbox strict: a PID namespace: ");
}

TEST_MAIN(T(what_no_rule_allows_is_trapped_for_every_kind_and_number), T(foreign_calls_kill),
	  T(arguments_are_looked_at), T(nothing_comes_before_what_a_vcpu_asks_for),
	  T(the_way_of_every_number_is_short), T(numbers_out_of_range_are_trapped),
	  T(rare_calls_are_allowed), T(powers_that_nobody_has), T(there_are_few_rules),
	  T(vcpus_change_what_is_mapped_only_to_watch_it), T(all_rules_fit_with_everything_used),
	  T(a_denied_call_is_named_and_ends_the_process),
	  T(a_filter_that_is_refused_ends_the_process_with_the_terminal_as_it_was),
	  T(an_abort_is_one), T(a_crash_has_the_terminal_restored_and_ends_the_process),
	  T(reports_are_written_behind_the_walls), T(behind_the_walls_there_is_nothing),
	  T(strict_refuses_what_is_missing))
