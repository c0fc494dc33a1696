/*
 * IPMS heading -> RFC 822 fields (RFC 2156 5.3.4): one table, in the order in
 * which the fields are written.
 */
#include "mixer/internal.h"

#include <string.h>
#include <strings.h>

#define OID_INCOMPLETE_COPY "2.6.1.5.0"
#define OID_LANGUAGES "2.6.1.5.1"
#define OID_AUTO_SUBMITTED "2.6.1.5.2"
#define OID_MULTIPART "1.3.6.1.7.1.1.3"

static const char *const importances[] = {"low", "normal", "high"};
static const char *const sensitivities[] = {
    NULL, "Personal", "Private", "Company-Confidential"};
static const char *const submissions[] = {
    "not-auto-submitted", "auto-generated", "auto-replied"};
#define COUNT(v) ((int)(sizeof(v) / sizeof((v)[0])))

/* free-form-name, telephone and the requests, around the address (4.7.2). */
const char *
mixer_desc_mailbox(struct mixer_conv *cv, const struct ipm_or_desc *d)
{
	const char *name = d->free_form_name.p == NULL
	    ? ""
	    : mixer_t61_decode(cv->a, d->free_form_name.p, d->free_form_name.n);
	const char *box = d->formal_name == NULL
	    ? NULL
	    : mixer_or_to_mailbox(cv->a, cv->c, d->formal_name);
	const char *s;

	if (box == NULL)
		s = arena_printf(cv->a, "%s:;",
		    mixer_2047_phrase(cv->a, *name != '\0' ? name : "unknown"));
	else if (*name != '\0')
		s = arena_printf(
		    cv->a, "%s <%s>", mixer_2047_phrase(cv->a, name), box);
	else
		s = box;
	if (d->telephone != NULL &&
	    mixer_is_printable(d->telephone, strlen(d->telephone)))
		s = arena_printf(cv->a, "%s (Tel %s)", s,
		    mixer_ps_encode(cv->a, d->telephone));
	if (d->reply_requested == 1)
		s = arena_printf(cv->a, "%s (Reply requested)", s);
	return s;
}

static void
put_descs(struct mixer_conv *cv, const char *name, const struct ipm_or_descs *l,
    struct buf *out)
{
	struct buf b = {0};

	for (size_t i = 0; i < l->n; i++) {
		buf_puts(&b, i > 0 ? ", " : "");
		buf_puts(&b, mixer_desc_mailbox(cv, &l->v[i]));
	}
	if (l->n > 0)
		mixer_field_put(out, name, buf_cstr(&b));
	buf_free(&b);
}

static void
put_ids(struct mixer_conv *cv, const char *name, const struct ipm_ids *l,
    bool phrase, struct buf *out)
{
	struct buf b = {0};

	for (size_t i = 0; i < l->n; i++) {
		buf_puts(&b, i > 0 ? " " : "");
		buf_puts(&b, mixer_ipm_to_msgid(cv, &l->v[i], phrase));
	}
	if (l->n > 0)
		mixer_field_put(out, name, buf_cstr(&b));
	buf_free(&b);
}

struct row {
	const char *name;
	void (*put)(struct mixer_conv *cv, const char *name,
	    const struct ipm *m, struct buf *out);
	/* The rfc-822-field extension may have it whole where the heading
	 * had to cut it. Never so for addresses: they must stay what X.400
	 * checked. */
	bool restored;
};

static void
put_message_id(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	mixer_field_put(out, name, mixer_ipm_to_msgid(cv, &m->this_ipm, false));
}

static void
put_from(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	if (m->authorizing.n > 0)
		put_descs(cv, name, &m->authorizing, out);
	else if (m->originator != NULL)
		mixer_field_put(
		    out, name, mixer_desc_mailbox(cv, m->originator));
}

static void
put_sender(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	if (m->authorizing.n > 0 && m->originator != NULL)
		mixer_field_put(
		    out, name, mixer_desc_mailbox(cv, m->originator));
}

static void
put_to(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	put_descs(cv, name, &m->primary, out);
	/* RFC 2156 5.3.2: at least one recipient field */
	if (m->primary.n + m->copy.n == 0 && !m->blind_copy.present)
		mixer_field_put(out, name, "list:;");
}

static void
put_cc(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	put_descs(cv, name, &m->copy, out);
}

static void
put_bcc(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	put_descs(cv, name, &m->blind_copy, out);
	if (m->blind_copy.present && m->blind_copy.n == 0)
		mixer_field_put(out, name, "");
}

static void
put_reply_to(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	put_descs(cv, name, &m->reply, out);
}

static void
put_in_reply_to(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	if (m->replied_to != NULL)
		mixer_field_put(
		    out, name, mixer_ipm_to_msgid(cv, m->replied_to, true));
}

static void
put_references(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	put_ids(cv, name, &m->related, true, out);
}

static void
put_supersedes(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	put_ids(cv, name, &m->obsoleted, false, out);
}

static void
put_subject(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	if (m->subject.p != NULL)
		mixer_field_put(out, name,
		    mixer_2047_text(cv->a,
			mixer_t61_decode(cv->a, m->subject.p, m->subject.n)));
}

static void
put_time(
    struct mixer_conv *cv, const char *name, const char *utc, struct buf *out)
{
	struct mixer_date d;

	if (utc == NULL)
		return;
	if (mixer_date_from_utc(utc, &d))
		mixer_field_put(out, name, mixer_date_822(cv->a, &d));
	else
		mixer_lose(
		    cv, name, "no UTCTime: %s", mixer_one_line(cv->a, utc));
}

static void
put_expires(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	put_time(cv, name, m->expiry_time, out);
}

static void
put_reply_by(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	put_time(cv, name, m->reply_time, out);
}

static void
put_importance(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	if (m->importance >= COUNT(importances))
		mixer_lose(cv, name, "no such importance: %d", m->importance);
	else if (m->importance >= 0)
		mixer_field_put(out, name, importances[m->importance]);
}

static void
put_sensitivity(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	if (m->sensitivity >= COUNT(sensitivities))
		mixer_lose(cv, name, "no such sensitivity: %d", m->sensitivity);
	else if (m->sensitivity > 0)
		mixer_field_put(out, name, sensitivities[m->sensitivity]);
}

static void
put_autoforwarded(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	(void)cv;
	if (m->auto_forwarded >= 0)
		mixer_field_put(
		    out, name, m->auto_forwarded > 0 ? "TRUE" : "FALSE");
}

static void
put_incomplete(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	(void)cv;
	if (ipm_ext_find(&m->exts, OID_INCOMPLETE_COPY) != NULL)
		mixer_field_put(out, name, "");
}

static void
put_languages(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	const struct ipm_ext *x = ipm_ext_find(&m->exts, OID_LANGUAGES);
	const char *s = "";
	struct ber_cursor c;
	struct ber_tlv set, t;

	if (x == NULL || x->value.p == NULL)
		return;
	c = ber_cursor(x->value.p, x->value.n);
	if (ber_next(&c, &set, NULL) != 1 || !set.tag.constructed)
		return;
	c = ber_children(&set);
	while (ber_next(&c, &t, NULL) == 1)
		if (mixer_is_printable((const char *)t.value, t.length))
			s = arena_printf(cv->a, "%s%s%.*s", s,
			    *s != '\0' ? ", " : "", (int)t.length,
			    (const char *)t.value);
	mixer_field_put(out, name, s);
}

static void
put_autosubmitted(struct mixer_conv *cv, const char *name, const struct ipm *m,
    struct buf *out)
{
	const struct ipm_ext *x = ipm_ext_find(&m->exts, OID_AUTO_SUBMITTED);
	struct ber_cursor c;
	struct ber_tlv t;
	int64_t v;

	if (x == NULL || x->value.p == NULL)
		return;
	c = ber_cursor(x->value.p, x->value.n);
	if (ber_next(&c, &t, NULL) == 1 && ber_integer(&t, &v, NULL) == 0 &&
	    v >= 0 && v < COUNT(submissions))
		mixer_field_put(out, name, submissions[v]);
	else
		mixer_lose(cv, name, "not understood");
}

static const struct row rows[] = {
    {"From", put_from},
    {"Sender", put_sender},
    {"To", put_to},
    {"Cc", put_cc},
    {"Bcc", put_bcc},
    {"Reply-To", put_reply_to},
    {"Subject", put_subject, true},
    {"Message-ID", put_message_id, true},
    {"In-Reply-To", put_in_reply_to, true},
    {"References", put_references, true},
    {"Supersedes", put_supersedes, true},
    {"Expires", put_expires},
    {"Reply-By", put_reply_by},
    {"Importance", put_importance},
    {"Sensitivity", put_sensitivity},
    {"Autoforwarded", put_autoforwarded},
    {"Autosubmitted", put_autosubmitted},
    {"Incomplete-Copy", put_incomplete},
    {"Content-Language", put_languages, true},
};

/* Extensions that a row, or the body, takes care of. */
static const char *const known_exts[] = {
    OID_INCOMPLETE_COPY,
    OID_LANGUAGES,
    OID_AUTO_SUBMITTED,
    OID_MULTIPART,
    "1.3.6.1.7.1.1.2", /* multipart-message of RFC 1495 */
    IPM_OID_RFC822_FIELDS,
};

static bool
known_ext(const char *oid)
{
	for (int i = 0; i < COUNT(known_exts); i++)
		if (strcmp(oid, known_exts[i]) == 0)
			return true;
	return false;
}

static const char *
field_value(const char *field, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(field, name, n) != 0 || field[n] != ':')
		return NULL;
	return field + n + 1;
}

/* A field of the rfc-822-field extension stands for what the heading could
 * only say in part; MIME's own and trace fields are never taken from it. */
static bool
field_allowed(const char *field)
{
	static const char *const never[] = {"MIME-Version", "Content-Type",
	    "Content-Transfer-Encoding", "Received", "X400-Received", "Date"};
	size_t n = strcspn(field, ":");

	if (n == 0 || field[n] != ':')
		return false;
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)field[i] <= ' ' || (uint8_t)field[i] >= 0x7f)
			return false;
	for (int i = 0; i < COUNT(never); i++)
		if (field_value(field, never[i]) != NULL)
			return false;
	return true;
}

/* The extension's field of that name, or NULL. */
static const char *
override(const char **fields, size_t n, const char *name)
{
	const char *v;

	for (size_t i = 0; i < n; i++)
		if ((v = field_value(fields[i], name)) != NULL)
			return v;
	return NULL;
}

static bool
is_row(const char *field)
{
	for (int i = 0; i < COUNT(rows); i++)
		if (field_value(field, rows[i].name) != NULL)
			return true;
	return false;
}

static void
put_extension_fields(
    struct mixer_conv *cv, const char **fields, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = strcspn(fields[i], ":");

		if (is_row(fields[i]))
			continue;
		if (!field_allowed(fields[i])) {
			mixer_lose(cv, fields[i], "not a field to carry");
			continue;
		}
		mixer_field_put(out, arena_strndup(cv->a, fields[i], k),
		    mixer_one_line(cv->a, fields[i] + k + 1));
	}
}

static void
put_discarded(struct mixer_conv *cv, const struct ipm *m, struct buf *out)
{
	struct mixer_eits list = {0};

	for (size_t i = 0; i < m->exts.n; i++) {
		if (known_ext(m->exts.v[i].oid))
			continue;
		mixer_eits_add_oid(cv->a, &list, m->exts.v[i].oid);
		mixer_lose(cv,
		    arena_printf(
			cv->a, "heading extension %s", m->exts.v[i].oid),
		    "no equivalent field");
	}
	if (list.n_oids > 0)
		mixer_field_put(out, "Discarded-X400-IPMS-Extensions",
		    mixer_eits_text(cv->a, &list));
}

int
mixer_heading_to_822(
    struct mixer_conv *cv, const struct ipm *m, struct buf *out)
{
	const struct ipm_ext *x = ipm_ext_find(&m->exts, IPM_OID_RFC822_FIELDS);
	const char **fields = NULL, *v;
	size_t n = 0;

	if (x != NULL)
		fields = ipm_fields_decode(cv->a, x->value, &n);
	for (int i = 0; i < COUNT(rows); i++)
		if (rows[i].restored &&
		    (v = override(fields, n, rows[i].name)) != NULL)
			mixer_field_put(
			    out, rows[i].name, mixer_one_line(cv->a, v));
		else
			rows[i].put(cv, rows[i].name, m, out);
	put_extension_fields(cv, fields, n, out);
	put_discarded(cv, m, out);
	return 0;
}
