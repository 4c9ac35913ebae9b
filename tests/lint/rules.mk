# SPDX-License-Identifier: Apache-2.0
#
# `make lint`: what compilers and checkers say of vmm's sources, each file by itself, so that it runs
# as wide as -j says and only what changed is looked at again. One stamp a file and tool in build/lint.
# What each tool is asked is here, in .clang-tidy, and in the headers beside this file.

LOUT	    := build/lint
LINT_GCC    ?= $(CROSS_COMPILE)gcc
LINT_FLAGS  := $(filter-out -MMD -MP,$(BASE_FLAGS)) $(if $(SYSROOT),-isystem $(SYSROOT)/include)
LINT_TARGET := $(patsubst %-gcc,--target=%,$(filter %-gcc,$(notdir $(LINT_GCC))))
# The C library's headers for arm64, where this machine's are others.
LINT_LIBC   := $(if $(LINT_TARGET),-isystem /usr/$(patsubst --target=%,%,$(LINT_TARGET))/include)
LINT_SRCS   := $(SRCS) $(GUEST_SRCS)

lint_stamps  = $(LINT_SRCS:%.c=$(LOUT)/$(1)/%.ok)

# gcc's own analysis: leaks, double frees, files and memory used after their end, NULL.
# What is put into an array on the heap at an index that it cannot tell is lost to it: no leaks there.
LEAKS_UNSEEN := vmm/config.c vmm/config_backends.c vmm/initramfs/modindex.c arch/arm64/watch/watch.c
$(LEAKS_UNSEEN:%.c=$(LOUT)/analyze/%.ok): LINT_ANALYZE := -Wno-analyzer-malloc-leak
# Of a vector of words it takes the element for a bit.
$(LOUT)/analyze/vmm/host/net_csum.ok: LINT_ANALYZE := -Wno-analyzer-shift-count-overflow
$(LOUT)/taint/vmm/host/net_csum.ok: LINT_TAINT = -Wno-analyzer-shift-count-overflow

$(LOUT)/analyze/%.ok: %.c
	@mkdir -p $(@D)
	$(call say,GCC,$<)
	$(Q)$(LINT_GCC) $(LINT_FLAGS) -MMD -MP -MF $(@:.ok=.d) -MT $@ -O1 -fanalyzer -Werror \
		$(LINT_ANALYZE) -c -o $(@:.ok=.o) $<
	$(Q)rm -f $(@:.ok=.o) && touch $@

# The other tools look again whenever gcc did, which knows what a file includes.

# What a guest says, as index, offset, divisor, size: taint.h tells gcc where it comes in.
$(filter $(LOUT)/taint/devices/virtio/%,$(call lint_stamps,taint)): LINT_TAINT = -DHAS_RINGS
$(LOUT)/taint/devices/virtio/request.ok: LINT_TAINT = -DHAS_RINGS -DDEFINES_READERS
$(LOUT)/taint/vmm/core/gmem.ok: LINT_TAINT = -DDEFINES_READERS
$(LOUT)/taint/%.ok: $(LOUT)/analyze/%.ok tests/lint/taint.h
	@mkdir -p $(@D)
	$(call say,TAINT,$*.c)
	$(Q)$(LINT_GCC) $(LINT_FLAGS) $(LINT_TAINT) -include tests/lint/taint.h -O1 -fanalyzer -fanalyzer-checker=taint -Werror \
		-c -o $(@:.ok=.o) $*.c
	$(Q)rm -f $(@:.ok=.o) && touch $@

# Of paths that are many, it follows some: a tenth of what it would by itself, for a tenth of the time.
$(LOUT)/tidy/vmm/base/err.ok: LINT_TIDY = -DDEFINES_ERRORS
TIDY_PATHS := -Xclang -analyzer-config -Xclang max-nodes=30000

$(LOUT)/tidy/%.ok: $(LOUT)/analyze/%.ok .clang-tidy tests/lint/tidy.h
	@mkdir -p $(@D)
	$(call say,TIDY,$*.c)
	$(Q)clang-tidy --quiet $*.c -- $(LINT_TARGET) $(LINT_FLAGS) $(LINT_LIBC) $(LINT_TIDY) -include tests/lint/tidy.h \
		$(TIDY_PATHS) >$(@:.ok=.log) 2>/dev/null || \
		{ cat $(@:.ok=.log); exit 1; }
	$(Q)touch $@

# It knows no vectors.
SPARSE_SRCS := $(filter-out vmm/host/net_csum.c,$(LINT_SRCS))

$(LOUT)/sparse/%.ok: $(LOUT)/analyze/%.ok tests/lint/sparse.h
	@mkdir -p $(@D)
	$(call say,SPARSE,$*.c)
	$(Q)sparse --arch=aarch64 $(LINT_FLAGS) $(LINT_LIBC) -include tests/lint/sparse.h $*.c >$(@:.ok=.log) 2>&1; \
		if grep -E '^(\./)?(vmm|devices|arch|fdt)/.*: warning:|: error:' $(@:.ok=.log); then exit 1; fi
	$(Q)touch $@

# One run for all: it keeps by itself what it knows of files that did not change.
$(LOUT)/cppcheck.ok: $(call lint_stamps,analyze) tests/lint/cppcheck.txt
	@mkdir -p $(LOUT)/cppcheck
	$(call say,CPP,all)
	$(Q)cppcheck --quiet -j$$(nproc) --cppcheck-build-dir=$(LOUT)/cppcheck --std=c11 --enable=warning,portability,performance \
		--inline-suppr --suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 \
		-D__aarch64__ -D__GNUC__=12 -DVMM_VERSION='"0"' -I. $(LINT_SRCS)
	$(Q)touch $@

.PHONY: lint lint-tools lint-code
lint-tools:
	@for t in clang-format clang-tidy cppcheck shellcheck sparse $(LINT_GCC); do \
		command -v $$t >/dev/null || { echo "make: $$t is missing: run tests/lab/setup lint" >&2; exit 1; }; \
	done

lint-code: $(call lint_stamps,analyze) $(call lint_stamps,taint) $(call lint_stamps,tidy) $(SPARSE_SRCS:%.c=$(LOUT)/sparse/%.ok) \
	$(LOUT)/cppcheck.ok

lint: docs-current lint-code
	awk -f tests/layers.awk tests/layers.txt $$(git ls-files '*.[ch]')
	clang-format --dry-run -Werror $$(git ls-files '*.[ch]')
	shellcheck $$(git grep -lE '^#!/bin/(ba)?sh' -- .ci tests)

$(call lint_stamps,analyze): | lint-tools
