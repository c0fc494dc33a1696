/*
 * Delivery status notification (RFC 3464) -> X.400 report (RFC 2156 5.1.8).
 */
#include "mixer/internal.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RECIPIENTS_MAX 10000
#define SUPPLEMENTARY_MAX 256 /* ub-supplementary-info-length */

/* The groups of fields of a message/delivery-status part. */
struct status {
	struct mixer_header message;
	struct mixer_header *recipients;
	size_t n;
};

/* --- finding the part --- */

static GMimeMessage *
parse(const uint8_t *p, size_t n)
{
	GMimeStream *s = g_mime_stream_mem_new_with_buffer((const char *)p, n);
	GMimeParser *parser = g_mime_parser_new_with_stream(s);
	GMimeMessage *m = g_mime_parser_construct_message(parser, NULL);

	g_object_unref(parser);
	g_object_unref(s);
	return m;
}

static GMimeObject *
status_part(GMimeMessage *m)
{
	GMimeObject *root = m == NULL ? NULL : g_mime_message_get_mime_part(m);
	const char *type;
	int n;

	if (root == NULL || !GMIME_IS_MULTIPART(root) ||
	    !g_mime_content_type_is_type(
		g_mime_object_get_content_type(root), "multipart", "report"))
		return NULL;
	type = g_mime_object_get_content_type_parameter(root, "report-type");
	if (type == NULL || strcasecmp(type, "delivery-status") != 0)
		return NULL;
	n = g_mime_multipart_get_count(GMIME_MULTIPART(root));
	for (int i = 0; i < n; i++) {
		GMimeObject *o =
		    g_mime_multipart_get_part(GMIME_MULTIPART(root), i);

		if (g_mime_content_type_is_type(
			g_mime_object_get_content_type(o), "message",
			"delivery-status"))
			return o;
	}
	return NULL;
}

static struct octets
part_octets(struct mixer_conv *cv, GMimeObject *o)
{
	GMimeStream *s = g_mime_stream_mem_new();
	GMimeDataWrapper *w =
	    GMIME_IS_PART(o) ? g_mime_part_get_content(GMIME_PART(o)) : NULL;
	GByteArray *b;
	struct octets r;

	if (w != NULL)
		g_mime_data_wrapper_write_to_stream(w, s);
	b = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(s));
	r = (struct octets){arena_memdup(cv->a, b->data, b->len), b->len};
	g_object_unref(s);
	return r;
}

static bool
read_status(
    struct mixer_conv *cv, const uint8_t *p, size_t n, struct status *out)
{
	GMimeMessage *m = parse(p, n);
	GMimeObject *o = status_part(m);
	struct octets s = {NULL, 0};
	struct mixer_header h;
	size_t at = 0;

	if (o != NULL)
		s = part_octets(cv, o);
	if (m != NULL)
		g_object_unref(m);
	*out = (struct status){0};
	while (at < s.n && out->n < RECIPIENTS_MAX) {
		if (mixer_header_parse(cv, s.p + at, s.n - at, &h) < 0 || h.bad)
			return false;
		at += h.body > 0 ? h.body : 1;
		if (h.n == 0)
			continue;
		if (out->message.n == 0)
			out->message = h;
		else
			*(struct mixer_header *)arena_push(
			    cv->a, &out->recipients, &out->n, sizeof(h)) = h;
	}
	return out->n > 0;
}

static bool
reportable(const struct status *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *a = mixer_header_get(&s->recipients[i], "Action");

		if (a == NULL ||
		    (strncasecmp(a, "failed", 6) != 0 &&
			strncasecmp(a, "failure", 7) != 0 &&
			strncasecmp(a, "delivered", 9) != 0))
			return false;
	}
	return true;
}

bool
mixer_is_dsn(const struct mhs_envelope *env, const uint8_t *p, size_t n)
{
	struct arena *a;
	struct mixer_conv cv = {0};
	struct status s;
	bool r;

	if (env->kind != MHS_MESSAGE || env->n_recipients != 1 ||
	    env->content_type != MHS_CONTENT_RFC822 ||
	    env->originator.mailbox == NULL || *env->originator.mailbox != '\0')
		return false;
	mixer_init();
	cv.a = a = arena_new();
	r = read_status(&cv, p, n, &s) && reportable(&s);
	arena_free(&a);
	return r;
}

/* --- the report --- */

/* "rfc822; x@y" or "x400; /C=.../" as a name. */
static void
typed_address(struct mixer_conv *cv, const char *s, struct mhs_name *out)
{
	const char *semi = s == NULL ? NULL : strchr(s, ';');

	if (semi == NULL)
		return;
	s = semi + 1 + strspn(semi + 1, " ");
	if (*s == '/') {
		out->ora = mhs_or_parse(cv->a, s, NULL);
		return;
	}
	if (*s == '<')
		s = arena_strndup(cv->a, s + 1, strcspn(s + 1, ">"));
	if (mixer_mailbox_to_or(cv->a, cv->c, s, &out->ora, NULL) == 0)
		out->mailbox = arena_strdup(cv->a, s);
	else
		out->ora = NULL;
}

static bool
same_name(const struct mhs_name *x, const struct mhs_name *y)
{
	return x->ora != NULL && y->ora != NULL && mhs_or_equal(x->ora, y->ora);
}

/* "x400; Reason 1 (...); Diagnostic 0 (...)": our own, come home. */
static bool
x400_diagnostic(const char *s, int32_t *reason, int32_t *diagnostic)
{
	const char *r = s == NULL ? NULL : strcasestr(s, "Reason ");
	const char *d = s == NULL ? NULL : strcasestr(s, "Diagnostic ");

	if (r == NULL || strncasecmp(s, "x400", 4) != 0)
		return false;
	*reason = (int32_t)strtol(r + 7, NULL, 10);
	*diagnostic =
	    d != NULL ? (int32_t)strtol(d + 11, NULL, 10) : MHS_DIAG_ABSENT;
	return *reason >= 0 && *reason <= 32767 && *diagnostic >= -1 &&
	    *diagnostic <= 32767;
}

/* What a person can read in supplementary-information. */
static const char *
supplementary(struct mixer_conv *cv, const struct mixer_header *h)
{
	const char *s = mixer_header_get(h, "X400-Supplementary-Info");

	if (s != NULL)
		s = mixer_unquote(cv->a, s);
	else
		s = mixer_header_get(h, "Diagnostic-Code");
	if (s == NULL)
		return NULL;
	s = mixer_ps_encode(cv->a, mixer_one_line(cv->a, s));
	return arena_strndup(cv->a, s, strnlen(s, SUPPLEMENTARY_MAX));
}

static void
add_fields(struct mixer_conv *cv, struct mhs_exts *x, const char *oid,
    const struct mixer_header *h)
{
	const char **v = NULL;
	struct mhs_ext *e;
	struct octets o;
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		if (mixer_is_ascii(
			(const uint8_t *)h->v[i].value, strlen(h->v[i].value)))
			*(const char **)arena_push(cv->a, &v, &n, sizeof(*v)) =
			    arena_printf(
				cv->a, "%s: %s", h->v[i].name, h->v[i].value);
	o = ipm_fields_encode(cv->a, v, n);
	e = arena_push(cv->a, &x->v, &x->n, sizeof(*e));
	e->type = -1;
	e->oid = oid;
	e->value = o.p;
	e->n = o.n;
}

static void
add_recipient(struct mixer_conv *cv, const struct mixer_header *h,
    int64_t arrival, struct mhs_report *rep)
{
	struct mhs_report_recipient *r =
	    arena_push(cv->a, &rep->recipients, &rep->n_recipients, sizeof(*r));
	const char *action = mixer_header_get(h, "Action");
	const char *number =
	    mixer_header_get(h, "X400-Originally-Specified-Recipient-Number");
	struct mhs_name original = {0};
	struct mixer_date d;

	r->number = number != NULL ? (int32_t)strtol(number, NULL, 10) : 0;
	if (r->number <= 0 || r->number > MHS_RECIPIENTS_MAX)
		r->number = (int32_t)rep->n_recipients;
	typed_address(cv, mixer_header_get(h, "Final-Recipient"), &r->actual);
	typed_address(cv, mixer_header_get(h, "Original-Recipient"), &original);
	if (r->actual.ora == NULL)
		r->actual = original;
	else if (original.ora != NULL && !same_name(&original, &r->actual))
		r->intended = original;
	r->status = mixer_header_get(h, "Status");
	r->diag_text = mixer_header_get(h, "Diagnostic-Code");
	r->remote_mta = mixer_header_get(h, "Remote-MTA");
	r->orcpt = mixer_header_get(h, "Original-Recipient");
	r->last_trace_arrival = r->delivery_time = arrival;
	r->user_type = r->diagnostic = -1;
	add_fields(cv, &r->exts, MIXER_OID_DSN_FIELD_LIST, h);
	if (strncasecmp(action, "delivered", 9) == 0) {
		r->type = MHS_DELIVERED;
		r->user_type = 0; /* public */
		if (mixer_date_from_822(
			mixer_header_get(h, "X400-Delivery-Time"), &d))
			r->delivery_time = d.t;
		return;
	}
	r->type = MHS_NOT_DELIVERED;
	r->supplementary = supplementary(cv, h);
	if (!x400_diagnostic(r->diag_text, &r->reason, &r->diagnostic))
		mhs_diag_from_status(r->status != NULL ? r->status : "5.0.0",
		    &r->reason, &r->diagnostic);
}

/* The Message-ID in one part of the DSN, the returned message; or NULL. */
static const char *
part_message_id(struct mixer_conv *cv, GMimeObject *o)
{
	GMimeMessage *m;
	struct mixer_header h;
	struct octets s;
	const char *id;

	if (GMIME_IS_MESSAGE_PART(o)) {
		m = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
		id = m != NULL ? g_mime_message_get_message_id(m) : NULL;
		return id == NULL
		    ? NULL
		    : arena_printf(cv->a, "<%s>", mixer_one_line(cv->a, id));
	}
	if (!g_mime_content_type_is_type(
		g_mime_object_get_content_type(o), "text", "rfc822-headers"))
		return NULL;
	s = part_octets(cv, o);
	return mixer_header_parse(cv, s.p, s.n, &h) < 0
	    ? NULL
	    : mixer_header_get(&h, "Message-ID");
}

static const char *
returned_message_id(struct mixer_conv *cv, const uint8_t *p, size_t n)
{
	GMimeMessage *m = parse(p, n);
	GMimeObject *root = m == NULL ? NULL : g_mime_message_get_mime_part(m);
	const char *id = NULL;
	int parts = root != NULL && GMIME_IS_MULTIPART(root)
	    ? g_mime_multipart_get_count(GMIME_MULTIPART(root))
	    : 0;

	for (int i = 0; id == NULL && i < parts; i++)
		id = part_message_id(
		    cv, g_mime_multipart_get_part(GMIME_MULTIPART(root), i));
	if (m != NULL)
		g_object_unref(m);
	return id;
}

/* 5.1.8.3 subject-identifier: ours, come back in the envelope id; else the one
 * that the gateway gives to a message of the returned Message-ID. */
static void
put_subject(struct mixer_conv *cv, const struct status *s,
    const struct mixer_header *h, const char *returned, struct mhs_report *rep)
{
	const char *id = mixer_header_get(&s->message, "Original-Envelope-Id");
	const char *sub =
	    mixer_header_get(&s->message, "X400-Subject-Submission-Identifier");
	const char *mark = id == NULL ? NULL : strchr(id, '[');

	rep->subject_envid = id;
	if ((mark != NULL && mixer_mts_id_parse(cv->a, mark, &rep->subject)) ||
	    (sub != NULL && mixer_mts_id_parse(cv->a, sub, &rep->subject)))
		return;
	rep->subject = mixer_mts_id(cv,
	    returned != NULL ? returned : mixer_header_get(h, "Message-ID"));
}

static struct mhs_report *
make_report(struct mixer_conv *cv, const struct status *s,
    const struct mixer_header *h, const char *returned)
{
	struct mhs_report *rep = ARENA_NEW(cv->a, struct mhs_report);
	const char *arrival = mixer_header_get(&s->message, "Arrival-Date");
	struct mixer_date d = {.t = cv->now};

	if (!mixer_date_from_822(arrival, &d))
		mixer_date_from_822(mixer_header_get(h, "Date"), &d);
	put_subject(cv, s, h, returned, rep);
	rep->content_identifier =
	    mixer_header_get(&s->message, "X400-Content-Identifier");
	if (rep->content_identifier != NULL &&
	    (strlen(rep->content_identifier) > 16 ||
		!mixer_is_printable(
		    rep->content_identifier, strlen(rep->content_identifier))))
		rep->content_identifier = NULL;
	rep->reporting_mta = mixer_header_get(&s->message, "Reporting-MTA");
	rep->arrival = d.t;
	add_fields(cv, &rep->exts, MIXER_OID_DSN_FIELD_LIST, &s->message);
	add_fields(cv, &rep->exts, MIXER_OID_DSN_HEADER_LIST, h);
	for (size_t i = 0; i < s->n; i++)
		add_recipient(cv, &s->recipients[i], d.t, rep);
	return rep;
}

/* Every recipient must have a name X.400 can carry. */
static bool
names_ok(const struct mhs_report *rep)
{
	for (size_t i = 0; i < rep->n_recipients; i++)
		if (rep->recipients[i].actual.ora == NULL)
			return false;
	return true;
}

/* The whole DSN comes along as the returned content, if it can be converted; a
 * report without it is better than none (nobody is told of a lost one). */
static void
return_content(struct mixer_conv *cv, const uint8_t *p, size_t n,
    struct mhs_envelope *o, struct buf *out)
{
	size_t before = out->len;
	struct err e = ERR_INIT;

	o->content_type = o->report->content_type = MHS_CONTENT_P22;
	o->report->content_returned = true;
	o->content_oid = NULL;
	if (mixer_content(cv->a, cv->c, MHS_CONTENT_RFC822, MHS_CONTENT_P22, p,
		n, cv->now, out, cv->losses, &e) == 0)
		return;
	out->len = before;
	o->content_type = o->report->content_type = MHS_CONTENT_NONE;
	o->report->content_returned = false;
	mixer_lose(cv, "returned content", "%s", e.text);
}

int
mixer_dsn_to_report(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e)
{
	struct mixer_conv cv = {
	    .a = a, .c = c, .losses = losses, .now = now, .e = e};
	struct mhs_envelope *o = mhs_envelope_dup(a, env);
	struct mixer_header h;
	struct status s;
	int r;

	mixer_init();
	cv.seed = mixer_hash(p, n);
	if ((r = mixer_header_parse(&cv, p, n, &h)) < 0)
		return r;
	if (!read_status(&cv, p, n, &s) || !reportable(&s) ||
	    env->n_recipients != 1)
		return mixer_fail(&cv, ERR_UNSUPPORTED,
		    MHS_CONTENT_SYNTAX_ERROR,
		    "no delivery status notification");
	o->kind = MHS_REPORT;
	o->report = make_report(&cv, &s, &h, returned_message_id(&cv, p, n));
	if (!names_ok(o->report))
		return mixer_fail(&cv, ERR_UNSUPPORTED,
		    MHS_UNRECOGNISED_OR_NAME,
		    "a reported recipient has no O/R name");
	if (o->recipients[0].name.ora == NULL &&
	    (r = mixer_mailbox_to_or(a, c, o->recipients[0].name.mailbox,
		 &o->recipients[0].name.ora, e)) < 0)
		return r;
	if (o->id.local == NULL || *o->id.local == '\0')
		o->id = mixer_mts_id(&cv, mixer_header_get(&h, "Message-ID"));
	if ((r = mixer_trace_to_400(&cv, &h, o)) < 0)
		return r;
	return_content(&cv, p, n, o, out);
	*out_env = o;
	return 0;
}
