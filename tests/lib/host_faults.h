/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that refuses: each call of the C library or the kernel that vmm's own code makes, one at a
 * time, fails with each error that it can have.
 *
 *	static int scenario(struct err *e)	... makes something, uses it, takes it apart
 *	TEST(every_refusal_is_survived)
 *	{
 *		faults_sweep(scenario);
 *	}
 *
 * Programs called test_faults_* are linked with copies of vmm's objects in which malloc() is
 * faulty_malloc(), and so on for all that host_faults.c defines; what tests and their library call
 * is the real thing. The scenario runs once as it is and must return 0; then again and again, with
 * the first, second, ... call of each kind failing, until there is none left to fail (of more than
 * some dozens, which are a loop's, only some are taken). Every run must return 0, or -errno and one
 * sentence in the error that says why; and hold no memory, mapping, descriptor, thread or child
 * process more than before. What else must be so is the scenario's to expect: that what was said to
 * be done is done.
 *
 * A run of its own for each is why scenarios should be short.
 */
#ifndef TESTS_LIB_HOST_FAULTS_H
#define TESTS_LIB_HOST_FAULTS_H

#include "vmm/base/err.h"

/* Ends the test, and says which call failed, where and how, when a run does not go as it must. */
void faults_sweep(int (*scenario)(struct err *e));

/* Calls work while this is on, whoever makes them: for what the test itself needs vmm's code for.
 */
void faults_suspend(bool suspend);

/*
 * Whether a call has failed in this run, up to now: what then may be so, and otherwise may not. A
 * scenario that has seen one succeed all the same need not ask.
 */
bool faults_hit(void);

/* free() for what vmm's code allocated and the test has to free. */
void faults_free(void *at);

/* The name of the call that failed: "lstat"; "" while none has. */
const char *faults_what(void);

#define FAULTS_OFF(call)                                                                           \
	do {                                                                                       \
		faults_suspend(true);                                                              \
		call;                                                                              \
		faults_suspend(false);                                                             \
	} while (0)

#endif
