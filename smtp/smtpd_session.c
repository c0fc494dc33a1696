/*
 * One connection to smtpd: a server engine, and the submission of what it
 * receives. A session lives until its connection is gone and no commit is
 * under way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "smtp/smtpd_session.h"

static void
forget_message(struct smtpd_session *s)
{
	if (s->submission != NULL)
		q_submit_abort(&s->submission);
	s->env = NULL;
	s->received = NULL;
	s->n_received = 0;
	arena_reset(s->arena);
}

static void
session_free(struct smtpd_session *s)
{
	struct smtpd *d = s->d;

	forget_message(s);
	smtpd_auth_free(&s->auth);
	smtp_server_free(&s->server);
	arena_free(&s->arena);
	smtp_clients_leave(d->clients, s->address);
	*s->prev = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	free(s);
	smtpd_session_closed(d);
}

/* --- content --- */

static void
write_content(struct smtpd_session *s, const void *p, size_t n)
{
	if (s->failed.code != 0)
		return;
	s->size += n;
	if (q_submit_content(s->submission, p, n, &s->failed) < 0)
		q_submit_abort(&s->submission);
}

/* Unique for this MTA: second, process and count (X.411 allows 32). */
static void
make_id(struct smtpd_session *s)
{
	struct smtpd *d = s->d;

	s->env->arrival = clock_wall();
	s->env->id.domain = d->us.domain;
	s->env->id.local = arena_printf(s->arena, "%08llx.%x.%06x",
	    (unsigned long long)s->env->arrival, (unsigned)getpid(),
	    d->counter++ & 0xffffff);
}

/* In place: a line end and the tab after it become one space. */
static void
unfold(char *text)
{
	char *out = text;

	for (const char *p = text; *p != '\0'; p++)
		if (*p != '\r' && *p != '\n')
			*out++ = *p == '\t' ? ' ' : *p;
	*out = '\0';
}

/* The name that the client gave itself is a claim; its address is not. An
 * address literal stands for itself (RFC 5321 4.4). */
static void
add_received(struct smtpd_session *s)
{
	struct smtpd *d = s->d;
	char date[SMTP_DATE_TEXT], *line;
	const char *helo =
	    s->helo[0] != '\0' ? s->helo : smtp_server_helo(s->server);
	bool ipv6 = strchr(s->address, ':') != NULL;
	bool one = s->env->n_recipients == 1;
	const char *tls = smtpd_session_tls_text(s);
	const char *priority = "";
	struct mhs_trace *t;

	if (s->env->has_mt_priority) /* RFC 6710 4.1 */
		priority = arena_printf(
		    s->arena, "\r\n\tPRIORITY %d", s->env->mt_priority);
	line = arena_printf(s->arena,
	    "from %s ([%s%s])%s%s%s\r\n"
	    "\tby %s (Isthmus) with %s id %s%s%s%s%s;\r\n"
	    "\t%s",
	    helo, ipv6 ? "IPv6:" : "", s->address, tls != NULL ? "\r\n\t(" : "",
	    tls != NULL ? tls : "", tls != NULL ? ")" : "", d->us.hostname,
	    smtp_server_protocol(s->server), s->env->id.local,
	    one ? "\r\n\tfor <" : "",
	    one ? s->env->recipients[0].name.mailbox : "", one ? ">" : "",
	    priority, smtp_date_format(s->env->arrival, date));
	write_content(s, "Received: ", 10);
	write_content(s, line, strlen(line));
	write_content(s, "\r\n", 2);
	unfold(line);
	t = arena_push(
	    s->arena, &s->received, &s->n_received, sizeof(*s->received));
	t->received = line;
	t->mta = d->us.hostname;
	t->arrival = s->env->arrival;
}

static bool
on_data_begin(void *arg, struct smtp_reply *r)
{
	struct smtpd_session *s = arg;
	struct err e = ERR_INIT;

	s->submission = q_submit_begin(s->d->submitter, &e);
	if (s->submission == NULL) {
		log_err(LOG_LEVEL_WARN, "spool refuses", &e, "client", s->peer,
		    NULL);
		*r = (struct smtp_reply){
		    452, "4.3.1", "Insufficient system storage"};
		return false;
	}
	q_submit_authorize(s->submission, smtpd_session_authorize, s);
	err_clear(&s->failed);
	s->size = 0;
	s->fields = (struct smtp_fields){0};
	s->scan.state = SCAN_LINE_START;
	s->scan.in_received = false;
	s->fixup = (struct smtp_fixup){0};
	make_id(s);
	add_received(s);
	return true;
}

static void
on_received_field(void *arg, const char *value, size_t n)
{
	struct smtpd_session *s = arg;
	struct mhs_trace *t;
	char by[SMTP_DOMAIN_MAX + 1];

	if (s->n_received >= MHS_TRACE_MAX)
		return;
	t = arena_push(
	    s->arena, &s->received, &s->n_received, sizeof(*s->received));
	t->received = arena_strndup(s->arena, value, n);
	smtp_received_by(t->received, by, sizeof(by));
	t->mta = arena_strdup(s->arena, by);
	t->arrival = smtp_received_time(t->received);
}

static void
on_fixup_write(void *arg, const void *p, size_t n)
{
	write_content(arg, p, n);
}

static void
on_fixup_missing(void *arg, bool date, bool message_id)
{
	struct smtpd_session *s = arg;
	char text[SMTP_DATE_TEXT], *line;

	if (date) {
		line = arena_printf(s->arena, "Date: %s\r\n",
		    smtp_date_format(s->env->arrival, text));
		write_content(s, line, strlen(line));
	}
	if (message_id) {
		line = arena_printf(s->arena, "Message-ID: <%s@%s>\r\n",
		    s->env->id.local, s->d->us.hostname);
		write_content(s, line, strlen(line));
	}
}

static const struct smtp_fixup_ops fixup_ops = {
    .write = on_fixup_write,
    .missing = on_fixup_missing,
};

static void
on_data(void *arg, const uint8_t *p, size_t n)
{
	struct smtpd_session *s = arg;

	if (s->scan.state != SCAN_BODY)
		smtp_header_scan(&s->scan, p, n, on_received_field, s);
	if (s->fields.state != FIELDS_BODY)
		smtp_fields_scan(&s->fields, p, n);
	if (s->policy->submission && s->fixup.state != FIXUP_BODY)
		smtp_fixup(&s->fixup, &fixup_ops, s, p, n);
	else
		write_content(s, p, n);
}

static void
reply(struct smtpd_session *s, int code, const char *status, const char *text)
{
	struct smtp_reply r = {code, status, text};

	smtp_server_data_reply_all(s->server, &r, clock_mono());
	if (s->conn != NULL)
		conn_wake(s->conn);
}

/* The spool could not take it, or submit() found something wrong with it. */
static void
reply_error(struct smtpd_session *s, const struct err *e)
{
	log_err(LOG_LEVEL_WARN, "not accepted", e, "client", s->peer, "from",
	    mhs_name_text(s->arena, &s->env->originator), NULL);
	forget_message(s);
	if (e->code == ERR_TEMPORARY)
		reply(s, 452, "4.3.1", "Insufficient system storage");
	else if (e->code == ERR_REFUSED && e->detail == MHS_LOOP_DETECTED)
		reply(s, 554, "5.4.6", "Too many hops, or a mail loop");
	else if (e->code == ERR_REFUSED)
		reply(s, 554, "5.7.1", e->text);
	else if (e->code == ERR_LIMIT)
		reply(s, 552, "5.3.4", "More than a message may have here");
	else
		reply(s, 451, "4.3.0", "Local error, try again later");
}

static void
log_accepted(struct smtpd_session *s, const char *id)
{
	if (!log_enabled(LOG_LEVEL_INFO))
		return;
	log_event(LOG_LEVEL_INFO, "accepted", "id", id, "mts-id",
	    mhs_mts_id_text(s->arena, &s->env->id), "from",
	    mhs_name_text(s->arena, &s->env->originator), "to",
	    mhs_name_text(s->arena, &s->env->recipients[0].name), "recipients",
	    log_u64(s->env->n_recipients), "size", log_u64(s->size), "client",
	    s->peer, "user",
	    *smtp_server_user(s->server) != '\0' ? smtp_server_user(s->server)
						 : NULL,
	    "tls", smtpd_session_tls_text(s), "priority",
	    s->env->has_mt_priority
		? arena_printf(s->arena, "%d", s->env->mt_priority)
		: NULL,
	    NULL);
}

/* The record is durable, or never will be. What waited on the connection is
 * worked on inside reply(), so the message is forgotten before. */
static void
on_committed(void *arg, int result, q_id id, const struct err *e)
{
	struct smtpd_session *s = arg;
	char text[64], hex[Q_ID_TEXT];

	s->committing = false;
	if (result == 0) {
		log_accepted(s, q_id_text(id, hex));
		snprintf(text, sizeof(text), "Queued as %s", hex);
		forget_message(s);
		reply(s, 250, "2.0.0", text);
	} else {
		reply_error(s, e);
	}
	if (s->conn == NULL)
		session_free(s);
}

static void
finish_envelope(struct smtpd_session *s)
{
	struct mhs_envelope *env = s->env;

	env->content_length = s->size;
	env->body_8bitmime |= smtp_server_content_8bit(s->server);
	env->source_peer = s->peer;
	smtpd_mail_fields(s);
	for (size_t i = s->n_received; i-- > 0;)
		*mhs_trace_add(s->arena, env) = s->received[i];
}

static void
on_data_end(void *arg)
{
	struct smtpd_session *s = arg;
	struct q_submission *m = s->submission;
	struct err e = ERR_INIT;

	if (s->policy->submission)
		smtp_fixup_end(&s->fixup, &fixup_ops, s);
	/* a header section without an end */
	smtp_header_scan(
	    &s->scan, (const uint8_t *)"\r\n", 2, on_received_field, s);
	if (s->failed.code != 0) {
		e = s->failed;
		reply_error(s, &e);
		return;
	}
	finish_envelope(s);
	s->submission = NULL;
	s->committing = true;
	if (q_submit_commit(m, s->env, on_committed, s, &e) < 0) {
		s->committing = false;
		reply_error(s, &e);
	}
}

static void
on_reset(void *arg)
{
	forget_message(arg);
}

static void
on_refused(void *arg, const char *command, const struct smtp_reply *r)
{
	struct smtpd_session *s = arg;
	char code[8];

	if (!log_enabled(LOG_LEVEL_INFO))
		return;
	snprintf(code, sizeof(code), "%d", r->code);
	log_event(LOG_LEVEL_INFO, "refused", "client", s->peer, "helo",
	    smtp_server_helo(s->server), "command", command, "code", code,
	    "status", r->status, "text", r->text, NULL);
}

static void
on_abandoned(void *arg, const struct err *reason)
{
	const struct smtpd_session *s = arg;

	log_event(LOG_LEVEL_WARN, "abandoned", "client", s->peer, "from",
	    s->env != NULL ? mhs_name_text(s->arena, &s->env->originator)
			   : NULL,
	    "in", s->submission != NULL ? "DATA" : "MAIL", "octets",
	    log_u64(s->size), "reason",
	    reason != NULL ? reason->text : "the client closed the connection",
	    NULL);
}

static const struct smtp_server_ops session_ops = {
    .mail = smtpd_session_mail,
    .rcpt = smtpd_session_rcpt,
    .wall = smtpd_session_wall,
    .vrfy = smtpd_session_vrfy,
    .expn = smtpd_session_expn,
    .xclient_trusted = smtpd_session_xclient_trusted,
    .xclient = smtpd_session_xclient,
    .data_begin = on_data_begin,
    .data = on_data,
    .data_end = on_data_end,
    .reset = on_reset,
    .abandoned = on_abandoned,
    .refused = on_refused,
    .mechanisms = smtpd_session_mechanisms,
    .auth_start = smtpd_session_auth_start,
    .auth_response = smtpd_session_auth_response,
    .auth_forget = smtpd_session_auth_forget,
    .start_tls = smtpd_session_start_tls,
};

/* --- the connection --- */

static void
on_gone(void *arg)
{
	struct smtpd_session *s = arg;

	conn_free(&s->conn);
	if (!s->committing)
		session_free(s);
}

/* Told in plain, which a client that waits for TLS would not understand. */
static void
turn_away(
    int fd, const struct smtp_policy *policy, const char *peer, const char *why)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "421 4.7.0 %s\r\n", why);

	log_event(LOG_LEVEL_WARN, "too many connections", "client", peer,
	    "reason", why, NULL);
	if (!policy->implicit_tls)
		(void)!write(fd, text, (size_t)n);
	close(fd);
}

static bool
may_come(struct smtpd *d, int fd, const char *peer, const char *address,
    const struct smtp_policy *policy)
{
	const char *why = NULL;

	if (!smtp_rates_take(d->rates, address, clock_mono()))
		why = "Too many connections in a minute";
	else if (!smtp_clients_enter(d->clients, address, d->max_per_client))
		why = "Too many connections from you";
	if (why != NULL)
		turn_away(fd, policy, peer, why);
	return why == NULL;
}

void
smtpd_session_open(
    struct smtpd *d, int fd, const char *peer, const struct smtp_policy *policy)
{
	struct smtpd_session *s;
	char address[SMTP_ADDRESS_TEXT];

	smtp_peer_address(peer, address);
	if (!may_come(d, fd, peer, address, policy))
		return;
	s = xcalloc(1, sizeof(*s));
	s->d = d;
	snprintf(s->peer, sizeof(s->peer), "%s", peer);
	snprintf(s->address, sizeof(s->address), "%s", address);
	s->policy = policy;
	s->client = smtp_access_network(policy->access, address);
	s->relay = s->client && policy->relay_clients;
	s->xclient = smtp_access_network(policy->xclient, address);
	s->arena = arena_new();
	s->server =
	    smtp_server_new(&policy->params, &session_ops, s, clock_mono());
	s->next = d->sessions;
	s->prev = &d->sessions;
	if (s->next != NULL)
		s->next->prev = &s->next;
	d->sessions = s;
	d->n_sessions++;
	s->conn =
	    conn_new(d->loop, fd, &smtp_server_engine, s->server, on_gone, s);
	if (policy->implicit_tls)
		conn_start_tls(s->conn, policy->tls, true, NULL);
}

void
smtpd_sessions_stop(struct smtpd *d)
{
	for (struct smtpd_session *s = d->sessions; s != NULL; s = s->next) {
		smtp_server_shutdown(s->server);
		if (s->conn != NULL)
			conn_wake(s->conn);
	}
}

bool
smtpd_sessions_busy(const struct smtpd *d)
{
	for (struct smtpd_session *s = d->sessions; s != NULL; s = s->next)
		if (s->committing || !smtp_server_engine.finished(s->server))
			return true;
	return false;
}

void
smtpd_sessions_abort(struct smtpd *d)
{
	for (struct smtpd_session *s = d->sessions; s != NULL; s = s->next)
		if (!s->committing)
			forget_message(s);
}

void
smtpd_sessions_free(struct smtpd *d)
{
	while (d->sessions != NULL) {
		conn_free(&d->sessions->conn);
		session_free(d->sessions);
	}
}
