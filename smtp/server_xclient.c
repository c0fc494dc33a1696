/*
 * XCLIENT, as Postfix defines it (XCLIENT_README): a proxy in front, which is
 * trusted, says whose session this is. It comes outside of a transaction; then
 * the session begins anew with the greeting.
 */
#include <string.h>
#include <strings.h>

#include "smtp/server_priv.h"

#define VALUE_MAX (SMTP_DOMAIN_MAX + 1)

/* The attributes that may come, and where they go. */
static const struct attribute {
	const char *name;
	size_t at;
} attributes[] = {
    {"NAME", offsetof(struct smtp_server_xclient, name)},
    {"ADDR", offsetof(struct smtp_server_xclient, address)},
    {"PORT", offsetof(struct smtp_server_xclient, port)},
    {"PROTO", offsetof(struct smtp_server_xclient, protocol)},
    {"HELO", offsetof(struct smtp_server_xclient, helo)},
    {"LOGIN", offsetof(struct smtp_server_xclient, login)},
};
#define ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

struct values {
	struct smtp_server_xclient x;
	char text[ATTRIBUTES][VALUE_MAX];
};

static bool
unknown(const char *text)
{
	return strcasecmp(text, "[UNAVAILABLE]") == 0 ||
	    strcasecmp(text, "[TEMPUNAVAIL]") == 0;
}

static bool
take(struct values *v, const struct smtp_param *p)
{
	const char **to;
	size_t i;

	for (i = 0; i < ATTRIBUTES; i++)
		if (smtp_param_is(p, attributes[i].name))
			break;
	if (i == ATTRIBUTES || p->value == NULL)
		return false;
	to = (const char **)((char *)&v->x + attributes[i].at);
	if (*to != NULL ||
	    smtp_xtext_decode(
		p->value, p->value_n, v->text[i], VALUE_MAX, NULL) < 0)
		return false;
	if (unknown(v->text[i]))
		v->text[i][0] = '\0';
	*to = v->text[i];
	return true;
}

static bool
parse(struct values *v, const char *args, size_t n)
{
	const char *blank;
	struct smtp_param p;
	size_t first;
	int rc;

	/* a parameter has a blank in front, the first one has the verb's */
	while (n > 0) {
		blank = memchr(args, ' ', n);
		first = blank != NULL ? (size_t)(blank - args) : n;
		p.keyword = args;
		for (p.keyword_n = 0;
		     p.keyword_n < first && args[p.keyword_n] != '=';)
			p.keyword_n++;
		if (p.keyword_n >= first)
			return false;
		p.value = args + p.keyword_n + 1;
		p.value_n = first - p.keyword_n - 1;
		rc = take(v, &p);
		if (!rc)
			return false;
		args += first;
		n -= first;
		for (; n > 0 && *args == ' '; n--)
			args++;
	}
	return true;
}

void
smtp_cmd_xclient(struct smtp_server *s, const char *args, size_t n)
{
	struct smtp_reply r = {550, "5.7.0", "Not authorized to say that"};
	struct values v = {0};

	if (s->ops->xclient == NULL || !s->ops->xclient_trusted(s->arg)) {
		smtp_server_error(s, r.code, r.status, r.text);
		return;
	}
	if (n == 0 || !parse(&v, args, n) ||
	    (v.x.helo != NULL && *v.x.helo != '\0' &&
		!smtp_domain_valid(v.x.helo, strlen(v.x.helo), true)) ||
	    (v.x.login != NULL && strlen(v.x.login) > SMTP_USER_MAX)) {
		smtp_server_error(
		    s, 501, "5.5.4", "Syntax error in an attribute");
		return;
	}
	if (!s->ops->xclient(s->arg, &v.x, &r)) {
		smtp_server_reply(s, r.code, r.status, r.text);
		return;
	}
	smtp_server_reset(s);
	s->state = S_START;
	s->extended = false;
	s->helo[0] = '\0';
	if (v.x.login != NULL)
		memcpy(s->user, v.x.login, strlen(v.x.login) + 1);
	buf_printf(&s->out, "220 %s %s Isthmus\r\n", s->p->hostname,
	    s->p->lmtp ? "LMTP" : "ESMTP");
}
