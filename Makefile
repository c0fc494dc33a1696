# Isthmus: one build for all rooms. Each room lists its files in module.mk.
#
#   make           build everything          make demo     two switches, live
#   make check     all tests                 make lint     style and layering
#   make fuzz      every fuzz target         make bench    against Postfix
#   make deps      install Debian packages   make format   clang-format
#   make crash     kills, power failures     make clean
#   make install   DESTDIR= PREFIX= honoured
#
# Variants: `make CC=clang ...`, `make SAN=1 ...` (ASan and UBSan); each has its
# own directory below build/.

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= $(PREFIX)/etc/isthmus

ifeq ($(origin CC),default)
CC := gcc
endif
VARIANT := $(if $(filter-out gcc,$(CC)),-$(notdir $(CC)))$(if $(SAN),-san)$(if $(FUZZING),-fuzz)
BUILD := build$(if $(VARIANT),/variant$(VARIANT))

PKGS := libevent libevent_pthreads libxml-2.0 libssl libcrypto gmime-3.0 libunbound libidn2 libcurl libsasl2
WARN := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wvla -Wno-missing-field-initializers
OPT ?= -O2 -g
comma := ,
SAN_FLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer) \
	$(if $(FUZZING),-fsanitize=fuzzer-no-link)
# the packages are asked once, and only when something is built
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
CFLAGS_ALL = -std=gnu17 $(OPT) $(SAN_FLAGS) -D_GNU_SOURCE \
	-DISTHMUS_VERSION='"$(VERSION)"' -fstack-protector-strong -pthread
LDLIBS_ALL = $(PKG_LIBS) -lm -pthread

ROOMS := lib asn1 mhs osi p1 mixer smtp qmgr ops
SRCS :=
# a program is one main file: PROG_BIN/PROG_LIBEXEC hold name:file pairs
PROG_BIN :=
PROG_LIBEXEC :=

.DEFAULT_GOAL := all
include $(wildcard $(addsuffix /module.mk,$(ROOMS)))
include asn1/asn1c.mk

OBJS := $(SRCS:%.c=$(BUILD)/%.o)
LIB := $(BUILD)/libisthmus.a
prog_file = $(word 2,$(subst :, ,$1))
prog_name = $(word 1,$(subst :, ,$1))
BINS := $(foreach p,$(PROG_BIN),$(BUILD)/bin/$(call prog_name,$p))
LIBEXECS := $(foreach p,$(PROG_LIBEXEC),$(BUILD)/libexec/isthmus/$(call prog_name,$p))

UNIT_SRCS := $(sort $(wildcard tests/unit/*.c))
UNIT_OBJS := $(UNIT_SRCS:%.c=$(BUILD)/%.o)
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/replay.c,$(sort $(wildcard tests/fuzz/*.c))))

REPLAY_BINS := $(addprefix $(BUILD)/tests/replay/,$(FUZZ_NAMES))

.PHONY: all programs unit
all: programs
programs: $(BINS) $(LIBEXECS)

# --- objects (V=1 shows the whole commands) ---
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $1')
$(BUILD)/tests/%.o: WARN += -Wno-missing-prototypes
$(BUILD)/%.o: %.c | $(ASN1_STAMP)
	@mkdir -p $(@D)
	$(call say,CC    $<)
	$(Q)$(CC) $(CFLAGS_ALL) $(WARN) -I. -isystem $(ASN1_DIR) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(OBJS)
	@rm -f $@
	$(call say,AR    $@)
	$(Q)ar rcs $@ $(OBJS)

define program
$(BUILD)/$2/$(call prog_name,$1): $(BUILD)/$(patsubst %.c,%.o,$(call prog_file,$1)) $(LIB) $(ASN1_LIB)
	@mkdir -p $$(@D)
	$$(call say,LINK  $$@)
	$$(Q)$$(CC) $$(CFLAGS_ALL) -o $$@ $$< $(LIB) $(ASN1_LIB) $$(LDLIBS_ALL)
endef
$(foreach p,$(PROG_BIN),$(eval $(call program,$p,bin)))
$(foreach p,$(PROG_LIBEXEC),$(eval $(call program,$p,libexec/isthmus)))

# --- unit tests: tests/unit/ROOM_NAME.c defines void suite_ROOM_NAME(void) ---
$(BUILD)/tests/unit_main.c: $(UNIT_SRCS) tests/unit_main.sh
	@mkdir -p $(@D)
	@sh tests/unit_main.sh $(UNIT_SRCS) > $@

$(BUILD)/tests/unit/all: $(UNIT_OBJS) $(BUILD)/tests/unit_main.c $(LIB) $(ASN1_LIB)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) -I. -o $@ $(BUILD)/tests/unit_main.c $(UNIT_OBJS) $(LIB) $(ASN1_LIB) -lcunit $(LDLIBS_ALL)

unit: $(BUILD)/tests/unit/all
	$< $(SUITE)

-include $(OBJS:.o=.d) $(UNIT_OBJS:.o=.d)
-include $(foreach p,$(PROG_BIN) $(PROG_LIBEXEC),$(BUILD)/$(patsubst %.c,%.d,$(call prog_file,$p)))

include tests/tests.mk
