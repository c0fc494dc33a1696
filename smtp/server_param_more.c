/*
 * The parameters of later extensions: SMTPUTF8 (RFC 6531), REQUIRETLS (RFC
 * 8689), MT-PRIORITY (RFC 6710), BY (RFC 2852), HOLDFOR and HOLDUNTIL (RFC
 * 4865), MTRK (RFC 3885), RRVS (RFC 7293).
 */
#include <string.h>
#include <strings.h>

#include "lib/base64.h"
#include "smtp/datetime.h"
#include "smtp/priority.h"
#include "smtp/server_param.h"

#define DIGITS_MAX 9   /* of every number here */
#define MTRK_OCTETS 20 /* SHA-1 */

/* Up to nine digits, all of them. */
static bool
parse_number(const char *s, size_t n, int64_t *out)
{
	*out = 0;
	if (n == 0 || n > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*out = *out * 10 + (s[i] - '0');
	}
	return true;
}

int
smtp_parse_smtputf8(struct smtp_request *q, const char *value, size_t n)
{
	(void)value;
	(void)n;
	q->mail.smtputf8 = true;
	return 0;
}

int
smtp_parse_requiretls(struct smtp_request *q, const char *value, size_t n)
{
	(void)value;
	(void)n;
	q->mail.requiretls = true;
	return 0;
}

/* RFC 6710 4.1, 7 */
int
smtp_parse_mt_priority(struct smtp_request *q, const char *value, size_t n)
{
	if (!smtp_priority_parse(value, n, &q->mail.mt_priority)) {
		q->refusal = (struct smtp_reply){
		    501, "5.5.2", "Syntax error in MT-PRIORITY"};
		return ERR_SYNTAX;
	}
	q->mail.has_mt_priority = true;
	return 0;
}

/* RFC 2852 4: by-time ";" mode ["T"] */
int
smtp_parse_by(struct smtp_request *q, const char *value, size_t n)
{
	const char *semicolon = memchr(value, ';', n);
	size_t sign = *value == '-' || *value == '+', digits;
	int64_t by;
	char mode;

	if (semicolon == NULL)
		return ERR_SYNTAX;
	digits = (size_t)(semicolon - value);
	n -= digits + 1;
	if (!parse_number(value + sign, digits - sign, &by) || n < 1 || n > 2)
		return ERR_SYNTAX;
	mode = (char)(semicolon[1] & ~32);
	if ((mode != 'R' && mode != 'N') ||
	    (n == 2 && (semicolon[2] & ~32) != 'T'))
		return ERR_SYNTAX;
	if (*value == '-')
		by = -by;
	if (mode == 'R' && by <= 0)
		return ERR_SYNTAX;
	if (mode == 'R' && by < q->s->p->deliver_by_min) {
		q->refusal = (struct smtp_reply){
		    555, "5.5.4", "Cannot be delivered as soon as that"};
		return ERR_LIMIT;
	}
	q->mail.deliver_by = q->now + by;
	q->mail.deliver_by_mode = mode;
	q->mail.deliver_by_trace = n == 2;
	return 0;
}

/* One of both, and not too far away; a time that was is now. */
static int
hold(struct smtp_request *q, int64_t until)
{
	if (q->mail.hold_until != 0)
		return ERR_SYNTAX;
	if (until - q->now > q->s->p->future_release_max) {
		q->refusal = (struct smtp_reply){
		    501, "5.5.4", "Cannot be held as long as that"};
		return ERR_LIMIT;
	}
	q->mail.hold_until = until > q->now ? until : q->now;
	return 0;
}

int
smtp_parse_holdfor(struct smtp_request *q, const char *value, size_t n)
{
	int64_t seconds;

	return parse_number(value, n, &seconds) ? hold(q, q->now + seconds)
						: ERR_SYNTAX;
}

int
smtp_parse_holduntil(struct smtp_request *q, const char *value, size_t n)
{
	int64_t until;

	return smtp_datetime_parse(value, n, &until) < 0 ? ERR_SYNTAX
							 : hold(q, until);
}

/* RFC 3885 3.1. A parameter cannot have the "=" that base64 ends with: it is
 * missing, or is xtext. It is kept as it came. */
int
smtp_parse_mtrk(struct smtp_request *q, const char *value, size_t n)
{
	const char *colon = memchr(value, ':', n);
	size_t certifier = colon != NULL ? (size_t)(colon - value) : n;
	uint8_t octets[BASE64_OCTETS(MTRK_MAX)];
	char text[MTRK_MAX];
	int64_t seconds;

	if (n > MTRK_MAX ||
	    (colon != NULL &&
		!parse_number(colon + 1, n - certifier - 1, &seconds)))
		return ERR_SYNTAX;
	memcpy(q->mtrk, value, n);
	q->mtrk[n] = '\0';
	q->mail.mtrk = q->mtrk;
	if (certifier > 3 && memcmp(value + certifier - 3, "+3D", 3) == 0)
		certifier -= 3;
	if (certifier + 1 > sizeof(text))
		return ERR_SYNTAX;
	memcpy(text, value, certifier);
	text[certifier] = '=';
	return base64_decode(text, certifier + 1, octets, sizeof(octets)) ==
		MTRK_OCTETS
	    ? 0
	    : ERR_SYNTAX;
}

/* RFC 7293 3.1: date-time [";" ("C" / "R")] */
int
smtp_parse_rrvs(struct smtp_request *q, const char *value, size_t n)
{
	const char *semicolon = memchr(value, ';', n);
	size_t time = semicolon != NULL ? (size_t)(semicolon - value) : n;

	if (smtp_datetime_parse(value, time, &q->rcpt.rrvs) < 0)
		return ERR_SYNTAX;
	q->rcpt.rrvs_mode = 'R';
	if (semicolon == NULL)
		return 0;
	q->rcpt.rrvs_mode = (char)(n - time == 2 ? semicolon[1] & ~32 : 0);
	return q->rcpt.rrvs_mode == 'R' || q->rcpt.rrvs_mode == 'C'
	    ? 0
	    : ERR_SYNTAX;
}

bool
smtp_request_check(struct smtp_request *q)
{
	const char *why = NULL;

	/* RFC 3885 3.2 */
	if (q->mail.mtrk != NULL && q->mail.envid == NULL)
		why = "MTRK needs ENVID";
	else if (q->mail.hold_until != 0 && q->mail.deliver_by_mode == 'R' &&
	    q->mail.hold_until >= q->mail.deliver_by)
		why = "It would be held until after its latest delivery";
	if (why != NULL)
		q->refusal = (struct smtp_reply){501, "5.5.4", why};
	return why == NULL;
}
