/* holestorm ADDRESS COUNT THREADS: runs in the guest. Each thread, on a CPU of its own, touches a
 * page through /dev/mem COUNT times, in turn by a load, a store and a load of two registers,
 * catches the SIGBUS of each and says last how many there were in all: "caught N". Thread 1 touches
 * the page behind that of thread 0, and so on. Ends with 1 if one signal was not what Linux
 * promises. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	    4096
#define MAX_THREADS 8
#define RUN	    500 /* how often in a row the same instruction */

struct toucher {
	pthread_t thread;
	int cpu;
	char *page;
	unsigned long count, caught, wrong;
};

static __thread sigjmp_buf back;
static __thread struct toucher *me;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	me->caught++;
	if (info->si_code != BUS_OBJERR || info->si_addr != me->page)
		me->wrong++;
	siglongjmp(back, 1);
}

static void touch(char *page, unsigned long way)
{
	uint64_t a = 0, b = 0;

	switch (way) {
	case 0:
		__asm__ volatile("ldr %w0, [%1]" : "=r"(a) : "r"(page) : "memory");
		break;
	case 1:
		__asm__ volatile("str %w0, [%1]" : : "r"(a), "r"(page) : "memory");
		break;
	default:
		__asm__ volatile("ldp %0, %1, [%2]" : "=&r"(a), "=&r"(b) : "r"(page) : "memory");
		break;
	}
}

static void *run(void *arg)
{
	struct toucher *t = arg;
	cpu_set_t set;

	me = t;
	CPU_ZERO(&set);
	CPU_SET(t->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		t->wrong++;
	/* volatile: what siglongjmp comes back with */
	for (volatile unsigned long i = 0; i < t->count; i++)
		if (sigsetjmp(back, 0) == 0)
			touch(t->page, i / RUN % 3);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct toucher t[MAX_THREADS];
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER };
	unsigned long caught = 0, wrong = 0;

	if (argc != 4)
		return 2;
	off_t address = (off_t)strtoull(argv[1], NULL, 0);
	unsigned long count = strtoul(argv[2], NULL, 0);
	int threads = atoi(argv[3]);
	if (threads < 1 || threads > MAX_THREADS)
		return 2;
	int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
	char *at =
		mmap(NULL, (size_t)threads * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, address);
	if (fd < 0 || at == MAP_FAILED) {
		perror("/dev/mem");
		return 2;
	}
	sigaction(SIGBUS, &sa, NULL);
	for (int i = 0; i < threads; i++) {
		t[i] = (struct toucher){ .cpu = i, .page = at + i * PAGE, .count = count };
		if (pthread_create(&t[i].thread, NULL, run, &t[i]))
			return 2;
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(t[i].thread, NULL);
		caught += t[i].caught;
		wrong += t[i].wrong;
	}
	printf("caught %lu\nwrong %lu\n", caught, wrong);
	return wrong || caught != count * (unsigned long)threads;
}
