SRCS += \
	ops/cmd.c \
	ops/cmd_check.c \
	ops/cmd_convert.c \
	ops/cmd_decode.c \
	ops/cmd_ping.c \
	ops/cmd_queue.c \
	ops/cmd_run.c \
	ops/cmd_spool.c \
	ops/decode.c \
	ops/decode_input.c \
	ops/decode_names.c \
	ops/decode_osi.c \
	ops/decode_p1.c \
	ops/decode_rose.c \
	ops/decode_session.c \
	ops/decode_upper.c \
	ops/ping_peer.c \
	ops/spool_dump.c

PROG_BIN += isthmus:ops/isthmus.c
