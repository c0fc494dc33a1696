/*
 * The walk over the MIME structure. A header is read where it lies, decides
 * what becomes of its entity, and goes out; a region (a leaf's body, a
 * preamble, an epilogue) goes out encoded as decided; a boundary line ends it.
 */
#include "smtp/downgrade.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "mhs/utf8_addr.h"
#include "smtp/downgrade_priv.h"

/* --- boundaries --- */

/* Is this line a boundary of an open multipart? */
static bool
is_boundary(const struct smtp_downgrade *d, size_t at, size_t end,
    size_t *level, bool *last)
{
	if (end - at < 3 || d->p[at] != '-' || d->p[at + 1] != '-')
		return false;
	for (size_t i = d->n_levels; i-- > 0;) {
		const struct dg_level *l = &d->levels[i];
		size_t rest = at + 2 + l->n;

		if (end - at < 2 + l->n ||
		    memcmp(d->p + at + 2, l->boundary, l->n) != 0)
			continue;
		*last = end - rest >= 2 && d->p[rest] == '-' &&
		    d->p[rest + 1] == '-';
		rest += *last ? 2 : 0;
		while (rest < end && (d->p[rest] == ' ' || d->p[rest] == '\t'))
			rest++;
		*level = i;
		if (rest == end)
			return true;
	}
	return false;
}

/* The first boundary line from `at`, a line's start. */
static struct dg_mark
find_mark(const struct smtp_downgrade *d, size_t at)
{
	struct dg_mark m = {.end = d->n, .line = d->n};
	size_t before = at;

	if (d->n_levels == 0)
		return m;
	while (at < d->n) {
		struct dg_line l = dg_line_at(d, at, d->n);

		if (is_boundary(d, at, l.end, &m.level, &m.last)) {
			m.found = true;
			m.end = before;
			m.line = at;
			return m;
		}
		before = l.end;
		at = l.next;
	}
	return m;
}

/* --- what becomes of an entity --- */

static bool
is_type(const struct dg_entity *x, const char *type, const char *subtype)
{
	return strcmp(x->type, type) == 0 &&
	    (subtype == NULL || strcmp(x->subtype, subtype) == 0);
}

static bool
is_identity(const struct dg_entity *x)
{
	return x->encoding == DG_7BIT || x->encoding == DG_8BIT ||
	    x->encoding == DG_BINARY;
}

static bool
must_change(const struct smtp_downgrade *d, const struct dg_survey *s)
{
	size_t most = d->o.line_max;

	if (most == 0 && d->o.binary)
		most = DG_LINE_PLAIN;
	return (s->eight && !d->o.eight) ||
	    (d->o.binary && (s->nul || s->bare)) ||
	    (most > 0 && s->longest > most);
}

static int
refuse(
    const struct smtp_downgrade *d, size_t at, const char *what, struct err *e)
{
	return err_at(e, DG_LAYER, ERR_UNSUPPORTED, at,
	    "%s has %s data, which the server does not take, and may not be "
	    "rewritten",
	    what, d->o.eight ? "long lines or binary" : "8-bit");
}

/* The encoding that an entity left as it is may claim here. */
static void
relabel(struct smtp_downgrade *d, bool eight)
{
	const struct dg_entity *x = &d->entity;

	if (x->encoding != DG_BINARY && (x->encoding != DG_8BIT || d->o.eight))
		return;
	d->drop_encoding = true;
	d->encoding = eight && d->o.eight ? "8bit" : "7bit";
}

/* RFC 6532 3.7, RFC 6533 6: of message/, these may be encoded. */
static bool
may_encode(const struct dg_entity *x)
{
	return strcmp(x->type, "message") != 0 ||
	    strncmp(x->subtype, "global", 6) == 0;
}

/* Quoted-printable where it is shorter, and people can read it. */
static enum dg_how
choose(const struct dg_entity *x, const struct dg_survey *s, size_t n)
{
	bool text = is_type(x, "text", NULL) || is_type(x, "message", NULL);

	return text && x->encoding != DG_BINARY && !s->nul &&
		s->specials * 6 < n + 600
	    ? DG_QP
	    : DG_BASE64;
}

/* RFC 1428 3, RFC 6152 3: 8-bit text that nothing is said about. */
static void
describe(
    struct smtp_downgrade *d, const struct dg_survey *s, size_t at, size_t n)
{
	if (d->entity.has_type || !s->eight)
		return;
	d->content_type = mhs_utf8_valid((const char *)d->p + at, n)
	    ? "text/plain; charset=utf-8"
	    : "text/plain; charset=unknown-8bit";
}

static int
plan_leaf(struct smtp_downgrade *d, struct err *e)
{
	struct dg_entity *x = &d->entity;
	size_t at = d->fields_end;
	struct dg_survey s;

	d->mark = find_mark(d, at);
	s = dg_survey(d, at, d->mark.end);
	d->after_fields = DG_BODY;
	if (!must_change(d, &s)) {
		d->encoder.how = DG_COPY;
		relabel(d, s.eight);
		return 0;
	}
	if (x->encoding == DG_IS_QP || x->encoding == DG_IS_BASE64) {
		d->encoder.how =
		    x->encoding == DG_IS_QP ? DG_FIX_QP : DG_FIX_BASE64;
		return 0;
	}
	if (x->encoding == DG_UNKNOWN)
		return refuse(d, at, "a part of unknown encoding", e);
	if (is_type(x, "multipart", NULL) || !may_encode(x))
		return refuse(d, at, "a part of its type", e);
	d->encoder.how = choose(x, &s, d->mark.end - at);
	d->drop_encoding = true;
	d->encoding = d->encoder.how == DG_QP ? "quoted-printable" : "base64";
	describe(d, &s, at, d->mark.end - at);
	return 0;
}

/* RFC 1847 2.1: untouched or not at all. Returns 1 if it is to be opened. */
static int
plan_signed(struct smtp_downgrade *d, struct err *e)
{
	struct dg_mark m = find_mark(d, d->fields_end);
	struct dg_survey s = dg_survey(d, d->fields_end, m.end);

	if (must_change(d, &s))
		return d->o.rewrite_signed
		    ? 1
		    : refuse(d, d->fields_end, "a signed part", e);
	d->mark = m;
	d->encoder.how = DG_COPY;
	d->after_fields = DG_BODY;
	return 0;
}

static int
too_deep(const struct smtp_downgrade *d, struct err *e)
{
	return err_at(e, DG_LAYER, ERR_LIMIT, d->at,
	    "parts are nested more than %d deep", SMTP_DOWNGRADE_DEPTH);
}

static int
plan_multipart(struct smtp_downgrade *d, struct err *e)
{
	const struct dg_entity *x = &d->entity;
	struct dg_level *l;

	if (is_type(x, "multipart", "signed")) {
		int rc = plan_signed(d, e);

		if (rc <= 0)
			return rc;
	}
	if (d->n_levels == SMTP_DOWNGRADE_DEPTH)
		return too_deep(d, e);
	l = &d->levels[d->n_levels++];
	memcpy(l->boundary, x->boundary, sizeof(l->boundary));
	l->n = strlen(l->boundary);
	l->digest = is_type(x, "multipart", "digest");
	l->messages = d->messages;
	relabel(d, true);
	d->mark = find_mark(d, d->fields_end);
	d->encoder.how = DG_CLEAN; /* the preamble */
	d->after_fields = DG_BODY;
	return 0;
}

static int
plan_message(struct smtp_downgrade *d, struct err *e)
{
	if (d->messages == SMTP_DOWNGRADE_DEPTH)
		return too_deep(d, e);
	d->messages++;
	d->in_message = true;
	relabel(d, true);
	d->after_fields = DG_HEADER;
	return 0;
}

/* --- states --- */

/* An entity's header ends at the latest with the boundary after it. */
static int
on_header(struct smtp_downgrade *d, struct buf *out, struct err *e)
{
	bool top = d->at == 0 || d->in_message;
	bool digest = d->n_levels > 0 && d->levels[d->n_levels - 1].digest &&
	    d->messages == d->levels[d->n_levels - 1].messages;
	const struct dg_entity *x = &d->entity;
	struct dg_mark m = {.line = d->n};
	int rc;

	(void)out;
	d->drop_encoding = d->add_version = d->in_field = false;
	d->in_message = false;
	d->encoding = d->content_type = NULL;
	d->encoder = (struct dg_encoder){0};
	for (size_t at = d->at; d->n_levels > 0 && at < d->n;) {
		struct dg_line l = dg_line_at(d, at, d->n);

		if (l.end == at)
			break;
		if (is_boundary(d, at, l.end, &m.level, &m.last)) {
			m.line = at;
			break;
		}
		at = l.next;
	}
	rc = dg_header_read(
	    d, d->at, m.line, digest, &d->entity, &d->fields_end, &d->blank, e);
	if (rc < 0)
		return rc;
	d->state = DG_FIELDS;
	if (is_type(x, "multipart", NULL) && is_identity(x) &&
	    x->boundary[0] != '\0')
		rc = plan_multipart(d, e);
	else if (is_type(x, "message", "rfc822") && is_identity(x))
		rc = plan_message(d, e);
	else
		rc = plan_leaf(d, e);
	d->add_version = top && !x->has_version &&
	    (d->encoding != NULL || d->content_type != NULL);
	return rc < 0 ? rc : 1;
}

static void
put_added(struct smtp_downgrade *d, struct buf *out)
{
	if (d->add_version)
		buf_puts(out, "MIME-Version: 1.0\r\n");
	if (d->content_type != NULL)
		buf_printf(out, "Content-Type: %s\r\n", d->content_type);
	if (d->encoding != NULL)
		buf_printf(
		    out, "Content-Transfer-Encoding: %s\r\n", d->encoding);
	d->add_version = false;
	d->content_type = d->encoding = NULL;
}

/* The header is out, or its empty line comes. */
static void
end_fields(struct smtp_downgrade *d, struct buf *out)
{
	bool added = d->encoding != NULL || d->content_type != NULL;

	put_added(d, out);
	if (d->blank || added)
		buf_append(out, "\r\n", 2);
	d->at = d->fields_end;
	d->state = d->after_fields;
}

static void
skip_field(struct smtp_downgrade *d)
{
	do {
		d->at = dg_line_at(d, d->at, d->fields_end).next;
	} while (d->at < d->fields_end &&
	    (d->p[d->at] == ' ' || d->p[d->at] == '\t'));
}

/* Where to fold a line that is too long: before the last blank that fits with
 * something else on both sides; 0: nowhere. */
static size_t
fold_at(const uint8_t *p, size_t n, size_t most)
{
	size_t first = 0, last = n;

	while (first < n && (p[first] == ' ' || p[first] == '\t'))
		first++;
	while (last > 0 && (p[last - 1] == ' ' || p[last - 1] == '\t'))
		last--;
	for (size_t i = most; i > first; i--)
		if (i < last && (p[i] == ' ' || p[i] == '\t'))
			return i;
	return 0;
}

static int
put_field_line(struct smtp_downgrade *d, struct buf *out, struct err *e)
{
	size_t most = d->o.line_max;
	struct dg_line l = dg_line_within(
	    d, d->at, most > 0 ? most + 2 : DG_PIECE, d->fields_end);
	size_t n = l.end - d->at;
	bool whole = l.next > l.end || l.end == d->fields_end;

	if (most > 0 && n > most) {
		n = fold_at(d->p + d->at, n, most);
		if (n == 0)
			return err_at(e, DG_LAYER, ERR_UNSUPPORTED, d->at,
			    "a header line of more than %zu octets cannot be "
			    "folded",
			    most);
		whole = false;
	}
	buf_append(out, d->p + d->at, n);
	if (whole || most > 0)
		buf_append(out, "\r\n", 2);
	d->at = whole ? l.next : d->at + n;
	d->in_field = !whole;
	return 1;
}

static int
on_fields(struct smtp_downgrade *d, struct buf *out, struct err *e)
{
	size_t most = out->len + DG_PIECE;

	while (out->len < most) {
		if (d->at >= d->fields_end ||
		    (!d->in_field && d->blank &&
			dg_break(d, d->at, d->fields_end) > 0)) {
			end_fields(d, out);
			return 1;
		}
		if (!d->in_field && d->drop_encoding &&
		    dg_field_is(
			d, d->at, d->fields_end, "Content-Transfer-Encoding"))
			skip_field(d);
		else if (put_field_line(d, out, e) < 0)
			return ERR_UNSUPPORTED;
	}
	return 1;
}

static int
on_body(struct smtp_downgrade *d, struct buf *out, struct err *e)
{
	(void)e;
	/* a header that ran into its boundary has no body */
	if (d->at < d->mark.end) {
		dg_encode(d, d->mark.end, out);
		return 1;
	}
	dg_encode_end(d, out);
	d->state = d->mark.found ? DG_MARK : DG_END;
	return 1;
}

static int
on_mark(struct smtp_downgrade *d, struct buf *out, struct err *e)
{
	const struct dg_mark *m = &d->mark;
	const struct dg_level *l = &d->levels[m->level];
	struct dg_line line = dg_line_at(d, m->line, d->n);

	(void)e;
	if (m->line > m->end)
		buf_append(out, "\r\n", 2);
	buf_printf(out, "--%s%s\r\n", l->boundary, m->last ? "--" : "");
	d->at = line.next;
	d->messages = l->messages;
	d->encoder = (struct dg_encoder){.how = DG_CLEAN};
	d->n_levels = m->last ? m->level : m->level + 1;
	if (m->last) {
		d->mark = find_mark(d, d->at); /* the epilogue */
		d->state = DG_BODY;
	} else {
		d->state = DG_HEADER;
	}
	return 1;
}

/* --- the whole --- */

struct smtp_downgrade *
smtp_downgrade_new(
    const struct smtp_downgrade_options *o, const uint8_t *p, size_t n)
{
	struct smtp_downgrade *d = xcalloc(1, sizeof(*d));

	d->o = *o;
	d->p = p;
	d->n = n;
	return d;
}

void
smtp_downgrade_free(struct smtp_downgrade **d)
{
	free(*d);
	*d = NULL;
}

int
smtp_downgrade_next(struct smtp_downgrade *d, struct buf *out, struct err *e)
{
	static int (*const on_state[])(
	    struct smtp_downgrade * d, struct buf * out, struct err * e) = {
	    [DG_HEADER] = on_header,
	    [DG_FIELDS] = on_fields,
	    [DG_BODY] = on_body,
	    [DG_MARK] = on_mark,
	};
	size_t before = out->len;
	int rc;

	if (d->state == DG_END) {
		if (d->last != '\n' && d->last != 0)
			buf_append(out, "\r\n", 2);
		d->last = 0;
		return 0;
	}
	rc = on_state[d->state](d, out, e);
	if (out->len > before)
		d->last = out->data[out->len - 1];
	return rc;
}

int64_t
smtp_downgrade_size(const struct smtp_downgrade_options *o, const uint8_t *p,
    size_t n, struct err *e)
{
	struct smtp_downgrade *d = smtp_downgrade_new(o, p, n);
	struct buf piece = {0};
	int64_t size = 0;
	int rc;

	do {
		rc = smtp_downgrade_next(d, &piece, e);
		size += (int64_t)piece.len;
		buf_clear(&piece);
	} while (rc > 0);
	buf_free(&piece);
	smtp_downgrade_free(&d);
	return rc < 0 ? rc : size;
}

const char *
smtp_downgrade_status(const struct err *e)
{
	return e->detail == 9 ? "5.6.9" : "5.6.3";
}
