/*
 * Inside smtpd's sessions: one connection, its engine, and the message at hand.
 * Shared by smtpd_session.c (messages) and smtpd_secure.c (TLS and SASL).
 */
#ifndef SMTP_SMTPD_SESSION_H
#define SMTP_SMTPD_SESSION_H

#include "lib/log.h"
#include "mhs/diag.h"
#include "smtp/address.h"
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
	bool relay;              /* its address may send to anywhere */
	struct smtpd_auth *auth; /* under way, or NULL */
	char mechanisms[SASL_LIST_MAX];
	/* the message */
	struct arena *arena; /* reset after each */
	struct mhs_envelope *env;
	struct q_submission *submission;
	struct smtp_header_scan scan;
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

/* By its address, or by who it is. */
bool smtpd_session_may_relay(const struct smtpd_session *s);
/* The authorizer of its submissions (qmgr/submit.h): may they send as this
 * originator? Also asked at MAIL, when the client can still be told so. */
int smtpd_session_authorize(void *session, const struct mhs_envelope *env,
    const struct mhs_recipient *r, struct err *e);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" in the session's arena, or NULL. */
const char *smtpd_session_tls_text(struct smtpd_session *s);

#endif
