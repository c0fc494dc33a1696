#include "mixer/ipm_print.h"

#include <string.h>

#include "mixer/charset.h"
#include "mixer/internal.h"
#include "mixer/mime_types.h"

#define TEXT_SHOWN 2000 /* octets of a text that are shown */
#define HEX_SHOWN 64
#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

struct print {
	struct arena *a;
	struct buf *out;
	unsigned level;
};

/* Extension names: X.420 annex, RFC 2156 and 2157, STANAG 4406 annex B. */
static const struct {
	const char *oid, *name;
} ext_names[] = {
    {"2.6.1.5.0", "incomplete-copy"},
    {"2.6.1.5.1", "languages"},
    {"2.6.1.5.2", "auto-submitted"},
    {"2.6.1.5.3", "body-part-signatures"},
    {"2.6.1.5.4", "ipm-security-label"},
    {"2.6.1.5.5", "authorization-time"},
    {"2.6.1.5.6", "circulation-list-recipients"},
    {"2.6.1.5.7", "distribution-codes"},
    {"2.6.1.5.8", "extended-subject"},
    {"2.6.1.5.9", "information-category"},
    {"2.6.1.5.10", "manual-handling-instructions"},
    {"2.6.1.5.11", "originators-reference"},
    {"2.6.1.5.12", "precedence-policy-identifier"},
    {"2.6.1.20.0", "circulation-list-indicator"},
    {IPM_OID_RFC822_FIELDS, "rfc-822-field-list"},
    {MIXER_OID_MULTIPART, "multipart-message"},
    {MIXER_OID_MULTIPART_OLD, "multipart-message (RFC 1495)"},
    {"1.3.26.0.4406.0.2.0", "primary-precedence"},
    {"1.3.26.0.4406.0.2.1", "copy-precedence"},
    {"1.3.26.0.4406.0.2.2", "message-type"},
    {"1.3.26.0.4406.0.2.3", "address-list-indicator"},
    {"1.3.26.0.4406.0.2.4", "exempted-address"},
    {"1.3.26.0.4406.0.2.5", "extended-authorisation-info"},
    {"1.3.26.0.4406.0.2.6", "distribution-codes"},
    {"1.3.26.0.4406.0.2.7", "handling-instructions"},
    {"1.3.26.0.4406.0.2.8", "message-instructions"},
    {"1.3.26.0.4406.0.2.9", "codress-message"},
    {"1.3.26.0.4406.0.2.10", "originator-reference"},
    {"1.3.26.0.4406.0.2.11", "other-recipients-indicator"},
    {"1.3.26.0.4406.0.2.12", "pilot-forwarding-info"},
    {"1.3.26.0.4406.0.2.13", "acp127-message-identifier"},
    {"1.3.26.0.4406.0.2.14", "originator-plad"},
    {"1.3.26.0.4406.0.2.15", "acp127-notification-request"},
    {"1.3.26.0.4406.0.2.16", "acp127-notification-response"},
    {"1.3.26.0.4406.0.2.17", "information-labels"},
};

static const struct {
	int32_t type;
	const char *name;
} part_names[] = {
    {IPM_IA5_TEXT, "ia5-text"},
    {IPM_VOICE, "voice"},
    {IPM_G3_FACSIMILE, "g3-facsimile"},
    {IPM_G4_CLASS1, "g4-class-1"},
    {IPM_TELETEX, "teletex"},
    {IPM_VIDEOTEX, "videotex"},
    {IPM_NATIONALLY_DEFINED, "nationally-defined"},
    {IPM_ENCRYPTED, "encrypted"},
    {IPM_MESSAGE, "message"},
    {IPM_MIXED_MODE, "mixed-mode"},
    {IPM_BILATERALLY_DEFINED, "bilaterally-defined"},
    {IPM_EXTERNALLY_DEFINED, "externally-defined"},
};

static const char *const importance_names[] = {"low", "normal", "high"};
static const char *const sensitivity_names[] = {
    "(0)", "personal", "private", "company-confidential"};
static const char *const non_receipt_names[] = {
    "ipm-discarded", "ipm-auto-forwarded"};
static const char *const discard_names[] = {
    "ipm-expired", "ipm-obsoleted", "user-subscription-terminated"};
static const char *const mode_names[] = {"manual", "automatic"};
static const char *const boolean_names[] = {"false", "true"};

/* Text with what a terminal would act on made visible. */
static void
put_escaped(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && i + 1 < n && (uint8_t)s[i + 1] < 0xa0))
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, c);
	}
}

static void
label(struct print *p, const char *name)
{
	buf_printf(p->out, "%*s%s: ", (int)p->level * 2, "", name);
}

static void
line(struct print *p, const char *name, const char *value)
{
	if (value == NULL)
		return;
	label(p, name);
	put_escaped(p->out, value, strlen(value));
	buf_putc(p->out, '\n');
}

static void
number(struct print *p, const char *name, int v, const char *const *names,
    size_t n)
{
	if (v < 0)
		return;
	line(p, name, (size_t)v < n ? names[v] : arena_printf(p->a, "(%d)", v));
}

static void
t61(struct print *p, const char *name, struct octets s)
{
	if (s.p != NULL)
		line(p, name, mixer_t61_decode(p->a, s.p, s.n));
}

static void
hex(struct print *p, const char *name, struct octets o)
{
	label(p, name);
	for (size_t i = 0; i < o.n && i < HEX_SHOWN; i++)
		buf_printf(p->out, "%02x", o.p[i]);
	buf_printf(
	    p->out, "%s (%zu octets)\n", o.n > HEX_SHOWN ? "..." : "", o.n);
}

/* Lines of UTF-8 text under a label. */
static void
text(struct print *p, const char *name, const char *s, size_t n)
{
	size_t shown = n < TEXT_SHOWN ? n : TEXT_SHOWN;

	buf_printf(
	    p->out, "%*s%s (%zu octets):\n", (int)p->level * 2, "", name, n);
	for (size_t i = 0; i < shown;) {
		const char *nl = memchr(s + i, '\n', shown - i);
		size_t k = nl != NULL ? (size_t)(nl - s) : shown, end = k;

		if (end > i && s[end - 1] == '\r')
			end--;
		buf_printf(p->out, "%*s| ", (int)p->level * 2, "");
		put_escaped(p->out, s + i, end - i);
		buf_putc(p->out, '\n');
		i = k + 1;
	}
	if (shown < n)
		buf_printf(p->out, "%*s| ... %zu more octets\n",
		    (int)p->level * 2, "", n - shown);
}

static void
id(struct print *p, const char *name, const struct ipm_id *v)
{
	line(p, name,
	    v->user == NULL ? v->relative
			    : arena_printf(p->a, "%s %s", v->relative,
				  mhs_or_slash(p->a, v->user)));
}

static void
ids(struct print *p, const char *name, const struct ipm_ids *v)
{
	for (size_t i = 0; i < v->n; i++)
		id(p, name, &v->v[i]);
}

static const char *
ext_name(const char *oid)
{
	for (size_t i = 0; i < COUNT(ext_names); i++)
		if (strcmp(ext_names[i].oid, oid) == 0)
			return ext_names[i].name;
	return "unknown";
}

/* Values that are a number, a string, or a list of fields are shown as such. */
static void
ext_value(struct print *p, const struct ipm_ext *x)
{
	struct ber_cursor c = ber_cursor(x->value.p, x->value.n);
	struct ber_tlv t;
	size_t n = 0;
	int64_t v;
	const char **fields;

	if (x->value.p == NULL || ber_next(&c, &t, NULL) != 1) {
		buf_puts(p->out, "present\n");
		return;
	}
	if (strcmp(x->oid, IPM_OID_RFC822_FIELDS) == 0) {
		fields = ipm_fields_decode(p->a, x->value, &n);
		buf_printf(p->out, "%zu fields\n", n);
		p->level++;
		for (size_t i = 0; i < n; i++)
			line(p, "field", fields[i]);
		p->level--;
		return;
	}
	if ((BER_IS(t.tag, BER_UNIVERSAL, BER_INTEGER) ||
		BER_IS(t.tag, BER_UNIVERSAL, BER_ENUMERATED) ||
		BER_IS(t.tag, BER_UNIVERSAL, BER_BOOLEAN)) &&
	    ber_integer(&t, &v, NULL) == 0) {
		buf_printf(p->out, "%lld\n", (long long)v);
		return;
	}
	if (!t.tag.constructed && t.tag.cls == BER_UNIVERSAL &&
	    mixer_is_ascii(t.value, t.length)) {
		put_escaped(p->out, (const char *)t.value, t.length);
		buf_putc(p->out, '\n');
		return;
	}
	for (size_t i = 0; i < x->value.n && i < HEX_SHOWN; i++)
		buf_printf(p->out, "%02x", x->value.p[i]);
	buf_printf(p->out, "%s (%zu octets)\n",
	    x->value.n > HEX_SHOWN ? "..." : "", x->value.n);
}

static void
exts(struct print *p, const char *name, const struct ipm_exts *v)
{
	for (size_t i = 0; i < v->n; i++) {
		label(p,
		    arena_printf(p->a, "%s %s (%s)", name,
			ext_name(v->v[i].oid), v->v[i].oid));
		ext_value(p, &v->v[i]);
	}
}

static void
requests(struct print *p, const struct ipm_or_desc *d)
{
	static const char *const names[] = {
	    "rn", "nrn", "ipm-return", "an-supported", "suppress-an"};
	const char *s = "";

	for (size_t i = 0; i < COUNT(names) && d->notification_requests > 0;
	     i++)
		if (d->notification_requests & (1 << i))
			s = arena_printf(p->a, "%s%s%s", s,
			    *s != '\0' ? ", " : "", names[i]);
	if (*s != '\0')
		line(p, "notification-requests", s);
	number(p, "reply-requested", d->reply_requested, boolean_names,
	    COUNT(boolean_names));
}

static void
desc(struct print *p, const char *name, const struct ipm_or_desc *d)
{
	if (d == NULL)
		return;
	line(p, name,
	    d->formal_name != NULL ? mhs_or_slash(p->a, d->formal_name)
				   : "(no formal name)");
	p->level++;
	t61(p, "free-form-name", d->free_form_name);
	line(p, "telephone-number", d->telephone);
	requests(p, d);
	exts(p, "extension", &d->exts);
	p->level--;
}

static void
descs(struct print *p, const char *name, const struct ipm_or_descs *l)
{
	for (size_t i = 0; i < l->n; i++)
		desc(p, name, &l->v[i]);
	if (l->present && l->n == 0)
		line(p, name, "(empty list)");
}

static void
heading(struct print *p, const struct ipm *m)
{
	id(p, "this-IPM", &m->this_ipm);
	desc(p, "originator", m->originator);
	descs(p, "authorizing-user", &m->authorizing);
	descs(p, "primary-recipient", &m->primary);
	descs(p, "copy-recipient", &m->copy);
	descs(p, "blind-copy-recipient", &m->blind_copy);
	if (m->replied_to != NULL)
		id(p, "replied-to-IPM", m->replied_to);
	ids(p, "obsoleted-IPM", &m->obsoleted);
	ids(p, "related-IPM", &m->related);
	t61(p, "subject", m->subject);
	line(p, "expiry-time", m->expiry_time);
	line(p, "reply-time", m->reply_time);
	descs(p, "reply-recipient", &m->reply);
	number(p, "importance", m->importance, importance_names,
	    COUNT(importance_names));
	number(p, "sensitivity", m->sensitivity, sensitivity_names,
	    COUNT(sensitivity_names));
	number(p, "auto-forwarded", m->auto_forwarded, boolean_names,
	    COUNT(boolean_names));
	exts(p, "extension", &m->exts);
}

static void ipm(struct print *p, const struct ipm *m);

static void
general_text(struct print *p, const struct ipm_part *part)
{
	struct ipm_general_text g;
	const struct mixer_charset *cs;
	struct buf b = {0};
	const char *s = "";
	char *utf8;
	size_t n;

	if (!ipm_general_text_get(p->a, part, &g)) {
		hex(p, "general-text", part->value);
		return;
	}
	for (size_t i = 0; i < g.n_sets; i++)
		s = arena_printf(
		    p->a, "%s%s%d", s, i > 0 ? " " : "", (int)g.sets[i]);
	line(p, "character-sets", s);
	cs = mixer_charset_by_sets(&g);
	if (cs != NULL && mixer_charset_strip(g.text, &b) &&
	    (utf8 = mixer_to_utf8(p->a, cs->name, b.data, b.len, &n)) != NULL)
		text(p, "general-text", utf8, n);
	else
		hex(p, "general-text", g.text);
	buf_free(&b);
}

static void
file(struct print *p, const struct ipm_part *part)
{
	struct ipm_ftbp f;

	if (!ipm_ftbp_get(p->a, part, &f)) {
		hex(p, "file-transfer", part->value);
		return;
	}
	line(p, "application-reference", f.application);
	line(p, "filename", f.filename);
	line(p, "description", f.description);
	line(p, "content-id", f.content_id);
	line(p, "created", f.created);
	line(p, "modified", f.modified);
	line(p, "read", f.read);
	if (f.size >= 0)
		line(p, "size", arena_printf(p->a, "%lld", (long long)f.size));
	for (size_t i = 0; i < f.n_fields; i++)
		line(p, "field", f.fields[i]);
	hex(p, "data", f.data);
}

static void
external(struct print *p, const struct ipm_part *part)
{
	line(p, "type", part->oid);
	if (strcmp(part->oid, IPM_OID_GENERAL_TEXT) == 0)
		general_text(p, part);
	else if (strcmp(part->oid, IPM_OID_FILE_TRANSFER) == 0)
		file(p, part);
	else
		hex(p, "value", part->value);
}

static void
body_part(struct print *p, size_t i, const struct ipm_part *part)
{
	const char *name = "unknown";

	for (size_t k = 0; k < COUNT(part_names); k++)
		if (part_names[k].type == part->type)
			name = part_names[k].name;
	buf_printf(p->out, "%*sbody-part %zu: %s [%d]\n", (int)p->level * 2, "",
	    i + 1, name, (int)part->type);
	p->level++;
	if (part->type == IPM_IA5_TEXT && part->data.p != NULL)
		text(p, "data", (const char *)part->data.p, part->data.n);
	else if (part->message != NULL)
		ipm(p, part->message);
	else if (part->oid != NULL)
		external(p, part);
	else
		hex(p, "data", part->data.p != NULL ? part->data : part->raw);
	p->level--;
}

static void
ipm(struct print *p, const struct ipm *m)
{
	buf_printf(p->out, "%*sinterpersonal message\n", (int)p->level * 2, "");
	p->level++;
	heading(p, m);
	for (size_t i = 0; i < m->n_parts; i++)
		body_part(p, i, &m->parts[i]);
	p->level--;
}

static void
eits(struct print *p, struct octets o)
{
	struct mixer_eits e;

	if (o.p != NULL && mixer_eits_decode(p->a, o.p, o.n, &e, NULL) == 0)
		line(p, "conversion-eits", mixer_eits_text(p->a, &e));
}

static void
ipn(struct print *p, const struct ipn *n)
{
	buf_printf(p->out, "interpersonal notification: %s\n",
	    n->other         ? "other"
		: n->receipt ? "receipt"
			     : "non-receipt");
	p->level++;
	id(p, "subject-ipm", &n->subject_ipm);
	desc(p, "ipn-originator", n->originator);
	desc(p, "ipm-preferred-recipient", n->preferred_recipient);
	eits(p, n->conversion_eits);
	number(p, "non-receipt-reason", n->non_receipt_reason,
	    non_receipt_names, COUNT(non_receipt_names));
	number(p, "discard-reason", n->discard_reason, discard_names,
	    COUNT(discard_names));
	line(p, "auto-forward-comment", n->auto_forward_comment);
	line(p, "receipt-time", n->receipt_time);
	number(p, "acknowledgment-mode", n->acknowledgment_mode, mode_names,
	    COUNT(mode_names));
	line(p, "suppl-receipt-info", n->suppl_receipt_info);
	exts(p, "extension", &n->exts);
	exts(p, "extension", &n->choice_exts);
	if (n->returned_ipm != NULL)
		ipm(p, n->returned_ipm);
	p->level--;
}

int
mixer_ipm_print(const uint8_t *octets, size_t n, struct buf *out, struct err *e)
{
	struct print p = {.a = arena_new(), .out = out};
	struct ipm_object o;
	int r = ipm_decode(p.a, octets, n, &o, e);

	if (r == 0 && o.ipm != NULL)
		ipm(&p, o.ipm);
	else if (r == 0)
		ipn(&p, o.ipn);
	arena_free(&p.a);
	return r;
}
