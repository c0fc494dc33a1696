/*
 * O/R addresses from text. First the text is cut into pairs of key and value,
 * then each value is read by the syntax of its key. Attributes whose order
 * counts (organizational units without number, DDAs) come last, from the side
 * where the most significant one stands.
 */
#include "mhs/or_parse.h"

#include <string.h>
#include <strings.h>

#define LAYER "or"
#define UNIT_NUMBERS 4 /* OU1 to OU4 */

int
mhs_or_fail_at(struct parser *p, int code, uint64_t at, const char *what)
{
	return err_at(p->e, LAYER, code, at, "O/R address: %s", what);
}

char *
mhs_or_chars_text(struct parser *p, const struct chars *s)
{
	char *t = arena_alloc(p->a, s->n + 1);

	for (size_t i = 0; i < s->n; i++)
		t[i] = s->v[i].c;
	return t;
}

struct chars
mhs_or_chars_part(const struct chars *s, size_t from, size_t to)
{
	return (struct chars){
	    .v = from < to ? s->v + from : NULL,
	    .n = to - from,
	    .at = from < s->n ? s->v[from].at : s->at,
	};
}

/* --- cutting the text --- */

static bool
is_separator(const struct parser *p, char c)
{
	return p->slash ? c == '/' || c == ';' : c == ';' || c == '\n';
}

static void
push(struct parser *p, struct chars *s, char c, bool literal)
{
	struct ch *x = arena_push(p->a, &s->v, &s->n, sizeof(*s->v));

	*x = (struct ch){.c = c, .literal = literal, .at = (uint16_t)p->at};
}

/* Takes characters up to `stop` or a separator. "$x" (slash form) and a
 * doubled delimiter stand for the character itself. */
static int
take(struct parser *p, struct chars *s, char stop)
{
	s->at = p->at;
	for (; p->at < p->n; p->at++) {
		char c = p->text[p->at];
		char following = p->at + 1 < p->n ? p->text[p->at + 1] : '\0';
		bool delimiter = c == stop || is_separator(p, c);

		if ((unsigned char)c < 0x20 && c != '\n' && c != '\r')
			return mhs_or_fail_at(
			    p, ERR_SYNTAX, p->at, "control character");
		if (p->slash && c == '$') {
			if ((unsigned char)following < 0x20)
				return mhs_or_fail_at(p, ERR_SYNTAX, p->at,
				    "'$' without a character");
			push(p, s, following, true);
			p->at++;
		} else if (delimiter && c == following &&
		    ((c == '/' && p->slash) || (c == ';' && !p->slash) ||
			(c == '=' && !p->slash))) {
			push(p, s, c, true);
			p->at++;
		} else if (delimiter) {
			return 0;
		} else if (c != '\r') {
			push(p, s, c, false);
		}
	}
	return 0;
}

static void
trim(struct chars *s)
{
	while (s->n > 0 && s->v[0].c == ' ' && !s->v[0].literal) {
		s->v++;
		s->n--;
	}
	while (s->n > 0 && s->v[s->n - 1].c == ' ' && !s->v[s->n - 1].literal)
		s->n--;
}

/* "DD.type", "DDA:type", "DD2.type" */
static bool
dda_key(struct pair *x, const char *key)
{
	size_t i = 2;

	if (strncasecmp(key, "DD", 2) != 0)
		return false;
	if (key[i] == 'A' || key[i] == 'a')
		i++;
	x->dda = 0;
	if (key[i] >= '1' && key[i] <= '0' + MHS_OR_DDA_NUMBERS)
		x->dda = (unsigned)(key[i++] - '0');
	if (key[i] != '.' && key[i] != ':')
		return false;
	x->dda_type = mhs_or_chars_part(&x->key, i + 1, x->key.n);
	return true;
}

static int
classify(struct parser *p, struct pair *x)
{
	char *key = mhs_or_chars_text(p, &x->key);

	x->dda = MHS_OR_NOT_DDA;
	if (dda_key(x, key))
		return 0;
	x->dda = MHS_OR_NOT_DDA;
	if (strcasecmp(key, "RFC-822") == 0 || strcasecmp(key, "RFC822") == 0) {
		x->dda = 0;
		x->dda_rfc822 = true;
		return 0;
	}
	x->word = mhs_or_word_find(key, x->key.n);
	if (x->word == NULL && strncasecmp(key, "EXT-", 4) != 0)
		return mhs_or_fail_at(p, ERR_SYNTAX, x->key.at, "unknown key");
	return 0;
}

static int
take_pair(struct parser *p)
{
	struct pair *x =
	    arena_push(p->a, &p->pairs, &p->n_pairs, sizeof(*p->pairs));
	int r;

	if ((r = take(p, &x->key, '=')) < 0)
		return r;
	if (p->at == p->n || p->text[p->at] != '=')
		return mhs_or_fail_at(p, ERR_SYNTAX, p->at, "'=' expected");
	p->at++;
	trim(&x->key);
	if ((r = take(p, &x->value, '\0')) < 0)
		return r;
	if (!p->slash)
		trim(&x->value);
	return classify(p, x);
}

static int
cut(struct parser *p)
{
	int r;

	while (p->at < p->n) {
		char c = p->text[p->at];

		if (is_separator(p, c) || c == ' ' || c == '\r') {
			p->at++;
			continue;
		}
		if ((r = take_pair(p)) < 0)
			return r;
	}
	return 0;
}

/* --- which end is the top --- */

static int
rank(const struct pair *x)
{
	static const uint8_t ranks[] = {
	    [MHS_OR_COUNTRY] = 1,
	    [MHS_OR_ADMD] = 2,
	    [MHS_OR_PRMD] = 3,
	    [MHS_OR_ORGANIZATION] = 4,
	    [MHS_OR_UNIT1] = 5,
	};

	if (x->word == NULL || x->word->type >= sizeof(ranks))
		return 0;
	return ranks[x->word->type];
}

/* RFC 2156 4.3.4.1: the top is on the right, unless more significant
 * attributes stand to the left of less significant ones. */
static bool
top_is_left(const struct parser *p)
{
	int first = 0, last = 0, r;

	for (size_t i = 0; i < p->n_pairs; i++) {
		if ((r = rank(&p->pairs[i])) == 0)
			continue;
		if (first == 0)
			first = r;
		last = r;
	}
	return first < last;
}

/* --- what has an order --- */

static int
parse_units(struct parser *p)
{
	unsigned unit = 0;
	int r;

	for (size_t k = 0; k < p->n_pairs; k++) {
		const struct pair *x =
		    &p->pairs[p->inverted ? k : p->n_pairs - 1 - k];

		if (x->word == NULL || x->word->syntax != MHS_OR_SYNTAX_UNIT)
			continue;
		if (unit == UNIT_NUMBERS)
			return mhs_or_fail_at(p, ERR_LIMIT, x->key.at,
			    "more than four organizational units");
		if ((r = mhs_or_parse_pt(p, MHS_OR_UNIT1 + unit++, &x->value)) <
		    0)
			return r;
	}
	return 0;
}

/* RFC 2156 4.1.1: OU1 to OU4 and OU do not stand together. */
static int
check_units(struct parser *p)
{
	bool bare = false, numbered = false;

	for (size_t i = 0; i < p->n_pairs; i++) {
		const struct mhs_or_word *w = p->pairs[i].word;

		if (w == NULL || w->type < MHS_OR_UNIT1 ||
		    w->type > MHS_OR_UNIT4)
			continue;
		if (w->index > 0)
			numbered = true;
		else
			bare = true;
		if (bare && numbered)
			return mhs_or_fail_at(p, ERR_SYNTAX, p->pairs[i].key.at,
			    "OU with and without number");
	}
	return 0;
}

/* --- the whole --- */

static int
read_pairs(struct parser *p)
{
	int r;

	if ((r = cut(p)) < 0 || (r = check_units(p)) < 0)
		return r;
	p->inverted = top_is_left(p);
	for (size_t i = 0; i < p->n_pairs; i++)
		if (p->pairs[i].dda == MHS_OR_NOT_DDA &&
		    (r = mhs_or_parse_value(p, &p->pairs[i])) < 0)
			return r;
	if (p->sub.at != 0 && p->number == NULL)
		return mhs_or_fail_at(
		    p, ERR_SYNTAX, p->sub.at, "NET-SUB without NET-NUM");
	if (p->number != NULL && (r = mhs_or_parse_number(p, p->number)) < 0)
		return r;
	if ((r = mhs_or_parse_lines(p)) < 0 || (r = parse_units(p)) < 0)
		return r;
	for (unsigned k = 1; k <= MHS_OR_DDA_NUMBERS; k++)
		if ((r = mhs_or_parse_ddas(p, k)) < 0)
			return r;
	return mhs_or_parse_ddas(p, 0);
}

static int
open_text(struct parser *p, const char *text)
{
	p->text = text;
	p->n = strnlen(text, MHS_OR_TEXT_MAX + 1);
	if (p->n > MHS_OR_TEXT_MAX)
		return err_at(p->e, LAYER, ERR_LIMIT, MHS_OR_TEXT_MAX,
		    "O/R address of more than %d octets", MHS_OR_TEXT_MAX);
	if (strncasecmp(text, "X.400:", 6) == 0)
		p->at = 6;
	while (p->at < p->n && text[p->at] == ' ')
		p->at++;
	p->slash = text[p->at] == '/';
	return 0;
}

/* A domain without ADMD is in the ADMD " " (RFC 2156 4.1.3, RFC 1685 F.4). */
static int
default_admd(struct parser *p)
{
	if (mhs_or_get(p->o, MHS_OR_ADMD) != NULL ||
	    (mhs_or_get(p->o, MHS_OR_COUNTRY) == NULL &&
		mhs_or_get(p->o, MHS_OR_PRMD) == NULL))
		return 0;
	return mhs_or_add(
	    p->a, p->o, MHS_OR_ADMD, MHS_OR_PRINTABLE, " ", 1, p->e);
}

/* Working memory is dropped; the address is copied to `a`. */
static struct mhs_or *
parse(struct arena *a, const char *text, bool prefix, struct err *e)
{
	struct parser p = {.a = arena_new(), .e = e};
	struct mhs_or *result = NULL;
	int r;

	p.o = mhs_or_new(p.a);
	r = open_text(&p, text);
	if (r == 0)
		r = read_pairs(&p);
	if (r == 0 && !prefix && p.o->n_attrs == 0)
		r = mhs_or_fail_at(&p, ERR_SYNTAX, 0, "no attributes");
	if (r == 0 && !prefix)
		r = default_admd(&p);
	if (r == 0)
		result = mhs_or_dup(a, p.o);
	arena_free(&p.a);
	return result;
}

struct mhs_or *
mhs_or_parse(struct arena *a, const char *text, struct err *e)
{
	return parse(a, text, false, e);
}

struct mhs_or *
mhs_or_parse_prefix(struct arena *a, const char *text, struct err *e)
{
	return parse(a, text, true, e);
}
