/*
 * From replies to results (RFC 5321 4.2.1, 4.5.3.1.10; RFC 3463).
 */
#include <stdio.h>
#include <string.h>

#include "smtp/client_priv.h"

const char *
smtp_client_reply_line(struct smtp_client *c, struct arena *a)
{
	char *line = arena_printf(a, "%d %s%s%s", c->reply.code,
	    c->reply.status, c->reply.status[0] != '\0' ? " " : "",
	    c->reply.text.len > 0 ? buf_cstr(&c->reply.text) : "");

	for (char *p = line; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	return line;
}

/* A server without enhanced codes: the code that says most without claiming
 * more than the reply did. */
static const char *
status_from_code(const struct smtp_client *c, int code)
{
	static const struct {
		enum client_await await;
		int code;
		const char *status;
	} known[] = {
	    {AWAIT_MAIL, 552, "5.3.4"},
	    {AWAIT_MAIL, 452, "4.3.1"},
	    {AWAIT_RCPT, 450, "4.2.0"},
	    {AWAIT_RCPT, 452, "4.5.3"},
	    {AWAIT_RCPT, 550, "5.1.1"},
	    {AWAIT_RCPT, 551, "5.1.6"},
	    {AWAIT_RCPT, 552, "5.2.2"},
	    {AWAIT_RCPT, 553, "5.1.3"},
	    {AWAIT_FINAL, 452, "4.3.1"},
	    {AWAIT_FINAL, 552, "5.3.4"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].await == c->await && known[i].code == code)
			return known[i].status;
	return code < 300 ? "2.0.0" : code < 500 ? "4.0.0" : "5.0.0";
}

/* 552 to RCPT once meant "too many recipients", which 452 says now: with
 * others accepted and no other reason given, the rest may come later. */
static bool
means_too_many(const struct smtp_client *c)
{
	return c->await == AWAIT_RCPT && c->reply.code == 552 &&
	    c->accepted > 0 &&
	    (c->reply.status[0] == '\0' ||
		strcmp(c->reply.status, "5.5.3") == 0);
}

void
smtp_client_result(struct smtp_client *c, struct smtp_recipient *r)
{
	int code = c->reply.code;

	if (code / 100 == 2)
		r->outcome = SMTP_ACCEPTED;
	else if (code / 100 == 5 && !means_too_many(c))
		r->outcome = SMTP_PERMANENT;
	else
		r->outcome = SMTP_TEMPORARY;
	r->text = smtp_client_reply_line(c, c->t->arena);
	if (means_too_many(c))
		r->status = "4.5.3";
	else if (c->reply.status[0] != '\0')
		r->status = arena_strdup(c->t->arena, c->reply.status);
	else
		r->status = status_from_code(c, code);
}

void
smtp_client_result_own(struct smtp_client *c, struct smtp_recipient *r,
    int code, const char *status, const char *text)
{
	(void)c;
	r->outcome = code / 100 == 5 ? SMTP_PERMANENT : SMTP_TEMPORARY;
	r->status = status;
	r->text = text;
}
