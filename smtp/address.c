#include "smtp/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "mhs/or_charset.h"

#define LAYER "smtp"
#define LABEL_MAX 63

enum { C_ATEXT = 1, C_LET_DIG = 2, C_HEX_UP = 4, C_DIGIT = 8 };

/* Character classes by comparison: no locale, no sign trouble. */
static unsigned
class_of(char c)
{
	if (c >= '0' && c <= '9')
		return C_ATEXT | C_LET_DIG | C_HEX_UP | C_DIGIT;
	if (c >= 'A' && c <= 'F')
		return C_ATEXT | C_LET_DIG | C_HEX_UP;
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return C_ATEXT | C_LET_DIG;
	if (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL)
		return C_ATEXT;
	return 0;
}

static bool
is(char c, unsigned classes)
{
	return (class_of(c) & classes) != 0;
}

/* A place in counted text, and where the mailbox is written. */
struct scan {
	const char *s;
	size_t n, at;
	char *out; /* NULL: only check */
	size_t out_n, out_max;
	bool utf8; /* octets above 127 are taken */
	struct err *e;
};

static int
bad(struct scan *sc, const char *why)
{
	return err_at(sc->e, LAYER, ERR_SYNTAX, sc->at, "%s", why);
}

static int
too_long(struct scan *sc, const char *what)
{
	return err_at(sc->e, LAYER, ERR_LIMIT, sc->at, "%s is too long", what);
}

/* The octet at the place, or NUL at the end. */
static char
peek(const struct scan *sc)
{
	return sc->at < sc->n ? sc->s[sc->at] : '\0';
}

static int
put(struct scan *sc, char c)
{
	if (sc->out == NULL)
		return 0;
	if (sc->out_n + 1 >= sc->out_max)
		return too_long(sc, "address");
	sc->out[sc->out_n++] = c;
	return 0;
}

static int
put_octets(struct scan *sc, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (put(sc, s[i]) < 0)
			return ERR_LIMIT;
	return 0;
}

/* --- UTF-8 --- */

size_t
smtp_utf8_length(const char *s, size_t n)
{
	uint32_t c;

	return n > 0 && (uint8_t)*s > 127 ? mhs_utf8_read(s, n, &c) : 0;
}

/* The octets of the character at the place, if it is one and may be. */
static size_t
utf8_here(const struct scan *sc)
{
	return sc->utf8 ? smtp_utf8_length(sc->s + sc->at, sc->n - sc->at) : 0;
}

/* --- domains --- */

static int
scan_label(struct scan *sc, bool hello)
{
	size_t from = sc->at, wide = 0;
	bool last_alnum = false;

	while (is(peek(sc), C_LET_DIG) || peek(sc) == '-' ||
	    (hello && peek(sc) == '_') || (wide = utf8_here(sc)) > 0) {
		last_alnum = peek(sc) != '-';
		if (sc->at == from && peek(sc) == '-')
			return bad(sc, "a domain label begins with a hyphen");
		sc->at += wide > 0 ? wide : 1;
		wide = 0;
	}
	if (sc->at == from)
		return bad(sc, "a domain label is missing or malformed");
	if (!last_alnum)
		return bad(sc, "a domain label ends with a hyphen");
	if (sc->at - from > LABEL_MAX)
		return too_long(sc, "domain label");
	return 0;
}

static bool
literal_address_valid(const char *s, size_t n)
{
	char text[INET6_ADDRSTRLEN + 1];
	unsigned char address[sizeof(struct in6_addr)];
	const char *colon = memchr(s, ':', n);

	if (colon == NULL || (n > 5 && strncasecmp(s, "IPv6:", 5) == 0)) {
		size_t skip = colon == NULL ? 0 : 5;

		if (n - skip == 0 || n - skip >= sizeof(text))
			return false;
		memcpy(text, s + skip, n - skip);
		text[n - skip] = '\0';
		return inet_pton(colon == NULL ? AF_INET : AF_INET6, text,
			   address) == 1;
	}
	/* General-address-literal: a tag, which is an Ldh-str, and dcontent */
	if (colon == s || !is(colon[-1], C_LET_DIG) || colon == s + n - 1)
		return false;
	for (const char *p = s; p < colon; p++)
		if (!is(*p, C_LET_DIG) && *p != '-')
			return false;
	return true;
}

static int
scan_literal(struct scan *sc)
{
	size_t from = ++sc->at;

	while (peek(sc) > 32 && peek(sc) < 127 && peek(sc) != '[' &&
	    peek(sc) != '\\' && peek(sc) != ']')
		sc->at++;
	if (peek(sc) != ']' ||
	    !literal_address_valid(sc->s + from, sc->at - from))
		return bad(sc, "malformed address literal");
	sc->at++;
	return 0;
}

static int
scan_domain(struct scan *sc, bool hello)
{
	size_t from = sc->at;
	int rc;

	if (peek(sc) == '[') {
		rc = scan_literal(sc);
	} else {
		while ((rc = scan_label(sc, hello)) == 0 && peek(sc) == '.')
			sc->at++;
	}
	if (rc < 0)
		return rc;
	if (sc->at - from > SMTP_DOMAIN_MAX)
		return too_long(sc, "domain");
	return put_octets(sc, sc->s + from, sc->at - from);
}

bool
smtp_domain_valid(const char *s, size_t n, bool hello)
{
	struct scan sc = {.s = s, .n = n};

	return scan_domain(&sc, hello) == 0 && sc.at == n;
}

/* --- local parts --- */

static int
scan_dot_string(struct scan *sc)
{
	size_t from = sc->at;

	for (;;) {
		size_t atom = sc->at;

		for (size_t wide = 0;
		     is(peek(sc), C_ATEXT) || (wide = utf8_here(sc)) > 0;
		     wide = 0)
			sc->at += wide > 0 ? wide : 1;
		if (sc->at == atom)
			return bad(sc, "malformed local part");
		if (peek(sc) != '.')
			break;
		sc->at++;
	}
	if (sc->at - from > SMTP_LOCAL_MAX)
		return too_long(sc, "local part");
	return put_octets(sc, sc->s + from, sc->at - from);
}

static bool
is_dot_string(const char *s, size_t n, bool utf8)
{
	struct scan sc = {.s = s, .n = n, .utf8 = utf8};

	return scan_dot_string(&sc) == 0 && sc.at == n;
}

/* What is between the quotes, which the place is moved past, without its
 * backslashes: how many octets, or negative. */
static int
scan_quotes(struct scan *sc, char raw[SMTP_LOCAL_MAX])
{
	size_t n = 0;

	for (sc->at++; peek(sc) != '"';) {
		bool escaped = peek(sc) == '\\';
		size_t wide = escaped ? 0 : utf8_here(sc);

		sc->at += escaped;
		if (wide == 0 && !(peek(sc) >= 32 && peek(sc) < 127))
			return bad(sc, "malformed quoted local part");
		wide = wide > 0 ? wide : 1;
		if (wide > SMTP_LOCAL_MAX - n)
			return too_long(sc, "local part");
		memcpy(raw + n, sc->s + sc->at, wide);
		n += wide;
		sc->at += wide;
	}
	sc->at++;
	return (int)n;
}

/* Unquotes, then quotes as little as can be (RFC 5321 4.1.2). */
static int
scan_quoted(struct scan *sc)
{
	char raw[SMTP_LOCAL_MAX];
	int n = scan_quotes(sc, raw);
	bool plain;
	int rc = 0;

	if (n < 0)
		return n;
	plain = is_dot_string(raw, (size_t)n, sc->utf8);
	if (!plain)
		rc = put(sc, '"');
	for (int i = 0; i < n && rc == 0; i++) {
		if (!plain && (raw[i] == '"' || raw[i] == '\\'))
			rc = put(sc, '\\');
		if (rc == 0)
			rc = put(sc, raw[i]);
	}
	return plain || rc < 0 ? rc : put(sc, '"');
}

static int
scan_mailbox(struct scan *sc, bool postmaster)
{
	size_t from = sc->at;
	int rc = peek(sc) == '"' ? scan_quoted(sc) : scan_dot_string(sc);

	if (rc < 0)
		return rc;
	if (postmaster && peek(sc) == '>' && sc->at - from == 10 &&
	    strncasecmp(sc->s + from, "postmaster", 10) == 0)
		return 0;
	if (peek(sc) != '@')
		return bad(sc, "a domain is missing after the local part");
	sc->at++;
	rc = put(sc, '@');
	return rc < 0 ? rc : scan_domain(sc, false);
}

/* The A-d-l, which is accepted and ignored (RFC 5321 4.1.2, appendix C). */
static int
scan_source_route(struct scan *sc)
{
	char *out = sc->out;
	int rc = 0;

	sc->out = NULL;
	while (peek(sc) == '@' && rc == 0) {
		sc->at++;
		rc = scan_domain(sc, false);
		if (rc < 0 || peek(sc) == ':')
			break;
		if (peek(sc) != ',')
			rc = bad(sc, "malformed source route");
		else if (sc->at++, peek(sc) != '@')
			rc = bad(sc, "malformed source route");
	}
	sc->out = out;
	if (rc == 0)
		sc->at++;
	return rc;
}

int
smtp_path_parse(const char *s, size_t n, unsigned flags,
    char out[SMTP_MAILBOX_TEXT], struct err *e)
{
	struct scan sc = {.s = s,
	    .n = n,
	    .out = out,
	    .out_max = SMTP_MAILBOX_TEXT,
	    .utf8 = (flags & SMTP_PATH_UTF8) != 0,
	    .e = e};
	int rc = 0;

	out[0] = '\0';
	if (peek(&sc) != '<')
		return bad(&sc, "a path is in angle brackets");
	sc.at++;
	if (peek(&sc) == '>') {
		if (!(flags & SMTP_PATH_NULL))
			return bad(&sc, "the null path is not allowed here");
		return 2;
	}
	if (peek(&sc) == '@')
		rc = scan_source_route(&sc);
	if (rc == 0)
		rc = scan_mailbox(&sc, (flags & SMTP_PATH_POSTMASTER) != 0);
	if (rc < 0)
		return rc;
	if (peek(&sc) != '>')
		return bad(&sc, "the path does not end with a bracket");
	sc.at++;
	if (sc.at > SMTP_PATH_MAX)
		return too_long(&sc, "path");
	out[sc.out_n] = '\0';
	return (int)sc.at;
}

int
smtp_mailbox_parse(
    const char *s, size_t n, char out[SMTP_MAILBOX_TEXT], struct err *e)
{
	return smtp_mailbox_parse_as(s, n, 0, out, e);
}

int
smtp_mailbox_parse_as(const char *s, size_t n, unsigned flags,
    char out[SMTP_MAILBOX_TEXT], struct err *e)
{
	struct scan sc = {.s = s,
	    .n = n,
	    .out = out,
	    .out_max = SMTP_MAILBOX_TEXT,
	    .utf8 = (flags & SMTP_PATH_UTF8) != 0,
	    .e = e};
	int rc;

	out[0] = '\0';
	rc = scan_mailbox(&sc, false);
	if (rc < 0) {
		out[0] = '\0';
		return rc;
	}
	if (sc.at != n) {
		out[0] = '\0';
		return bad(&sc, "something follows the mailbox");
	}
	out[sc.out_n] = '\0';
	return 0;
}

const char *
smtp_mailbox_domain(const char *mailbox)
{
	const char *at = strrchr(mailbox, '@');

	return at == NULL ? "" : at + 1;
}

/* --- parameters --- */

static bool
is_esmtp_value(char c)
{
	return c > 32 && c < 127 && c != '=';
}

int
smtp_param_next(
    const char **s, size_t *n, struct smtp_param *out, struct err *e)
{
	struct scan sc = {.s = *s, .n = *n, .utf8 = true, .e = e};
	size_t from, wide = 0;

	while (peek(&sc) == ' ')
		sc.at++;
	if (sc.at == sc.n)
		return 0;
	if (sc.at == 0)
		return bad(&sc, "a space comes before a parameter");
	from = sc.at;
	while (is(peek(&sc), C_LET_DIG) || (sc.at > from && peek(&sc) == '-'))
		sc.at++;
	if (sc.at == from)
		return bad(&sc, "malformed parameter keyword");
	*out = (struct smtp_param){
	    .keyword = sc.s + from, .keyword_n = sc.at - from};
	if (peek(&sc) == '=') {
		from = ++sc.at;
		for (; is_esmtp_value(peek(&sc)) || (wide = utf8_here(&sc)) > 0;
		     wide = 0)
			sc.at += wide > 0 ? wide : 1;
		if (sc.at == from)
			return bad(&sc, "malformed parameter value");
		out->value = sc.s + from;
		out->value_n = sc.at - from;
	}
	if (sc.at < sc.n && peek(&sc) != ' ')
		return bad(&sc, "malformed parameter");
	*s += sc.at;
	*n -= sc.at;
	return 1;
}

bool
smtp_param_is(const struct smtp_param *p, const char *keyword)
{
	return strlen(keyword) == p->keyword_n &&
	    strncasecmp(keyword, p->keyword, p->keyword_n) == 0;
}

/* --- xtext --- */

static unsigned
hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A' + 10);
}

int
smtp_xtext_decode(
    const char *s, size_t n, char *out, size_t size, struct err *e)
{
	struct scan sc = {.s = s, .n = n, .out = out, .out_max = size, .e = e};

	for (; sc.at < n; sc.at++) {
		char c = peek(&sc);

		if (!is_esmtp_value(c))
			return bad(&sc, "not xtext");
		if (c == '+') {
			if (n - sc.at < 3 || !is(s[sc.at + 1], C_HEX_UP) ||
			    !is(s[sc.at + 2], C_HEX_UP))
				return bad(&sc, "malformed xtext escape");
			c = (char)(hex_value(s[sc.at + 1]) << 4 |
			    hex_value(s[sc.at + 2]));
			sc.at += 2;
		}
		if (!(c >= 32 && c < 127) && c != '\t')
			return bad(&sc, "xtext of unprintable characters");
		if (put(&sc, c) < 0)
			return ERR_LIMIT;
	}
	out[sc.out_n] = '\0';
	return (int)sc.out_n;
}

void
smtp_xtext_append(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (is_esmtp_value(*s) && *s != '+')
			buf_putc(out, (uint8_t)*s);
		else
			buf_printf(out, "+%02X", (unsigned)(uint8_t)*s);
	}
}
