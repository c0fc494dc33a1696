SRCS += \
	smtp/access.c \
	smtp/address.c \
	smtp/channel.c \
	smtp/channel_conf.c \
	smtp/channel_domain.c \
	smtp/channel_job.c \
	smtp/channel_link.c \
	smtp/channel_pool.c \
	smtp/client.c \
	smtp/client_auth.c \
	smtp/client_content.c \
	smtp/client_result.c \
	smtp/client_tls.c \
	smtp/dane.c \
	smtp/datetime.c \
	smtp/demand.c \
	smtp/mta_sts.c \
	smtp/mta_sts_cache.c \
	smtp/mta_sts_fetch.c \
	smtp/mta_sts_lookup.c \
	smtp/mx.c \
	smtp/mx_dane.c \
	smtp/mx_lookup.c \
	smtp/mx_targets.c \
	smtp/policy.c \
	smtp/priority.c \
	smtp/received.c \
	smtp/reply.c \
	smtp/server.c \
	smtp/server_auth.c \
	smtp/server_bdat.c \
	smtp/server_data.c \
	smtp/server_hello.c \
	smtp/server_mail.c \
	smtp/server_misc.c \
	smtp/server_param.c \
	smtp/server_param_more.c \
	smtp/server_tls.c \
	smtp/server_xclient.c \
	smtp/smtpd_auth.c \
	smtp/smtpd_secure.c \
	smtp/smtpd_session.c \
	smtp/submission.c
PROG_LIBEXEC += smtpd:smtp/smtpd.c smtp:smtp/smtp_main.c \
	lmtp:smtp/lmtp_main.c
