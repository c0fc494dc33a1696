/* Addresses for 1984 and back (RFC 1328 3). */
#include <string.h>
#include <strings.h>

#include "mhs/or_charset.h"
#include "p1/downgrade.h"

#define LAYER "p1"
#define DDAS_MAX 4
#define VALUE_MAX 128 /* ub-domain-defined-attribute-value-length */
#define COMMON "Common"

/* The DDAs of a whole address, in their order. */
static const char *const whole[DDAS_MAX] = {
    "X400-88", "X400-C1", "X400-C2", "X400-C3"};

static bool
is_1984(const struct mhs_or_attr *at)
{
	return (at->type <= MHS_OR_UNIT4 || at->type == MHS_OR_DDA) &&
	    (at->form == MHS_OR_PRINTABLE || at->form == MHS_OR_NUMERIC);
}

/* Is the same said in a form that 1984 has? The first of several. */
static bool
said_before(const struct mhs_or *ora, const struct mhs_or_attr *at)
{
	for (const struct mhs_or_attr *b = ora->attrs;
	     b < ora->attrs + ora->n_attrs; b++) {
		if (b->type != at->type || b == at)
			continue;
		if (b->form == MHS_OR_PRINTABLE || b->form == MHS_OR_NUMERIC)
			return true;
	}
	return false;
}

/* PrintableString, or NULL when it cannot be. */
static const char *
printable(struct arena *a, const struct mhs_or_attr *at)
{
	const char *text =
	    at->form == MHS_OR_RAW ? NULL : mhs_or_attr_utf8(a, at);

	return text != NULL && text[0] != '\0' &&
		mhs_printable(text, strlen(text))
	    ? text
	    : NULL;
}

static int
put_attr(struct arena *a, struct mhs_or *out, const struct mhs_or *ora,
    const struct mhs_or_attr *at, struct err *e)
{
	const char *text;

	if (is_1984(at) && at->type == MHS_OR_DDA)
		return mhs_or_add_dda(
		    a, out, at->form, at->dda_type, at->value, e);
	if (is_1984(at))
		return mhs_or_add(
		    a, out, at->type, at->form, at->value, at->n, e);
	if (at->form != MHS_OR_PRINTABLE && at->type != MHS_OR_DDA &&
	    said_before(ora, at))
		return 0;
	text = printable(a, at);
	if (text != NULL && at->type == MHS_OR_COMMON_NAME)
		return mhs_or_dda(a, out, COMMON) != NULL
		    ? 0
		    : mhs_or_add_dda(a, out, MHS_OR_PRINTABLE, COMMON, text, e);
	if (text != NULL && at->type <= MHS_OR_UNIT4)
		return mhs_or_get(out, at->type) != NULL
		    ? 0
		    : mhs_or_add(a, out, at->type, MHS_OR_PRINTABLE, text,
			  strlen(text), e);
	return err_set(e, LAYER, ERR_UNSUPPORTED, "1984 has no %s like this",
	    mhs_or_key(at->type));
}

static size_t
count(const struct mhs_or *ora, enum mhs_or_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < ora->n_attrs; i++)
		n += ora->attrs[i].type == type;
	return n;
}

/* Attribute by attribute. */
static struct mhs_or *
directly(struct arena *a, const struct mhs_or *ora, struct err *e)
{
	struct mhs_or *out = mhs_or_new(a);

	if (ora->n_attrs == 0) {
		err_set(
		    e, LAYER, ERR_UNSUPPORTED, "1984 has no directory names");
		return NULL;
	}
	for (size_t i = 0; i < ora->n_attrs; i++)
		if (put_attr(a, out, ora, &ora->attrs[i], e) < 0)
			return NULL;
	if (count(out, MHS_OR_DDA) > DDAS_MAX) {
		err_set(e, LAYER, ERR_UNSUPPORTED,
		    "more than %d domain-defined attributes", DDAS_MAX);
		return NULL;
	}
	return out;
}

/* --- a whole address as DDAs --- */

/* RFC 2156 3.4 */
static const struct {
	char c;
	const char *code;
} codes[] = {{'@', "(a)"}, {'%', "(p)"}, {'!', "(b)"}, {'"', "(q)"},
    {'_', "(u)"}, {'(', "(l)"}, {')', "(r)"}};
#define CODES (sizeof(codes) / sizeof(codes[0]))

static void
put_coded(struct buf *out, unsigned char c)
{
	for (size_t i = 0; i < CODES; i++)
		if ((unsigned char)codes[i].c == c) {
			buf_puts(out, codes[i].code);
			return;
		}
	if (mhs_printable_char(c))
		buf_putc(out, c);
	else
		buf_printf(out, "(%03u)", c);
}

static size_t
get_coded(const char *p, unsigned char *c)
{
	unsigned v;

	*c = (unsigned char)p[0];
	if (p[0] != '(')
		return 1;
	for (size_t i = 0; i < CODES; i++)
		if (strncasecmp(p, codes[i].code, 3) == 0) {
			*c = (unsigned char)codes[i].c;
			return 3;
		}
	if (strspn(p + 1, "0123456789") < 3 || p[4] != ')')
		return 1;
	v = (unsigned)((p[1] - '0') * 100 + (p[2] - '0') * 10 + p[3] - '0');
	if (v > 255)
		return 1;
	*c = (unsigned char)v;
	return 5;
}

static int
put_whole(struct arena *a, struct mhs_or *out, const char *text, size_t n,
    struct err *e)
{
	int r = 0;

	for (size_t i = 0; n > 0 && r >= 0; i++) {
		size_t part = n < VALUE_MAX ? n : VALUE_MAX;

		if (i == DDAS_MAX)
			return err_set(e, LAYER, ERR_UNSUPPORTED,
			    "the address is too long for 1984");
		r = mhs_or_add_dda(a, out, MHS_OR_PRINTABLE, whole[i],
		    arena_strndup(a, text, part), e);
		text += part;
		n -= part;
	}
	return r;
}

static struct mhs_or *
through_gateway(struct arena *a, const struct mhs_or *ora,
    const struct mhs_or *gateway, struct err *e)
{
	struct mhs_or *out = mhs_or_dup(a, gateway);
	const char *text = mhs_or_slash(a, ora);
	struct buf b = {0};
	int r;

	for (; *text != '\0'; text++)
		put_coded(&b, (unsigned char)*text);
	r = put_whole(a, out, buf_cstr(&b), b.len, e);
	buf_free(&b);
	return r >= 0 ? out : NULL;
}

struct mhs_or *
p1_downgrade_or(struct arena *a, const struct mhs_or *ora,
    const struct mhs_or *gateway, struct err *e)
{
	struct mhs_or *out = directly(a, ora, e);

	if (out == NULL && gateway != NULL && ora->n_attrs > 0)
		out = through_gateway(a, ora, gateway, e);
	return out;
}

/* --- and back --- */

static struct mhs_or *
from_whole(struct arena *a, const struct mhs_or *ora)
{
	struct buf coded = {0}, text = {0};
	struct mhs_or *out = NULL;
	const char *p;
	unsigned char c;

	for (size_t i = 0; i < DDAS_MAX; i++) {
		p = mhs_or_dda(a, ora, whole[i]);
		if (p == NULL)
			break;
		buf_puts(&coded, p);
	}
	for (p = buf_cstr(&coded); *p != '\0'; p += get_coded(p, &c)) {
		get_coded(p, &c);
		buf_putc(&text, c);
	}
	if (text.len > 0)
		out = mhs_or_parse(a, buf_cstr(&text), NULL);
	buf_free(&coded);
	buf_free(&text);
	return out;
}

/* All attributes but that DDA, and its value as the common name. */
static struct mhs_or *
with_common_name(struct arena *a, const struct mhs_or *ora, const char *name)
{
	struct mhs_or *out = mhs_or_dup(a, ora);
	size_t kept = 0;

	for (size_t i = 0; i < out->n_attrs; i++)
		if (out->attrs[i].type != MHS_OR_DDA ||
		    strcasecmp(out->attrs[i].dda_type, COMMON) != 0)
			out->attrs[kept++] = out->attrs[i];
	out->n_attrs = kept;
	return mhs_or_add(a, out, MHS_OR_COMMON_NAME, MHS_OR_PRINTABLE, name,
		   strlen(name), NULL) >= 0
	    ? out
	    : NULL;
}

struct mhs_or *
p1_upgrade_or(struct arena *a, struct mhs_or *ora, const struct mhs_or *gateway)
{
	const char *name = mhs_or_dda(a, ora, COMMON);
	struct mhs_or *out = NULL;

	if (gateway != NULL && mhs_or_match(ora, gateway) >= 0)
		out = from_whole(a, ora);
	if (out == NULL && name != NULL &&
	    mhs_or_get(ora, MHS_OR_COMMON_NAME) == NULL)
		out = with_common_name(a, ora, name);
	return out != NULL ? out : ora;
}
