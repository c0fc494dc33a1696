/*
 * SMTP envelope and RFC 822 fields -> X.400 envelope (RFC 2156 4.6.1, 5.1.5,
 * 5.1.6, 5.1.7, appendix A.3.1).
 */
#include "mixer/internal.h"

#include <string.h>
#include <strings.h>

#include "p1/ext.h"
#include "p1/or_codec.h"

#define CONTENT_ID_MAX 16
#define CORRELATOR_MAX 512
#define NOTARY_ENVID "SMTP/NOTARY ENVID: "

static void
add_ext(struct mixer_conv *cv, struct mhs_envelope *env, int32_t type,
    const struct buf *value)
{
	struct mhs_ext *x =
	    arena_push(cv->a, &env->exts.v, &env->exts.n, sizeof(*x));

	x->type = type;
	x->value = arena_memdup(cv->a, value->data, value->len);
	x->n = value->len;
}

static const char *
ascii_only(struct mixer_conv *cv, const char *s)
{
	char *r = arena_strdup(cv->a, s);

	for (char *p = r; *p != '\0'; p++)
		if ((uint8_t)*p >= 0x80)
			*p = '?';
	return r;
}

/* 5.1.5: Subject, Message-ID, Date and To, or the ENVID. */
static void
put_correlator(struct mixer_conv *cv, const struct mhs_envelope *in,
    const struct mixer_header *h, struct mhs_envelope *out)
{
	static const char *const names[] = {
	    "Subject", "Message-ID", "Date", "To"};
	struct buf text = {0}, b = {0};

	if (in->envid != NULL &&
	    strncmp(in->envid, "X400-MTS-Identifier: ", 21) != 0) {
		buf_printf(&text, NOTARY_ENVID "%s", in->envid);
	} else {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			const char *v = mixer_header_get(h, names[i]);

			if (v == NULL)
				continue;
			buf_puts(&text, text.len > 0 ? "\r\n" : "");
			buf_printf(&text, "%s: %s", names[i], v);
		}
	}
	if (text.len > CORRELATOR_MAX)
		text.len = CORRELATOR_MAX;
	if (text.len > 0) {
		const char *s = ascii_only(cv, buf_cstr(&text));

		ber_put(&b, BER_UNIVERSAL, BER_IA5_STRING, s, strlen(s));
		add_ext(cv, out, P1_EXT_CONTENT_CORRELATOR, &b);
	}
	buf_free(&text);
	buf_free(&b);
}

static void
put_content_id(struct mixer_conv *cv, const struct mixer_header *h,
    struct mhs_envelope *out)
{
	const char *s = mixer_header_get(h, "X400-Content-Identifier");

	if (s == NULL && (s = mixer_header_get(h, "Subject")) != NULL)
		s = mixer_2047_decode(cv->a, s);
	if (s == NULL || *s == '\0')
		return;
	/* a person reads it: what PrintableString lacks is left out */
	char *r = arena_strdup(cv->a, s), *w = r;

	for (; *s != '\0'; s++)
		if (mixer_is_printable(s, 1))
			*w++ = *s;
	*w = '\0';
	if (strlen(r) > CONTENT_ID_MAX)
		out->content_identifier =
		    arena_printf(cv->a, "%.*s...", CONTENT_ID_MAX - 3, r);
	else if (*r != '\0')
		out->content_identifier = r;
}

static const struct {
	const char *word;
	enum mhs_priority priority;
} priorities[] = {
    {"normal", MHS_NORMAL},
    {"non-urgent", MHS_NON_URGENT},
    {"urgent", MHS_URGENT},
};

static bool
prohibited(const struct mixer_header *h, const char *name)
{
	const char *s = mixer_header_get(h, name);

	return s != NULL && strncasecmp(s, "Prohibited", 10) == 0;
}

/* DL-Expansion-History: mailbox ; date ; -- back into the extension, so that
 * loops through lists are found. */
static void
put_dl_history(struct mixer_conv *cv, const struct mixer_header *h,
    struct mhs_envelope *out)
{
	struct buf b = {0};

	for (size_t i = h->n; i-- > 0;) {
		const char *v = h->v[i].value, *semi = strchr(v, ';');
		struct mixer_date d;
		struct mhs_or *ora;
		size_t from = b.len;
		const char *utc;

		if (strcasecmp(h->v[i].name, "DL-Expansion-History") != 0 ||
		    semi == NULL ||
		    !mixer_date_from_822(
			arena_strndup(cv->a, semi + 1, strcspn(semi + 1, ";")),
			&d) ||
		    mixer_mailbox_to_or(cv->a, cv->c,
			arena_strndup(cv->a, v, (size_t)(semi - v)), &ora,
			NULL) < 0 ||
		    p1_or_encode(ora, P1_OR_NAME, &b, NULL) < 0)
			continue;
		utc = mixer_date_utc(cv->a, &d);
		ber_put(&b, BER_UNIVERSAL, BER_UTC_TIME, utc, strlen(utc));
		ber_wrap(&b, from, BER_UNIVERSAL, BER_SEQUENCE);
	}
	/* what a list of ours wrote stands before what a header says */
	if (b.len > 0 && mhs_ext_find(&out->exts, P1_EXT_DL_HISTORY) == NULL) {
		ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
		add_ext(cv, out, P1_EXT_DL_HISTORY, &b);
	}
	buf_free(&b);
}

static void
put_fields(struct mixer_conv *cv, const struct mixer_header *h,
    struct mhs_envelope *out)
{
	const char *s = mixer_header_get(h, "Priority");
	struct mixer_date d;
	struct buf b = {0};

	for (size_t i = 0; s != NULL && i < 3; i++)
		if (strcasecmp(s, priorities[i].word) == 0)
			out->priority = priorities[i].priority;
	out->implicit_conversion_prohibited = prohibited(h, "Conversion");
	if (prohibited(h, "Conversion-With-Loss")) {
		ber_put_integer(&b, BER_UNIVERSAL, BER_INTEGER, 1);
		add_ext(cv, out, P1_EXT_CONVERSION_WITH_LOSS_PROHIBITED, &b);
		buf_clear(&b);
	}
	if (mixer_date_from_822(
		mixer_header_get(h, "Latest-Delivery-Time"), &d)) {
		s = mixer_date_utc(cv->a, &d);
		ber_put(&b, BER_UNIVERSAL, BER_UTC_TIME, s, strlen(s));
		add_ext(cv, out, P1_EXT_LATEST_DELIVERY_TIME, &b);
	}
	buf_free(&b);
	if (mixer_date_from_822(mixer_header_get(h, "Deferred-Delivery"), &d) &&
	    d.t > cv->now)
		out->deferred_delivery = d.t;
	put_dl_history(cv, h, out);
}

static int
name_to_400(struct mixer_conv *cv, struct mhs_name *n)
{
	struct err e = ERR_INIT;
	int r;

	if (n->ora != NULL)
		return 0;
	r = mixer_mailbox_to_or(cv->a, cv->c,
	    n->mailbox != NULL && *n->mailbox != '\0' ? n->mailbox
						      : cv->c->postmaster,
	    &n->ora, &e);
	return r < 0 ? mixer_fail(cv, r, MHS_UNRECOGNISED_OR_NAME, "%s: %s",
			   n->mailbox != NULL ? n->mailbox : "<>", e.text)
		     : 0;
}

/* The null reverse-path: nobody is to be told. */
static bool
is_null(const struct mhs_name *n)
{
	return n->ora == NULL && n->mailbox != NULL && *n->mailbox == '\0';
}

/* Appendix A.3.1 NOTIFY; RFC 3461: nothing said is FAILURE. */
static enum mhs_report_request
request_for(uint8_t notify)
{
	if (notify & MHS_NOTIFY_NEVER)
		return MHS_REPORT_NONE;
	return notify & MHS_NOTIFY_SUCCESS ? MHS_REPORT_DR : MHS_REPORT_NDR;
}

/* A recipient without an O/R name stays without: its outcome is its own. */
static int
names_to_400(struct mixer_conv *cv, struct mhs_envelope *out)
{
	bool null = is_null(&out->originator);
	size_t usable = 0;
	int r = name_to_400(cv, &out->originator);

	for (size_t i = 0; r == 0 && i < out->n_recipients; i++) {
		struct mhs_recipient *rc = &out->recipients[i];

		/* X.400 needs an originator, so the gateway's postmaster
		 * stands for <>; no report is to come to it (RFC 5321 4.5.5) */
		rc->originator_report =
		    null ? MHS_REPORT_NONE : request_for(rc->notify);
		rc->mta_report = rc->originator_report;
		if (rc->number == 0)
			rc->number = (int32_t)i + 1;
		if (name_to_400(cv, &rc->name) == 0)
			usable++;
		else
			mixer_lose(cv,
			    arena_printf(cv->a, "recipient %s",
				rc->name.mailbox != NULL ? rc->name.mailbox
							 : "<>"),
			    "has no O/R address");
	}
	/* the last one's error says why */
	return r < 0 || usable > 0 ? r : ERR_UNSUPPORTED;
}

/* Of what the envelope had, only what this switch put there means anything in
 * X.400: the lists that expanded it. */
static void
keep_dl_history(struct mixer_conv *cv, struct mhs_envelope *out)
{
	const struct mhs_ext *x = mhs_ext_find(&out->exts, P1_EXT_DL_HISTORY);

	out->exts = (struct mhs_exts){0};
	if (x != NULL)
		*(struct mhs_ext *)arena_push(
		    cv->a, &out->exts.v, &out->exts.n, sizeof(*x)) = *x;
}

struct mhs_envelope *
mixer_envelope_to_400(struct mixer_conv *cv, const struct mhs_envelope *env,
    const struct mixer_header *h, const struct ipm *ipm)
{
	struct mhs_envelope *out = mhs_envelope_dup(cv->a, env);
	struct mixer_eits eits = {0};
	struct octets o;

	out->content_type = MHS_CONTENT_P22;
	out->content_oid = NULL;
	keep_dl_history(cv, out);
	out->alternate_recipient_allowed = true;
	out->disclosure_of_other_recipients = false;
	out->content_return_request = env->ret != 'H';
	if (env->id.local == NULL || *env->id.local == '\0')
		out->id = mixer_mts_id(cv, mixer_header_get(h, "Message-ID"));
	mixer_eits_of_ipm(cv->a, ipm, &eits);
	mixer_eits_add_oid(cv->a, &eits, MIXER_OID_EIT_MIXER);
	o = mixer_eits_encode(cv->a, &eits);
	out->original_eits = o.p;
	out->original_eits_n = o.n;
	put_content_id(cv, h, out);
	put_correlator(cv, env, h, out);
	put_fields(cv, h, out);
	if (names_to_400(cv, out) < 0 || mixer_trace_to_400(cv, h, out) < 0)
		return NULL;
	mixer_trace_conversion(cv, out, o);
	return out;
}
