SRCS += \
	lib/arena.c \
	lib/base64.c \
	lib/buf.c \
	lib/clock.c \
	lib/conf.c \
	lib/conf_explain.c \
	lib/conf_schema.c \
	lib/conf_include.c \
	lib/conf_xml.c \
	lib/conn.c \
	lib/conn_dial.c \
	lib/conn_io.c \
	lib/crc32c.c \
	lib/dns.c \
	lib/dns_conf.c \
	lib/dns_name.c \
	lib/dns_rdata.c \
	lib/err.c \
	lib/identity.c \
	lib/identity_key.c \
	lib/identity_store.c \
	lib/identity_tally.c \
	lib/listener.c \
	lib/log.c \
	lib/lookup.c \
	lib/loop.c \
	lib/net.c \
	lib/paths.c \
	lib/sasl.c \
	lib/sasl_client.c \
	lib/sasl_options.c \
	lib/sasl_server.c \
	lib/tls.c \
	lib/tls_binding.c \
	lib/tls_link.c \
	lib/tls_sni.c \
	lib/x509.c

# where `make install` puts things
$(BUILD)/lib/paths.o: CFLAGS_ALL += -DISTHMUS_PREFIX='"$(PREFIX)"' \
	-DISTHMUS_SYSCONFDIR='"$(SYSCONFDIR)"'
$(BUILD)/lib/paths.o: $(BUILD)/.prefix

.PHONY: FORCE
$(BUILD)/.prefix: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX) $(SYSCONFDIR)' | cmp -s - $@ || \
		echo '$(PREFIX) $(SYSCONFDIR)' > $@
