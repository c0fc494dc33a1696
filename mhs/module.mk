SRCS += mhs/or.c mhs/or_charset.c mhs/or_compare.c mhs/or_keys.c \
	mhs/or_psap.c
