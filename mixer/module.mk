SRCS += mixer/ipm_codec.c mixer/ipm_encode_codec.c mixer/part_codec.c \
	mixer/ftbp_codec.c mixer/text.c
