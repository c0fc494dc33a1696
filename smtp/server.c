/*
 * The server's frame: lines, the command table, time, and replies. What the
 * commands do is in server_hello.c, server_mail.c, server_data.c,
 * server_bdat.c, server_auth.c, server_tls.c, server_xclient.c and
 * server_misc.c.
 */
#include "smtp/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "smtp/server_priv.h"

#define REPLY_LINE_MAX 512     /* RFC 5321 4.5.3.1.5 */
#define OUTPUT_MAX (64 * 1024) /* above it, no more commands are read */
#define VERB_MAX 12

/* Extensions add rows here, nothing else. */
static const struct smtp_command commands[] = {
    {"EHLO", smtp_cmd_ehlo, S_COMMANDS, CMD_SMTP | CMD_LAST | CMD_IDLE},
    {"HELO", smtp_cmd_helo, S_COMMANDS, CMD_SMTP | CMD_LAST | CMD_IDLE},
    {"LHLO", smtp_cmd_ehlo, S_COMMANDS, CMD_LMTP | CMD_LAST | CMD_IDLE},
    {"STARTTLS", smtp_cmd_starttls, S_START | S_READY, CMD_BOTH | CMD_NO_ARGS},
    {"AUTH", smtp_cmd_auth, S_READY, CMD_BOTH | CMD_NEEDS_TLS},
    {"MAIL", smtp_cmd_mail, S_READY, CMD_BOTH | CMD_NEEDS_BOTH},
    {"RCPT", smtp_cmd_rcpt, S_MAIL | S_RCPT, CMD_BOTH | CMD_NEEDS_BOTH},
    {"DATA", smtp_cmd_data, S_RCPT,
	CMD_BOTH | CMD_LAST | CMD_NO_ARGS | CMD_NEEDS_BOTH},
    {"BDAT", smtp_cmd_bdat, S_COMMANDS, CMD_BOTH},
    {"RSET", smtp_cmd_rset, S_COMMANDS,
	CMD_BOTH | CMD_IDLE | CMD_NO_ARGS | CMD_NEEDS_TLS},
    {"NOOP", smtp_cmd_noop, S_COMMANDS, CMD_BOTH | CMD_IDLE},
    {"QUIT", smtp_cmd_quit, S_COMMANDS, CMD_BOTH | CMD_NO_ARGS},
    {"VRFY", smtp_cmd_vrfy, S_COMMANDS, CMD_BOTH | CMD_IDLE | CMD_NEEDS_BOTH},
    {"HELP", smtp_cmd_help, S_COMMANDS, CMD_BOTH | CMD_IDLE | CMD_NEEDS_TLS},
    {"EXPN", smtp_cmd_expn, S_COMMANDS, CMD_BOTH | CMD_IDLE | CMD_NEEDS_BOTH},
    {"XCLIENT", smtp_cmd_xclient, S_START | S_READY, CMD_BOTH | CMD_LAST},
    {"ETRN", smtp_cmd_unimplemented, S_COMMANDS, CMD_BOTH | CMD_NEEDS_BOTH},
    {"SEND", smtp_cmd_unimplemented, S_COMMANDS, CMD_BOTH | CMD_NEEDS_BOTH},
    {"SOML", smtp_cmd_unimplemented, S_COMMANDS, CMD_BOTH | CMD_NEEDS_BOTH},
    {"SAML", smtp_cmd_unimplemented, S_COMMANDS, CMD_BOTH | CMD_NEEDS_BOTH},
    {"TURN", smtp_cmd_unimplemented, S_COMMANDS, CMD_BOTH | CMD_NEEDS_BOTH},
    /* a browser was tricked into talking to us */
    {"GET", smtp_cmd_foreign, S_COMMANDS, CMD_BOTH},
    {"POST", smtp_cmd_foreign, S_COMMANDS, CMD_BOTH},
    {"PUT", smtp_cmd_foreign, S_COMMANDS, CMD_BOTH},
    {"CONNECT", smtp_cmd_foreign, S_COMMANDS, CMD_BOTH},
    {"OPTIONS", smtp_cmd_foreign, S_COMMANDS, CMD_BOTH},
};

/* --- replies --- */

/* One line, after its code and status. Text may be of others' making. */
static void
put_text(struct smtp_server *s, const char *text)
{
	size_t n = strnlen(text, REPLY_LINE_MAX - 16);
	uint8_t *p = buf_reserve(&s->out, n + 2);

	for (size_t i = 0; i < n; i++)
		p[i] = text[i] >= ' ' && text[i] < 127 ? (uint8_t)text[i] : '?';
	memcpy(p + n, "\r\n", 2);
	buf_grow(&s->out, n + 2);
}

void
smtp_server_reply(
    struct smtp_server *s, int code, const char *status, const char *text)
{
	struct smtp_reply r = {code, status, text};

	buf_printf(&s->out, status != NULL ? "%d %s " : "%d ", code, status);
	put_text(s, text);
	if (code >= 400 && s->ops->refused != NULL)
		s->ops->refused(
		    s->arg, s->command != NULL ? s->command : "-", &r);
}

void
smtp_server_line(struct smtp_server_lines *x, const char *text)
{
	if (x->any) {
		buf_printf(&x->s->out, "%d-%s ", x->code, x->status);
		put_text(x->s, x->held);
	}
	x->any = true;
	snprintf(x->held, sizeof(x->held), "%s", text);
}

void
smtp_server_reset(struct smtp_server *s)
{
	bool open = (s->state & S_TRANSACTION) && s->content_error.code == 0;

	s->recipients = 0;
	s->content_error.code = 0;
	s->smtputf8 = s->binary = false;
	if (s->state & (S_TRANSACTION | S_WAIT))
		s->state = S_READY;
	if (open)
		s->ops->reset(s->arg);
}

void
smtp_server_close(
    struct smtp_server *s, int code, const char *status, const char *text)
{
	smtp_server_reset(s);
	smtp_server_auth_drop(s);
	s->state = S_CLOSED;
	smtp_server_reply(s, code, status, text);
}

void
smtp_server_error(
    struct smtp_server *s, int code, const char *status, const char *text)
{
	smtp_server_reply(s, code, status, text);
	if (++s->errors >= s->p->errors_max && s->state != S_CLOSED)
		smtp_server_close(s, 421, "4.7.0", "Too many errors");
}

/* --- commands --- */

static const struct smtp_command *
find_command(const struct smtp_server *s, const char *verb, size_t n)
{
	unsigned protocol = s->p->lmtp ? CMD_LMTP : CMD_SMTP;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if ((commands[i].flags & protocol) &&
		    strlen(commands[i].verb) == n &&
		    strncasecmp(commands[i].verb, verb, n) == 0)
			return &commands[i];
	return NULL;
}

static const char *
sequence_text(const struct smtp_server *s, const struct smtp_command *c)
{
	if (s->state == S_START)
		return s->p->lmtp ? "Send LHLO first" : "Send EHLO first";
	if ((c->states & S_READY) && !(c->states & S_MAIL))
		return "A message is under way already";
	if (s->state == S_CHUNKS)
		return "Only BDAT or RSET goes on after BDAT";
	return s->state == S_READY ? "Send MAIL first" : "No valid recipients";
}

static void
run_command(struct smtp_server *s, const struct smtp_command *c,
    const char *args, size_t n)
{
	const struct smtp_reply *no;

	s->command = c->verb;
	if (!(c->states & (unsigned)s->state)) {
		smtp_server_error(s, 503, "5.5.1", sequence_text(s, c));
	} else if ((no = smtp_server_forbids(s, c->flags)) != NULL) {
		smtp_server_error(s, no->code, no->status, no->text);
	} else if ((c->flags & CMD_NO_ARGS) && n > 0) {
		smtp_server_error(s, 501, "5.5.4", "No arguments allowed");
	} else if ((c->flags & CMD_IDLE) &&
	    ++s->idle_commands > s->p->idle_commands_max) {
		smtp_server_error(
		    s, 450, "4.7.0", "Too many commands without a message");
	} else if ((c->flags & CMD_LAST) && s->in_group) {
		smtp_server_close(s, 554, "5.5.0",
		    "Commands were sent before the reply they depend on");
	} else {
		c->fn(s, args, n);
	}
}

static bool
has_control(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < 32 || p[i] == 127)
			return true;
	return false;
}

/* One complete line is in s->line. */
static void
run_line(struct smtp_server *s)
{
	const char *line = buf_cstr(&s->line);
	size_t n = s->line.len, verb;
	const struct smtp_command *c;

	if (s->state == S_AUTH) {
		smtp_server_auth_line(s, line, n);
		return;
	}
	s->command = NULL;
	while (n > 0 && line[n - 1] == ' ')
		n--;
	if (has_control(s->line.data, s->line.len)) {
		smtp_server_error(s, 500, "5.5.2",
		    "Control characters, or a line end other than CR LF");
		return;
	}
	for (verb = 0; verb < n && line[verb] != ' '; verb++)
		;
	c = verb <= VERB_MAX ? find_command(s, line, verb) : NULL;
	if (c == NULL) {
		smtp_server_error(s, 500, "5.5.1", "Command not recognized");
		return;
	}
	while (verb < n && line[verb] == ' ')
		verb++;
	run_command(s, c, line + verb, n - verb);
}

/* --- lines --- */

/* Lines of AUTH may be longer than others, which is known by their beginning:
 * in s->line, and then in p. */
static bool
is_auth_line(const struct smtp_server *s, const uint8_t *p, size_t n)
{
	static const char verb[] = "AUTH ";
	char start[sizeof(verb)] = {0};

	if (s->state == S_AUTH)
		return true;
	for (size_t i = 0; i < sizeof(verb) - 1; i++)
		if (i < s->line.len)
			start[i] = (char)s->line.data[i];
		else if (i - s->line.len < n)
			start[i] = (char)p[i - s->line.len];
	return smtp_server_has_auth(s) && strcasecmp(start, verb) == 0;
}

static bool
is_too_long(const struct smtp_server *s, const uint8_t *p, size_t n)
{
	size_t length = s->line.len + n;

	if (length <= s->p->command_line_max)
		return false;
	return length > SMTP_AUTH_LINE_MAX || !is_auth_line(s, p, n);
}

static void
drop_line(struct smtp_server *s)
{
	bool auth = is_auth_line(s, NULL, 0);

	s->line_dropped = true;
	buf_clear(&s->line);
	if (auth) {
		smtp_server_auth_too_long(s);
		return;
	}
	s->command = NULL;
	smtp_server_error(s, 500, "5.5.2", "Line too long");
}

/* Takes octets up to the end of a line. Returns how many. */
static size_t
take_line(struct smtp_server *s, const uint8_t *p, size_t n, msec_t now)
{
	const uint8_t *lf = memchr(p, '\n', n);
	size_t used = lf != NULL ? (size_t)(lf - p) + 1 : n;
	bool cr = used >= 2 ? p[used - 2] == '\r' : s->line_cr;
	bool complete = lf != NULL && cr;

	s->line_cr = p[used - 1] == '\r';
	if (!s->line_dropped && is_too_long(s, p, used))
		drop_line(s);
	if (!s->line_dropped)
		buf_append(&s->line, p, used);
	if (!complete)
		return used;
	s->in_group = used < n;
	if (!s->line_dropped) {
		s->line.len -= 2;
		run_line(s);
	}
	s->line_dropped = s->line_cr = false;
	buf_clear(&s->line);
	s->deadline = now + s->p->command_timeout;
	return used;
}

static void
end_of_input(struct smtp_server *s)
{
	smtp_server_auth_drop(s);
	s->state = S_CLOSED;
}

/* A client that sends an octet now and then holds a message open no longer than
 * the lowest rate allows for what it has sent. */
void
smtp_server_content_deadline(struct smtp_server *s, msec_t now)
{
	msec_t end = MSEC_NEVER;

	s->deadline = now + s->p->data_timeout;
	if (s->content_start == 0)
		s->content_start = now;
	if (s->p->data_rate_min > 0)
		end = s->content_start + s->p->data_grace +
		    (msec_t)(s->content_octets * 1000 / s->p->data_rate_min);
	if (end < s->deadline)
		s->deadline = end;
}

static bool
must_stop(const struct smtp_server *s)
{
	return s->stopping && !(s->state & (S_UNDER_WAY | S_CLOSED));
}

/* Works on input until it is used up or the user owes a reply. */
static void
process(struct smtp_server *s, const uint8_t *p, size_t n, msec_t now)
{
	enum smtp_server_state was = s->state;
	size_t used;

	s->busy = true;
	while (n > 0 && !(s->state & (S_OWED | S_CLOSED)) && !must_stop(s)) {
		if (s->state == S_DATA)
			used = smtp_server_content(s, p, n);
		else if (s->state & (S_CHUNK | S_DRAIN))
			used = smtp_server_chunk(s, p, n);
		else
			used = take_line(s, p, n, now);
		s->content_octets += was & S_CONTENT ? used : 0;
		if (s->state & S_CONTENT)
			smtp_server_content_deadline(s, now);
		else if (was & S_CONTENT)
			s->deadline = now + s->p->command_timeout;
		was = s->state;
		p += used;
		n -= used;
		if (s->starting_tls)
			n = smtp_server_enter_tls(s, n);
	}
	s->busy = false;
	if (must_stop(s)) /* after a content that was refused */
		smtp_server_close(s, 421, "4.3.2", "Shutting down");
	if (s->state == S_CLOSED)
		buf_free(&s->held);
	else if (n > 0)
		buf_append(&s->held, p, n);
	else if (s->eof && !(s->state & S_OWED))
		end_of_input(s);
}

void
smtp_server_resume(struct smtp_server *s, msec_t now)
{
	struct buf b = s->held;

	if (s->busy || (s->state & S_OWED))
		return;
	s->held = (struct buf){0};
	process(s, b.data, b.len, now);
	buf_free(&b);
}

/* --- the engine --- */

static void
greet(struct smtp_server *s, msec_t now)
{
	s->state = S_START;
	s->deadline = now + s->p->command_timeout;
	buf_printf(&s->out, "220 %s %s Isthmus\r\n", s->p->hostname,
	    s->p->lmtp ? "LMTP" : "ESMTP");
}

struct smtp_server *
smtp_server_new(const struct smtp_server_params *p,
    const struct smtp_server_ops *ops, void *arg, msec_t now)
{
	struct smtp_server *s = xcalloc(1, sizeof(*s));

	s->p = p;
	s->ops = ops;
	s->arg = arg;
	s->state = S_GREETING;
	s->deadline = now + p->greet_delay;
	s->tls = p->tls_from_start;
	if (p->greet_delay == 0)
		greet(s, now);
	return s;
}

void
smtp_server_free(struct smtp_server **sp)
{
	struct smtp_server *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	buf_free(&s->out);
	buf_free(&s->line);
	buf_free(&s->held);
	free(s);
}

static void
on_input(void *engine, const uint8_t *p, size_t n, msec_t now)
{
	struct smtp_server *s = engine;

	if (s->state == S_GREETING && n > 0)
		smtp_server_close(
		    s, 554, "5.5.0", "Commands were sent before the greeting");
	if (s->state & S_OWED)
		buf_append(&s->held, p, n);
	else
		process(s, p, n, now);
}

static void
on_closed(void *engine, const struct err *reason, msec_t now)
{
	struct smtp_server *s = engine;

	(void)now;
	s->eof = true;
	/* who has gone without a further word waits for no step of AUTH */
	if ((s->state & S_OWED) && reason == NULL &&
	    (s->state != S_AUTH_STEP || s->held.len > 0))
		return;
	if ((s->state & S_TRANSACTION) && s->ops->abandoned != NULL)
		s->ops->abandoned(s->arg, reason);
	smtp_server_reset(s);
	end_of_input(s);
}

static struct buf *
output(void *engine)
{
	return &((struct smtp_server *)engine)->out;
}

static msec_t
deadline(void *engine)
{
	struct smtp_server *s = engine;

	return s->state & (S_OWED | S_CLOSED) ? MSEC_NEVER : s->deadline;
}

static void
on_timeout(void *engine, msec_t now)
{
	struct smtp_server *s = engine;

	if (now < deadline(s))
		return;
	s->command = NULL;
	if (s->state == S_GREETING)
		greet(s, now);
	else
		smtp_server_close(s, 421, "4.4.2", "Timeout, closing");
}

static bool
wants_input(void *engine)
{
	struct smtp_server *s = engine;

	/* in a step of AUTH, to see who goes */
	if (s->state == S_AUTH_STEP)
		return s->held.len == 0;
	return !(s->state & S_OWED) && s->out.len < OUTPUT_MAX;
}

static bool
finished(void *engine)
{
	return ((struct smtp_server *)engine)->state == S_CLOSED;
}

const struct engine_ops smtp_server_engine = {
    .input = on_input,
    .closed = on_closed,
    .output = output,
    .deadline = deadline,
    .timeout = on_timeout,
    .wants_input = wants_input,
    .finished = finished,
};

/* --- the user's calls --- */

static void
content_replied(struct smtp_server *s, msec_t now)
{
	s->state = S_READY;
	s->recipients = 0;
	s->smtputf8 = s->binary = false;
	s->idle_commands = 0;
	s->deadline = now + s->p->command_timeout;
	if (s->stopping)
		smtp_server_close(s, 421, "4.3.2", "Shutting down");
	smtp_server_resume(s, now);
}

void
smtp_server_data_reply(
    struct smtp_server *s, const struct smtp_reply *r, msec_t now)
{
	if (s->state == S_CLOSED) /* the connection is gone meanwhile */
		return;
	INVARIANT(s->state == S_WAIT && s->owed > 0);
	s->command = s->chunked ? "BDAT" : "DATA";
	smtp_server_reply(s, r->code, r->status, r->text);
	if (--s->owed == 0)
		content_replied(s, now);
}

void
smtp_server_data_reply_all(
    struct smtp_server *s, const struct smtp_reply *r, msec_t now)
{
	unsigned n = s->owed;

	while (n-- > 0 && s->state == S_WAIT)
		smtp_server_data_reply(s, r, now);
}

void
smtp_server_shutdown(struct smtp_server *s)
{
	bool again = s->stopping;

	s->command = NULL;
	if (s->state & (again ? S_OWED : S_UNDER_WAY))
		s->stopping = true;
	else if (s->state != S_CLOSED)
		smtp_server_close(s, 421, "4.3.2", "Shutting down");
}

const char *
smtp_server_helo(const struct smtp_server *s)
{
	return s->helo;
}

/* RFC 3848: S for TLS, A for AUTH; RFC 6531 4.3: UTF8. */
const char *
smtp_server_protocol(const struct smtp_server *s)
{
	static const char *const names[4][4] = {
	    {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"},
	    {"LMTP", "LMTPS", "LMTPA", "LMTPSA"},
	    {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"},
	    {"UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"},
	};

	if (!s->p->lmtp && !s->extended)
		return "SMTP";
	return names[(s->p->lmtp ? 1 : 0) + (s->smtputf8 ? 2 : 0)]
		    [(s->tls ? 1 : 0) + (s->user[0] != '\0' ? 2 : 0)];
}

const char *
smtp_server_user(const struct smtp_server *s)
{
	return s->user;
}

bool
smtp_server_tls(const struct smtp_server *s)
{
	return s->tls;
}

bool
smtp_server_content_8bit(const struct smtp_server *s)
{
	return s->eightbit;
}
