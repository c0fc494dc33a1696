/* Selectors and their text. */
#include "osi/osi.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int
parse_hex(const char *text, struct osi_sel *out, struct err *e)
{
	size_t n = strlen(text);

	if (n % 2 != 0)
		return err_set(e, "osi", ERR_SYNTAX,
		    "selector 0x%s: an odd number of digits", text);
	if (n / 2 > OSI_SEL_MAX)
		return err_set(e, "osi", ERR_LIMIT,
		    "selector of %zu octets: at most %d", n / 2, OSI_SEL_MAX);
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return err_at(e, "osi", ERR_SYNTAX, i + 2,
			    "selector 0x%s: not a hexadecimal digit", text);
		out->v[out->n++] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static int
parse_ascii(const char *text, struct osi_sel *out, struct err *e)
{
	size_t n = strlen(text);

	if (n > OSI_SEL_MAX)
		return err_set(e, "osi", ERR_LIMIT,
		    "selector of %zu octets: at most %d", n, OSI_SEL_MAX);
	for (size_t i = 0; i < n; i++)
		if (!isascii((unsigned char)text[i]) ||
		    !isprint((unsigned char)text[i]))
			return err_at(e, "osi", ERR_SYNTAX, i,
			    "selector: not printable ASCII; write it as 0x...");
	memcpy(out->v, text, n);
	out->n = (uint8_t)n;
	return 0;
}

int
osi_sel_parse(const char *text, struct osi_sel *out, struct err *e)
{
	int r;

	*out = (struct osi_sel){0};
	if (text == NULL)
		return 0;
	if (strncmp(text, "0x", 2) == 0)
		r = parse_hex(text + 2, out, e);
	else
		r = parse_ascii(text, out, e);
	if (r != 0)
		*out = (struct osi_sel){0};
	else
		out->present = true;
	return r;
}

/* Text that osi_sel_parse() would read back as the same selector. */
static bool
prints_as_ascii(const struct osi_sel *s)
{
	if (s->n == 0 || (s->n >= 2 && memcmp(s->v, "0x", 2) == 0))
		return false;
	if (s->n == 1 && s->v[0] == '-')
		return false; /* "-" says absent */
	for (size_t i = 0; i < s->n; i++)
		if (!isascii(s->v[i]) || !isgraph(s->v[i]))
			return false;
	return true;
}

const char *
osi_sel_text(const struct osi_sel *s, char *out, size_t size)
{
	size_t used;

	if (!s->present) {
		snprintf(out, size, "-");
	} else if (prints_as_ascii(s)) {
		snprintf(out, size, "%.*s", (int)s->n, (const char *)s->v);
	} else {
		used = (size_t)snprintf(out, size, "0x");
		for (size_t i = 0; i < s->n && used + 3 <= size; i++, used += 2)
			snprintf(out + used, size - used, "%02x", s->v[i]);
	}
	return out;
}

bool
osi_sel_equal(const struct osi_sel *a, const struct osi_sel *b)
{
	return a->present == b->present && a->n == b->n &&
	    memcmp(a->v, b->v, a->n) == 0;
}

unsigned
osi_depth(const struct osi_common *c, unsigned otherwise)
{
	if (c->max_depth == 0)
		return otherwise;
	return c->max_depth < OSI_DEPTH_MAX - OSI_DEPTH_AROUND
	    ? c->max_depth + OSI_DEPTH_AROUND
	    : OSI_DEPTH_MAX;
}

struct osi_selectors
osi_ours(const struct osi_common *c, const struct osi_sel *called_tsel)
{
	const struct osi_selectors *ours =
	    c->ours != NULL ? c->ours(c->serves_arg, called_tsel) : NULL;

	return ours != NULL ? *ours : (struct osi_selectors){0};
}
