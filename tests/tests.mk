# Goals beyond the build itself: packages, demo, tests, fuzzing, lint, install.

.PHONY: deps demo check check-all e2e interop crash fuzz fuzz-replay lint format bench install clean

# --- Debian packages ---
DEPS_BUILD := build-essential pkg-config asn1c libevent-dev libxml2-dev \
	libssl-dev libgmime-3.0-dev libcunit1-dev libunbound-dev libidn2-dev \
	libcurl4-openssl-dev libsasl2-dev libsasl2-modules
DEPS_TEST := perl openssl procps tshark tcpdump swaks postfix dovecot-lmtpd libxml2-utils \
	nsd ldnsutils gsasl sasl2-bin libsasl2-modules-gssapi-mit \
	krb5-kdc krb5-admin-server krb5-user libio-socket-ssl-perl
DEPS_DEVELOP := clang libclang-rt-14-dev clang-format mandoc shellcheck

deps:
	@sh tests/deps.sh $(DEPS_BUILD) $(DEPS_TEST)
deps-develop: deps
	@sh tests/deps.sh $(DEPS_DEVELOP)
.PHONY: deps-develop

CRASH_BINS := $(BUILD)/tests/crash/libcrash.so $(BUILD)/tests/crash/powercut

# --- demo and check (sub-makes: the packages must be there before the build) ---
demo: deps
	@$(MAKE) --no-print-directory programs
	@BUILD=$(BUILD) bash tests/e2e/demo.sh

check: deps
	@$(MAKE) --no-print-directory programs check-programs
	@BUILD=$(BUILD) bash tests/check.sh

.PHONY: check-programs
check-programs: $(BUILD)/tests/unit/all $(BUILD)/tests/e2e/p1peer $(BUILD)/tests/e2e/libslow.so $(CRASH_BINS) $(REPLAY_BINS)

# an MTA at the other end
$(BUILD)/tests/e2e/p1peer: tests/e2e/p1peer.c $(LIB) $(ASN1_LIB)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(WARN) -I. $(PKG_CFLAGS) -o $@ $< $(LIB) $(ASN1_LIB) $(LDLIBS_ALL)

# a disk that stands still
$(BUILD)/tests/e2e/libslow.so: tests/e2e/slow.c
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) -std=gnu17 -O2 -g -D_GNU_SOURCE $(WARN) -Wno-missing-prototypes -I. -fPIC -shared -o $@ $< -ldl

e2e: programs $(BUILD)/tests/e2e/p1peer $(BUILD)/tests/e2e/libslow.so
	@BUILD=$(BUILD) bash tests/e2e/run.sh

# mail servers of others, in both directions; EXIM=/path/to/exim4 for one that
# is not installed
interop: deps
	@$(MAKE) --no-print-directory programs
	@BUILD=$(BUILD) EXIM=$(EXIM) timeout 300 bash tests/interop/run.sh

# --- crashes: RUNS seeded runs from SEED on, JOBS at a time ---
$(BUILD)/tests/crash/libcrash.so: tests/crash/shim.c tests/crash/shim.h
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) -std=gnu17 -O2 -g -D_GNU_SOURCE $(WARN) -I. -fPIC -shared -pthread -o $@ $< -ldl
$(BUILD)/tests/crash/powercut: tests/crash/powercut.c tests/crash/shim.h
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(WARN) -I. -o $@ $<
RUNS ?= 500
crash: deps
	@$(MAKE) --no-print-directory programs $(CRASH_BINS)
	@BUILD=$(BUILD) RUNS=$(RUNS) bash tests/crash/run.sh $(SEED)

# --- fuzz targets: tests/fuzz/NAME.c, corpus in tests/fuzz/corpus/NAME/ ---
SECONDS ?= 60
FUZZ_BUILD := build/fuzz
FUZZ_BINS := $(addprefix $(FUZZ_BUILD)/,$(FUZZ_NAMES))

fuzz: deps-develop
	@$(MAKE) --no-print-directory CC=clang SAN=1 FUZZING=1 fuzz-run

ifdef FUZZING
.PHONY: fuzz-run
fuzz-run: $(FUZZ_BINS)
	@sh tests/fuzz/run.sh $(SECONDS) $(FUZZ_BINS)
$(FUZZ_BUILD)/%: tests/fuzz/%.c $(LIB) $(ASN1_LIB)
	@mkdir -p $(@D)
	$(call say,FUZZ  $*)
	$(Q)$(CC) $(CFLAGS_ALL) $(WARN) -fsanitize=fuzzer -I. -isystem $(ASN1_DIR) $(PKG_CFLAGS) -o $@ $< $(LIB) $(ASN1_LIB) $(LDLIBS_ALL)
endif

# the corpus through a plain main, in every variant
$(BUILD)/tests/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(LIB) $(ASN1_LIB)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(WARN) -Wno-missing-prototypes -I. -isystem $(ASN1_DIR) $(PKG_CFLAGS) -o $@ $< tests/fuzz/replay.c $(LIB) $(ASN1_LIB) $(LDLIBS_ALL)
fuzz-replay: $(REPLAY_BINS)
	@BUILD=$(BUILD) bash tests/fuzz/replay.sh

# --- style ---
lint: deps-develop
	@bash tests/lint.sh
format: deps-develop
	@git ls-files '*.c' '*.h' | xargs clang-format -i

# --- install ---
install: programs
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/isthmus \
		$(DESTDIR)$(PREFIX)/share/isthmus $(DESTDIR)$(SYSCONFDIR) \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 $(BINS) $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(LIBEXECS) $(DESTDIR)$(PREFIX)/libexec/isthmus
	install -m 644 conf/isthmus.rng conf/identities.rng $(DESTDIR)$(PREFIX)/share/isthmus
	test -e $(DESTDIR)$(SYSCONFDIR)/isthmus.xml || \
		install -m 640 conf/isthmus.xml $(DESTDIR)$(SYSCONFDIR)
	for s in 1 5 8; do for m in docs/*.$$s; do \
		test ! -e $$m || install -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$$s || exit 1; \
	done; done
	ln -sf smtp.8 $(DESTDIR)$(PREFIX)/share/man/man8/lmtp.8

clean:
	rm -rf build

# --- benchmark ---
# the programs that the benchmarks need beside the switch
BENCH_BINS := $(addprefix $(BUILD)/tests/bench/,p1load sched qfill latency submit)
$(BENCH_BINS): $(BUILD)/tests/bench/%: tests/bench/%.c $(LIB) $(ASN1_LIB)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(WARN) -I. $(PKG_CFLAGS) -o $@ $< $(LIB) $(ASN1_LIB) $(LDLIBS_ALL)
bench: deps
	@sh tests/deps.sh strace
	@$(MAKE) --no-print-directory programs $(BENCH_BINS)
	@BUILD=$(BUILD) bash tests/bench/run.sh
