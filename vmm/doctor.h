/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: what this host's KVM can and cannot do for guests, and for each "no" what to do about it.
 */
#ifndef VMM_DOCTOR_H
#define VMM_DOCTOR_H

#include "vmm/kvm.h"
#include "vmm/status.h"

enum finding { FINDING_NO, FINDING_YES, FINDING_UNKNOWN };

struct check {
	const char *name; /* stable, for --json: "gicv3-its" */
	const char *what; /* in words: "GICv3 with ITS for guests" */
	bool needed;	  /* vmm cannot run guests without */
	enum finding finding;
	uint64_t value;	    /* a number that goes with it; 0: none */
	char detail[96];    /* "" : nothing to add */
	const char *advice; /* for FINDING_NO: what it means and what to do */
};

#define DOCTOR_MAX_CHECKS 64

struct doctor {
	struct check check[DOCTOR_MAX_CHECKS];
	size_t nr;
};

/* Appends a check and returns it, so that detail can be filled in. */
struct check *doctor_add(struct doctor *d, const char *name, const char *what, bool yes,
			 const char *advice);

/* The architecture's part. @k has a VM of that type, or none (k->vm < 0) when that failed. */
void arch_doctor(struct doctor *d, const struct kvm *k);

/* The sandbox's part. */
void doctor_walls(struct doctor *d);

/* Looks, and prints on stdout, as JSON with @json. STATUS_OFF when vmm can run guests here. */
enum exit_status doctor_run(bool json);

#endif
