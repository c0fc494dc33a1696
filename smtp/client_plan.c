/*
 * How one message goes to one server: what of it the server must know, what is
 * done for it where it does not, and whom it cannot go to at all.
 */
#include <string.h>

#include "smtp/client_priv.h"
#include "smtp/downgrade.h"

static bool
offers(const struct smtp_client *c, unsigned extensions)
{
	return (c->extensions & extensions) == extensions;
}

static bool
text_has_8bit(const char *s)
{
	return buf_has_8bit((const uint8_t *)s, strlen(s));
}

static void
refuse(struct smtp_client *c, struct smtp_recipient *r, const char *status,
    const char *text)
{
	if (r->skipped)
		return;
	r->skipped = true;
	smtp_client_result_own(c, r, 500, status, text);
}

static void
refuse_all(struct smtp_client *c, const char *status, const char *text)
{
	for (size_t i = 0; i < c->t->n_recipients; i++)
		refuse(c, &c->t->recipients[i], status, text);
}

/* --- what the originator insists on --- */

/* RFC 8689 4.2.1; a null reverse-path goes as it can. */
static void
check_requiretls(struct smtp_client *c, msec_t now)
{
	(void)now;
	if (!c->t->ask.requiretls || c->t->from[0] == '\0' || c->p->lmtp)
		return;
	if (!smtp_client_tls_verified(c))
		refuse_all(c, "5.7.10",
		    "REQUIRETLS: the server has not proved its name under TLS");
	else if (!offers(c, SMTP_OFFER_REQUIRETLS))
		refuse_all(
		    c, "5.7.30", "REQUIRETLS: the server does not support it");
}

/* RFC 2852 4.1.3, 4.1.4.1. Delivery by LMTP is no relaying. */
static void
check_deliver_by(struct smtp_client *c, msec_t now)
{
	const struct smtp_requests *ask = &c->t->ask;

	if (ask->deliver_by == 0 || ask->deliver_by_mode != 'R')
		return;
	if (ask->deliver_by <= now)
		refuse_all(c, "5.4.7", "Delivery time expired");
	else if (c->p->lmtp)
		return;
	else if (!offers(c, SMTP_OFFER_DELIVERBY))
		refuse_all(c, "5.3.3",
		    "The server does not support delivery by a given time");
	else if ((ask->deliver_by - now) / 1000 < c->deliver_by_min)
		refuse_all(c, "5.3.3",
		    "The server needs more time than is left for delivery");
}

/* RFC 7293 5.1.1 */
static void
check_rrvs(struct smtp_client *c, msec_t now)
{
	(void)now;
	if (offers(c, SMTP_OFFER_RRVS))
		return;
	for (size_t i = 0; i < c->t->n_recipients; i++) {
		struct smtp_recipient *r = &c->t->recipients[i];

		if (r->rrvs != 0 && r->rrvs_mode != 'C')
			refuse(c, r, "5.7.19",
			    "The server does not support RRVS, which the "
			    "sender insists on");
	}
}

/* --- addresses and content --- */

/* RFC 6531 3.2: no internationalized address to who cannot read it. */
static void
check_addresses(struct smtp_client *c, msec_t now)
{
	static const char text[] =
	    "The server does not take internationalized addresses";
	bool any = text_has_8bit(c->t->from);

	(void)now;
	if (any && !offers(c, SMTP_OFFER_SMTPUTF8))
		refuse_all(c, "5.6.7", text);
	for (size_t i = 0; i < c->t->n_recipients; i++) {
		struct smtp_recipient *r = &c->t->recipients[i];

		if (r->skipped || !text_has_8bit(r->mailbox))
			continue;
		any = true;
		if (!offers(c, SMTP_OFFER_SMTPUTF8))
			refuse(c, r, "5.6.7", text);
	}
	c->utf8 = (any || c->t->smtputf8) && offers(c, SMTP_OFFER_SMTPUTF8);
}

static bool
has_long_line(const uint8_t *p, size_t n, size_t most)
{
	size_t at = 0;

	while (n - at > most) {
		size_t end = at + most + 1;

		/* a line end in the next most + 1 octets: go on after it */
		while (end > at && p[end - 1] != '\n' && p[end - 1] != '\r')
			end--;
		if (end == at)
			return true;
		at = end;
	}
	return false;
}

static struct smtp_downgrade_options
options_of(const struct smtp_client *c)
{
	return (struct smtp_downgrade_options){
	    .eight = offers(c, SMTP_OFFER_8BITMIME),
	    .utf8_headers = offers(c, SMTP_OFFER_SMTPUTF8) ||
		(offers(c, SMTP_OFFER_8BITMIME) && !c->t->smtputf8),
	    .binary = c->t->binary,
	    .line_max = c->p->line_max,
	    .rewrite_signed = c->p->rewrite_signed,
	};
}

static bool
needs_downgrade(const struct smtp_client *c)
{
	const struct smtp_transaction *t = c->t;

	if (t->binary)
		return true;
	if (t->has_8bit && !offers(c, SMTP_OFFER_8BITMIME))
		return true;
	/* RFC 6531 3.2: a header in UTF-8, at any level */
	if (t->has_8bit && t->smtputf8 && !offers(c, SMTP_OFFER_SMTPUTF8))
		return true;
	return c->p->line_max > 0 &&
	    has_long_line(t->content, t->content_n, c->p->line_max);
}

static void
plan_content(struct smtp_client *c, msec_t now)
{
	const struct smtp_transaction *t = c->t;
	struct smtp_downgrade_options o = options_of(c);
	struct err e = ERR_INIT;
	int64_t size;

	(void)now;
	c->size = t->content_n;
	c->content.raw =
	    t->binary && offers(c, SMTP_OFFER_CHUNKING | SMTP_OFFER_BINARYMIME);
	if (c->content.raw || !needs_downgrade(c))
		return;
	size = smtp_downgrade_size(&o, t->content, t->content_n, &e);
	if (size < 0) {
		refuse_all(c, smtp_downgrade_status(&e),
		    arena_strdup(t->arena, e.text));
		return;
	}
	c->size = (uint64_t)size;
	c->content.downgrade = smtp_downgrade_new(&o, t->content, t->content_n);
}

/* RFC 6758: the priority as a header field, for servers further on. */
static void
plan_head(struct smtp_client *c, msec_t now)
{
	const struct smtp_requests *ask = &c->t->ask;

	(void)now;
	if (!c->p->tunnel_priority || !ask->has_mt_priority || c->p->lmtp ||
	    offers(c, SMTP_OFFER_MT_PRIORITY))
		return;
	c->content.head =
	    arena_printf(c->t->arena, "MT-Priority: %d\r\n", ask->mt_priority);
	c->content.head_n = strlen(c->content.head);
	c->size += c->content.head_n;
}

static void
check_size(struct smtp_client *c, msec_t now)
{
	(void)now;
	if (c->size_max > 0 && c->size > c->size_max)
		refuse_all(
		    c, "5.3.4", "The message is bigger than the server takes");
}

void
smtp_client_plan(struct smtp_client *c, msec_t now)
{
	static void (*const steps[])(struct smtp_client * c, msec_t now) = {
	    check_requiretls, check_deliver_by, check_rrvs, check_addresses,
	    plan_content, plan_head, check_size};

	smtp_client_content_free(c);
	c->bdat.used = offers(c, SMTP_OFFER_CHUNKING);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		steps[i](c, now);
	c->content.dots = !c->bdat.used;
	c->content.line_start = true;
}
