/*
 * X.400 report -> delivery status notification (RFC 2156 5.3.8, RFC 3464).
 */
#include "mixer/internal.h"

#include <string.h>
#include <strings.h>

#include "mhs/utf8_addr.h"
#include "mixer/template.h"
#include "p1/ext.h"

#define MTS_USER_DL 3 /* type-of-MTS-user (X.411 8.3.1.1.1.4) */
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
	const char *languages; /* that the sender reads, or NULL */
	bool global;           /* RFC 6533: addresses in UTF-8 */
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
	    p->n == 1 && !p->global
		? arena_printf(cv->a, "Delivery-Report (%s) for %s", status,
		      p->v[0].mailbox)
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

/* One line for each line of text; NULL without any. */
static const char *
lines(struct arena *a, const char *text)
{
	const char *out = NULL, *cut;

	for (; text != NULL && *text != '\0'; text = cut) {
		size_t n = strcspn(text, "\r\n");
		const char *line = mixer_one_line(a, arena_strndup(a, text, n));

		if (n > 0)
			out = out == NULL
			    ? line
			    : arena_printf(a, "%s\n%s", out, line);
		cut = text + n + strspn(text + n, "\r\n");
	}
	return out;
}

static const char *
time_text(struct arena *a, int64_t t)
{
	return t != 0 ? mixer_time_822(a, t) : NULL;
}

static enum mixer_kind
kind_of(struct pass *p, const struct mhs_report_recipient *r)
{
	static const enum mixer_kind kinds[] = {
	    [MHS_DELIVERED] = MIXER_TEXT_DELIVERED,
	    [MHS_NOT_DELIVERED] = MIXER_TEXT_FAILED,
	    [MHS_DELAYED] = MIXER_TEXT_DELAYED};

	if (r->type != MHS_DELIVERED || !is_internet(p))
		return kinds[r->type];
	return r->user_type == MTS_USER_DL ? MIXER_TEXT_EXPANDED
	    : r->relayed                   ? MIXER_TEXT_RELAYED
					   : MIXER_TEXT_DELIVERED;
}

static void
put_recipient_text(struct pass *p, const struct recipient *x,
    const char *vars[N_MIXER_VAR], struct buf *out)
{
	struct arena *a = p->cv->a;
	const struct mhs_report_recipient *r = x->r;

	vars[MIXER_VAR_RECIPIENT] = mixer_one_line(a, x->mailbox);
	vars[MIXER_VAR_TIME] = vars[MIXER_VAR_UNTIL] =
	    time_text(a, r->delivery_time);
	vars[MIXER_VAR_STATUS] = mixer_one_line(a, status_of(r));
	vars[MIXER_VAR_STATUS_TEXT] = mhs_status_text(status_of(r));
	vars[MIXER_VAR_REASON] = mhs_reason_name(r->reason);
	vars[MIXER_VAR_DIAGNOSTIC] = r->diagnostic >= 0
	    ? mhs_diagnostic_name(r->diagnostic)
	    : "no diagnostic";
	vars[MIXER_VAR_DETAIL] = r->supplementary != NULL
	    ? mixer_one_line(a, r->supplementary)
	    : NULL;
	vars[MIXER_VAR_REMOTE] =
	    r->remote_mta != NULL ? mixer_one_line(a, r->remote_mta) : NULL;
	mixer_template_put(
	    p->cv->c->report_template, kind_of(p, r), p->languages, vars, out);
}

/* What the sender reads, as the message reported on says. */
static const char *
languages_of(struct pass *p)
{
	struct mixer_conv quiet = {.a = p->cv->a};
	struct mixer_header h;
	const char *s;

	if (p->returned.len == 0 ||
	    mixer_header_parse(&quiet, p->returned.data, p->returned.len, &h) <
		0)
		return NULL;
	s = mixer_header_get(&h, "Accept-Language");
	return s != NULL ? s : mixer_header_get(&h, "Content-Language");
}

static void
put_person(struct pass *p, struct buf *out)
{
	struct arena *a = p->cv->a;
	const struct mixer_template *t = p->cv->c->report_template;
	const char *vars[N_MIXER_VAR] = {NULL};
	const char *what = dl_or_correlator(p);

	what = first_nonempty(what, p->rep->content_identifier);
	vars[MIXER_VAR_SUBJECT] =
	    lines(a, first_nonempty(what, returned_subject(p)));
	vars[MIXER_VAR_SENT] = time_text(a,
	    p->rep->n_subject_trace > 0 ? p->rep->subject_trace[0].arrival
					: p->rep->arrival);
	vars[MIXER_VAR_HOST] = p->cv->c->hostname;
	vars[MIXER_VAR_POSTMASTER] = p->cv->c->postmaster;
	vars[MIXER_VAR_RETURNED] = p->returned.len == 0 ? "is not available"
	    : p->headers_only                           ? "had these fields:"
							: "follows:";
	p->languages = languages_of(p);
	mixer_template_put(t, MIXER_TEXT_INTRO, p->languages, vars, out);
	for (size_t i = 0; i < p->n; i++)
		put_recipient_text(p, &p->v[i], vars, out);
	mixer_template_put(t, MIXER_TEXT_CLOSING, p->languages, vars, out);
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
	/* RFC 2852 5 */
	if (rep->deliver_by != 0)
		mixer_field_put(out, "Deliver-By-Date",
		    mixer_time_822(cv->a, rep->deliver_by));
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

static bool
has_8bit(const char *s)
{
	return buf_has_8bit((const uint8_t *)s, strlen(s));
}

static const char *
mailbox_text(struct pass *p, const char *mailbox)
{
	return arena_printf(p->cv->a, "%s; %s",
	    has_8bit(mailbox) ? "utf-8" : "rfc822", mailbox);
}

/* RFC 6533 3: in message/global-delivery-status without its encoding. */
static const char *
orcpt_text(struct pass *p, const char *orcpt)
{
	const char *text = mixer_one_line(p->cv->a, orcpt), *address;
	struct buf b = {0};

	if (strncasecmp(text, "utf-8;", 6) != 0)
		return text;
	address = text + 6 + strspn(text + 6, " ");
	if (p->global)
		mhs_utf8_addr_plain(&b, address);
	else
		mhs_utf8_addr_append(&b, address, false);
	text = arena_printf(p->cv->a, "utf-8; %s", buf_cstr(&b));
	buf_free(&b);
	return text;
}

/* Any address that only UTF-8 can show? */
static bool
is_global(const struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *orcpt = p->v[i].r->orcpt;

		if (has_8bit(p->v[i].mailbox) ||
		    (orcpt != NULL && strncasecmp(orcpt, "utf-8;", 6) == 0))
			return true;
	}
	return false;
}

/* 5.3.8.1: which of the two names goes where. */
static void
put_names(struct pass *p, const struct recipient *x, struct buf *out)
{
	const struct mhs_report_recipient *r = x->r;
	bool redirected =
	    r->intended.ora != NULL || r->intended.mailbox != NULL;
	const struct mhs_name *final = redirected ? &r->intended : &r->actual;

	mixer_field_put(out, "Original-Recipient",
	    r->orcpt != NULL ? orcpt_text(p, r->orcpt)
			     : mailbox_text(p, x->mailbox));
	mixer_field_put(out, "Final-Recipient",
	    final->ora != NULL ? x400_text(p, final)
			       : mailbox_text(p, x->mailbox));
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
	static const char *const actions[] = {
	    [MIXER_TEXT_DELIVERED] = "delivered",
	    [MIXER_TEXT_RELAYED] = "relayed",
	    [MIXER_TEXT_EXPANDED] = "expanded",
	    [MIXER_TEXT_FAILED] = "failed",
	    [MIXER_TEXT_DELAYED] = "delayed"};
	bool failed = r->type == MHS_NOT_DELIVERED;

	put_names(p, x, out);
	mixer_field_put(out, "Action", actions[kind_of(p, r)]);
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
put_part_header(struct buf *out, const char *type, bool eight)
{
	buf_printf(out, "Content-Type: %s\r\n%s\r\n", type,
	    eight ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

/* A header in UTF-8 is no text/rfc822-headers (RFC 6533 4.2). */
static const char *
returned_type(const struct pass *p)
{
	const uint8_t *q = p->returned.data;
	const uint8_t *end = memmem(q, p->returned.len, "\r\n\r\n", 4);
	bool global =
	    buf_has_8bit(q, end != NULL ? (size_t)(end - q) : p->returned.len);

	if (p->headers_only)
		return global ? "message/global-headers"
			      : "text/rfc822-headers";
	return global ? "message/global" : "message/rfc822";
}

static void
put_parts(struct pass *p, struct buf *out)
{
	const char *b = mixer_boundary(p->cv, &p->returned);
	const char *kind =
	    p->global ? "global-delivery-status" : "delivery-status";
	struct buf text = {0};
	bool eight;

	put_person(p, &text);
	eight = buf_has_8bit(text.data, text.len);
	buf_printf(out,
	    "Content-Type: multipart/report; report-type=%s;\r\n"
	    "\tboundary=\"%s\"\r\n%s\r\n--%s\r\n",
	    kind, b,
	    eight || p->global ||
		    buf_has_8bit(p->returned.data, p->returned.len)
		? "Content-Transfer-Encoding: 8bit\r\n"
		: "",
	    b);
	put_part_header(out,
	    eight ? "text/plain; charset=utf-8"
		  : "text/plain; charset=us-ascii",
	    eight);
	buf_append(out, text.data, text.len);
	buf_free(&text);
	buf_printf(out, "\r\n--%s\r\n", b);
	put_part_header(
	    out, arena_printf(p->cv->a, "message/%s", kind), p->global);
	put_per_message(p, out);
	for (size_t i = 0; i < p->n; i++) {
		buf_puts(out, "\r\n");
		put_per_recipient(p, &p->v[i], out);
	}
	if (p->returned.len > 0) {
		buf_printf(out, "\r\n--%s\r\n", b);
		put_part_header(out, returned_type(p),
		    buf_has_8bit(p->returned.data, p->returned.len));
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
	out->smtputf8 = has_8bit(to);
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
	p.global = is_global(&p);
	returned(&p, content, n);
	put_header(&p, to, out);
	put_parts(&p, out);
	buf_free(&p.returned);
	*out_env = dsn_envelope(&p, to);
	return 0;
}
