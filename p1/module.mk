SRCS += \
	p1/asn_codec.c \
	p1/utf16_codec.c \
	p1/or_codec.c \
	p1/or_ext_codec.c \
	p1/field_codec.c \
	p1/ext_codec.c \
	p1/ext_table.c \
	p1/ext_check_codec.c \
	p1/ext_value.c \
	p1/ext_print.c \
	p1/judge.c \
	p1/downgrade_or.c \
	p1/downgrade.c \
	p1/trace_codec.c \
	p1/envelope_codec.c \
	p1/report_codec.c \
	p1/bind_codec.c \
	p1/token_codec.c \
	p1/strong.c \
	p1/strong_path.c \
	p1/label.c \
	p1/apdu.c \
	p1/trace.c \
	p1/print.c \
	p1/assoc.c \
	p1/assoc_bind.c \
	p1/assoc_turn.c \
	p1/assoc_time.c \
	p1/assoc_send.c \
	p1/assoc_receive.c \
	p1/x400p1_keep.c \
	p1/x400p1_kept.c \
	p1/x400p1_cut.c \
	p1/x400p1_conf.c \
	p1/x400p1_peer.c \
	p1/x400p1_log.c \
	p1/x400p1_link.c \
	p1/x400p1_pool.c \
	p1/x400p1_job.c \
	p1/x400p1_reroute.c \
	p1/x400p1_in.c \
	p1/x400p1_out.c

PROG_LIBEXEC += \
	x400p1:p1/x400p1.c
