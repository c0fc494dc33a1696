/*
 * The header of an entity (RFC 5322 2.2, RFC 2045 5, 6) as far as the
 * downgrade must know it.
 */
#include <string.h>
#include <strings.h>

#include "smtp/downgrade_priv.h"

/* A field's value on one line. */
struct value {
	char s[SMTP_DOWNGRADE_FIELD_MAX + 1];
	size_t n, at;
};

static size_t
name_length(const struct smtp_downgrade *d, size_t at, size_t limit)
{
	size_t n = 0;

	while (at + n < limit && n < 80 && d->p[at + n] > ' ' &&
	    d->p[at + n] < 127 && d->p[at + n] != ':')
		n++;
	return n;
}

bool
dg_field_is(
    const struct smtp_downgrade *d, size_t at, size_t limit, const char *name)
{
	size_t n = name_length(d, at, limit);
	size_t colon = at + n;

	if (n != strlen(name) ||
	    strncasecmp((const char *)d->p + at, name, n) != 0)
		return false;
	while (colon < limit && (d->p[colon] == ' ' || d->p[colon] == '\t'))
		colon++;
	return colon < limit && d->p[colon] == ':';
}

/* The value of the field at `at`, without its line ends. */
static int
read_value(const struct smtp_downgrade *d, size_t at, size_t limit,
    struct value *v, struct err *e)
{
	size_t start = at;
	bool colon = false;

	v->n = v->at = 0;
	while (at < limit) {
		size_t n = dg_break(d, at, limit);

		if (n > 0) {
			at += n;
			if (at >= limit ||
			    (d->p[at] != ' ' && d->p[at] != '\t'))
				break;
			continue;
		}
		if (v->n == SMTP_DOWNGRADE_FIELD_MAX)
			return err_at(e, DG_LAYER, ERR_LIMIT, start,
			    "a Content- field is longer than %d octets",
			    SMTP_DOWNGRADE_FIELD_MAX);
		if (colon)
			v->s[v->n++] = d->p[at] == 0 ? ' ' : (char)d->p[at];
		colon |= d->p[at++] == ':';
	}
	v->s[v->n] = '\0';
	return 0;
}

/* --- tokens (RFC 2045 5.1) --- */

/* Blanks and comments. */
static void
skip_cfws(struct value *v)
{
	unsigned depth = 0;

	for (; v->at < v->n; v->at++) {
		char c = v->s[v->at];

		if (depth > 0 && c == '\\' && v->at + 1 < v->n)
			v->at++;
		else if (c == '(')
			depth++;
		else if (depth > 0)
			depth -= c == ')';
		else if (c != ' ' && c != '\t')
			return;
	}
}

static size_t
token(struct value *v, char *out, size_t size)
{
	size_t n = 0;

	skip_cfws(v);
	while (v->at < v->n &&
	    strchr("()<>@,;:\\\"/[]?= \t", v->s[v->at]) == NULL) {
		char c = v->s[v->at++];

		if (n + 1 < size)
			out[n] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		n++;
	}
	out[n < size ? n : size - 1] = '\0';
	return n;
}

static bool
take(struct value *v, char c)
{
	skip_cfws(v);
	if (v->at >= v->n || v->s[v->at] != c)
		return false;
	v->at++;
	return true;
}

/* A parameter's value, its case kept. Returns its length, which may be beyond
 * `size`. */
static size_t
parameter(struct value *v, char *out, size_t size)
{
	size_t n = 0;
	bool quoted = take(v, '"');

	for (; v->at < v->n; v->at++) {
		char c = v->s[v->at];

		if (quoted ? c == '"' : strchr(" \t;(", c) != NULL)
			break;
		if (quoted && c == '\\' && v->at + 1 < v->n)
			c = v->s[++v->at];
		if (n + 1 < size)
			out[n] = c;
		n++;
	}
	if (quoted && v->at < v->n)
		v->at++;
	out[n < size ? n : size - 1] = '\0';
	return n;
}

static void
read_type(struct value *v, struct dg_entity *x)
{
	char name[16], value[DG_BOUNDARY_MAX + 1];
	size_t n;

	token(v, x->type, sizeof(x->type));
	if (take(v, '/'))
		token(v, x->subtype, sizeof(x->subtype));
	while (v->at < v->n) {
		if (!take(v, ';')) {
			v->at++;
			continue;
		}
		token(v, name, sizeof(name));
		if (!take(v, '='))
			continue;
		n = parameter(v, value, sizeof(value));
		/* the empty boundary is every line's; RFC 2046 has none */
		if (strcmp(name, "boundary") == 0 && n > 0 &&
		    n < sizeof(value) && x->boundary[0] == '\0')
			memcpy(x->boundary, value, n + 1);
	}
}

static void
read_encoding(struct value *v, struct dg_entity *x)
{
	static const struct {
		const char *name;
		enum dg_encoding encoding;
	} known[] = {
	    {"7bit", DG_7BIT},
	    {"8bit", DG_8BIT},
	    {"binary", DG_BINARY},
	    {"quoted-printable", DG_IS_QP},
	    {"base64", DG_IS_BASE64},
	};
	char name[32];

	token(v, name, sizeof(name));
	x->encoding = name[0] == '\0' ? DG_7BIT : DG_UNKNOWN;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			x->encoding = known[i].encoding;
}

/* Of a field that is there twice the first counts. */
static int
read_field(const struct smtp_downgrade *d, size_t at, size_t limit,
    struct dg_entity *x, struct err *e)
{
	struct value v;
	int rc = 0;

	if (dg_field_is(d, at, limit, "MIME-Version")) {
		x->has_version = true;
	} else if (dg_field_is(d, at, limit, "Content-Type")) {
		if (!x->has_type && (rc = read_value(d, at, limit, &v, e)) == 0)
			read_type(&v, x);
		x->has_type = true;
	} else if (dg_field_is(d, at, limit, "Content-Transfer-Encoding")) {
		if (!x->has_encoding &&
		    (rc = read_value(d, at, limit, &v, e)) == 0)
			read_encoding(&v, x);
		x->has_encoding = true;
	}
	return rc;
}

static int
check_line(const struct smtp_downgrade *d, size_t at, size_t end, struct err *e)
{
	if (d->o.utf8_headers || !buf_has_8bit(d->p + at, end - at))
		return 0;
	while (d->p[at] < 128)
		at++;
	err_at(e, DG_LAYER, ERR_UNSUPPORTED, at,
	    "a header has 8-bit data, which needs SMTPUTF8");
	if (e != NULL)
		e->detail = 9;
	return ERR_UNSUPPORTED;
}

int
dg_header_read(const struct smtp_downgrade *d, size_t at, size_t limit,
    bool digest, struct dg_entity *out, size_t *end, bool *blank, struct err *e)
{
	int rc = 0;

	*out = (struct dg_entity){0};
	*blank = false;
	while (at < limit && !*blank) {
		struct dg_line l = dg_line_at(d, at, limit);

		*blank = l.end == at;
		if (!*blank && (rc = check_line(d, at, l.end, e)) < 0)
			return rc;
		if (!*blank && d->p[at] != ' ' && d->p[at] != '\t' &&
		    (rc = read_field(d, at, limit, out, e)) < 0)
			return rc;
		at = l.next;
	}
	*end = at;
	if (!out->has_type) {
		strncpy(out->type, digest ? "message" : "text",
		    sizeof(out->type) - 1);
		strncpy(out->subtype, digest ? "rfc822" : "plain",
		    sizeof(out->subtype) - 1);
	}
	return 0;
}
