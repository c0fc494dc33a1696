/*
 * EHLO, HELO and LHLO (RFC 5321 4.1.1.1, RFC 2033 4.1), and the list of
 * extensions.
 */
#include <stdio.h>
#include <string.h>

#include "smtp/server_priv.h"

/* One EHLO keyword; parameter may be NULL, and writes what follows it; offered
 * may be NULL, for always; bit is that of an extension that can be left out. */
struct extension {
	const char *keyword;
	void (*parameter)(struct smtp_server *s);
	bool (*offered)(const struct smtp_server *s);
	unsigned bit;
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

static bool
xclient_offered(const struct smtp_server *s)
{
	return s->ops->xclient != NULL && s->ops->xclient_trusted(s->arg);
}

static bool
binarymime_offered(const struct smtp_server *s)
{
	return (s->p->extensions & SMTP_EXT_CHUNKING) != 0;
}

static bool
has_wall(const struct smtp_server *s)
{
	return s->ops->wall != NULL;
}

static bool
futurerelease_offered(const struct smtp_server *s)
{
	return has_wall(s) && s->p->future_release_max > 0;
}

/* RFC 4865 4: the longest time, and the last date, which is the same. */
static void
futurerelease_parameter(struct smtp_server *s)
{
	char date[CLOCK_TEXT];

	buf_printf(&s->out, " %lld %s", (long long)s->p->future_release_max,
	    clock_format(
		s->ops->wall(s->arg) + s->p->future_release_max, date));
}

static void
deliverby_parameter(struct smtp_server *s)
{
	if (s->p->deliver_by_min > 0)
		buf_printf(&s->out, " %lld", (long long)s->p->deliver_by_min);
}

static void
mt_priority_parameter(struct smtp_server *s)
{
	if (s->p->priority_profile != NULL && *s->p->priority_profile != '\0')
		buf_printf(&s->out, " %s", s->p->priority_profile);
}

static void
xclient_parameter(struct smtp_server *s)
{
	buf_puts(&s->out, " NAME ADDR PORT PROTO HELO LOGIN");
}

/* The last one is always offered. */
static const struct extension extensions[] = {
    {"PIPELINING", NULL, NULL, 0},               /* RFC 2920 */
    {"SIZE", size_parameter, NULL, 0},           /* RFC 1870 */
    {"8BITMIME", NULL, NULL, 0},                 /* RFC 6152 */
    {"DSN", NULL, NULL, 0},                      /* RFC 3461 */
    {"STARTTLS", NULL, starttls_offered, 0},     /* RFC 3207 */
    {"AUTH", auth_parameter, auth_offered, 0},   /* RFC 4954 */
    {"CHUNKING", NULL, NULL, SMTP_EXT_CHUNKING}, /* RFC 3030 */
    {"BINARYMIME", NULL, binarymime_offered, SMTP_EXT_BINARYMIME},
    {"SMTPUTF8", NULL, NULL, SMTP_EXT_SMTPUTF8}, /* RFC 6531 */
    {"MT-PRIORITY", mt_priority_parameter, NULL, SMTP_EXT_MT_PRIORITY},
    {"DELIVERBY", deliverby_parameter, has_wall, SMTP_EXT_DELIVERBY},
    {"FUTURERELEASE", futurerelease_parameter, futurerelease_offered,
	SMTP_EXT_FUTURERELEASE},         /* RFC 4865 */
    {"MTRK", NULL, NULL, SMTP_EXT_MTRK}, /* RFC 3885 */
    {"RRVS", NULL, NULL, SMTP_EXT_RRVS}, /* RFC 7293 */
    {"REQUIRETLS", NULL, smtp_server_tls, SMTP_EXT_REQUIRETLS},
    {"XCLIENT", xclient_parameter, xclient_offered, 0},
    {"ENHANCEDSTATUSCODES", NULL, NULL, 0} /* RFC 2034 */
};
#define N_EXTENSIONS (sizeof(extensions) / sizeof(extensions[0]))

static bool
offered(const struct smtp_server *s, const struct extension *x)
{
	return (x->bit == 0 || (s->p->extensions & x->bit)) &&
	    (x->offered == NULL || x->offered(s));
}

bool
smtp_server_offers(const struct smtp_server *s, unsigned bit)
{
	if (bit == SMTP_EXT_AUTH)
		return smtp_server_has_auth(s);
	for (size_t i = 0; i < N_EXTENSIONS; i++)
		if (extensions[i].bit == bit)
			return offered(s, &extensions[i]);
	return false;
}

unsigned
smtp_server_extension(const char *keyword)
{
	for (size_t i = 0; i < N_EXTENSIONS; i++)
		if (strcmp(extensions[i].keyword, keyword) == 0)
			return extensions[i].bit;
	return 0;
}

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
		if (!offered(s, &extensions[i]))
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
