# SPDX-License-Identifier: Apache-2.0
#
# The whole build. `make help` prints the targets.
#
#	CROSS_COMPILE=	compiler prefix for arm64; found by itself on another architecture
#	CC=		compiler for arm64 (default $(CROSS_COMPILE)gcc)
#	HOST_CC=	compiler for the native unit tests
#	SAN=		address,undefined | thread | memory: sanitizers for the native unit tests
#	STATIC=1	a static vmm, as the lab uses
#	WERROR=1	warnings are errors
#	V=1		show commands

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

VERSION	     := 0.1.0
MACHINE	     := $(shell uname -m)
ifneq ($(MACHINE),aarch64)
CROSS_COMPILE ?= aarch64-linux-gnu-
SYSROOT	     ?= $(shell tests/lab/fetch --where sysroot 2>/dev/null)
endif
ifeq ($(origin CC),default)
CC	     := $(CROSS_COMPILE)gcc
endif
HOST_CC	     ?= cc
PREFIX	     ?= /usr/local

is_gcc	      = $(if $(findstring Free Software Foundation,$(shell $(1) --version 2>/dev/null)),1)

WARN	:= -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wvla -Wundef -Wformat=2 -Wcast-qual \
	   -Wpointer-arith -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum \
	   -Wframe-larger-than=8192
WARN_GCC   := -Wimplicit-fallthrough=5 -Wduplicated-cond -Wlogical-op
WARN_CLANG := -Wimplicit-fallthrough -Wconditional-uninitialized
ifeq ($(WERROR),1)
WARN	+= -Werror
endif

BASE_FLAGS := -std=gnu17 -D_GNU_SOURCE -DVMM_VERSION='"$(VERSION)"' -I. -g -fno-strict-aliasing \
	      -fno-common -MMD -MP
# The first of these sets of options that the compiler takes: clang 14 and 15 want to be asked twice.
cc_option = $(firstword $(foreach o,$(1),$(shell \
	$(CC) $(subst +, ,$(o)) -x c -c -o /dev/null /dev/null >/dev/null 2>&1 && echo '$(o)')))
ZERO_LOCALS := $(subst +, ,$(call cc_option,-ftrivial-auto-var-init=zero \
	-ftrivial-auto-var-init=zero+-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang))
STACK_CLASH := $(call cc_option,-Werror+-fstack-clash-protection)
HARDEN	:= -O2 -fstack-protector-strong $(STACK_CLASH:-Werror+%=%) $(ZERO_LOCALS) -D_FORTIFY_SOURCE=3 \
	   -fPIE -mbranch-protection=standard
LINK	 = -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed -Wl,-T,$(OUT)/start.ld

# --- what is built from what -------------------------------------------------------------------

SRCS	:= $(sort $(wildcard vmm/*.c vmm/*/*.c devices/*.c devices/*/*.c fdt/*.c arch/arm64/*.c \
	     $(filter-out arch/arm64/guest/%,$(wildcard arch/arm64/*/*.c))))
# These talk to KVM or are the program itself; all others build, and are tested, on any host.
KVM_SRCS := $(filter vmm/main.c vmm/demo.c vmm/vm.c vmm/vm_guest.c vmm/vm_user.c vmm/kvm.c vmm/rom.c vmm/doctor.c vmm/doctor_walls.c \
	      $(addprefix arch/arm64/,machine.c virtio.c acks.c layout.c trace.c suspend.c vcpu.c exit.c doctor.c gic/% watch/%) \
	      $(addprefix arch/arm64/fault/,fault.c unreachable.c afterwards.c capture.c inject.c guard.c view.c touch.c spin.c),$(SRCS))
PORTABLE := $(filter-out $(KVM_SRCS),$(SRCS))

LIBS	:= -lfdt -lz -lzstd -llzma -luring -pthread

# --- vmm for arm64 -----------------------------------------------------------------------------

OUT	:= build/arm64$(if $(STATIC),-static)
ASMS	:= $(wildcard arch/arm64/*.S)
OBJS	:= $(SRCS:%.c=$(OUT)/obj/%.o) $(ASMS:%.S=$(OUT)/obj/%.o)
VMM_CFLAGS := $(BASE_FLAGS) $(HARDEN) $(WARN) $(if $(call is_gcc,$(CC)),$(WARN_GCC),$(WARN_CLANG)) \
	      $(if $(SYSROOT),-isystem $(SYSROOT)/include) $(CFLAGS)
VMM_LDFLAGS = $(LINK) $(if $(SYSROOT),-L$(SYSROOT)/lib) $(LDFLAGS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

.PHONY: all
all: $(OUT)/vmm

$(OUT)/vmm: $(OBJS) $(OUT)/start.ld
	$(call say,LD,$@)
	$(Q)$(CC) $(VMM_CFLAGS) $(VMM_LDFLAGS) $(if $(STATIC),-static-pie,-pie) -o $@ $(OBJS) $(LIBS)

# A linker script that adds to the built-in one: code and constants of these objects go first.
$(OUT)/start.ld: arch/arm64/start.order Makefile
	@mkdir -p $(@D)
	$(Q)for s in text rodata; do \
		echo "SECTIONS { .$$s.start : {"; \
		sed "/^#/d; s/.*/& (.$$s .$$s.*)/" $<; \
		echo "} } INSERT BEFORE .$$s;"; \
	done >$@

$(OUT)/obj/%.o: %.c Makefile | build-libs
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(VMM_CFLAGS) -c -o $@ $<

$(OUT)/obj/%.o: %.S arch/arm64/notes.inc Makefile
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(BASE_FLAGS) -include arch/arm64/notes.inc -c -o $@ $<

# The program that guests with vmm's own initramfs start with; it is a part of vmm.
GUEST_CFLAGS := -std=gnu17 -g -Os -ffreestanding -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables \
		-mgeneral-regs-only -mbranch-protection=none -I. $(WARN)
GUEST_LDFLAGS := -nostdlib -static -s -Wl,--build-id=none,-z,noexecstack,-z,max-page-size=65536 \
		 -Wl,-z,noseparate-code,-z,norelro

GUEST_SRCS := $(sort $(wildcard arch/arm64/guest/*.c))

$(OUT)/obj/guest-init: $(GUEST_SRCS) $(wildcard arch/arm64/guest/*.h) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(GUEST_CFLAGS) $(GUEST_LDFLAGS) -o $@ $(GUEST_SRCS)

$(OUT)/obj/arch/arm64/guest_init.o: $(OUT)/obj/guest-init
$(OUT)/obj/arch/arm64/guest_init.o: BASE_FLAGS += -Wa,-I$(OUT)/obj

# One clear line instead of a page of compiler errors when a library is missing.
.PHONY: build-libs
build-libs:
	@for need in libfdt.h:libfdt-dev zlib.h:zlib1g-dev zstd.h:libzstd-dev \
		lzma.h:liblzma-dev liburing.h:liburing-dev; do \
		echo "#include <$${need%%:*}>" | \
		$(CC) $(if $(SYSROOT),-isystem $(SYSROOT)/include) -E - >/dev/null 2>&1 || { \
			echo "make: $${need%%:*} for arm64 is missing:" \
			     "$(if $(SYSROOT),run tests/lab/fetch sysroot,install $${need##*:})" >&2; \
			exit 1; }; \
	done

# The same objects as both kinds of program, and whether all that HARDEN and LINK ask for is in them.
$(OUT)/vmm-dynamic $(OUT)/vmm-static: $(OUT)/vmm-%: $(OBJS) $(OUT)/start.ld
	$(call say,LD,$@)
	$(Q)$(CC) $(VMM_CFLAGS) $(VMM_LDFLAGS) $(if $(filter static,$*),-static-pie,-pie) -o $@ $(OBJS) $(LIBS)

.PHONY: hardening
hardening: $(OUT)/vmm-dynamic $(OUT)/vmm-static
	$(Q)COMPILE="$(CC) $(VMM_CFLAGS)" LINK_AS_IS="$(CC) $(LINK)" \
		tests/lab/hardening $(OUT)/obj $^

.PHONY: lab-vmm
lab-vmm:
	$(Q)$(MAKE) --no-print-directory STATIC=1 all

# --- native unit tests -------------------------------------------------------------------------

comma	:= ,
TOUT	:= build/unit$(if $(SAN),-$(subst $(comma),-,$(SAN)))
TESTS	:= $(sort $(wildcard tests/unit/test_*.c))
# The thread sanitizer is for what more than one thread runs; pure functions only take its time.
ifeq ($(SAN),thread)
THREADED := attack bus chardev_% disk_% faultlog io loop mutex namecache overlay pl0% poison queue queue_% thread vcpu vhost virtio virtio_%
TESTS	:= $(filter $(THREADED:%=tests/unit/test_%.c),$(TESTS))
endif
# The memory sanitizer (clang's) knows nothing of what libraries write: for what uses next to none.
ifeq ($(SAN),memory)
TESTS	:= tests/unit/test_attack.c
endif
TEST_BINS := $(TESTS:tests/unit/%.c=$(TOUT)/%)
TEST_CFLAGS := $(BASE_FLAGS) -O1 $(WARN) $(if $(call is_gcc,$(HOST_CC)),$(WARN_GCC),$(WARN_CLANG)) \
	       $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	       $(if $(COVERAGE),--coverage)
TEST_LIB := $(TOUT)/libportable.a
TEST_OBJS := $(patsubst %.c,$(TOUT)/%.o,$(PORTABLE) $(wildcard tests/lib/*.c tests/attack/*.c))
# A guest may write what vmm reads at the same time: not for the thread sanitizer to judge.
$(TOUT)/tests/attack/%.o: TEST_CFLAGS += $(if $(findstring thread,$(SAN)),-fno-sanitize=thread)

$(TEST_LIB): $(TEST_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(TOUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(HOST_CC) $(TEST_CFLAGS) -c -o $@ $<

$(TOUT)/test_%: $(TOUT)/tests/unit/test_%.o $(TEST_LIB)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(TEST_CFLAGS) -o $@ $< $(TEST_LIB) $(LIBS)

# Tests of a host that refuses: all of vmm's objects call faulty_malloc() for malloc(), and so on for
# what tests/lib/host_faults.c defines.
FAULTY := $(PORTABLE:%.c=$(TOUT)/faulty/%.o)

$(TOUT)/faulty.syms: $(TOUT)/tests/lib/host_faults.o
	$(Q)nm --defined-only $< | sed -n 's/.* T faulty_\(.*\)/\1 faulty_\1/p' >$@

$(FAULTY): $(TOUT)/faulty/%.o: $(TOUT)/%.o $(TOUT)/faulty.syms
	@mkdir -p $(@D)
	$(Q)objcopy --redefine-syms=$(TOUT)/faulty.syms $< $@

$(TOUT)/libfaulty.a: $(FAULTY) $(filter $(TOUT)/tests/lib/%,$(TEST_OBJS))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(TOUT)/test_faults_%: TEST_LIB = $(TOUT)/libfaulty.a
$(filter $(TOUT)/test_faults_%,$(TEST_BINS)): $(TOUT)/libfaulty.a

.PRECIOUS: $(TOUT)/%.o

.PHONY: unit-bins unit
unit-bins: $(TEST_BINS)

unit: unit-bins
	$(Q)tests/unit/run $(TOUT)

# Seeds until MINUTES are over, or one is found that vmm does not stand.
.PHONY: attack-fuzz
attack-fuzz:
	$(Q)$(MAKE) --no-print-directory SAN=address,undefined build/unit-address-undefined/test_attack
	$(Q)end=$$(($$(date +%s) + $(or $(MINUTES),1) * 60)); \
	while [ $$(date +%s) -lt $$end ]; do \
		SEED=$$(od -An -tu4 -N4 /dev/urandom | tr -d ' ') STEPS=100000 \
			build/unit-address-undefined/test_attack fuzz || exit 1; \
	done

# --- the instruction decoders against objdump ----------------------------------------------------

$(TOUT)/insn_objdump $(TOUT)/insn32_objdump: $(TOUT)/%: $(TOUT)/tests/unit/%.o $(TEST_LIB)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(TEST_CFLAGS) -o $@ $< $(TEST_LIB) $(LIBS)

.PHONY: check-insn
check-insn: $(TOUT)/insn_objdump $(TOUT)/insn32_objdump
	$(Q)$(TOUT)/insn_objdump $(TIMES)
	$(Q)$(TOUT)/insn32_objdump $(TIMES)

# --- fuzz targets (docs/fuzzing.md) --------------------------------------------------------------
#
#	make fuzz	[TARGET=...] [SECONDS=60]: each with libFuzzer (clang)
#	make fuzz-replay	the corpora through the same targets, by any compiler
#	make coverage	lines of devices/ that the corpora reach

FUZZERS	:= $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
TARGET	?= $(FUZZERS)
SECONDS	?= 60
FUZZ_CC	?= clang
# libFuzzer brings a main(); else there is one that replays files.
FUZZ_MAIN := $(TOUT)/tests/fuzz/fuzz.o $(if $(findstring fuzzer,$(SAN)),,$(TOUT)/tests/fuzz/replay.o)

$(TOUT)/fuzz_%: $(TOUT)/tests/fuzz/fuzz_%.o $(FUZZ_MAIN) $(TEST_LIB)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(subst fuzzer-no-link,fuzzer,$(TEST_CFLAGS)) -o $@ $< $(FUZZ_MAIN) $(TEST_LIB) $(LIBS)

.PHONY: fuzz-bins fuzz fuzz-merge fuzz-replay coverage
fuzz-bins: $(TARGET:%=$(TOUT)/fuzz_%)

FUZZ_MAKE = +$(MAKE) --no-print-directory TOUT=build/fuzz SAN=fuzzer-no-link,address,undefined \
	    HOST_CC=$(FUZZ_CC) fuzz-bins

fuzz:
	$(Q)$(FUZZ_MAKE)
	$(Q)tests/fuzz/run build/fuzz $(SECONDS) $(TARGET)

fuzz-merge:
	$(Q)$(FUZZ_MAKE)
	$(Q)tests/fuzz/merge build/fuzz $(TARGET)

fuzz-replay: fuzz-bins
	$(Q)tests/fuzz/replay $(TOUT) $(TARGET)

coverage:
	$(Q)+$(MAKE) --no-print-directory TOUT=build/coverage SAN= COVERAGE=1 fuzz-bins
	$(Q)tests/fuzz/coverage build/coverage $(TARGET)

# --- generated from the tables: manual page, completion, docs/cli.md -----------------------------

GEN	:= $(TOUT)/gen

$(GEN): $(TOUT)/docs/gen.o $(TEST_LIB)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(TEST_CFLAGS) -o $@ $< $(TEST_LIB) $(LIBS)

build/vmm.1: $(GEN)
	$(Q)$(GEN) man >$@
build/vmm.bash: $(GEN)
	$(Q)$(GEN) bash >$@

.PHONY: docs docs-current
docs: $(GEN)
	$(Q)for f in cli sandbox; do \
		$(GEN) markdown docs/$$f.md >build/$$f.md && mv build/$$f.md docs/$$f.md; \
	done

docs-current: $(GEN)
	$(Q)for f in cli sandbox; do \
		$(GEN) markdown docs/$$f.md | diff -u docs/$$f.md - || \
			{ echo "docs/$$f.md is stale: run 'make docs'" >&2; exit 1; }; \
	done

.PHONY: install
install: $(OUT)/vmm build/vmm.1 build/vmm.bash
	install -D -m 755 $(OUT)/vmm $(DESTDIR)$(PREFIX)/bin/vmm
	install -D -m 644 build/vmm.1 $(DESTDIR)$(PREFIX)/share/man/man1/vmm.1
	install -D -m 644 build/vmm.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vmm

# --- what people run ---------------------------------------------------------------------------

# How long `make soak` takes.
SECONDS ?= 3600

.PHONY: demo check check-matrix fault-sweep soak lab bench bench-disk bench-net bench-root clean help
demo:
	@tests/lab/demo
check:
	@tests/lab/check
check-matrix:
	@tests/lab/check --matrix
fault-sweep:
	@tests/lab/build && tests/lab/lab --timeout 40000 -- env SWEEP=all TEST_LIMIT=40000 system/run sweep
soak:
	@tests/lab/build && tests/lab/lab --timeout $$(($(SECONDS) + 1800)) -- \
		env SOAK=$(SECONDS) TEST_LIMIT=$$(($(SECONDS) + 1500)) system/run soak
lab:
	@tests/lab/build && tests/lab/lab --tty
bench:
	@tests/bench/run
bench-disk:
	@tests/bench/run-disk
bench-net:
	@tests/bench/run-net
bench-root:
	@tests/bench/run-root

include tests/lint/rules.mk
include tests/prove/rules.mk

clean:
	rm -rf build

help:
	@echo 'make                build vmm for arm64: $(OUT)/vmm'
	@echo 'make demo           set up what is missing, boot a Debian kernel, give a shell in it'
	@echo 'make check          unit tests under sanitizers, then guests on /dev/kvm'
	@echo 'make unit           unit tests only, on this machine; SAN=thread, HOST_CC=clang, SAN=memory'
	@echo 'make attack-fuzz    random steps of a hostile driver on all devices; MINUTES=60 for more'
	@echo 'make fuzz           each fuzz target for SECONDS=60, or TARGET=name; make fuzz-replay, make coverage'
	@echo 'make check-insn     the instruction decoders against objdump; TIMES=20 for more words'
	@echo 'make check-matrix   guests on host kernels 6.1, 6.12 and 7.2, VHE and nVHE, GICv2 and GICv3'
	@echo 'make fault-sweep    each system call of vmm fails, one at a time; hours'
	@echo 'make soak           an hour of verified load and faults of the host; SECONDS=600 for less'
	@echo 'make lab            a shell on an arm64 host with /dev/kvm, vmm, a kernel and an initramfs'
	@echo 'make bench          figures beside QEMU and a bare KVM_RUN loop, by counted instructions'
	@echo 'make bench-disk     the same for requests to a disk'
	@echo 'make bench-net      the same for TCP by a tap, by vhost-net and by passt'
	@echo 'make bench-root     a command on the files of the host, beside a guest that only powers off'
	@echo 'make lint           what analyzers say of the sources; include arrows, formatting, shell scripts, documents'
	@echo 'make prove          contracts of helpers proved (Frama-C), models of protocols checked (Spin)'
	@echo 'make docs           docs/cli.md from the tables'
	@echo 'make hardening      what the compiler and linker shall have done for safety, in what they made'
	@echo 'make install        vmm, its manual page and completion (PREFIX=$(PREFIX), DESTDIR=)'
	@echo 'make clean'

-include $(shell find build -name '*.d' 2>/dev/null)
