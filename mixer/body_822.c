/*
 * IPMS body parts -> MIME (RFC 2157): basic body parts by their tag, extended
 * ones by object identifier, each one table; what has no row becomes
 * application/x400-bp, so that nothing is lost.
 */
#include "mixer/internal.h"

#include <string.h>
#include <strings.h>

#include "mixer/charset.h"
#include "mixer/mime_types.h"

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))
#define LINE_MAX_SMTP 998

/* Writes Content-* fields, a blank line and the body; false: not this way. */
typedef bool handler(
    struct mixer_conv *cv, const struct ipm_part *p, struct buf *out);

static int put_part(
    struct mixer_conv *cv, const struct ipm_part *p, struct buf *out);

/* --- text --- */

static bool
needs_encoding(const uint8_t *p, size_t n)
{
	size_t line = 0;

	for (size_t i = 0; i < n; i++) {
		bool eol = p[i] == '\n';

		line = eol ? 0 : line + 1;
		if (line > LINE_MAX_SMTP || p[i] >= 0x7f ||
		    (p[i] < 0x20 && strchr("\r\n\t\f", p[i]) == NULL) ||
		    p[i] == '\0')
			return true;
	}
	return false;
}

static void
put_text(struct buf *out, const char *charset, const uint8_t *p, size_t n)
{
	struct buf text = {0};
	size_t high = 0;

	mixer_crlf(&text, p, n);
	if (text.len > 0 && text.data[text.len - 1] != '\n')
		buf_puts(&text, "\r\n");
	for (size_t i = 0; i < text.len; i++)
		high += text.data[i] >= 0x80;
	buf_printf(out, "Content-Type: text/plain; charset=%s\r\n", charset);
	if (!needs_encoding(text.data, text.len)) {
		buf_puts(out, "Content-Transfer-Encoding: 7bit\r\n\r\n");
		buf_append(out, text.data, text.len);
	} else if (high > text.len / 3) {
		buf_puts(out, "Content-Transfer-Encoding: base64\r\n\r\n");
		mixer_base64(out, text.data, text.len);
	} else {
		buf_puts(
		    out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		mixer_qp(out, text.data, text.len);
	}
	buf_free(&text);
}

/* RFC 2157 3.1.3: MIME inside IA5. Its Content- fields become ours. */
static bool
put_harpoon(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	static const char mark[] = "MIME-Version:";
	struct mixer_header h;
	bool typed = false;

	if (p->data.n < sizeof(mark) ||
	    strncasecmp((const char *)p->data.p, mark, sizeof(mark) - 1) != 0 ||
	    mixer_header_parse(cv, p->data.p, p->data.n, &h) < 0 || h.bad)
		return false;
	for (size_t i = 0; i < h.n; i++)
		typed |= strcasecmp(h.v[i].name, "Content-Type") == 0;
	if (!typed || needs_encoding(p->data.p, p->data.n))
		return false;
	for (size_t i = 0; i < h.n; i++)
		if (strncasecmp(h.v[i].name, "Content-", 8) == 0)
			mixer_field_put(out, h.v[i].name, h.v[i].value);
	buf_puts(out, "\r\n");
	mixer_crlf(out, p->data.p + h.body, p->data.n - h.body);
	return true;
}

static bool
do_ia5(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	const char *charset = "us-ascii";
	size_t n;

	if (p->data.p == NULL)
		return false;
	if (put_harpoon(cv, p, out))
		return true;
	/* 6.1: against the standard, but met: 8-bit text as IA5 */
	if (!mixer_is_ascii(p->data.p, p->data.n))
		charset = mixer_to_utf8(
			      cv->a, "UTF-8", p->data.p, p->data.n, &n) != NULL
		    ? "utf-8"
		    : "iso-8859-1";
	put_text(out, charset, p->data.p, p->data.n);
	return true;
}

/* 6.7: the pages, each ended by a form feed, in UTF-8. */
static bool
do_teletex(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	struct ber_cursor c = ber_cursor(p->raw.p, p->raw.n);
	struct ber_tlv t, pages, page;
	struct buf b = {0};
	struct octets s;

	if (p->raw.p == NULL || ber_next(&c, &t, NULL) != 1 ||
	    ber_find(&t, BER_UNIVERSAL, BER_SEQUENCE, &pages, NULL) != 1)
		return false;
	c = ber_children(&pages);
	for (int i = 0; ber_next(&c, &page, NULL) == 1; i++) {
		if (ber_string(cv->a, &page, &s, NULL) < 0)
			continue;
		if (i > 0 && (b.len == 0 || b.data[b.len - 1] != '\f'))
			buf_putc(&b, '\f');
		buf_puts(&b, mixer_t61_decode(cv->a, s.p, s.n));
	}
	put_text(out, "utf-8", b.data, b.len);
	buf_free(&b);
	return true;
}

static const char *
unknown_charset(struct mixer_conv *cv, const struct ipm_general_text *g)
{
	const char *s = "x-iso";

	for (size_t i = 0; i < g->n_sets; i++)
		s = arena_printf(cv->a, "%s-%d", s, (int)g->sets[i]);
	return s;
}

static bool
do_general_text(
    struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	struct ipm_general_text g;
	const struct mixer_charset *cs;
	struct buf b = {0};

	if (!ipm_general_text_get(cv->a, p, &g))
		return false;
	cs = mixer_charset_by_sets(&g);
	if (!mixer_charset_strip(g.text, &b)) {
		buf_free(&b);
		return false;
	}
	put_text(out, cs != NULL ? cs->name : unknown_charset(cv, &g), b.data,
	    b.len);
	buf_free(&b);
	return true;
}

/* --- octets --- */

static void
put_base64_body(struct buf *out, struct octets data)
{
	buf_puts(out, "Content-Transfer-Encoding: base64\r\n\r\n");
	mixer_base64(out, data.p, data.n);
}

static bool
do_bilateral(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	(void)cv;
	if (p->data.p == NULL)
		return false;
	buf_puts(out, "Content-Type: application/octet-stream\r\n");
	put_base64_body(out, p->data);
	return true;
}

/* An OCTET STRING inside an extended body part. */
static bool
octet_string(
    struct mixer_conv *cv, const struct ipm_part *p, struct octets *data)
{
	struct ber_cursor c = ber_cursor(p->value.p, p->value.n);
	struct ber_tlv t;

	*data = p->value;
	return p->octet_aligned ||
	    (ber_next(&c, &t, NULL) == 1 &&
		BER_IS(t.tag, BER_UNIVERSAL, BER_OCTET_STRING) &&
		ber_string(cv->a, &t, data, NULL) == 0);
}

static bool
do_image(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	const struct mixer_mime_type *mt = mixer_mime_by_extended(p->oid);
	struct octets data;

	if (mt == NULL || !octet_string(cv, p, &data))
		return false;
	buf_printf(out, "Content-Type: %s\r\n", mt->type);
	put_base64_body(out, data);
	return true;
}

/* A field from the file's extensions that may become a field of the part. */
static const char *
part_field(struct mixer_conv *cv, const char *field, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(field, name, n) != 0 || field[n] != ':')
		return NULL;
	return mixer_one_line(cv->a, field + n + 1);
}

static const char *
find_field(struct mixer_conv *cv, const struct ipm_ftbp *f, const char *name)
{
	const char *v;

	for (size_t i = 0; i < f->n_fields; i++)
		if ((v = part_field(cv, f->fields[i], name)) != NULL)
			return v;
	return NULL;
}

/* RFC 2046 5.2: no message/ type but the later message/global ones may be
 * encoded. */
static bool
is_message_type(const char *type)
{
	type += strspn(type, " ");
	return strncasecmp(type, "message/", 8) == 0 &&
	    strncasecmp(type + 8, "global", 6) != 0;
}

/* The type that the file's sender gave it, where it can be kept; *plain when
 * it must go without an encoding. */
static const char *
given_type(struct mixer_conv *cv, const struct ipm_ftbp *f, bool *plain)
{
	const char *type = find_field(cv, f, "Content-Type");

	*plain = false;
	if (type == NULL || !is_message_type(type))
		return type;
	*plain = !needs_encoding(f->data.p, f->data.n);
	if (*plain)
		return type;
	mixer_lose(cv, arena_printf(cv->a, "Content-Type: %s", type),
	    "its octets need an encoding, which it may not have");
	return "application/octet-stream";
}

static void
put_file_type(const struct ipm_ftbp *f, const char *type, struct buf *out)
{
	const struct mixer_mime_type *mt =
	    f->application != NULL ? mixer_mime_by_ftbp(f->application) : NULL;

	/* a type that would need structure of its own cannot be base64 */
	if (type != NULL &&
	    strncasecmp(type + strspn(type, " "), "multipart/", 10) != 0)
		mixer_field_put(out, "Content-Type", type);
	else if (mt != NULL)
		buf_printf(out, "Content-Type: %s\r\n", mt->type);
	else if (f->application != NULL &&
	    strcmp(f->application, MIXER_OID_MIME_FTBP) != 0)
		buf_printf(out, "Content-Type: application/x-ftbp.%s\r\n",
		    f->application);
	else
		buf_puts(out, "Content-Type: application/octet-stream\r\n");
}

static void
put_date_param(
    struct mixer_conv *cv, const char *name, const char *time, struct buf *out)
{
	struct mixer_date d;

	if (time == NULL)
		return;
	if (mixer_date_from_generalized(time, &d))
		mixer_param_put(out, name, mixer_date_822(cv->a, &d));
	else
		mixer_lose(cv, name, "no GeneralizedTime");
}

/* The name as UTF-8: a GraphicString may hold anything. */
static const char *
safe_utf8(struct mixer_conv *cv, const char *s)
{
	size_t n;
	char *u =
	    mixer_to_utf8(cv->a, "UTF-8", (const uint8_t *)s, strlen(s), &n);

	if (u == NULL)
		u = mixer_to_utf8(
		    cv->a, "ISO-8859-1", (const uint8_t *)s, strlen(s), &n);
	return u != NULL ? u : "file";
}

static void
put_disposition(
    struct mixer_conv *cv, const struct ipm_ftbp *f, struct buf *out)
{
	buf_puts(out, "Content-Disposition: attachment");
	if (f->filename != NULL)
		mixer_param_put(out, "filename", safe_utf8(cv, f->filename));
	put_date_param(cv, "creation-date", f->created, out);
	put_date_param(cv, "modification-date", f->modified, out);
	put_date_param(cv, "read-date", f->read, out);
	if (f->size >= 0)
		buf_printf(out, ";\r\n\tsize=%lld", (long long)f->size);
	buf_puts(out, "\r\n");
}

static void
put_file_fields(
    struct mixer_conv *cv, const struct ipm_ftbp *f, struct buf *out)
{
	static const char *const done[] = {"Content-Type",
	    "Content-Transfer-Encoding", "Content-ID", "Content-Description"};

	for (size_t i = 0; i < f->n_fields; i++) {
		size_t n = strcspn(f->fields[i], ":");
		bool skip = strncasecmp(f->fields[i], "Content-", 8) != 0 ||
		    f->fields[i][n] != ':' ||
		    strcspn(f->fields[i], " \t\r\n") < n;

		for (size_t k = 0; k < COUNT(done); k++)
			skip |= part_field(cv, f->fields[i], done[k]) != NULL;
		if (!skip)
			mixer_field_put(out,
			    arena_strndup(cv->a, f->fields[i], n),
			    mixer_one_line(cv->a, f->fields[i] + n + 1));
	}
}

static bool
do_file(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	struct ipm_ftbp f;
	const char *type;
	bool plain;

	if (!ipm_ftbp_get(cv->a, p, &f) || !f.mappable)
		return false;
	type = given_type(cv, &f, &plain);
	put_file_type(&f, type, out);
	if (find_field(cv, &f, "Content-Disposition") == NULL)
		put_disposition(cv, &f, out);
	if (f.content_id != NULL)
		mixer_field_put(out, "Content-ID",
		    mixer_ipm_to_msgid(
			cv, &(struct ipm_id){.relative = f.content_id}, false));
	if (f.description != NULL)
		mixer_field_put(out, "Content-Description",
		    mixer_2047_text(cv->a, safe_utf8(cv, f.description)));
	put_file_fields(cv, &f, out);
	if (!plain) {
		put_base64_body(out, f.data);
		return true;
	}
	buf_puts(out, "Content-Transfer-Encoding: 7bit\r\n\r\n");
	mixer_crlf(out, f.data.p, f.data.n);
	return true;
}

/* MimeParameters of RFC 1494 and RFC 2157 3.1.2. */
static bool
do_mime_bp(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	struct ber_cursor c = ber_cursor(p->params.p, p->params.n), pc;
	struct ber_tlv seq, type, params, param, name, value;
	struct octets data;
	const char *s;

	if (!octet_string(cv, p, &data) || p->params.p == NULL ||
	    ber_next(&c, &seq, NULL) != 1 ||
	    ber_find(&seq, BER_UNIVERSAL, BER_IA5_STRING, &type, NULL) != 1)
		return false;
	s = arena_strndup(cv->a, (const char *)type.value, type.length);
	if (strncasecmp(s, "multipart/", 10) == 0 ||
	    strncasecmp(s, "message/", 8) == 0)
		return false;
	if (ber_find(&seq, BER_UNIVERSAL, BER_SEQUENCE, &params, NULL) == 1) {
		c = ber_children(&params);
		while (ber_next(&c, &param, NULL) == 1) {
			pc = ber_children(&param);
			if (param.tag.constructed &&
			    ber_next(&pc, &name, NULL) == 1 &&
			    ber_next(&pc, &value, NULL) == 1)
				s = arena_printf(cv->a, "%s; %.*s=%.*s", s,
				    (int)name.length, (const char *)name.value,
				    (int)value.length,
				    (const char *)value.value);
		}
	}
	mixer_field_put(out, "Content-Type", mixer_one_line(cv->a, s));
	put_base64_body(out, data);
	return true;
}

/* --- messages and multiparts --- */

/* The multipart-message extension (6.6): its subtype, or NULL. */
static const char *
multipart_of(struct mixer_conv *cv, const struct ipm *m, bool *is_a_message)
{
	const struct ipm_ext *x = ipm_ext_find(&m->exts, MIXER_OID_MULTIPART);
	struct ber_cursor c;
	struct ber_tlv seq, t;
	const char *s;

	*is_a_message = true;
	if (x == NULL || x->value.p == NULL)
		return NULL;
	c = ber_cursor(x->value.p, x->value.n);
	if (ber_next(&c, &seq, NULL) != 1 || !seq.tag.constructed ||
	    ber_find(&seq, BER_UNIVERSAL, BER_IA5_STRING, &t, NULL) != 1)
		return NULL;
	s = arena_strndup(cv->a, (const char *)t.value, t.length);
	if (ber_find(&seq, BER_UNIVERSAL, BER_BOOLEAN, &t, NULL) == 1)
		*is_a_message = t.length == 1 && t.value[0] != 0;
	/* a token, and none that promises what we cannot keep */
	for (const char *p = s; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || *p == '-' || *p == '.'))
			return NULL;
	return *s == '\0' || strcasecmp(s, "signed") == 0 ||
		strcasecmp(s, "encrypted") == 0 || strcasecmp(s, "report") == 0
	    ? NULL
	    : s;
}

static bool
all_messages(struct mixer_conv *cv, const struct ipm *m)
{
	bool is_a_message;

	for (size_t i = 0; i < m->n_parts; i++) {
		if (m->parts[i].message == NULL)
			return false;
		(void)multipart_of(cv, m->parts[i].message, &is_a_message);
		if (!is_a_message)
			return false;
	}
	return true;
}

static int
put_multipart(struct mixer_conv *cv, const struct ipm *m, const char *subtype,
    struct buf *out)
{
	struct buf *bodies = arena_alloc(cv->a, sizeof(*bodies) * m->n_parts);
	struct buf all = {0};
	const char *boundary;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n_parts; i++) {
		r = put_part(cv, &m->parts[i], &bodies[i]);
		if (r == 0)
			buf_append(&all, bodies[i].data, bodies[i].len);
	}
	boundary = mixer_boundary(cv, &all);
	buf_free(&all);
	buf_printf(out, "Content-Type: multipart/%s; boundary=\"%s\"\r\n\r\n",
	    subtype, boundary);
	for (size_t i = 0; i < m->n_parts; i++) {
		buf_printf(out, "--%s\r\n", boundary);
		buf_append(out, bodies[i].data, bodies[i].len);
		buf_puts(out, "\r\n");
		buf_free(&bodies[i]);
	}
	buf_printf(out, "--%s--\r\n", boundary);
	return r;
}

static int
put_body(struct mixer_conv *cv, const struct ipm *m, struct buf *out)
{
	bool is_a_message;
	const char *subtype = multipart_of(cv, m, &is_a_message);

	if (m->n_parts == 0) {
		put_text(out, "us-ascii", NULL, 0);
		return 0;
	}
	if (m->n_parts == 1 && subtype == NULL)
		return put_part(cv, &m->parts[0], out);
	if (subtype == NULL)
		subtype = all_messages(cv, m) ? "digest" : "mixed";
	return put_multipart(cv, m, subtype, out);
}

static int
put_message(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	bool is_a_message;
	const char *subtype = multipart_of(cv, p->message, &is_a_message);
	int r;

	if (cv->depth >= MIXER_DEPTH_MAX)
		return mixer_fail(cv, ERR_LIMIT, MHS_CONTENT_SYNTAX_ERROR,
		    "more than %d nested messages", MIXER_DEPTH_MAX);
	cv->depth++;
	if (subtype != NULL && !is_a_message) {
		r = put_body(cv, p->message, out);
	} else {
		buf_puts(out, "Content-Type: message/rfc822\r\n\r\n");
		r = mixer_ipm_to_822(cv, p->message, out);
	}
	cv->depth--;
	return r;
}

/* 3.2: the whole body part, in a type of its own. */
static int
put_x400_bp(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	struct buf b = {0};
	int r = ipm_part_encode(cv->a, p, cv->depth, &b, cv->e);

	if (r < 0)
		return r;
	if (p->oid != NULL)
		buf_printf(out,
		    "Content-Type: application/x400-bp; bp-type=%s\r\n",
		    p->oid);
	else
		buf_printf(out,
		    "Content-Type: application/x400-bp; bp-type=%d\r\n",
		    (int)p->type);
	put_base64_body(out, (struct octets){b.data, b.len});
	buf_free(&b);
	return 0;
}

static const struct {
	int32_t type;
	const char *oid; /* externally-defined: of the data */
	handler *fn;
} rows[] = {
    {IPM_IA5_TEXT, NULL, do_ia5},
    {IPM_TELETEX, NULL, do_teletex},
    {IPM_BILATERALLY_DEFINED, NULL, do_bilateral},
    {IPM_EXTERNALLY_DEFINED, IPM_OID_GENERAL_TEXT, do_general_text},
    {IPM_EXTERNALLY_DEFINED, IPM_OID_FILE_TRANSFER, do_file},
    {IPM_EXTERNALLY_DEFINED, MIXER_OID_MIME_BP, do_mime_bp},
    {IPM_EXTERNALLY_DEFINED, "1.3.6.1.7.1.2.1.2", do_image},
    {IPM_EXTERNALLY_DEFINED, "1.3.6.1.7.1.2.1.3", do_image},
    {IPM_EXTERNALLY_DEFINED, "1.3.6.1.7.1.2.1.4", do_image},
};

static int
put_part(struct mixer_conv *cv, const struct ipm_part *p, struct buf *out)
{
	if (p->type == IPM_MESSAGE && p->message != NULL)
		return put_message(cv, p, out);
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t before = out->len;

		if (rows[i].type != p->type ||
		    (rows[i].oid != NULL &&
			(p->oid == NULL || strcmp(rows[i].oid, p->oid) != 0)))
			continue;
		if (rows[i].fn(cv, p, out))
			return 0;
		out->len = before;
		break;
	}
	return put_x400_bp(cv, p, out);
}

int
mixer_body_to_822(struct mixer_conv *cv, const struct ipm *ipm, struct buf *out)
{
	buf_puts(out, "MIME-Version: 1.0\r\n");
	return put_body(cv, ipm, out);
}

int
mixer_ipm_to_822(struct mixer_conv *cv, const struct ipm *ipm, struct buf *out)
{
	int r = mixer_heading_to_822(cv, ipm, out);

	return r < 0 ? r : mixer_body_to_822(cv, ipm, out);
}
