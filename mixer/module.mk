SRCS += mixer/address.c mixer/body_400.c mixer/body_822.c mixer/charset.c \
	mixer/config.c mixer/convert.c mixer/date.c mixer/downgrade.c \
	mixer/dsn.c mixer/eits.c mixer/envelope_400.c mixer/envelope_822.c \
	mixer/failure.c mixer/field.c mixer/ftbp_codec.c mixer/heading_400.c \
	mixer/heading_822.c mixer/id.c mixer/ipm_codec.c mixer/ipm_print.c \
	mixer/ipm_encode_codec.c mixer/ipn_822.c mixer/mime_out.c \
	mixer/mime_types.c mixer/part_codec.c mixer/report.c mixer/template.c mixer/text.c \
	mixer/to_p2.c mixer/trace.c

PROG_LIBEXEC += mixer:mixer/mixer_main.c
