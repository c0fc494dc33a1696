SRCS += \
	ops/cmd.c \
	ops/cmd_channel.c \
	ops/cmd_check.c \
	ops/cmd_convert.c \
	ops/cmd_decode.c \
	ops/cmd_identity.c \
	ops/cmd_ping.c \
	ops/cmd_queue.c \
	ops/cmd_run.c \
	ops/cmd_spool.c \
	ops/cmd_status.c \
	ops/control.c \
	ops/decode.c \
	ops/decode_input.c \
	ops/decode_names.c \
	ops/decode_osi.c \
	ops/decode_p1.c \
	ops/decode_rose.c \
	ops/decode_session.c \
	ops/decode_upper.c \
	ops/identity_file.c \
	ops/ping_peer.c \
	ops/queue_act.c \
	ops/queue_list.c \
	ops/queue_match.c \
	ops/queue_show.c \
	ops/spool_dump.c \
	ops/text.c

PROG_BIN += isthmus:ops/isthmus.c
