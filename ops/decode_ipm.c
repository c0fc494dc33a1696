/*
 * Interpersonal messages and notifications as text (X.420; P772 has the same
 * structure with extensions of its own).
 */
#include <stdio.h>
#include <string.h>

#include "mhs/or_charset.h"
#include "mixer/ipm.h"
#include "ops/decode.h"

#define TEXT_SHOWN_MAX 65536
#define OID_ARC_P772 "1.3.26.0.4406."

struct printing {
	struct arena *a;
	struct buf *out;
};

static const char *
or_text(const struct printing *g, const struct mhs_or * or)
{
	return or != NULL ? mhs_or_slash(g->a, or) : "(none)";
}

static const char *
t61_text(const struct printing *g, struct octets o)
{
	return mhs_t61_to_utf8(g->a, (const char *)o.p, o.n);
}

static void
print_id(const struct printing *g, unsigned depth, const char *name,
    const struct ipm_id *id)
{
	print_line(g->out, depth, name, "%s%s%s",
	    id->relative != NULL ? id->relative : "",
	    id->user != NULL ? " of " : "",
	    id->user != NULL ? or_text(g, id->user) : "");
}

static void
print_ids(const struct printing *g, unsigned depth, const char *name,
    const struct ipm_ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		print_id(g, depth, name, &ids->v[i]);
}

static void
print_exts(const struct printing *g, unsigned depth, const struct ipm_exts *x)
{
	for (size_t i = 0; i < x->n; i++) {
		const char *name =
		    arena_printf(g->a, "extension %s", x->v[i].oid);

		if (x->v[i].value.p == NULL)
			print_line(g->out, depth, name, "%s", "");
		else
			print_octets(g->out, depth, name, x->v[i].value.p,
			    x->v[i].value.n);
	}
}

static void
print_requests(const struct printing *g, unsigned depth, int bits)
{
	static const char *const names[] = {
	    "rn", "nrn", "ipm-return", "an-supported", "suppress-an"};
	const char *s = "";

	for (int i = 0; i < 5; i++)
		if ((bits & 1 << i) != 0)
			s = arena_printf(g->a, "%s%s%s", s,
			    *s != '\0' ? ", " : "", names[i]);
	if (bits > 0)
		print_line(g->out, depth, "notification-requests", "%s", s);
}

static void
print_desc(const struct printing *g, unsigned depth, const char *name,
    const struct ipm_or_desc *d)
{
	print_line(g->out, depth, name, "%s", or_text(g, d->formal_name));
	if (d->free_form_name.p != NULL)
		print_line(g->out, depth + 1, "free-form-name", "%s",
		    t61_text(g, d->free_form_name));
	if (d->telephone != NULL)
		print_line(
		    g->out, depth + 1, "telephone-number", "%s", d->telephone);
	print_requests(g, depth + 1, d->notification_requests);
	if (d->reply_requested == 1)
		print_line(g->out, depth + 1, "reply-requested", "%s", "true");
	print_exts(g, depth + 1, &d->exts);
}

static void
print_descs(const struct printing *g, unsigned depth, const char *name,
    const struct ipm_or_descs *d)
{
	for (size_t i = 0; i < d->n; i++)
		print_desc(g, depth, name, &d->v[i]);
}

/* An enumerated value by its name, from a table that starts at `first`. */
static void
print_enum(const struct printing *g, unsigned depth, const char *name,
    int value, const char *const *names, int first, int n)
{
	if (value < 0)
		return;
	if (value >= first && value < first + n)
		print_line(g->out, depth, name, "%s", names[value - first]);
	else
		print_line(g->out, depth, name, "%d", value);
}

static void
print_heading(const struct printing *g, unsigned d, const struct ipm *m)
{
	static const char *const importance[] = {"low", "normal", "high"};
	static const char *const sensitivity[] = {
	    "personal", "private", "company-confidential"};
	static const char *const truth[] = {"false", "true"};

	print_id(g, d, "this-IPM", &m->this_ipm);
	if (m->originator != NULL)
		print_desc(g, d, "originator", m->originator);
	print_descs(g, d, "authorizing-user", &m->authorizing);
	print_descs(g, d, "primary-recipient", &m->primary);
	print_descs(g, d, "copy-recipient", &m->copy);
	print_descs(g, d, "blind-copy-recipient", &m->blind_copy);
	if (m->replied_to != NULL)
		print_id(g, d, "replied-to-IPM", m->replied_to);
	print_ids(g, d, "obsoleted-IPM", &m->obsoleted);
	print_ids(g, d, "related-IPM", &m->related);
	if (m->subject.p != NULL)
		print_line(g->out, d, "subject", "%s", t61_text(g, m->subject));
	if (m->expiry_time != NULL)
		print_line(g->out, d, "expiry-time", "%s", m->expiry_time);
	if (m->reply_time != NULL)
		print_line(g->out, d, "reply-time", "%s", m->reply_time);
	print_descs(g, d, "reply-recipient", &m->reply);
	print_enum(g, d, "importance", m->importance, importance, 0, 3);
	print_enum(g, d, "sensitivity", m->sensitivity, sensitivity, 1, 3);
	print_enum(g, d, "auto-forwarded", m->auto_forwarded, truth, 0, 2);
	print_exts(g, d, &m->exts);
}

/* --- body parts --- */

static void print_ipm(
    const struct printing *g, unsigned depth, const struct ipm *m);

/* GeneralString octets: the C0 and G0 sets are ASCII's; 100 in the list is
 * the right half of ISO 8859-1, 154 and 196 tell UTF-8; all else is read like
 * T.61, which shares its escape sequences. */
static const char *
general_text(const struct printing *g, const struct ipm_general_text *t)
{
	struct buf b = {0};
	const char *s;

	for (size_t i = 0; i < t->n_sets; i++) {
		if (t->sets[i] == 196)
			return arena_strndup(
			    g->a, (const char *)t->text.p, t->text.n);
		if (t->sets[i] != 100)
			continue;
		for (size_t j = 0; j < t->text.n; j++) {
			uint8_t c = t->text.p[j];

			if (c >= 0x80)
				buf_putc(&b, (uint8_t)(0xc0 | c >> 6));
			buf_putc(
			    &b, c >= 0x80 ? (uint8_t)(0x80 | (c & 0x3f)) : c);
		}
		s = arena_strndup(g->a, b.len > 0 ? (char *)b.data : "", b.len);
		buf_free(&b);
		return s;
	}
	return t61_text(g, t->text);
}

static void
print_file(const struct printing *g, unsigned d, const struct ipm_ftbp *f)
{
	if (f->filename != NULL)
		print_line(g->out, d, "filename", "%s", f->filename);
	if (f->description != NULL)
		print_line(g->out, d, "description", "%s", f->description);
	if (f->application != NULL)
		print_line(
		    g->out, d, "application-reference", "%s", f->application);
	if (f->created != NULL)
		print_line(g->out, d, "created", "%s", f->created);
	if (f->modified != NULL)
		print_line(g->out, d, "modified", "%s", f->modified);
	for (size_t i = 0; i < f->n_fields; i++)
		print_line(g->out, d, "rfc-822-field", "%s", f->fields[i]);
	print_octets(g->out, d, "data", f->data.p, f->data.n);
}

static void
print_external(const struct printing *g, unsigned d, const struct ipm_part *p)
{
	struct ipm_general_text text;
	struct ipm_ftbp file;
	const char *s;

	if (ipm_general_text_get(g->a, p, &text)) {
		s = general_text(g, &text);
		print_text(g->out, d, s, strlen(s), TEXT_SHOWN_MAX);
	} else if (ipm_ftbp_get(g->a, p, &file)) {
		print_file(g, d, &file);
	} else {
		print_octets(g->out, d, "data", p->value.p, p->value.n);
	}
}

static const char *
part_name(const struct printing *g, const struct ipm_part *p)
{
	static const struct {
		int32_t type;
		const char *name;
	} names[] = {
	    {IPM_IA5_TEXT, "ia5-text"},
	    {IPM_VOICE, "voice"},
	    {IPM_G3_FACSIMILE, "g3-facsimile"},
	    {IPM_G4_CLASS1, "g4-class1"},
	    {IPM_TELETEX, "teletex"},
	    {IPM_VIDEOTEX, "videotex"},
	    {IPM_NATIONALLY_DEFINED, "nationally-defined"},
	    {IPM_ENCRYPTED, "encrypted"},
	    {IPM_MESSAGE, "message"},
	    {IPM_MIXED_MODE, "mixed-mode"},
	    {IPM_BILATERALLY_DEFINED, "bilaterally-defined"},
	};
	const char *oid = p->oid != NULL ? p->oid : "";

	if (strcmp(oid, IPM_OID_GENERAL_TEXT) == 0)
		return "general-text";
	if (strcmp(oid, IPM_OID_FILE_TRANSFER) == 0)
		return "file-transfer";
	if (p->type == IPM_EXTERNALLY_DEFINED)
		return arena_printf(g->a, "externally-defined %s", oid);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == p->type)
			return names[i].name;
	return arena_printf(g->a, "[%d]", (int)p->type);
}

static void
print_part(const struct printing *g, unsigned d, size_t number,
    const struct ipm_part *p)
{
	print_line(g->out, d, arena_printf(g->a, "body part %zu", number), "%s",
	    part_name(g, p));
	switch (p->type) {
	case IPM_IA5_TEXT:
		print_text(g->out, d + 1, (const char *)p->data.p, p->data.n,
		    TEXT_SHOWN_MAX);
		break;
	case IPM_MESSAGE:
		if (p->message != NULL)
			print_ipm(g, d + 1, p->message);
		break;
	case IPM_EXTERNALLY_DEFINED: print_external(g, d + 1, p); break;
	case IPM_BILATERALLY_DEFINED:
		print_octets(g->out, d + 1, "data", p->data.p, p->data.n);
		break;
	default: print_octets(g->out, d + 1, "element", p->raw.p, p->raw.n);
	}
}

static void
print_ipm(const struct printing *g, unsigned depth, const struct ipm *m)
{
	print_heading(g, depth, m);
	for (size_t i = 0; i < m->n_parts; i++)
		print_part(g, depth, i + 1, &m->parts[i]);
}

/* --- notifications --- */

static void
print_ipn(const struct printing *g, unsigned d, const struct ipn *n)
{
	static const char *const reasons[] = {
	    "ipm-discarded", "ipm-auto-forwarded"};
	static const char *const discards[] = {
	    "ipm-expired", "ipm-obsoleted", "user-subscription-terminated"};
	static const char *const modes[] = {"manual", "automatic"};

	print_id(g, d, "subject-ipm", &n->subject_ipm);
	if (n->originator != NULL)
		print_desc(g, d, "ipn-originator", n->originator);
	if (n->preferred_recipient != NULL)
		print_desc(
		    g, d, "ipm-preferred-recipient", n->preferred_recipient);
	if (n->receipt_time != NULL)
		print_line(g->out, d, "receipt-time", "%s", n->receipt_time);
	print_enum(
	    g, d, "acknowledgment-mode", n->acknowledgment_mode, modes, 0, 2);
	print_enum(
	    g, d, "non-receipt-reason", n->non_receipt_reason, reasons, 0, 2);
	print_enum(g, d, "discard-reason", n->discard_reason, discards, 0, 3);
	if (n->auto_forward_comment != NULL)
		print_line(g->out, d, "auto-forward-comment", "%s",
		    n->auto_forward_comment);
	if (n->suppl_receipt_info != NULL)
		print_line(g->out, d, "suppl-receipt-info", "%s",
		    n->suppl_receipt_info);
	print_exts(g, d, &n->exts);
	print_exts(g, d, &n->choice_exts);
	if (n->returned_ipm != NULL) {
		print_line(g->out, d, "returned-ipm", "%s", "");
		print_ipm(g, d + 1, n->returned_ipm);
	}
}

static bool
is_p772(const struct ipm_exts *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (strncmp(x->v[i].oid, OID_ARC_P772, strlen(OID_ARC_P772)) ==
		    0)
			return true;
	return false;
}

int
decode_ipm(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	struct printing g = {a, out};
	struct ipm_object o = {0};
	int rc;

	rc = ipm_decode(a, p, n, &o, e);
	if (rc < 0)
		return rc;
	if (o.ipm != NULL) {
		print_line(out, 0,
		    is_p772(&o.ipm->exts)
			? "P772 military message"
			: "P22/P2 interpersonal message (IPM)",
		    "%s", "");
		print_ipm(&g, 1, o.ipm);
	} else {
		print_line(out, 0, "P22/P2 interpersonal notification (IPN)",
		    "%s",
		    o.ipn->other         ? "other"
			: o.ipn->receipt ? "receipt"
					 : "non-receipt");
		print_ipn(&g, 1, o.ipn);
	}
	return 0;
}
