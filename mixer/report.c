/*
 * X.400 report -> delivery status notification (RFC 2156 5.3.8, RFC 3464).
 */
#include "mixer/internal.h"

#include <string.h>
#include <strings.h>

#include "p1/ext.h"

#define NOTARY_ENVID "SMTP/NOTARY ENVID: "

/* What we know of one reported recipient, as text. */
struct recipient {
	const struct mhs_report_recipient *r;
	const char *mailbox; /* the one the sender wrote */
	const char *actual;  /* actual recipient's mailbox */
};

struct pass {
	struct mixer_conv *cv;
	const struct mhs_envelope *env;
	const struct mhs_report *rep;
	struct recipient *v;
	size_t n;
	size_t failed;
	size_t delayed;
	struct buf returned; /* the subject message as RFC 822, or its head */
	bool headers_only;
};

/* An Internet message that never was in X.400: nothing X400- to say of it. */
static bool
is_internet(const struct pass *p)
{
	return p->rep->content_type == MHS_CONTENT_RFC822;
}

static const char *
mailbox_of(struct mixer_conv *cv, const struct mhs_name *n)
{
	const char *s = n->mailbox;

	if (s == NULL && n->ora != NULL)
		s = mixer_or_to_mailbox(cv->a, cv->c, n->ora);
	return s;
}

static const char *
dl_or_correlator(struct pass *p)
{
	const char *s = mixer_correlator(p->cv->a, &p->rep->exts);

	if (s != NULL &&
	    strncmp(s, NOTARY_ENVID, sizeof(NOTARY_ENVID) - 1) == 0)
		return NULL;
	return s;
}

/* --- a DSN that was carried as a report (5.1.8.3): its own fields --- */

static const char **
dsn_fields(struct pass *p, const struct mhs_exts *x, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].oid != NULL &&
		    strcmp(x->v[i].oid, MIXER_OID_DSN_FIELD_LIST) == 0)
			return ipm_fields_decode(p->cv->a,
			    (struct octets){x->v[i].value, x->v[i].n}, n);
	return NULL;
}

/* The value of a field that the DSN had, or NULL. */
static const char *
dsn_field(struct pass *p, const struct mhs_exts *x, const char *name)
{
	size_t n, k = strlen(name);
	const char **v = dsn_fields(p, x, &n);

	for (size_t i = 0; i < n; i++)
		if (strncasecmp(v[i], name, k) == 0 && v[i][k] == ':')
			return mixer_one_line(
			    p->cv->a, v[i] + k + 1 + strspn(v[i] + k + 1, " "));
	return NULL;
}

static void
restore(struct pass *p, const struct mhs_exts *x, const char *name,
    const char **value)
{
	if (*value == NULL)
		*value = dsn_field(p, x, name);
}

static bool
is_status_code(const char *s)
{
	return s != NULL && strchr("245", *s) != NULL && *s != '\0' &&
	    s[1] == '.' && s[strspn(s, "0123456789.")] == '\0';
}

/* What X.400 has no place for, from the list. */
static const struct mhs_report_recipient *
restored(struct pass *p, const struct mhs_report_recipient *r)
{
	struct mhs_report_recipient *o =
	    ARENA_NEW(p->cv->a, struct mhs_report_recipient);

	*o = *r;
	restore(p, &r->exts, "Diagnostic-Code", &o->diag_text);
	restore(p, &r->exts, "Remote-MTA", &o->remote_mta);
	restore(p, &r->exts, "Original-Recipient", &o->orcpt);
	restore(p, &r->exts, "Status", &o->status);
	if (!is_status_code(o->status))
		o->status = NULL;
	return o;
}

/* Did the originator ask for it? Bits of per-recipient-indicators; those of a
 * report that we made of Internet mail are absent. */
static bool
is_for_user(const struct mhs_report_recipient *r)
{
	if (r->mta_report_only)
		return false;
	return r->indicators == 0 ||
	    (r->indicators & (r->type == MHS_DELIVERED ? 0x10 : 0x18)) != 0;
}

bool
mixer_report_is_for_user(const struct mhs_report *report)
{
	for (size_t i = 0; i < report->n_recipients; i++)
		if (is_for_user(&report->recipients[i]))
			return true;
	return false;
}

static void
gather(struct pass *p)
{
	for (size_t i = 0; i < p->rep->n_recipients; i++) {
		const struct mhs_report_recipient *r =
		    restored(p, &p->rep->recipients[i]);
		struct recipient *x;

		if (!is_for_user(r))
			continue;
		x = arena_push(p->cv->a, &p->v, &p->n, sizeof(*x));
		x->r = r;
		x->actual = mailbox_of(p->cv, &r->actual);
		x->mailbox = mailbox_of(p->cv, &r->intended);
		if (x->mailbox == NULL)
			x->mailbox = x->actual;
		if (x->mailbox == NULL)
			x->mailbox = "unknown";
		p->failed += r->type == MHS_NOT_DELIVERED;
		p->delayed += r->type == MHS_DELAYED;
	}
}

/* --- the message's own header --- */

static void
put_header(struct pass *p, const char *to, struct buf *out)
{
	struct mixer_conv *cv = p->cv;
	int64_t date = p->env->n_trace > 0 ? p->env->trace[0].arrival : 0;
	const char *status = p->delayed == p->n ? "delay"
	    : p->failed == 0                    ? "success"
	    : p->failed == p->n                 ? "failure"
						: "success and failures";

	if (!is_internet(p))
		mixer_trace_put(cv, p->env, out);
	mixer_field_put(
	    out, "Date", mixer_time_822(cv->a, date != 0 ? date : cv->now));
	mixer_field_put(out, "From",
	    arena_printf(cv->a, "\"Mail gateway\" <%s>", cv->c->postmaster));
	mixer_field_put(out, "To", to);
	mixer_field_put(out, "Subject",
	    p->n == 1 ? arena_printf(cv->a, "Delivery-Report (%s) for %s",
			    status, p->v[0].mailbox)
		      : arena_printf(cv->a, "Delivery-Report (%s)", status));
	mixer_field_put(out, "Message-ID",
	    arena_printf(cv->a, "<%s@%s>",
		mixer_quote_local(cv->a,
		    mixer_ps_encode(cv->a,
			p->env->id.local != NULL
			    ? mixer_one_line(cv->a, p->env->id.local)
			    : arena_printf(cv->a, "report.%llx",
				  (unsigned long long)cv->now))),
		cv->c->gateway_domain));
	mixer_field_put(out, "Message-Type", "Delivery Report");
	mixer_field_put(out, "Auto-Submitted", "auto-replied");
	if (p->env->id.local != NULL && !is_internet(p))
		mixer_field_put(out, "X400-MTS-Identifier",
		    mixer_mts_id_bracketed(cv->a, &p->env->id));
	if (p->rep->content_identifier != NULL && !is_internet(p))
		mixer_field_put(out, "X400-Content-Identifier",
		    mixer_one_line(cv->a, p->rep->content_identifier));
	buf_puts(out, "MIME-Version: 1.0\r\n");
}

/* --- part one, for a person --- */

static const char *
status_of(const struct mhs_report_recipient *r)
{
	if (r->status != NULL)
		return r->status;
	return r->type == MHS_DELIVERED
	    ? "2.0.0"
	    : mhs_diag_to_status(r->reason, r->diagnostic);
}

static const char *
first_nonempty(const char *x, const char *y)
{
	return x != NULL && *x != '\0' ? x : y;
}

/* The Subject field of what is returned, in ASCII, or NULL. */
static const char *
returned_subject(struct pass *p)
{
	struct arena *a = p->cv->a;
	struct mixer_conv quiet = {.a = a};
	struct mixer_header h;
	const char *s;

	if (p->returned.len == 0 ||
	    mixer_header_parse(&quiet, p->returned.data, p->returned.len, &h) <
		0 ||
	    (s = mixer_header_get(&h, "Subject")) == NULL)
		return NULL;
	return mixer_2047_text(a, mixer_2047_decode(a, s));
}

static void
put_person(struct pass *p, struct buf *out)
{
	struct arena *a = p->cv->a;
	const char *what = dl_or_correlator(p), *cut;
	int64_t sent = p->rep->n_subject_trace > 0
	    ? p->rep->subject_trace[0].arrival
	    : p->rep->arrival;

	buf_puts(out, "This report relates to your message:\r\n");
	what = first_nonempty(what, p->rep->content_identifier);
	what = first_nonempty(what, returned_subject(p));
	for (; what != NULL && *what != '\0'; what = cut) {
		size_t n = strcspn(what, "\r\n");

		if (n > 0)
			buf_printf(out, "        %s\r\n",
			    mixer_one_line(a, arena_strndup(a, what, n)));
		cut = what + n + strspn(what + n, "\r\n");
	}
	if (sent != 0)
		buf_printf(out, "        of %s\r\n", mixer_time_822(a, sent));
	buf_puts(out, "\r\n");
	for (size_t i = 0; i < p->n; i++) {
		const struct mhs_report_recipient *r = p->v[i].r;

		if (r->type == MHS_DELIVERED) {
			buf_printf(out,
			    "Your message was successfully delivered to:\r\n"
			    "        %s\r\n        at %s\r\n\r\n",
			    p->v[i].mailbox,
			    mixer_time_822(a, r->delivery_time));
			continue;
		}
		if (r->type == MHS_DELAYED) {
			buf_printf(out,
			    "Your message could not be delivered yet to:\r\n"
			    "        %s\r\nIt is tried until %s;\r\n"
			    "you need not send it again.\r\n\r\n",
			    p->v[i].mailbox,
			    mixer_time_822(a, r->delivery_time));
			continue;
		}
		buf_printf(out,
		    "Your message was not delivered to:\r\n"
		    "        %s\r\nfor the following reason:\r\n"
		    "        %s\r\n        %s: %s\r\n",
		    p->v[i].mailbox, mhs_status_text(status_of(r)),
		    mhs_reason_name(r->reason),
		    r->diagnostic >= 0 ? mhs_diagnostic_name(r->diagnostic)
				       : "no diagnostic");
		if (r->supplementary != NULL)
			buf_printf(out, "        %s\r\n",
			    mixer_one_line(a, r->supplementary));
		buf_puts(out, "\r\n");
	}
	buf_printf(out, "The Original Message %s\r\n",
	    p->returned.len == 0  ? "is not available"
		: p->headers_only ? "had these fields:"
				  : "follows:");
}

/* --- part two, message/delivery-status --- */

/* RFC 3464 2.2.2: a type and a name; a name alone is a host's. */
static const char *
mta_name(struct mixer_conv *cv, const char *s)
{
	s = mixer_one_line(cv->a, s);
	return strchr(s, ';') != NULL ? s : arena_printf(cv->a, "dns; %s", s);
}

static void
put_reporting_mta(struct pass *p, struct buf *out)
{
	struct mixer_conv *cv = p->cv;
	const struct mhs_trace *t = NULL;

	for (size_t i = 0; i < p->env->n_trace && t == NULL; i++)
		if (!p->env->trace[i].internal &&
		    p->env->trace[i].domain.country != NULL)
			t = &p->env->trace[i];
	const char *name = p->rep->reporting_mta;

	restore(p, &p->rep->exts, "Reporting-MTA", &name);
	if (name != NULL)
		mixer_field_put(out, "Reporting-MTA", mta_name(cv, name));
	else
		mixer_field_put(out, "Reporting-MTA",
		    arena_printf(cv->a, "x400; %s",
			mixer_one_line(cv->a,
			    mixer_global_id(cv->a,
				t != NULL ? &t->domain
					  : &p->rep->subject.domain))));
}

static void
put_envelope_id(struct pass *p, struct buf *out)
{
	struct mixer_conv *cv = p->cv;
	const char *s = mixer_correlator(cv->a, &p->rep->exts);
	const char *id = mixer_mts_id_bracketed(cv->a, &p->rep->subject);

	const char *envid = p->rep->subject_envid;

	restore(p, &p->rep->exts, "Original-Envelope-Id", &envid);
	if (envid != NULL)
		mixer_field_put(
		    out, "Original-Envelope-Id", mixer_one_line(cv->a, envid));
	else if (s != NULL &&
	    strncmp(s, NOTARY_ENVID, sizeof(NOTARY_ENVID) - 1) == 0)
		mixer_field_put(out, "Original-Envelope-Id",
		    mixer_one_line(cv->a, s + sizeof(NOTARY_ENVID) - 1));
	else if (!is_internet(p)) /* RFC 3464 2.2.1: only what was given */
		mixer_field_put(out, "Original-Envelope-Id", id);
	if (!is_internet(p))
		mixer_field_put(out, "X400-Subject-Submission-Identifier", id);
}

static void
put_dl_history(struct pass *p, struct buf *out)
{
	size_t n;
	const char **v = mixer_dl_history(p->cv,
	    mhs_ext_find(&p->rep->exts, P1_EXT_ORIGINATOR_AND_DL_HISTORY), &n);

	while (n-- > 0)
		mixer_field_put(
		    out, "X400-Originator-and-DL-Expansion-History", v[n]);
}

static void
put_eits(struct pass *p, const char *name, const uint8_t *e, size_t n,
    struct buf *out)
{
	struct mixer_eits eits;

	if (e != NULL && mixer_eits_decode(p->cv->a, e, n, &eits, NULL) == 0)
		mixer_field_put(out, name, mixer_eits_text(p->cv->a, &eits));
}

static bool
is_mixer_list(const char *oid)
{
	return oid != NULL &&
	    (strcmp(oid, MIXER_OID_DSN_FIELD_LIST) == 0 ||
		strcmp(oid, MIXER_OID_DSN_HEADER_LIST) == 0);
}

static void
put_discarded(struct pass *p, const struct mhs_exts *x, struct buf *out)
{
	const char *s = "";

	for (size_t i = 0; i < x->n; i++) {
		struct mixer_eits oid = {0};

		if (is_mixer_list(x->v[i].oid) ||
		    (x->v[i].oid == NULL &&
			(x->v[i].type == P1_EXT_CONTENT_CORRELATOR ||
			    x->v[i].type == P1_EXT_ORIGINATOR_AND_DL_HISTORY)))
			continue;
		if (x->v[i].oid != NULL)
			mixer_eits_add_oid(p->cv->a, &oid, x->v[i].oid);
		s = arena_printf(p->cv->a, "%s%s%s", s, *s != '\0' ? ", " : "",
		    x->v[i].oid != NULL
			? mixer_eits_text(p->cv->a, &oid)
			: arena_printf(p->cv->a, "(%d)", (int)x->v[i].type));
	}
	if (*s != '\0')
		mixer_field_put(out, "X400-Discarded-DR-Extensions", s);
}

/* What only X.400 knows of the subject. */
static void
put_x400_message(struct pass *p, struct buf *out)
{
	struct mixer_conv *cv = p->cv;
	const struct mhs_report *rep = p->rep;
	const char *s;

	mixer_field_put(
	    out, "X400-Conversion-Date", mixer_time_822(cv->a, cv->now));
	if (rep->content_identifier != NULL)
		mixer_field_put(out, "X400-Content-Identifier",
		    mixer_one_line(cv->a, rep->content_identifier));
	if (rep->content_type != MHS_CONTENT_NONE)
		mixer_field_put(out, "X400-Content-Type",
		    mixer_content_type_text(
			cv->a, rep->content_type, rep->content_oid));
	put_eits(p, "X400-Original-Encoded-Information-Types",
	    rep->original_eits, rep->original_eits_n, out);
	put_dl_history(p, out);
	if ((s = dl_or_correlator(p)) != NULL)
		mixer_field_put(
		    out, "X400-Content-Correlator", mixer_one_line(cv->a, s));
	for (size_t i = rep->n_subject_trace; i-- > 0;)
		if (rep->subject_trace[i].received == NULL &&
		    rep->subject_trace[i].domain.country != NULL &&
		    *rep->subject_trace[i].domain.country != '\0')
			mixer_field_put(out,
			    "X400-Subject-Intermediate-Trace-Information",
			    mixer_one_line(cv->a,
				mixer_trace_text(cv, &rep->subject_trace[i])));
	put_discarded(p, &rep->exts, out);
}

static void
put_per_message(struct pass *p, struct buf *out)
{
	struct mixer_conv *cv = p->cv;
	const struct mhs_report *rep = p->rep;
	int64_t arrival =
	    rep->n_recipients > 0 ? rep->recipients[0].last_trace_arrival : 0;

	put_reporting_mta(p, out);
	if (!is_internet(p))
		mixer_field_put(out, "DSN-Gateway",
		    arena_printf(cv->a, "dns; %s", cv->c->hostname));
	if (arrival == 0)
		arrival = rep->arrival;
	if (arrival != 0)
		mixer_field_put(
		    out, "Arrival-Date", mixer_time_822(cv->a, arrival));
	put_envelope_id(p, out);
	if (!is_internet(p))
		put_x400_message(p, out);
}

static const char *
x400_text(struct pass *p, const struct mhs_name *n)
{
	return arena_printf(p->cv->a, "x400; %s",
	    n->ora != NULL ? mhs_or_slash(p->cv->a, n->ora) : "");
}

/* 5.3.8.1: which of the two names goes where. */
static void
put_names(struct pass *p, const struct recipient *x, struct buf *out)
{
	const struct mhs_report_recipient *r = x->r;
	bool redirected =
	    r->intended.ora != NULL || r->intended.mailbox != NULL;
	const struct mhs_name *final = redirected ? &r->intended : &r->actual;

	if (r->orcpt != NULL)
		mixer_field_put(out, "Original-Recipient",
		    mixer_one_line(p->cv->a, r->orcpt));
	else
		mixer_field_put(out, "Original-Recipient",
		    arena_printf(p->cv->a, "rfc822; %s", x->mailbox));
	mixer_field_put(out, "Final-Recipient",
	    final->ora != NULL
		? x400_text(p, final)
		: arena_printf(p->cv->a, "rfc822; %s", x->mailbox));
	if (!redirected)
		return;
	if (x->actual != NULL)
		mixer_field_put(out, "X400-Mapped-Redirect-Recipient",
		    arena_printf(p->cv->a, "rfc822; %s", x->actual));
	if (r->actual.ora != NULL)
		mixer_field_put(
		    out, "X400-Redirect-Recipient", x400_text(p, &r->actual));
}

static const char *
diagnostic_text(struct pass *p, const struct mhs_report_recipient *r)
{
	const char *s = arena_printf(p->cv->a, "x400; Reason %d (%s)",
	    (int)r->reason, mhs_reason_name(r->reason));

	if (r->diagnostic >= 0)
		s = arena_printf(p->cv->a, "%s; Diagnostic %d (%s)", s,
		    (int)r->diagnostic, mhs_diagnostic_name(r->diagnostic));
	return s;
}

/* What only X.400 knows of a recipient. */
static void
put_x400_recipient(
    struct pass *p, const struct mhs_report_recipient *r, struct buf *out)
{
	struct mixer_conv *cv = p->cv;
	bool failed = r->type == MHS_NOT_DELIVERED;

	put_eits(p, "X400-Converted-EITs", r->converted_eits,
	    r->converted_eits_n, out);
	if (!failed) {
		mixer_field_put(out, "X400-Delivery-Time",
		    mixer_time_822(cv->a, r->delivery_time));
		if (r->user_type >= 0)
			mixer_field_put(out, "X400-Type-of-MTS-User",
			    arena_printf(cv->a, "(%d)", (int)r->user_type));
	}
	if (r->last_trace_arrival != 0)
		mixer_field_put(out, "X400-Last-Trace",
		    mixer_time_822(cv->a, r->last_trace_arrival));
	if (r->supplementary != NULL)
		mixer_field_put(out, "X400-Supplementary-Info",
		    arena_printf(cv->a, "\"%s\"",
			mixer_one_line(cv->a, r->supplementary)));
	mixer_field_put(out, "X400-Originally-Specified-Recipient-Number",
	    arena_printf(cv->a, "%d", (int)r->number));
	put_discarded(p, &r->exts, out);
}

static void
put_per_recipient(struct pass *p, const struct recipient *x, struct buf *out)
{
	struct mixer_conv *cv = p->cv;
	const struct mhs_report_recipient *r = x->r;
	static const char *const actions[] = {[MHS_DELIVERED] = "delivered",
	    [MHS_NOT_DELIVERED] = "failed",
	    [MHS_DELAYED] = "delayed"};
	bool failed = r->type == MHS_NOT_DELIVERED;

	put_names(p, x, out);
	mixer_field_put(out, "Action", actions[r->type]);
	mixer_field_put(out, "Status", status_of(r));
	if (r->diag_text != NULL)
		mixer_field_put(out, "Diagnostic-Code",
		    mixer_one_line(cv->a, r->diag_text));
	else if (failed)
		mixer_field_put(out, "Diagnostic-Code", diagnostic_text(p, r));
	if (r->remote_mta != NULL)
		mixer_field_put(
		    out, "Remote-MTA", mixer_one_line(cv->a, r->remote_mta));
	/* RFC 3464 2.3.9 */
	if (r->type == MHS_DELAYED)
		mixer_field_put(out, "Will-Retry-Until",
		    mixer_time_822(cv->a, r->delivery_time));
	if (!is_internet(p))
		put_x400_recipient(p, r, out);
}

/* --- part three, the message --- */

static void
returned(struct pass *p, const uint8_t *content, size_t n)
{
	struct mixer_conv *cv = p->cv;
	enum mhs_content type = p->rep->content_type;
	struct err e = ERR_INIT;
	size_t i;

	if (content == NULL || n == 0 || cv->depth >= MIXER_DEPTH_MAX)
		return;
	if (type == MHS_CONTENT_NONE)
		type = p->env->content_type;
	if (type == MHS_CONTENT_RFC822)
		mixer_crlf(&p->returned, content, n);
	else if (mixer_content(cv->a, cv->c, type, MHS_CONTENT_RFC822, content,
		     n, cv->now, &p->returned, cv->losses, &e) < 0) {
		buf_clear(&p->returned);
		mixer_lose(cv, "returned content", "%s", e.text);
		return;
	}
	if (p->failed > 0)
		return;
	/* 5.3.8.1: positive reports return the fields only */
	p->headers_only = true;
	for (i = 0; i + 3 < p->returned.len; i++)
		if (memcmp(p->returned.data + i, "\r\n\r\n", 4) == 0)
			break;
	p->returned.len = i + 2 < p->returned.len ? i + 2 : p->returned.len;
}

static void
put_parts(struct pass *p, struct buf *out)
{
	const char *b = mixer_boundary(p->cv, &p->returned);

	buf_printf(out,
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%s\"\r\n\r\n--%s\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
	    b, b);
	put_person(p, out);
	buf_printf(out,
	    "\r\n--%s\r\nContent-Type: message/delivery-status\r\n\r\n", b);
	put_per_message(p, out);
	for (size_t i = 0; i < p->n; i++) {
		buf_puts(out, "\r\n");
		put_per_recipient(p, &p->v[i], out);
	}
	if (p->returned.len > 0) {
		buf_printf(out, "\r\n--%s\r\nContent-Type: %s\r\n\r\n", b,
		    p->headers_only ? "text/rfc822-headers" : "message/rfc822");
		buf_append(out, p->returned.data, p->returned.len);
	}
	buf_printf(out, "\r\n--%s--\r\n", b);
}

/* The envelope of the message that carries the DSN: null reverse-path. */
static struct mhs_envelope *
dsn_envelope(struct pass *p, const char *to)
{
	struct mhs_envelope *out = mhs_envelope_dup(p->cv->a, p->env);
	struct mhs_recipient *r;

	out->kind = MHS_MESSAGE;
	out->content_type = MHS_CONTENT_RFC822;
	out->content_oid = NULL;
	out->report = NULL;
	out->originator = (struct mhs_name){.mailbox = ""};
	out->exts = (struct mhs_exts){0};
	r = &out->recipients[0];
	r->name.mailbox = to;
	r->notify = MHS_NOTIFY_NEVER;
	r->originator_report = r->mta_report = MHS_REPORT_NONE;
	r->exts = (struct mhs_exts){0};
	return out;
}

int
mixer_report_to_dsn(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *content, size_t n,
    int64_t now, struct mhs_envelope **out_env, struct buf *out,
    struct mixer_losses *losses, struct err *e)
{
	struct mixer_conv cv = {
	    .a = a, .c = c, .losses = losses, .now = now, .e = e};
	struct pass p = {.cv = &cv, .env = env, .rep = env->report};
	const char *to;

	if (env->kind != MHS_REPORT || env->report == NULL ||
	    env->n_recipients == 0 || env->report->n_recipients == 0)
		return mixer_fail(
		    &cv, ERR_UNSUPPORTED, MHS_PROTOCOL_VIOLATION, "no report");
	if (!mixer_report_is_for_user(env->report))
		return mixer_fail(&cv, ERR_UNSUPPORTED, MHS_PROTOCOL_VIOLATION,
		    "a report for the originating MTA alone");
	to = mailbox_of(&cv, &env->recipients[0].name);
	if (to == NULL || *to == '\0')
		return mixer_fail(&cv, ERR_UNSUPPORTED,
		    MHS_UNRECOGNISED_OR_NAME,
		    "the report's destination has no mailbox");
	gather(&p);
	returned(&p, content, n);
	put_header(&p, to, out);
	put_parts(&p, out);
	buf_free(&p.returned);
	*out_env = dsn_envelope(&p, to);
	return 0;
}
