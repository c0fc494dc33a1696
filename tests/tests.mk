# Tests, fuzzing, lint: the goals that are not the build itself.

.PHONY: fuzz fuzz-replay lint format clean

# --- fuzz targets: tests/fuzz/NAME.c, corpus in tests/fuzz/corpus/NAME/ ---
FUZZ_TIME ?= 60
FUZZ_BUILD := build/fuzz
FUZZ_BINS := $(addprefix $(FUZZ_BUILD)/,$(FUZZ_NAMES))

fuzz:
	$(MAKE) CC=clang SAN=1 FUZZING=1 fuzz-run

ifdef FUZZING
.PHONY: fuzz-run
fuzz-run: $(FUZZ_BINS)
	sh tests/fuzz/run.sh $(FUZZ_TIME) $(FUZZ_BINS)
$(FUZZ_BUILD)/%: tests/fuzz/%.c $(LIB) $(ASN1_LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(WARN) -fsanitize=fuzzer -I. -isystem $(ASN1_DIR) $(PKG_CFLAGS) -o $@ $< $(LIB) $(ASN1_LIB) $(LDLIBS_ALL)
endif

# the corpus through a plain main, in every variant
REPLAY_BINS := $(addprefix $(BUILD)/tests/replay/,$(FUZZ_NAMES))
$(BUILD)/tests/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(LIB) $(ASN1_LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(WARN) -I. -isystem $(ASN1_DIR) $(PKG_CFLAGS) -o $@ $< tests/fuzz/replay.c $(LIB) $(ASN1_LIB) $(LDLIBS_ALL)
fuzz-replay: $(REPLAY_BINS)
	@for b in $(REPLAY_BINS); do $$b tests/fuzz/corpus/$$(basename $$b) || exit 1; done

clean:
	rm -rf build
