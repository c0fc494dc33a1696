/*
 * The parameters of MAIL and RCPT that most clients know: SIZE (RFC 1870), BODY
 * (RFC 6152, RFC 3030), DSN (RFC 3461 4, with the addresses of RFC 6533) and
 * AUTH (RFC 4954 5); and the tables of all parameters.
 */
#include <string.h>
#include <strings.h>

#include "mhs/envelope.h"
#include "smtp/server_param.h"

bool
smtp_value_is(const char *value, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(value, word, n) == 0;
}

static int
parse_size(struct smtp_request *q, const char *value, size_t n)
{
	uint64_t size = 0;

	if (n > 20)
		return ERR_SYNTAX;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned)(value[i] - '0');

		if (digit > 9 ||
		    __builtin_mul_overflow(size, (uint64_t)10, &size) ||
		    __builtin_add_overflow(size, (uint64_t)digit, &size))
			return ERR_SYNTAX;
	}
	q->mail.size = size;
	return 0;
}

static int
parse_body(struct smtp_request *q, const char *value, size_t n)
{
	q->mail.body_8bit = smtp_value_is(value, n, "8BITMIME");
	q->mail.body_binary = smtp_value_is(value, n, "BINARYMIME") &&
	    smtp_server_offers(q->s, SMTP_EXT_BINARYMIME);
	return q->mail.body_8bit || q->mail.body_binary ||
		smtp_value_is(value, n, "7BIT")
	    ? 0
	    : ERR_SYNTAX;
}

static int
parse_ret(struct smtp_request *q, const char *value, size_t n)
{
	if (smtp_value_is(value, n, "FULL"))
		q->mail.ret = 'F';
	else if (smtp_value_is(value, n, "HDRS"))
		q->mail.ret = 'H';
	else
		return ERR_SYNTAX;
	return 0;
}

static int
parse_envid(struct smtp_request *q, const char *value, size_t n)
{
	q->mail.envid = q->envid;
	return n > ENVID_MAX
	    ? ERR_LIMIT
	    : smtp_xtext_decode(value, n, q->envid, sizeof(q->envid), NULL);
}

/* "<>" or a mailbox, as xtext; a local part without a domain is not allowed. */
static int
parse_auth(struct smtp_request *q, const char *value, size_t n)
{
	char text[SMTP_MAILBOX_TEXT];

	q->mail.auth = q->auth;
	if (smtp_xtext_decode(value, n, text, sizeof(text), NULL) < 0)
		return ERR_SYNTAX;
	if (strcmp(text, "<>") == 0)
		return 0;
	return smtp_mailbox_parse(text, strlen(text), q->auth, NULL);
}

static int
parse_notify(struct smtp_request *q, const char *value, size_t n)
{
	static const struct {
		const char *word;
		uint8_t bit;
	} words[] = {{"NEVER", MHS_NOTIFY_NEVER},
	    {"SUCCESS", MHS_NOTIFY_SUCCESS}, {"FAILURE", MHS_NOTIFY_FAILURE},
	    {"DELAY", MHS_NOTIFY_DELAY}};

	for (;;) {
		const char *comma = memchr(value, ',', n);
		size_t word = comma != NULL ? (size_t)(comma - value) : n, i;

		for (i = 0; i < 4; i++)
			if (smtp_value_is(value, word, words[i].word))
				break;
		if (i == 4)
			return ERR_SYNTAX;
		q->rcpt.notify |= words[i].bit;
		if (comma == NULL)
			break;
		value += word + 1;
		n -= word + 1;
	}
	if ((q->rcpt.notify & MHS_NOTIFY_NEVER) &&
	    q->rcpt.notify != MHS_NOTIFY_NEVER)
		return ERR_SYNTAX;
	return 0;
}

/* "\x{20AC}" at s: its character, and its octets in *used; 0: it is none. */
static uint32_t
escaped_character(const char *s, size_t n, size_t *used)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *d;
	uint32_t c = 0;
	size_t i;

	if (n < 6 || memcmp(s, "\\x{", 3) != 0)
		return 0;
	for (i = 3; i < n && i < 9 && s[i] != '}'; i++) {
		d = strchr(digits, s[i]);
		if (d == NULL || *d == '\0')
			return 0;
		c = c << 4 | (uint32_t)(d - digits);
	}
	*used = i + 1;
	return i < n && s[i] == '}' && i > 4 ? c : 0;
}

/* Returns octets written, at most 4; 0: that is no character. */
static size_t
put_utf8(uint32_t c, char out[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	uint32_t rest = c;

	if (n == 1) {
		out[0] = (char)c;
		return c > 31 && c < 127;
	}
	for (size_t i = n - 1; i > 0; i--, rest >>= 6)
		out[i] = (char)(0x80 | (rest & 0x3f));
	out[0] = (char)((0xf0u << (4 - n)) | rest);
	return smtp_utf8_length(out, n);
}

/* RFC 6533 3: utf-8-addr-xtext and utf-8-addr-unitext; a character may be
 * written as its number, and stands for itself otherwise. */
static int
decode_utf8(const char *s, size_t n, char *out, size_t size)
{
	size_t o = 0, used = 1, wide;
	uint32_t c;
	char one[4];

	for (; n > 0; s += used, n -= used) {
		wide = used = smtp_utf8_length(s, n);
		if (wide > 0) {
			memcpy(one, s, wide);
		} else if (*s == '\\') {
			c = escaped_character(s, n, &used);
			wide = put_utf8(c, one);
		} else {
			used = 1;
			wide = put_utf8((uint8_t)*s, one);
		}
		if (wide == 0 || used == 0)
			return ERR_SYNTAX;
		if (wide >= size - o)
			return ERR_LIMIT;
		memcpy(out + o, one, wide);
		o += wide;
	}
	out[o] = '\0';
	return 0;
}

static int
parse_orcpt(struct smtp_request *q, const char *value, size_t n)
{
	const char *semicolon = memchr(value, ';', n);
	size_t type;

	if (semicolon == NULL || semicolon == value || n > ORCPT_MAX)
		return ERR_SYNTAX;
	type = (size_t)(semicolon - value);
	for (size_t i = 0; i < type; i++)
		if (strchr("()<>@,:\\\".[]+", value[i]) != NULL ||
		    (uint8_t)value[i] > 126)
			return ERR_SYNTAX;
	memcpy(q->orcpt, value, type + 1);
	q->rcpt.orcpt = q->orcpt;
	value = semicolon + 1;
	n -= type + 1;
	q->orcpt_utf8 = buf_has_8bit((const uint8_t *)value, n);
	if (type == 5 && strncasecmp(q->orcpt, "utf-8", 5) == 0 &&
	    smtp_server_offers(q->s, SMTP_EXT_SMTPUTF8))
		return decode_utf8(
		    value, n, q->orcpt + type + 1, sizeof(q->orcpt) - type - 1);
	return smtp_xtext_decode(
	    value, n, q->orcpt + type + 1, sizeof(q->orcpt) - type - 1, NULL);
}

/* --- the tables --- */

static const struct smtp_parameter mail_parameters[] = {
    {"SIZE", parse_size, 0},
    {"BODY", parse_body, 0},
    {"RET", parse_ret, 0},
    {"ENVID", parse_envid, 0},
    {"AUTH", parse_auth, SMTP_EXT_AUTH},
    {"SMTPUTF8", smtp_parse_smtputf8, SMTP_EXT_SMTPUTF8},
    {"REQUIRETLS", smtp_parse_requiretls, SMTP_EXT_REQUIRETLS},
    {"MT-PRIORITY", smtp_parse_mt_priority, SMTP_EXT_MT_PRIORITY},
    {"BY", smtp_parse_by, SMTP_EXT_DELIVERBY},
    {"HOLDFOR", smtp_parse_holdfor, SMTP_EXT_FUTURERELEASE},
    {"HOLDUNTIL", smtp_parse_holduntil, SMTP_EXT_FUTURERELEASE},
    {"MTRK", smtp_parse_mtrk, SMTP_EXT_MTRK},
    {NULL, NULL, 0},
};

static const struct smtp_parameter rcpt_parameters[] = {
    {"NOTIFY", parse_notify, 0},
    {"ORCPT", parse_orcpt, 0},
    {"RRVS", smtp_parse_rrvs, SMTP_EXT_RRVS},
    {NULL, NULL, 0},
};

static bool
is_flag(const struct smtp_parameter *x)
{
	return x->parse == smtp_parse_smtputf8 ||
	    x->parse == smtp_parse_requiretls;
}

static bool
refuse(struct smtp_request *q, int code, const char *status, const char *text)
{
	q->refusal = (struct smtp_reply){code, status, text};
	return false;
}

/* Each parameter may come once. */
static bool
parse_parameter(struct smtp_request *q, const struct smtp_parameter *table,
    const struct smtp_param *p, unsigned *seen)
{
	static const char bad[] = "Syntax error in a parameter";
	unsigned i;

	for (i = 0; table[i].keyword != NULL; i++)
		if (smtp_param_is(p, table[i].keyword))
			break;
	if (table[i].keyword == NULL || !smtp_server_extended(q->s) ||
	    (table[i].extension != 0 &&
		!smtp_server_offers(q->s, table[i].extension)))
		return refuse(q, 555, "5.5.4", "Parameter not recognized");
	if ((*seen & 1U << i) || (p->value == NULL) != is_flag(&table[i]))
		return refuse(q, 501, "5.5.4", bad);
	if (table[i].parse(q, p->value, p->value_n) < 0)
		return q->refusal.code != 0 ? false
					    : refuse(q, 501, "5.5.4", bad);
	*seen |= 1U << i;
	return true;
}

bool
smtp_request_parameters(
    struct smtp_request *q, bool mail, const char *args, size_t n)
{
	struct smtp_param p;
	struct err e = ERR_INIT;
	unsigned seen = 0;
	int rc;

	while ((rc = smtp_param_next(&args, &n, &p, &e)) > 0)
		if (!parse_parameter(
			q, mail ? mail_parameters : rcpt_parameters, &p, &seen))
			return false;
	if (rc < 0)
		return refuse(q, 501, "5.5.4", "Malformed parameter");
	return mail ? smtp_request_check(q) : true;
}
