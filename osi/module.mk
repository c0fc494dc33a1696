SRCS += \
	osi/osi.c \
	osi/cotp_tpdu.c \
	osi/cotp.c \
	osi/cotp_peek.c \
	osi/cotp_receive.c \
	osi/spdu_table.c \
	osi/spdu.c \
	osi/ses.c \
	osi/ses_table.c \
	osi/ses_action.c \
	osi/ses_activity.c \
	osi/ses_assoc.c \
	osi/ses_release.c \
	osi/ses_send.c \
	osi/ses_receive.c \
	osi/iaed.c \
	osi/osi_codec.c \
	osi/pdv.c \
	osi/pres.c \
	osi/pres_codec.c \
	osi/pres_connect.c \
	osi/pres_data.c \
	osi/pres_decode.c \
	osi/pres_read.c \
	osi/pres_x410.c \
	osi/acse.c \
	osi/acse_codec.c \
	osi/acse_end.c \
	osi/rose.c \
	osi/rose_codec.c \
	osi/rose_pres.c \
	osi/rose_receive.c \
	osi/rose_rtse.c \
	osi/rose_table.c \
	osi/rtse.c \
	osi/rtse_codec.c \
	osi/rtse_keep.c \
	osi/rtse_open.c \
	osi/rtse_receive.c \
	osi/rtse_send.c \
	osi/rtse_table.c \
	osi/rtse_time.c

PROG_LIBEXEC += iaed:osi/iaed_main.c
