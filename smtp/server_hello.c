/*
 * EHLO, HELO and LHLO (RFC 5321 4.1.1.1, RFC 2033 4.1), and the list of
 * extensions.
 */
#include <stdio.h>
#include <string.h>

#include "smtp/server_priv.h"

/* One EHLO keyword; parameter may be NULL, and writes what follows it; offered
 * may be NULL, for always. */
struct extension {
	const char *keyword;
	void (*parameter)(struct smtp_server *s);
	bool (*offered)(const struct smtp_server *s);
};

static void
size_parameter(struct smtp_server *s)
{
	buf_printf(&s->out, " %llu", (unsigned long long)s->p->size_max);
}

static bool
starttls_offered(const struct smtp_server *s)
{
	return s->p->starttls && !s->tls;
}

static const char *
mechanisms(const struct smtp_server *s)
{
	return smtp_server_has_auth(s) ? s->ops->mechanisms(s->arg) : "";
}

static bool
auth_offered(const struct smtp_server *s)
{
	return s->user[0] == '\0' && *mechanisms(s) != '\0';
}

static void
auth_parameter(struct smtp_server *s)
{
	buf_printf(&s->out, " %s", mechanisms(s));
}

/* The last one is always offered. */
static const struct extension extensions[] = {
    {"PIPELINING", NULL, NULL},             /* RFC 2920 */
    {"SIZE", size_parameter, NULL},         /* RFC 1870 */
    {"8BITMIME", NULL, NULL},               /* RFC 6152 */
    {"DSN", NULL, NULL},                    /* RFC 3461 */
    {"STARTTLS", NULL, starttls_offered},   /* RFC 3207 */
    {"AUTH", auth_parameter, auth_offered}, /* RFC 4954 */
    {"ENHANCEDSTATUSCODES", NULL, NULL}     /* RFC 2034 */
};
#define N_EXTENSIONS (sizeof(extensions) / sizeof(extensions[0]))

/* The argument is kept when it is a name; it is never believed. */
static bool
hello(struct smtp_server *s, const char *args, size_t n)
{
	if (n == 0 || n >= sizeof(s->helo) ||
	    !smtp_domain_valid(args, n, true)) {
		smtp_server_error(s, 501, n == 0 ? "5.5.4" : "5.5.2",
		    "Say a domain name or an address literal");
		return false;
	}
	smtp_server_reset(s);
	memcpy(s->helo, args, n);
	s->helo[n] = '\0';
	s->state = S_READY;
	return true;
}

void
smtp_cmd_ehlo(struct smtp_server *s, const char *args, size_t n)
{
	if (!hello(s, args, n))
		return;
	s->extended = true;
	buf_printf(&s->out, "250-%s\r\n", s->p->hostname);
	for (size_t i = 0; i < N_EXTENSIONS; i++) {
		if (extensions[i].offered != NULL && !extensions[i].offered(s))
			continue;
		buf_printf(&s->out, "250%c%s", i + 1 < N_EXTENSIONS ? '-' : ' ',
		    extensions[i].keyword);
		if (extensions[i].parameter != NULL)
			extensions[i].parameter(s);
		buf_append(&s->out, "\r\n", 2);
	}
}

void
smtp_cmd_helo(struct smtp_server *s, const char *args, size_t n)
{
	if (!hello(s, args, n))
		return;
	s->extended = false;
	smtp_server_reply(s, 250, NULL, s->p->hostname);
}
