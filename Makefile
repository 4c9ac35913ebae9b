# SPDX-License-Identifier: Apache-2.0
#
# The whole build. `make help` prints the targets.
#
#	CROSS_COMPILE=	compiler prefix for arm64; found by itself on another architecture
#	CC=		compiler for arm64 (default $(CROSS_COMPILE)gcc)
#	HOST_CC=	compiler for the native unit tests
#	SAN=		address,undefined | thread: sanitizers for the native unit tests
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
HARDEN	:= -O2 -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero \
	   -D_FORTIFY_SOURCE=3 -fPIE -mbranch-protection=standard
LINK	:= -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed

# --- what is built from what -------------------------------------------------------------------

SRCS	:= $(sort $(wildcard vmm/*.c vmm/*/*.c devices/*.c devices/*/*.c fdt/*.c arch/arm64/*.c))
# These talk to KVM or are the program itself; all others build, and are tested, on any host.
KVM_SRCS := $(filter vmm/main.c vmm/vm.c vmm/kvm.c vmm/doctor.c \
	      $(addprefix arch/arm64/,machine.c gic.c gicv2.c gicv3.c its.c vcpu.c exit.c pvtime.c \
		sve.c pmu.c regs.c doctor.c),$(SRCS))
PORTABLE := $(filter-out $(KVM_SRCS),$(SRCS))

LIBS	:= -lfdt -lz -lzstd -pthread

# --- vmm for arm64 -----------------------------------------------------------------------------

OUT	:= build/arm64$(if $(STATIC),-static)
OBJS	:= $(SRCS:%.c=$(OUT)/%.o)
VMM_CFLAGS := $(BASE_FLAGS) $(HARDEN) $(WARN) $(if $(call is_gcc,$(CC)),$(WARN_GCC),$(WARN_CLANG)) \
	      $(if $(SYSROOT),-isystem $(SYSROOT)/include) $(CFLAGS)
VMM_LDFLAGS := $(LINK) $(if $(STATIC),-static-pie,-pie) $(if $(SYSROOT),-L$(SYSROOT)/lib) $(LDFLAGS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

.PHONY: all
all: $(OUT)/vmm

$(OUT)/vmm: $(OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(VMM_CFLAGS) $(VMM_LDFLAGS) -o $@ $(OBJS) $(LIBS)

$(OUT)/%.o: %.c Makefile | build-libs
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(VMM_CFLAGS) -c -o $@ $<

# One clear line instead of a page of compiler errors when a library is missing.
.PHONY: build-libs
build-libs:
	@for need in libfdt.h:libfdt-dev zlib.h:zlib1g-dev zstd.h:libzstd-dev; do \
		echo "#include <$${need%%:*}>" | \
		$(CC) $(if $(SYSROOT),-isystem $(SYSROOT)/include) -E - >/dev/null 2>&1 || { \
			echo "make: $${need%%:*} for arm64 is missing:" \
			     "$(if $(SYSROOT),run tests/lab/fetch sysroot,install $${need##*:})" >&2; \
			exit 1; }; \
	done

.PHONY: lab-vmm
lab-vmm:
	$(Q)$(MAKE) --no-print-directory STATIC=1 all

# --- native unit tests -------------------------------------------------------------------------

comma	:= ,
TOUT	:= build/unit$(if $(SAN),-$(subst $(comma),-,$(SAN)))
TESTS	:= $(sort $(wildcard tests/unit/test_*.c))
TEST_BINS := $(TESTS:tests/unit/%.c=$(TOUT)/%)
TEST_CFLAGS := $(BASE_FLAGS) -O1 $(WARN) $(if $(call is_gcc,$(HOST_CC)),$(WARN_GCC),$(WARN_CLANG)) \
	       $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
TEST_LIB := $(TOUT)/libportable.a
TEST_OBJS := $(PORTABLE:%.c=$(TOUT)/%.o) $(patsubst %.c,$(TOUT)/%.o,$(wildcard tests/lib/*.c))

$(TEST_LIB): $(TEST_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(if $(filter clang%,$(notdir $(HOST_CC))),ar,ar) rcs $@ $^

$(TOUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(HOST_CC) $(TEST_CFLAGS) -c -o $@ $<

$(TOUT)/test_%: $(TOUT)/tests/unit/test_%.o $(TEST_LIB)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(TEST_CFLAGS) -o $@ $< $(TEST_LIB) $(LIBS)

.PRECIOUS: $(TOUT)/%.o

.PHONY: unit-bins unit
unit-bins: $(TEST_BINS)

unit: unit-bins
	$(Q)tests/unit/run $(TOUT)

# --- what people run ---------------------------------------------------------------------------

.PHONY: clean
clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
