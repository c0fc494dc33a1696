#include "mixer/internal.h"

#include <string.h>
#include <strings.h>

#define FOLD_AT 76

/* The end of the line at p: *len without CR LF, result behind it. */
static size_t
line_end(const uint8_t *p, size_t n, size_t *len)
{
	const uint8_t *nl = memchr(p, '\n', n);
	size_t end = nl == NULL ? n : (size_t)(nl - p);

	*len = end > 0 && p[end - 1] == '\r' ? end - 1 : end;
	return nl == NULL ? n : end + 1;
}

/* Length of a field name that a colon follows (spaces between allowed). */
static size_t
name_length(const uint8_t *p, size_t n)
{
	size_t i = 0, k;

	while (i < n && p[i] > ' ' && p[i] < 0x7f && p[i] != ':')
		i++;
	for (k = i; k < n && (p[k] == ' ' || p[k] == '\t');)
		k++;
	return k < n && p[k] == ':' ? i : 0;
}

static const char *
clean(struct arena *a, const struct buf *b)
{
	const uint8_t *p = b->data;
	size_t n = b->len;
	char *s;

	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	s = arena_strndup(a, (const char *)p, n);
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)s[i] < 0x20 || s[i] == 0x7f)
			s[i] = ' ';
	return s;
}

int
mixer_header_parse(
    struct mixer_conv *cv, const uint8_t *p, size_t n, struct mixer_header *out)
{
	struct buf value = {0};
	size_t at = 0;
	int r = 0;

	*out = (struct mixer_header){0};
	while (at < n) {
		size_t len, next = at + line_end(p + at, n - at, &len);
		size_t name = name_length(p + at, len);
		struct mixer_field *f;

		if (len == 0 || name == 0) {
			out->bad = len != 0;
			out->body = len == 0 ? next : at;
			break;
		}
		if (out->n >= MIXER_FIELDS_MAX) {
			r = mixer_fail(cv, ERR_LIMIT, MHS_CONTENT_SYNTAX_ERROR,
			    "more than %d header fields", MIXER_FIELDS_MAX);
			break;
		}
		f = arena_push(cv->a, &out->v, &out->n, sizeof(*f));
		f->name = arena_strndup(cv->a, (const char *)p + at, name);
		buf_clear(&value);
		for (size_t i = at + name; i < at + len; i++)
			if (p[i] == ':') {
				buf_append(&value, p + i + 1, at + len - i - 1);
				break;
			}
		at = out->body = next;
		while (at < n && (p[at] == ' ' || p[at] == '\t')) {
			next = at + line_end(p + at, n - at, &len);
			buf_append(&value, p + at, len);
			at = out->body = next;
		}
		f->value = clean(cv->a, &value);
	}
	buf_free(&value);
	return r;
}

const char *
mixer_header_get(const struct mixer_header *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcasecmp(h->v[i].name, name) == 0)
			return h->v[i].value;
	return NULL;
}

void
mixer_field_put(struct buf *out, const char *name, const char *value)
{
	size_t column = strlen(name) + 1;

	buf_printf(out, "%s:", name);
	while (*value == ' ')
		value++;
	while (*value != '\0') {
		/* a word with the spaces before it */
		size_t spaces = strspn(value, " "), n;

		n = spaces + strcspn(value + spaces, " ");
		if (value[spaces] == '\0')
			break;
		if (column > strlen(name) + 1 && column + n > FOLD_AT &&
		    spaces > 0) {
			buf_puts(out, "\r\n");
			column = 0;
		} else if (spaces == 0) {
			buf_putc(out, ' ');
		}
		for (size_t i = 0; i < n; i++)
			if ((uint8_t)value[i] >= 0x20 && value[i] != 0x7f)
				buf_putc(out, (uint8_t)value[i]);
		column += n;
		value += n;
	}
	buf_puts(out, "\r\n");
}
