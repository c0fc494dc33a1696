SRCS += \
	osi/osi.c \
	osi/cotp_tpdu.c \
	osi/cotp.c \
	osi/spdu_table.c \
	osi/spdu.c \
	osi/ses.c \
	osi/ses_table.c \
	osi/ses_action.c \
	osi/ses_assoc.c \
	osi/ses_send.c \
	osi/ses_receive.c
