/*
 * MAIL and RCPT: who may send what to whom, and the envelope that it makes.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/dns.h"
#include "qmgr/level.h"
#include "smtp/smtpd_session.h"

bool
smtpd_session_is(
    const struct smtpd_session *s, const struct smtp_policy_who *who)
{
	return (who->clients && s->client) ||
	    (who->authenticated && *smtp_server_user(s->server) != '\0');
}

int64_t
smtpd_session_wall(void *arg)
{
	(void)arg;
	return clock_wall();
}

static bool
refuse(struct smtpd_session *s, struct smtp_reply *r, int code,
    const char *status, const char *text)
{
	snprintf(s->reply, sizeof(s->reply), "%s", text);
	*r = (struct smtp_reply){code, status, s->reply};
	return false;
}

/* --- priorities (RFC 6710) --- */

_Static_assert((int)SMTP_DEFERRED == Q_LEVEL_DEFERRED &&
	(int)SMTP_OVERRIDE == Q_LEVEL_OVERRIDE,
    "precedences are the queue's levels");

/* The queue's level for it, as X.411 says that. */
static void
set_priority(struct smtpd_session *s, int priority)
{
	static const uint8_t high[] = {0x0a, 0x01, 0x01};
	struct mhs_envelope *env = s->env;
	enum q_level level =
	    (enum q_level)smtp_priority_level(s->policy->profile, priority);
	struct mhs_ext *x;

	env->has_mt_priority = true;
	env->mt_priority = priority;
	env->priority = q_level_priority(level);
	if (level == q_level_make(env->priority, false))
		return;
	x = arena_push(s->arena, &env->exts.v, &env->exts.n, sizeof(*x));
	*x = (struct mhs_ext){.type = -1,
	    .oid = Q_LEVEL_QUALIFIER_OID,
	    .value = high,
	    .n = sizeof(high)};
}

/* 4.1: anyone may lower it; who may not raise it is told what it is now. */
static void
take_priority(struct smtpd_session *s, int wanted, struct smtp_reply *r)
{
	if (wanted <= 0 || smtpd_session_is(s, &s->policy->raise_priority)) {
		set_priority(s, wanted);
		return;
	}
	set_priority(s, 0);
	*r = (struct smtp_reply){
	    250, "2.3.6", "0 is its priority, you may not raise it"};
}

/* RFC 6758 3.1, of those whose priorities are believed; RFC 8689 4.1. A field
 * that comes twice, or is malformed, is none. */
void
smtpd_mail_fields(struct smtpd_session *s)
{
	const struct smtp_fields *f = &s->fields;
	size_t at = SMTP_FIELD_MT_PRIORITY, n = f->v[at].n;
	const char *value = f->v[at].value;
	int priority;

	if (!s->env->has_mt_priority && f->v[at].times == 1 &&
	    n < SMTP_FIELD_VALUE_MAX &&
	    smtpd_session_is(s, &s->policy->raise_priority) &&
	    smtp_priority_field(value, n, &priority))
		set_priority(s, priority);
	at = SMTP_FIELD_TLS_REQUIRED;
	value = f->v[at].value;
	n = f->v[at].n;
	for (; n > 0 && (*value == ' ' || *value == '\t'); n--)
		value++;
	s->env->tls_optional = !s->env->requiretls && f->v[at].times == 1 &&
	    n == 2 && strncasecmp(value, "No", 2) == 0;
}

/* --- MAIL --- */

static char *
keep(struct smtpd_session *s, const char *text)
{
	return text != NULL ? arena_strdup(s->arena, text) : NULL;
}

/* RFC 4954 5: what is said by who may send to anywhere is passed on; what
 * others say is that nobody knows. */
static void
set_submitter(struct smtpd_session *s, const struct smtp_server_mail *m)
{
	const char *user = smtp_server_user(s->server);

	if (*user != '\0')
		s->env->source_user = arena_strdup(s->arena, user);
	if (m->auth != NULL)
		s->env->submitter =
		    smtpd_session_may_relay(s) ? keep(s, m->auth) : "";
}

static void
make_envelope(struct smtpd_session *s, const struct smtp_server_mail *m)
{
	struct mhs_envelope *env = mhs_envelope_new(s->arena, MHS_MESSAGE);

	s->env = env;
	env->originator.mailbox = arena_strdup(s->arena, m->from);
	env->content_type = MHS_CONTENT_RFC822;
	env->body_8bitmime = m->body_8bit;
	env->body_binary = m->body_binary;
	env->smtputf8 = m->smtputf8;
	env->requiretls = m->requiretls;
	env->ret = m->ret;
	env->content_return_request = m->ret == 'F';
	env->envid = keep(s, m->envid);
	env->mtrk = keep(s, m->mtrk);
	env->deliver_by = m->deliver_by;
	env->deliver_by_mode = m->deliver_by_mode;
	env->deliver_by_trace = m->deliver_by_trace;
	env->deferred_delivery = m->hold_until;
	set_submitter(s, m);
}

bool
smtpd_session_mail(
    void *arg, const struct smtp_server_mail *m, struct smtp_reply *r)
{
	struct smtpd_session *s = arg;
	const struct mhs_envelope asked = {.originator.mailbox = m->from};
	struct err e = ERR_INIT;

	if (q_submit_ready(s->d->submitter, &e) < 0) {
		log_err(LOG_LEVEL_WARN, "spool not ready", &e, "client",
		    s->peer, NULL);
		return refuse(
		    s, r, 452, "4.3.1", "Insufficient system storage");
	}
	if (smtpd_session_authorize(s, &asked, NULL, &e) < 0)
		return refuse(s, r, 553, "5.7.1", e.text);
	/* RFC 7505 4.2 */
	if (smtp_access_domain(
		s->policy->no_mail, smtp_mailbox_domain(m->from)))
		return refuse(
		    s, r, 550, "5.7.27", "The sender's domain takes no mail");
	make_envelope(s, m);
	if (m->has_mt_priority)
		take_priority(s, m->mt_priority, r);
	return true;
}

/* --- RCPT --- */

/* RFC 3461 4.1: what NOTIFY asks for, as X.411 says it. Without it, failure
 * is reported. */
static enum mhs_report_request
report_request(uint8_t notify)
{
	if (notify & MHS_NOTIFY_SUCCESS)
		return MHS_REPORT_DR;
	if (notify == 0 || (notify & MHS_NOTIFY_FAILURE))
		return MHS_REPORT_NDR;
	return MHS_REPORT_NONE;
}

/* RFC 5321 4.5.1: the postmaster of this host, with our name or without any. */
static bool
is_our_postmaster(const struct smtpd_session *s, const char *mailbox)
{
	static const char name[] = "postmaster";
	size_t n = sizeof(name) - 1;

	return strncasecmp(mailbox, name, n) == 0 &&
	    (mailbox[n] == '\0' ||
		(mailbox[n] == '@' &&
		    strcasecmp(mailbox + n + 1, s->d->us.hostname) == 0));
}

/* The domain in A-labels, which is how the configuration names it. */
static bool
to_ascii(struct smtpd_session *s, struct mhs_name *name)
{
	const char *domain = smtp_mailbox_domain(name->mailbox);
	char ascii[DNS_HOST_MAX + 1];

	if (!buf_has_8bit((const uint8_t *)domain, strlen(domain)))
		return true;
	if (dns_name_ascii(domain, ascii, NULL) < 0)
		return false;
	name->mailbox = arena_printf(s->arena, "%.*s%s",
	    (int)(domain - name->mailbox), name->mailbox, ascii);
	return true;
}

static bool
has_route(
    struct smtpd_session *s, const struct mhs_name *name, struct smtp_reply *r)
{
	struct err e = ERR_INIT;
	const char *peer;

	switch (q_submit_verify(s->d->submitter, name, &peer, &e)) {
	case 0: return true;
	case ERR_NOT_FOUND:
		return refuse(s, r, 550, "5.1.2", "No route to that domain");
	case ERR_REFUSED: return refuse(s, r, 550, "5.7.1", e.text);
	case ERR_SYNTAX: return refuse(s, r, 553, "5.1.3", e.text);
	default: return refuse(s, r, 451, "4.3.0", e.text);
	}
}

bool
smtpd_mail_recipient(
    struct smtpd_session *s, struct mhs_name *name, struct smtp_reply *r)
{
	const char *domain;

	if (is_our_postmaster(s, name->mailbox)) {
		name->mailbox = s->d->us.postmaster;
		return has_route(s, name, r);
	}
	if (!to_ascii(s, name))
		return refuse(s, r, 553, "5.1.3", "The domain is no name");
	domain = smtp_mailbox_domain(name->mailbox);
	/* RFC 7505 4.1 */
	if (smtp_access_domain(s->policy->no_mail, domain))
		return refuse(s, r, 556, "5.1.10", "The domain takes no mail");
	if (!smtpd_session_may_relay(s) &&
	    !smtp_access_domain(s->policy->access, domain))
		return refuse(s, r, 550, "5.7.1", "Relaying is not allowed");
	return has_route(s, name, r);
}

bool
smtpd_session_rcpt(
    void *arg, const struct smtp_server_rcpt *m, struct smtp_reply *r)
{
	struct smtpd_session *s = arg;
	struct mhs_name name = {.mailbox = m->to};
	struct mhs_recipient *x;

	if (!smtpd_mail_recipient(s, &name, r))
		return false;
	x = mhs_recipient_add(s->arena, s->env);
	x->name.mailbox = arena_strdup(s->arena, name.mailbox);
	x->number = (int32_t)s->env->n_recipients;
	x->responsible = true;
	x->explicit_conversion = -1;
	x->notify = m->notify;
	x->originator_report = x->mta_report = report_request(m->notify);
	x->orcpt = keep(s, m->orcpt);
	x->rrvs = m->rrvs;
	x->rrvs_mode = m->rrvs_mode;
	return true;
}
