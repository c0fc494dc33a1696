/*
 * MIME body -> IPMS body parts (RFC 2157): one table by content type. GMime
 * takes the message apart; what it makes of malformed MIME is bounded here in
 * depth and number, and never refused.
 */
#include "mixer/internal.h"

#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

#include "mixer/charset.h"
#include "mixer/mime_types.h"

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

struct target {
	struct mixer_conv *cv;
	struct ipm *m; /* the parts go here */
	unsigned depth;
	int r;
};

typedef void handler(struct target *t, GMimeObject *o);

static void convert(struct target *t, GMimeObject *o);

/* A new body part, or NULL when there are too many. */
static struct ipm_part *
add_part(struct target *t)
{
	if (++t->cv->parts > MIXER_PARTS_MAX) {
		t->r = mixer_fail(t->cv, ERR_LIMIT, MHS_CONTENT_SYNTAX_ERROR,
		    "more than %d body parts", MIXER_PARTS_MAX);
		return NULL;
	}
	return arena_push(
	    t->cv->a, &t->m->parts, &t->m->n_parts, sizeof(*t->m->parts));
}

/* What was written to a memory stream; the stream goes. */
static struct octets
take(struct arena *a, GMimeStream *s)
{
	GByteArray *bytes =
	    g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(s));
	struct octets o = {
	    arena_memdup(a, bytes->data, bytes->len), bytes->len};

	g_object_unref(s);
	return o;
}

/* The content with its transfer encoding undone. */
static struct octets
content(struct target *t, GMimeObject *o)
{
	GMimeStream *s = g_mime_stream_mem_new();
	GMimeDataWrapper *w =
	    GMIME_IS_PART(o) ? g_mime_part_get_content(GMIME_PART(o)) : NULL;

	if (w != NULL)
		g_mime_data_wrapper_write_to_stream(w, s);
	return take(t->cv->a, s);
}

/* The entity as it came: header and encoded body. */
static struct octets
entity(struct target *t, GMimeObject *o)
{
	GMimeStream *s = g_mime_stream_mem_new();

	g_mime_object_write_to_stream(o, NULL, s);
	return take(t->cv->a, s);
}

static struct octets
crlf(struct target *t, struct octets o)
{
	struct buf b = {0};
	struct octets r;

	mixer_crlf(&b, o.p, o.n);
	r = (struct octets){arena_memdup(t->cv->a, b.data, b.len), b.len};
	buf_free(&b);
	return r;
}

/* --- files: everything that has no closer equivalent --- */

/* Fields of the part that the FTBP parameters themselves say. */
static bool
mapped_field(const char *name)
{
	static const char *const v[] = {"Content-ID", "Content-Description",
	    "Content-Transfer-Encoding", "MIME-Version"};

	for (size_t i = 0; i < COUNT(v); i++)
		if (strcasecmp(v[i], name) == 0)
			return true;
	return false;
}

static void
add_field(
    struct target *t, struct ipm_ftbp *f, const char *name, const char *value)
{
	*(const char **)arena_push(t->cv->a, &f->fields, &f->n_fields,
	    sizeof(*f->fields)) = arena_printf(t->cv->a, "%s: %s", name,
	    mixer_2047_text(t->cv->a, value));
}

/* Does Content-Disposition say more than "attachment" and what is mapped? */
static bool
plain_disposition(GMimeObject *o)
{
	GMimeContentDisposition *d = g_mime_object_get_content_disposition(o);

	return d == NULL ||
	    strcasecmp(g_mime_content_disposition_get_disposition(d),
		"attachment") == 0;
}

static void
file_fields(struct target *t, GMimeObject *o, const struct mixer_mime_type *mt,
    struct ipm_ftbp *f)
{
	GMimeContentType *ct = g_mime_object_get_content_type(o);
	GMimeParamList *params = g_mime_content_type_get_parameters(ct);
	GMimeHeaderList *l = g_mime_object_get_header_list(o);
	int n = g_mime_header_list_get_count(l);
	/* the application reference says the type, the pathname the name */
	bool type_said = mt != NULL && mt->ftbp != NULL &&
	    (params == NULL || g_mime_param_list_length(params) == 0);

	for (int i = 0; i < n && i < MIXER_FIELDS_MAX; i++) {
		GMimeHeader *h = g_mime_header_list_get_header_at(l, i);
		const char *name = g_mime_header_get_name(h);
		const char *value = g_mime_header_get_value(h);

		if (mapped_field(name) || value == NULL ||
		    strncasecmp(name, "Content-", 8) != 0)
			continue;
		if (strcasecmp(name, "Content-Type") == 0) {
			if (!type_said)
				add_field(t, f, name,
				    mixer_one_line(t->cv->a, value));
			continue;
		}
		if (strcasecmp(name, "Content-Disposition") == 0 &&
		    plain_disposition(o))
			continue;
		add_field(t, f, name, mixer_one_line(t->cv->a, value));
	}
}

static const char *
disposition_date(struct target *t, GMimeObject *o, const char *param)
{
	struct mixer_date d;

	if (!mixer_date_from_822(
		g_mime_object_get_content_disposition_parameter(o, param), &d))
		return NULL;
	return mixer_date_generalized(t->cv->a, &d);
}

static const char *
dup_or_null(struct target *t, const char *s)
{
	return s == NULL ? NULL : mixer_one_line(t->cv->a, s);
}

static void
put_file(struct target *t, GMimeObject *o, struct octets data)
{
	GMimeContentType *ct = g_mime_object_get_content_type(o);
	char *type = g_mime_content_type_get_mime_type(ct);
	const struct mixer_mime_type *mt = mixer_mime_by_type(type);
	struct ipm_ftbp f = {.application = MIXER_OID_MIME_FTBP,
	    .size = (int64_t)data.n,
	    .data = data};
	struct ipm_part *p = add_part(t);
	const char *id = g_mime_object_get_content_id(o);
	bool exact;

	g_free(type);
	if (p == NULL)
		return;
	if (mt != NULL && mt->ftbp != NULL)
		f.application = mt->ftbp;
	if (t->cv->c->octet_stream_bilateral &&
	    f.application ==
		mixer_mime_by_type("application/octet-stream")->ftbp) {
		p->type = IPM_BILATERALLY_DEFINED;
		p->data = data;
		return;
	}
	if (GMIME_IS_PART(o)) {
		f.filename =
		    dup_or_null(t, g_mime_part_get_filename(GMIME_PART(o)));
		f.description = dup_or_null(
		    t, g_mime_part_get_content_description(GMIME_PART(o)));
	}
	f.created = disposition_date(t, o, "creation-date");
	f.modified = disposition_date(t, o, "modification-date");
	f.read = disposition_date(t, o, "read-date");
	if (id != NULL)
		f.content_id = mixer_msgid_to_ipm(t->cv, id, &exact)->relative;
	file_fields(t, o, mt, &f);
	ipm_ftbp_put(t->cv->a, &f, p);
}

static void
do_file(struct target *t, GMimeObject *o)
{
	put_file(t, o, GMIME_IS_PART(o) ? content(t, o) : entity(t, o));
}

/* --- text --- */

static void
put_ia5(struct target *t, struct octets text)
{
	struct ipm_part *p = add_part(t);

	if (p == NULL)
		return;
	p->type = IPM_IA5_TEXT;
	p->data = text;
}

static void
put_general(
    struct target *t, const struct mixer_charset *cs, struct octets text)
{
	struct ipm_general_text g = {0};
	struct ipm_part *p = add_part(t);
	struct buf b = {0};

	if (p == NULL)
		return;
	while (g.n_sets < COUNT(cs->sets) && cs->sets[g.n_sets] != 0) {
		g.sets[g.n_sets] = cs->sets[g.n_sets];
		g.n_sets++;
	}
	buf_puts(&b, cs->designate);
	buf_append(&b, text.p, text.n);
	g.text = (struct octets){b.data, b.len};
	ipm_general_text_put(t->cv->a, &g, p);
	buf_free(&b);
}

/* Charsets whose lower half is ASCII. */
static bool
ascii_superset(const char *charset)
{
	return strcasecmp(charset, "us-ascii") == 0 ||
	    strcasecmp(charset, "utf-8") == 0 ||
	    strncasecmp(charset, "iso-8859-", 9) == 0 ||
	    strncasecmp(charset, "windows-125", 11) == 0;
}

/* A charset without a repertoire of its own: Latin 1 where it suffices, else
 * UTF-8. False when the text is not what its charset says. */
static bool
put_unicode(struct target *t, const char *charset, struct octets text)
{
	size_t n, m;
	char *utf8 = mixer_to_utf8(t->cv->a, charset, text.p, text.n, &n);
	char *latin;

	if (utf8 == NULL)
		return false;
	if (mixer_is_ascii((const uint8_t *)utf8, n)) {
		put_ia5(t, (struct octets){(uint8_t *)utf8, n});
		return true;
	}
	latin = mixer_from_utf8(t->cv->a, "ISO-8859-1", utf8, n, &m);
	if (latin != NULL)
		put_general(t, mixer_charset_by_name("iso-8859-1"),
		    (struct octets){(uint8_t *)latin, m});
	else
		put_general(t, mixer_charset_by_name("utf-8"),
		    (struct octets){(uint8_t *)utf8, n});
	return true;
}

static bool
is_attachment(GMimeObject *o)
{
	GMimeContentDisposition *d = g_mime_object_get_content_disposition(o);

	return d != NULL && GMIME_IS_PART(o) &&
	    (strcasecmp(g_mime_content_disposition_get_disposition(d),
		 "attachment") == 0 ||
		g_mime_part_get_filename(GMIME_PART(o)) != NULL);
}

static void
do_text(struct target *t, GMimeObject *o)
{
	const char *charset =
	    g_mime_object_get_content_type_parameter(o, "charset");
	const struct mixer_charset *cs;
	struct octets text;

	if (is_attachment(o) || !GMIME_IS_PART(o)) {
		do_file(t, o);
		return;
	}
	if (charset == NULL || *charset == '\0')
		charset = "us-ascii";
	text = content(t, o);
	if (mixer_is_ascii(text.p, text.n) && ascii_superset(charset)) {
		put_ia5(t, crlf(t, text));
		return;
	}
	/* 8-bit text without a charset: UTF-8 if it reads as such */
	if (strcasecmp(charset, "us-ascii") == 0)
		charset =
		    g_utf8_validate((const char *)text.p, (gssize)text.n, NULL)
		    ? "utf-8"
		    : "iso-8859-1";
	cs = mixer_charset_by_name(charset);
	if (cs != NULL && strcasecmp(charset, "utf-8") != 0)
		put_general(t, cs, crlf(t, text));
	else if (!put_unicode(t, charset, crlf(t, text)))
		put_file(t, o, text);
}

/* --- encapsulation in IA5 (HARPOON, RFC 2157 3.1.3) --- */

static void
put_opaque(struct target *t, struct octets data)
{
	struct ipm_ftbp f = {.application = MIXER_OID_EMA_UNKNOWN,
	    .description = "MIME entity",
	    .size = (int64_t)data.n,
	    .data = data};
	struct ipm_part *p = add_part(t);

	if (p != NULL)
		ipm_ftbp_put(t->cv->a, &f, p);
}

static void
do_harpoon(struct target *t, GMimeObject *o)
{
	struct octets e = crlf(t, entity(t, o));
	struct buf b = {0};

	if (!mixer_is_ascii(e.p, e.n)) {
		mixer_lose(t->cv, "multipart",
		    "8-bit content: carried as a file of MIME");
		put_opaque(t, e);
		return;
	}
	if (strncasecmp(
		(const char *)e.p, "MIME-Version:", e.n < 13 ? e.n : 13) != 0)
		buf_puts(&b, "MIME-Version: 1.0 (generated by gateway)\r\n");
	buf_append(&b, e.p, e.n);
	put_ia5(
	    t, (struct octets){arena_memdup(t->cv->a, b.data, b.len), b.len});
	buf_free(&b);
}

/* --- what MIME does not account for --- */

static bool
is_blank(struct octets o)
{
	for (size_t i = 0; i < o.n; i++)
		if (o.p[i] != '\0' && strchr(" \t\r\n", o.p[i]) == NULL)
			return false;
	return memchr(o.p, '\0', o.n) == NULL;
}

/* A multipart in which no boundary was found has no parts, and what it holds
 * is still the message: it goes as text where it is text, else as a file. */
static void
put_unparted(struct target *t, struct octets o)
{
	if (o.n == 0 || is_blank(o))
		return;
	mixer_lose(t->cv, "multipart",
	    "no boundary found: all its octets are one body part");
	if (memchr(o.p, '\0', o.n) != NULL ||
	    !put_unicode(t, "utf-8", crlf(t, o)))
		put_opaque(t, o);
}

/* What GMime says it could not use, inside of messages in a message: their
 * octets come to us only as it understood them. */
static void
on_warning(int64_t offset, GMimeParserWarning code, const char *item,
    gpointer user_data)
{
	struct mixer_conv *cv = user_data;

	if (code == GMIME_CRIT_INVALID_HEADER_NAME ||
	    code == GMIME_WARN_MALFORMED_MESSAGE)
		mixer_lose(cv, "header", "octet %lld: no field: %s",
		    (long long)offset,
		    item != NULL ? mixer_one_line(cv->a, item) : "");
}

/* --- X.400 body parts that come home (RFC 2157 3.2) --- */

static void
do_x400_bp(struct target *t, GMimeObject *o)
{
	static const struct ber_limits limits = {
	    .max_size = MIXER_CONTENT_MAX, .max_depth = 64};
	struct octets in = content(t, o);
	unsigned budget = MIXER_PARTS_MAX;
	struct buf b = {0};
	int64_t used = ber_normalise(in.p, in.n, &limits, &b, NULL);
	struct ipm_part *p;

	if (used != (int64_t)in.n || b.len == 0 || b.data[0] >> 6 != 2) {
		buf_free(&b);
		mixer_lose(t->cv, "application/x400-bp",
		    "not a body part; carried as a file");
		put_file(t, o, in);
		return;
	}
	p = add_part(t);
	if (p != NULL) {
		p->raw = (struct octets){
		    arena_memdup(t->cv->a, b.data, b.len), b.len};
		t->r =
		    ipm_part_decode(t->cv->a, p, t->depth, &budget, t->cv->e);
	}
	buf_free(&b);
}

/* --- structure --- */

static void
put_multipart_ext(struct target *t, const char *subtype, bool is_a_message)
{
	struct ipm_ext *x =
	    arena_push(t->cv->a, &t->m->exts.v, &t->m->exts.n, sizeof(*x));
	struct buf b = {0};
	uint8_t no = 0;

	ber_put(&b, BER_UNIVERSAL, BER_IA5_STRING, subtype, strlen(subtype));
	if (!is_a_message)
		ber_put(&b, BER_UNIVERSAL, BER_BOOLEAN, &no, 1);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	x->oid = MIXER_OID_MULTIPART;
	x->value =
	    (struct octets){arena_memdup(t->cv->a, b.data, b.len), b.len};
	buf_free(&b);
}

static void
children(struct target *t, GMimeObject *o)
{
	int n = g_mime_multipart_get_count(GMIME_MULTIPART(o));
	const char *s = g_mime_multipart_get_prologue(GMIME_MULTIPART(o));

	if (n == 0 && s != NULL)
		put_unparted(t, (struct octets){(const uint8_t *)s, strlen(s)});
	for (int i = 0; t->r == 0 && i < n; i++)
		convert(t, g_mime_multipart_get_part(GMIME_MULTIPART(o), i));
}

/* RFC 2157 6.6: what an X.400 user sees of a nested multipart. */
static const struct {
	const char *subtype, *subject;
} subjects[] = {
    {"mixed", "Multipart Message"},
    {"alternative", "Alternative Body Parts containing the same information"},
    {"digest", "Message Digest"},
    {"parallel", "Body Parts interpreted in parallel"},
};

static const char *
multipart_subject(struct target *t, const char *subtype)
{
	for (size_t i = 0; i < COUNT(subjects); i++)
		if (strcasecmp(subjects[i].subtype, subtype) == 0)
			return subjects[i].subject;
	return arena_printf(t->cv->a, "Multipart Message (%s)",
	    mixer_one_line(t->cv->a, subtype));
}

static bool
too_deep(struct target *t)
{
	if (t->depth + 1 <= MIXER_DEPTH_MAX)
		return false;
	t->r = mixer_fail(t->cv, ERR_LIMIT, MHS_CONTENT_SYNTAX_ERROR,
	    "more than %d nested messages", MIXER_DEPTH_MAX);
	return true;
}

static void
do_multipart(struct target *t, GMimeObject *o)
{
	const char *subtype = g_mime_content_type_get_media_subtype(
	    g_mime_object_get_content_type(o));
	struct target in = {.cv = t->cv, .depth = t->depth + 1};
	struct ipm_part *p;
	bool exact;

	if (!GMIME_IS_MULTIPART(o)) {
		do_file(t, o);
		return;
	}
	if (too_deep(t) || (p = add_part(t)) == NULL)
		return;
	in.m = ipm_new(t->cv->a);
	in.m->this_ipm.relative = arena_printf(
	    t->cv->a, "%llx.%x", (unsigned long long)t->cv->now, t->cv->parts);
	in.m->subject = mixer_t61_encode(
	    t->cv->a, multipart_subject(t, subtype), 128, &exact);
	p->type = IPM_MESSAGE;
	p->message = in.m;
	in.cv->depth++;
	children(&in, o);
	in.cv->depth--;
	put_multipart_ext(&in, subtype, false);
	t->r = in.r;
}

/* The text for every reader, the other forms as files beside it. */
static void
do_alternative(struct target *t, GMimeObject *o)
{
	if (!GMIME_IS_MULTIPART(o) || t->depth >= MIXER_DEPTH_MAX) {
		do_multipart(t, o);
		return;
	}
	mixer_lose(t->cv, "multipart/alternative",
	    "alternatives become body parts side by side");
	t->depth++;
	children(t, o);
	t->depth--;
}

static void
do_message(struct target *t, GMimeObject *o)
{
	GMimeMessage *msg = GMIME_IS_MESSAGE_PART(o)
	    ? g_mime_message_part_get_message(GMIME_MESSAGE_PART(o))
	    : NULL;
	struct octets e;
	struct ipm_part *p;
	struct ipm *m;

	if (msg == NULL) {
		do_file(t, o);
		return;
	}
	if (too_deep(t) || (p = add_part(t)) == NULL)
		return;
	/* its own octets, with its own depth */
	e = crlf(t, entity(t, GMIME_OBJECT(msg)));
	t->cv->depth++;
	m = mixer_ipm_from_822(t->cv, e.p, e.n);
	t->cv->depth--;
	if (m == NULL) {
		t->r = t->cv->e != NULL && t->cv->e->code < 0 ? t->cv->e->code
							      : ERR_SYNTAX;
		return;
	}
	/* the array may have moved */
	p = &t->m->parts[t->m->n_parts - 1];
	p->type = IPM_MESSAGE;
	p->message = m;
}

/* First match; "*" is any subtype. */
static const struct {
	const char *type, *subtype;
	handler *fn;
} rows[] = {
    {"text", "plain", do_text},
    {"application", "x400-bp", do_x400_bp},
    {"message", "rfc822", do_message},
    {"message", "external-body", do_harpoon},
    {"multipart", "signed", do_harpoon},
    {"multipart", "encrypted", do_harpoon},
    {"multipart", "alternative", do_alternative},
    {"multipart", "*", do_multipart},
    {"*", "*", do_file},
};

static void
convert(struct target *t, GMimeObject *o)
{
	GMimeContentType *ct = g_mime_object_get_content_type(o);

	for (size_t i = 0; i < COUNT(rows); i++)
		if (g_mime_content_type_is_type(
			ct, rows[i].type, rows[i].subtype)) {
			rows[i].fn(t, o);
			return;
		}
}

/* 6.6: the elements of the outermost multipart are the body parts. */
static void
outermost(struct target *t, GMimeObject *o, struct octets body)
{
	GMimeContentType *ct = g_mime_object_get_content_type(o);

	if (!GMIME_IS_MULTIPART(o) ||
	    g_mime_content_type_is_type(ct, "multipart", "signed") ||
	    g_mime_content_type_is_type(ct, "multipart", "encrypted")) {
		convert(t, o);
		return;
	}
	if (g_mime_multipart_get_count(GMIME_MULTIPART(o)) == 0) {
		put_unparted(t, body);
		return;
	}
	children(t, o);
	if (!g_mime_content_type_is_type(ct, "multipart", "mixed"))
		put_multipart_ext(
		    t, g_mime_content_type_get_media_subtype(ct), true);
}

int
mixer_body_to_400(struct mixer_conv *cv, const uint8_t *p, size_t n,
    size_t body, struct ipm *ipm)
{
	struct target t = {.cv = cv, .m = ipm, .depth = cv->depth};
	GMimeParserOptions *opt = g_mime_parser_options_new();
	GMimeStream *s = g_mime_stream_mem_new_with_buffer((const char *)p, n);
	GMimeParser *parser = g_mime_parser_new_with_stream(s);
	GMimeMessage *msg;
	GMimeObject *root;

	g_mime_parser_options_set_warning_callback(opt, on_warning, cv);
	msg = g_mime_parser_construct_message(parser, opt);
	root = msg != NULL ? g_mime_message_get_mime_part(msg) : NULL;
	if (root != NULL)
		outermost(&t, root, (struct octets){p + body, n - body});
	if (t.r == 0 && ipm->n_parts == 0)
		put_ia5(&t, (struct octets){(const uint8_t *)"", 0});
	if (msg != NULL)
		g_object_unref(msg);
	g_object_unref(parser);
	g_object_unref(s);
	g_mime_parser_options_free(opt);
	return t.r;
}

/* A line that is no field ends the header: it and what follows are the body,
 * so that none of it is lost. The blank line that was not there is put in. */
static int
body_of_bad_header(struct mixer_conv *cv, const uint8_t *p, size_t n,
    size_t body, struct ipm *m)
{
	struct buf b = {0};
	int r;

	mixer_lose(cv, "header",
	    "octet %zu: no field: from here on it became the body", body);
	buf_append(&b, p, body);
	buf_puts(&b, "\r\n");
	buf_append(&b, p + body, n - body);
	r = mixer_body_to_400(cv, b.data, b.len, body + 2, m);
	buf_free(&b);
	return r;
}

struct ipm *
mixer_ipm_from_822(struct mixer_conv *cv, const uint8_t *p, size_t n)
{
	struct ipm *m = ipm_new(cv->a);
	struct mixer_header h;
	int r;

	if (cv->depth > MIXER_DEPTH_MAX) {
		mixer_fail(cv, ERR_LIMIT, MHS_CONTENT_SYNTAX_ERROR,
		    "more than %d nested messages", MIXER_DEPTH_MAX);
		return NULL;
	}
	if (cv->seed == 0)
		cv->seed = mixer_hash(p, n);
	if (mixer_header_parse(cv, p, n, &h) < 0 ||
	    mixer_heading_to_400(cv, &h, m) < 0)
		return NULL;
	r = h.bad ? body_of_bad_header(cv, p, n, h.body, m)
		  : mixer_body_to_400(cv, p, n, h.body, m);
	return r < 0 ? NULL : m;
}
