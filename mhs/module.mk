SRCS += \
	mhs/diag.c \
	mhs/envelope.c \
	mhs/envelope_pack.c \
	mhs/envelope_print.c \
	mhs/envelope_unpack.c \
	mhs/fields.c \
	mhs/mta.c \
	mhs/or.c \
	mhs/or_charset.c \
	mhs/or_compare.c \
	mhs/or_dda.c \
	mhs/or_keys.c \
	mhs/or_parse.c \
	mhs/or_print.c \
	mhs/or_psap.c \
	mhs/or_value.c \
	mhs/utf8_addr.c
