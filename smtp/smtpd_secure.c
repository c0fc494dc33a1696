/*
 * A session's TLS and AUTH: what the engine asks for, joined to the connection
 * and to the threads that do SASL's steps.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "smtp/smtpd_session.h"

/* --- TLS --- */

void
smtpd_session_start_tls(void *arg, size_t dropped)
{
	struct smtpd_session *s = arg;

	if (dropped > 0)
		log_event(LOG_LEVEL_WARN, "dropped", "client", s->peer,
		    "octets", log_u64(dropped), "reason",
		    "commands after STARTTLS, in front of TLS", NULL);
	conn_start_tls(s->conn, s->policy->tls, true, NULL);
}

static struct sasl_link
link_of(const struct smtpd_session *s)
{
	return (struct sasl_link){
	    .protocol = s->policy->params.lmtp ? "lmtp" : "smtp",
	    .host = s->d->us.hostname,
	    .tls = s->conn != NULL ? conn_tls(s->conn) : NULL,
	};
}

/* --- AUTH --- */

const char *
smtpd_session_mechanisms(void *arg)
{
	struct smtpd_session *s = arg;
	struct sasl_link link;

	if (s->policy->sasl == NULL)
		return NULL;
	link = link_of(s);
	return sasl_mechanisms(s->policy->sasl, &link, s->mechanisms);
}

static void
auth_refused(
    struct smtpd_session *s, int code, const char *status, const char *text)
{
	struct smtp_reply r = {code, status, text};

	smtp_server_auth_reply(s->server, &r, NULL, clock_mono());
	if (s->conn != NULL)
		conn_wake(s->conn);
}

void
smtpd_session_auth_start(
    void *arg, const char *mechanism, const uint8_t *initial, size_t n)
{
	struct smtpd_session *s = arg;
	struct sasl_link link = link_of(s);
	struct err e = ERR_INIT;
	struct sasl_exchange *x;

	switch (sasl_offers(s->policy->sasl, &link, mechanism)) {
	case SASL_OFFERED: break;
	case SASL_OFFERED_UNDER_TLS:
		auth_refused(s, 538, "5.7.11",
		    "Encryption is required for that mechanism");
		return;
	default:
		auth_refused(s, 504, "5.5.4", "That mechanism is not offered");
		return;
	}
	x = sasl_exchange_new(s->policy->sasl, &link, &e);
	if (x == NULL) {
		log_err(LOG_LEVEL_WARN, "not authenticated", &e, "client",
		    s->peer, NULL);
		auth_refused(
		    s, 454, "4.7.0", "Temporary authentication failure");
		return;
	}
	s->auth = smtpd_auth_start(s->d->auth, x, mechanism, initial, n, s);
}

void
smtpd_session_auth_response(void *arg, const uint8_t *p, size_t n)
{
	struct smtpd_session *s = arg;

	smtpd_auth_respond(s->auth, p, n);
}

void
smtpd_session_auth_forget(void *arg)
{
	struct smtpd_session *s = arg;

	smtpd_auth_free(&s->auth);
}

/* What each end of an exchange is to the client (RFC 4954 6). */
static const struct smtp_reply replies[] = {
    [SASL_RESULT_REFUSED] = {535, "5.7.8",
	"Authentication credentials invalid"},
    [SASL_RESULT_SYNTAX] = {501, "5.5.2",
	"That is no response of this mechanism"},
    [SASL_RESULT_TEMPORARY] = {454, "4.7.0",
	"Temporary authentication failure"},
    [SASL_RESULT_TOO_WEAK] = {534, "5.7.9",
	"Authentication mechanism is too weak"},
    [SASL_RESULT_EXPIRED] = {432, "4.7.12", "A password transition is needed"},
};

static void
authenticated(struct smtpd_session *s, const struct sasl_exchange *x)
{
	char user[SMTP_USER_MAX + 1];

	snprintf(user, sizeof(user), "%s", sasl_exchange_user(x));
	log_event(LOG_LEVEL_INFO, "authenticated", "user", user, "identity",
	    sasl_exchange_claim(x), "mechanism", sasl_exchange_mechanism(x),
	    "client", s->peer, NULL);
	smtpd_auth_free(&s->auth);
	smtp_server_auth_reply(s->server, NULL, user, clock_mono());
}

static void
not_authenticated(struct smtpd_session *s, struct smtpd_auth *a,
    enum sasl_result r, const struct err *e)
{
	const struct sasl_exchange *x = smtpd_auth_exchange(a);

	log_err(LOG_LEVEL_WARN, "not authenticated", e, "identity",
	    x != NULL ? sasl_exchange_claim(x) : NULL, "mechanism",
	    smtpd_auth_mechanism(a), "client", s->peer, NULL);
	smtpd_auth_free(&s->auth);
	smtp_server_auth_reply(s->server, &replies[r], NULL, clock_mono());
}

void
smtpd_session_auth_done(void *arg, struct smtpd_auth *a, enum sasl_result r,
    const struct octets *challenge, const struct err *e)
{
	struct smtpd_session *s = arg;

	if (r == SASL_RESULT_CHALLENGE)
		smtp_server_auth_challenge(
		    s->server, challenge->p, challenge->n, clock_mono());
	else if (r == SASL_RESULT_DONE)
		authenticated(s, smtpd_auth_exchange(a));
	else
		not_authenticated(s, a, r, e);
	if (s->conn != NULL)
		conn_wake(s->conn);
}

/* --- what is known of the client --- */

bool
smtpd_session_may_relay(const struct smtpd_session *s)
{
	return s->relay ||
	    (s->policy->relay_authenticated &&
		*smtp_server_user(s->server) != '\0');
}

/* Who is known sends as themselves: an address of their identity's, or, where
 * there is no table, the address that is their name. Everyone may send what has
 * no sender. Recipients were judged when they were named. */
int
smtpd_session_authorize(void *arg, const struct mhs_envelope *env,
    const struct mhs_recipient *r, struct err *e)
{
	const struct smtpd_session *s = arg;
	const char *user = smtp_server_user(s->server);
	const char *from = env->originator.mailbox;
	const struct identity_table *t;
	const struct identity *u;
	bool may;

	if (r != NULL || !s->policy->own_senders || *user == '\0' ||
	    *from == '\0')
		return 0;
	t = sasl_service_identities(s->policy->sasl);
	u = t != NULL ? identity_find(t, user) : NULL;
	may = t == NULL
	    ? strcasecmp(user, from) == 0
	    : u != NULL && !u->disabled && identity_may_send_as(u, from);
	if (may)
		return 0;
	err_set(e, "smtp", ERR_REFUSED, "The sender is none of your addresses");
	e->detail = MHS_DIAG_ABSENT;
	return ERR_REFUSED;
}

const char *
smtpd_session_tls_text(struct smtpd_session *s)
{
	const struct tls_peer *t = s->conn != NULL ? conn_tls(s->conn) : NULL;

	return t != NULL
	    ? arena_printf(s->arena, "%s %s", t->version, t->cipher)
	    : NULL;
}
