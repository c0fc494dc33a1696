/*
 * What the server offers, and the parameters of MAIL and RCPT that follow from
 * it (RFC 1870, 2852, 3030, 3461, 3885, 4954, 6152, 6531, 6710, 7293, 8689).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/tls.h"
#include "mhs/envelope.h"
#include "smtp/client_priv.h"
#include "mhs/utf8_addr.h"

/* --- the server's offer --- */

unsigned
smtp_client_extension(const char *keyword, size_t n)
{
	static const struct {
		const char *keyword;
		unsigned bit;
	} known[] = {
	    {"PIPELINING", SMTP_OFFER_PIPELINING},
	    {"SIZE", SMTP_OFFER_SIZE},
	    {"8BITMIME", SMTP_OFFER_8BITMIME},
	    {"DSN", SMTP_OFFER_DSN},
	    {"ENHANCEDSTATUSCODES", SMTP_OFFER_STATUS},
	    {"CHUNKING", SMTP_OFFER_CHUNKING},
	    {"BINARYMIME", SMTP_OFFER_BINARYMIME},
	    {"SMTPUTF8", SMTP_OFFER_SMTPUTF8},
	    {"REQUIRETLS", SMTP_OFFER_REQUIRETLS},
	    {"MT-PRIORITY", SMTP_OFFER_MT_PRIORITY},
	    {"DELIVERBY", SMTP_OFFER_DELIVERBY},
	    {"MTRK", SMTP_OFFER_MTRK},
	    {"RRVS", SMTP_OFFER_RRVS},
	    {"STARTTLS", SMTP_OFFER_STARTTLS},
	    {"AUTH", SMTP_OFFER_AUTH},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].keyword) == n &&
		    strncasecmp(known[i].keyword, keyword, n) == 0)
			return known[i].bit;
	return 0;
}

void
smtp_client_take_extension(struct smtp_client *c, const char *line, size_t n)
{
	const char *space = memchr(line, ' ', n);
	size_t word = space != NULL ? (size_t)(space - line) : n;
	unsigned bit = smtp_client_extension(line, word) & ~c->p->ignore;
	bool number = word + 1 < n && isdigit((unsigned char)line[word + 1]);

	c->extensions |= bit;
	if (bit == SMTP_OFFER_SIZE && number)
		c->size_max = strtoull(line + word + 1, NULL, 10);
	if (bit == SMTP_OFFER_AUTH && word < n)
		smtp_client_offers_auth(c, line + word + 1, n - word - 1);
	if (bit == SMTP_OFFER_DELIVERBY && number)
		c->deliver_by_min = strtoll(line + word + 1, NULL, 10);
}

bool
smtp_client_tls_verified(const struct smtp_client *c)
{
	const struct smtp_client_security *s = c->security.p;
	const struct tls_peer *peer = NULL;

	if (s != NULL && s->tls_peer != NULL)
		peer = s->tls_peer(c->arg);
	return peer != NULL && peer->verified;
}

static bool
offers(const struct smtp_client *c, unsigned extension)
{
	return (c->extensions & extension) != 0;
}

/* --- MAIL --- */

static void
put_body(struct smtp_client *c)
{
	/* RFC 3030 3: BINARYMIME goes by BDAT only */
	if (c->content.raw)
		buf_puts(&c->out, " BODY=BINARYMIME");
	else if (c->t->has_8bit && offers(c, SMTP_OFFER_8BITMIME))
		buf_puts(&c->out, " BODY=8BITMIME");
	if (c->utf8)
		buf_puts(&c->out, " SMTPUTF8");
}

static void
put_dsn(struct smtp_client *c)
{
	const struct smtp_transaction *t = c->t;

	if (!offers(c, SMTP_OFFER_DSN))
		return;
	if (t->ret != 0)
		buf_puts(&c->out, t->ret == 'F' ? " RET=FULL" : " RET=HDRS");
	if (t->envid != NULL && t->envid[0] != '\0') {
		buf_puts(&c->out, " ENVID=");
		smtp_xtext_append(&c->out, t->envid);
	}
}

/* RFC 4954 5: only to a server that has AUTH. */
static void
put_submitter(struct smtp_client *c)
{
	const char *submitter = c->t->ask.submitter;

	if (submitter == NULL || !offers(c, SMTP_OFFER_AUTH))
		return;
	buf_puts(&c->out, " AUTH=");
	if (submitter[0] == '\0' ||
	    buf_has_8bit((const uint8_t *)submitter, strlen(submitter)))
		buf_puts(&c->out, "<>");
	else
		smtp_xtext_append(&c->out, submitter);
}

/* RFC 2852 4.1.4: the seconds that are left, which may be less than none. */
static void
put_deliver_by(struct smtp_client *c, msec_t now)
{
	const struct smtp_requests *ask = &c->t->ask;

	if (ask->deliver_by != 0 && offers(c, SMTP_OFFER_DELIVERBY))
		buf_printf(&c->out, " BY=%lld;%c%s",
		    (long long)(ask->deliver_by - now) / 1000,
		    ask->deliver_by_mode, ask->deliver_by_trace ? "T" : "");
}

void
smtp_client_put_mail(struct smtp_client *c, msec_t now)
{
	const struct smtp_requests *ask = &c->t->ask;

	buf_printf(&c->out, "MAIL FROM:<%s>", c->t->from);
	if (offers(c, SMTP_OFFER_SIZE))
		buf_printf(&c->out, " SIZE=%llu", (unsigned long long)c->size);
	put_body(c);
	put_dsn(c);
	put_submitter(c);
	if (ask->has_mt_priority && offers(c, SMTP_OFFER_MT_PRIORITY))
		buf_printf(&c->out, " MT-PRIORITY=%d", ask->mt_priority);
	put_deliver_by(c, now);
	/* RFC 3885 3.2: never without an ENVID */
	if (ask->mtrk != NULL && offers(c, SMTP_OFFER_MTRK) &&
	    offers(c, SMTP_OFFER_DSN) && c->t->envid != NULL)
		buf_printf(&c->out, " MTRK=%s", ask->mtrk);
	if (ask->requiretls && offers(c, SMTP_OFFER_REQUIRETLS) &&
	    smtp_client_tls_verified(c))
		buf_puts(&c->out, " REQUIRETLS");
	buf_puts(&c->out, "\r\n");
}

/* --- RCPT --- */

/* RFC 2852 4.1.4.2: a server that cannot keep to the time is asked to say at
 * least when it is late. */
static uint8_t
notify_of(const struct smtp_client *c, const struct smtp_recipient *r)
{
	if (c->t->ask.deliver_by == 0 || c->t->ask.deliver_by_mode != 'N' ||
	    offers(c, SMTP_OFFER_DELIVERBY) || (r->notify & MHS_NOTIFY_NEVER))
		return r->notify;
	return r->notify == 0 ? MHS_NOTIFY_FAILURE | MHS_NOTIFY_DELAY
			      : r->notify | MHS_NOTIFY_DELAY;
}

static void
put_notify(struct smtp_client *c, uint8_t notify)
{
	static const struct {
		uint8_t bit;
		const char *word;
	} words[] = {{MHS_NOTIFY_NEVER, "NEVER"},
	    {MHS_NOTIFY_SUCCESS, "SUCCESS"}, {MHS_NOTIFY_FAILURE, "FAILURE"},
	    {MHS_NOTIFY_DELAY, "DELAY"}};
	char before = '=';

	if (notify == 0)
		return;
	buf_puts(&c->out, " NOTIFY");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (notify & words[i].bit) {
			buf_printf(&c->out, "%c%s", before, words[i].word);
			before = ',';
		}
}

static bool
type_valid(const char *type, const char *end)
{
	for (const char *p = type; p < end; p++)
		if (*p <= ' ' || *p >= 127 || *p == '=' || *p == '+')
			return false;
	return end > type;
}

static void
put_orcpt(struct smtp_client *c, const char *orcpt)
{
	const char *semicolon = orcpt != NULL ? strchr(orcpt, ';') : NULL;

	if (semicolon == NULL || !type_valid(orcpt, semicolon))
		return;
	buf_puts(&c->out, " ORCPT=");
	buf_append(&c->out, orcpt, (size_t)(semicolon - orcpt) + 1);
	if (strncasecmp(orcpt, "utf-8;", 6) == 0)
		mhs_utf8_addr_append(&c->out, semicolon + 1, c->utf8);
	else
		smtp_xtext_append(&c->out, semicolon + 1);
}

static void
put_rrvs(struct smtp_client *c, const struct smtp_recipient *r)
{
	time_t since = (time_t)r->rrvs;
	char text[32];
	struct tm tm;

	if (r->rrvs == 0 || !offers(c, SMTP_OFFER_RRVS) ||
	    gmtime_r(&since, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return;
	buf_printf(&c->out, " RRVS=%s", text);
	if (r->rrvs_mode != 0)
		buf_printf(&c->out, ";%c", r->rrvs_mode);
}

void
smtp_client_put_rcpt(struct smtp_client *c, const struct smtp_recipient *r)
{
	buf_printf(&c->out, "RCPT TO:<%s>", r->mailbox);
	if (offers(c, SMTP_OFFER_DSN)) {
		put_notify(c, notify_of(c, r));
		put_orcpt(c, r->orcpt);
	}
	put_rrvs(c, r);
	buf_puts(&c->out, "\r\n");
}
