/*
 * Inside smtpd's sessions: one connection, its engine, and the message at hand.
 * Shared by smtpd_session.c (content), smtpd_mail.c (envelopes), smtpd_verify.c
 * (VRFY, EXPN), smtpd_proxy.c (who is behind a proxy) and smtpd_secure.c (TLS
 * and SASL).
 */
#ifndef SMTP_SMTPD_SESSION_H
#define SMTP_SMTPD_SESSION_H

#include "lib/log.h"
#include "mhs/diag.h"
#include "smtp/address.h"
#include "smtp/fields.h"
#include "smtp/received.h"
#include "smtp/smtpd.h"
#include "smtp/submission.h"

#define REPLY_TEXT ERR_TEXT_MAX

struct smtpd_session {
	struct smtpd *d;
	const struct smtp_policy *policy; /* of its listener */
	struct smtpd_session *next, **prev;
	struct smtp_server *server;
	struct conn *conn; /* NULL once it is gone */
	char peer[128], address[SMTP_ADDRESS_TEXT];
	bool client;  /* its address is in a <relay> network */
	bool relay;   /* so it may send to anywhere */
	bool xclient; /* its own may speak for others */
	char helo[SMTP_DOMAIN_MAX + 1]; /* by XCLIENT, or "" */
	struct smtpd_auth *auth;        /* under way, or NULL */
	char mechanisms[SASL_LIST_MAX];
	/* the message */
	struct arena *arena; /* reset after each */
	struct mhs_envelope *env;
	struct q_submission *submission;
	struct smtp_header_scan scan;
	struct smtp_fields fields;
	struct smtp_fixup fixup;
	struct mhs_trace *received; /* newest first */
	size_t n_received;
	struct err failed; /* code 0: the content could be written so far */
	uint64_t size;
	bool committing;
	char reply[REPLY_TEXT];
};

/* The engine's ops for TLS and AUTH; the argument is the session. */
void smtpd_session_start_tls(void *arg, size_t dropped);
const char *smtpd_session_mechanisms(void *arg);
void smtpd_session_auth_start(
    void *arg, const char *mechanism, const uint8_t *initial, size_t n);
void smtpd_session_auth_response(void *arg, const uint8_t *p, size_t n);
void smtpd_session_auth_forget(void *arg);
/* A step of SASL is done. */
void smtpd_session_auth_done(void *arg, struct smtpd_auth *a,
    enum sasl_result r, const struct octets *challenge, const struct err *e);

/* smtpd_mail.c: MAIL and RCPT; what the header adds to them. */
bool smtpd_session_mail(
    void *arg, const struct smtp_server_mail *m, struct smtp_reply *r);
bool smtpd_session_rcpt(
    void *arg, const struct smtp_server_rcpt *m, struct smtp_reply *r);
int64_t smtpd_session_wall(void *arg);
void smtpd_mail_fields(struct smtpd_session *s);
/* May this go to there? *name's mailbox becomes the one that it stands for. */
bool smtpd_mail_recipient(
    struct smtpd_session *s, struct mhs_name *name, struct smtp_reply *r);
/* Is the client one of these? */
bool smtpd_session_is(
    const struct smtpd_session *s, const struct smtp_policy_who *who);

/* smtpd_verify.c */
void smtpd_session_vrfy(void *arg, const char *who, struct smtp_reply *r);
void smtpd_session_expn(void *arg, const char *list,
    struct smtp_server_lines *x, struct smtp_reply *r);

/* smtpd_proxy.c */
bool smtpd_session_xclient_trusted(void *arg);
bool smtpd_session_xclient(
    void *arg, const struct smtp_server_xclient *x, struct smtp_reply *r);

/* By its address, or by who it is. */
bool smtpd_session_may_relay(const struct smtpd_session *s);
/* The authorizer of its submissions (qmgr/submit.h): may they send as this
 * originator? Also asked at MAIL, when the client can still be told so. */
int smtpd_session_authorize(void *session, const struct mhs_envelope *env,
    const struct mhs_recipient *r, struct err *e);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" in the session's arena, or NULL. */
const char *smtpd_session_tls_text(struct smtpd_session *s);

#endif
