#include "qmgr/control_row.h"

#include <stdlib.h>
#include <string.h>

/* --- writing --- */

static bool
is_plain(uint8_t c)
{
	return c >= ' ' && c != 0x7f && c != '\\';
}

static void
put_escaped(struct buf *out, const char *s)
{
	while (*s != '\0') {
		size_t n = 0;

		while (is_plain((uint8_t)s[n]))
			n++;
		buf_append(out, s, n);
		s += n;
		if (*s != '\0')
			buf_printf(out, "\\x%02x", (uint8_t)*s++);
	}
}

void
q_row_begin(struct buf *out, const char *type)
{
	buf_puts(out, type);
}

static void
put_name(struct buf *out, const char *name, enum q_row_kind kind)
{
	buf_putc(out, '\t');
	buf_puts(out, name);
	buf_putc(out, (uint8_t)kind);
}

void
q_row_text(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	put_name(out, name, Q_ROW_TEXT);
	put_escaped(out, value);
}

void
q_row_int(struct buf *out, const char *name, int64_t value)
{
	uint64_t v = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[24], *at = digits + sizeof(digits);

	/* a listing has millions of them */
	do {
		*--at = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	if (value < 0)
		*--at = '-';
	put_name(out, name, Q_ROW_NUMBER);
	buf_append(out, at, (size_t)(digits + sizeof(digits) - at));
}

void
q_row_real(struct buf *out, const char *name, double value)
{
	put_name(out, name, Q_ROW_NUMBER);
	buf_printf(out, "%.2f", value);
}

void
q_row_bool(struct buf *out, const char *name, bool value)
{
	put_name(out, name, Q_ROW_BOOL);
	buf_putc(out, value ? '1' : '0');
}

void
q_row_end(struct buf *out)
{
	buf_putc(out, '\n');
}

/* --- reading --- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
name_length(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') ||
	    is_digit(s[n]) || s[n] == '_' || s[n] == '-')
		n++;
	return n;
}

static int
hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. False: an escape that is none, or a control character, or one that
 * would end the text. */
static bool
unescape(char *s)
{
	char *to = s;

	while (*s != '\0') {
		int high, low;

		if (is_plain((uint8_t)*s)) {
			*to++ = *s++;
			continue;
		}
		if (s[0] != '\\' || s[1] != 'x')
			return false;
		high = hex_digit(s[2]);
		low = high >= 0 ? hex_digit(s[3]) : -1;
		if (low < 0 || high + low == 0)
			return false;
		*to++ = (char)(high << 4 | low);
		s += 4;
	}
	*to = '\0';
	return true;
}

static bool
is_number(const char *s)
{
	s += *s == '-';
	if (!is_digit(*s) || (*s == '0' && is_digit(s[1])))
		return false;
	while (is_digit(*s))
		s++;
	if (*s == '.' && is_digit(s[1]))
		for (s++; is_digit(*s); s++)
			;
	return *s == '\0';
}

static bool
is_good(enum q_row_kind kind, char *value)
{
	switch (kind) {
	case Q_ROW_TEXT: return unescape(value);
	case Q_ROW_NUMBER: return is_number(value);
	case Q_ROW_BOOL:
		return (*value == '0' || *value == '1') && value[1] == '\0';
	}
	return false;
}

static int
parse_field(char *word, uint64_t at, struct q_row *row, struct err *e)
{
	struct q_row_field *f;
	size_t n = name_length(word);
	char kind = word[n];

	if (n == 0 ||
	    (kind != Q_ROW_TEXT && kind != Q_ROW_NUMBER && kind != Q_ROW_BOOL))
		return err_at(e, "control", ERR_SYNTAX, at, "not a field");
	if (row->n == Q_ROW_FIELDS)
		return err_at(e, "control", ERR_LIMIT, at,
		    "more than %u fields", Q_ROW_FIELDS);
	word[n] = '\0';
	if (q_row_get(row, word) != NULL)
		return err_at(
		    e, "control", ERR_SYNTAX, at, "%s is there twice", word);
	f = &row->v[row->n++];
	*f = (struct q_row_field){word, (enum q_row_kind)kind, word + n + 1};
	if (!is_good(f->kind, word + n + 1))
		return err_at(e, "control", ERR_SYNTAX, at + n + 1,
		    "%s: not a value of its kind", f->name);
	return 0;
}

int
q_row_parse(char *p, size_t n, struct q_row *row, struct err *e)
{
	char *word = p, *next;

	row->n = 0;
	row->type = p;
	p[n] = '\0';
	if (strlen(p) != n)
		return err_at(e, "control", ERR_SYNTAX, strlen(p), "a NUL");
	next = strchr(word, '\t');
	if (next != NULL)
		*next++ = '\0';
	if (name_length(word) == 0 || word[name_length(word)] != '\0')
		return err_at(e, "control", ERR_SYNTAX, 0, "no type");
	while ((word = next) != NULL) {
		int rc;

		next = strchr(word, '\t');
		if (next != NULL)
			*next++ = '\0';
		rc = parse_field(word, (uint64_t)(word - p), row, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

const struct q_row_field *
q_row_get(const struct q_row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++)
		if (strcmp(row->v[i].name, name) == 0)
			return &row->v[i];
	return NULL;
}

const char *
q_row_get_text(const struct q_row *row, const char *name)
{
	const struct q_row_field *f = q_row_get(row, name);

	return f != NULL ? f->value : "";
}

int64_t
q_row_get_int(const struct q_row *row, const char *name)
{
	const struct q_row_field *f = q_row_get(row, name);

	return f != NULL && f->kind == Q_ROW_NUMBER
	    ? strtoll(f->value, NULL, 10)
	    : 0;
}

bool
q_row_get_bool(const struct q_row *row, const char *name)
{
	const struct q_row_field *f = q_row_get(row, name);

	return f != NULL && f->kind == Q_ROW_BOOL && *f->value == '1';
}
