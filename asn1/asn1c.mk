# Generated codecs: asn1c reads our modules once; its C stays in build/codec.
# Warnings-as-errors do not apply to generated code.

ASN1_MODULES := $(sort $(wildcard asn1/*.asn1))
ASN1_DIR := build/codec
ASN1_STAMP := $(ASN1_DIR)/.stamp
ASN1_LIB := $(BUILD)/libisthmus-asn1.a

$(ASN1_STAMP): $(ASN1_MODULES)
	@mkdir -p $(ASN1_DIR) && rm -f $(ASN1_DIR)/*.[cho]
	$(call say,ASN1C $(words $(ASN1_MODULES)) modules)
	$(Q)cd $(ASN1_DIR) && asn1c -fcompound-names -fno-include-deps \
		$(addprefix ../../,$(ASN1_MODULES)) > asn1c.log 2>&1 || \
		{ grep -v '^\(Compiled\|Generated\|Copied\|Symlinked\)' asn1c.log; exit 1; }
	@rm -f $(ASN1_DIR)/converter-*.c $(ASN1_DIR)/Makefile.am.*
	@touch $@

# asn1c's support code shifts 1 into the sign bit where it marks the first
# component of a SET: harmless, and not ours, so that check is off for it
# one sub-make, because the file list exists only after asn1c ran
$(ASN1_LIB): $(ASN1_STAMP)
	$(call say,CC    generated codecs)
	@$(MAKE) --no-print-directory -f asn1/generated.mk ASN1_DIR=$(ASN1_DIR) \
		OBJ_DIR=$(BUILD)/asn1-obj LIB=$@ CC='$(CC)' \
		ASN1_CFLAGS='-std=gnu17 -O1 -g $(SAN_FLAGS) $(if $(SAN),-fno-sanitize=shift) -w'
