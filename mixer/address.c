/*
 * RFC 2156 clause 4.3: O/R addresses <-> mailboxes.
 *
 * Each direction has a plain mapping (by DDA, by table, encoded) and a check:
 * what the mapping gives must map back to what it came from; otherwise the
 * next, more literal form is taken. So whatever the tables say, a reply comes
 * back to the same place.
 */
#include "mixer/internal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* The hierarchy that a domain can stand for (4.2). */
static const enum mhs_or_type levels[] = {
    MHS_OR_COUNTRY,
    MHS_OR_ADMD,
    MHS_OR_PRMD,
    MHS_OR_ORGANIZATION,
    MHS_OR_UNIT1,
    MHS_OR_UNIT2,
    MHS_OR_UNIT3,
    MHS_OR_UNIT4,
};
#define N_LEVELS (sizeof(levels) / sizeof(levels[0]))
/* upper bounds of step 8, level by level */
static const size_t level_max[N_LEVELS] = {3, 16, 16, 64, 32, 32, 32, 32};

/* The attributes of a personal name, with their upper bounds. */
static const struct {
	enum mhs_or_type type;
	size_t max;
} name_types[] = {
    {MHS_OR_SURNAME, 40},
    {MHS_OR_GIVEN_NAME, 16},
    {MHS_OR_INITIALS, 5},
};
#define N_NAME_TYPES (sizeof(name_types) / sizeof(name_types[0]))

/* DD.RFC-822 and its continuations (4.3.2). */
static const char *const dda_types[] = {
    "RFC-822",
    "RFC822C1",
    "RFC822C2",
    "RFC822C3",
};
#define N_DDA (sizeof(dda_types) / sizeof(dda_types[0]))
#define DDA_MAX 128

static bool
domain_syntax(const char *s, size_t n)
{
	if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return false;
	return true;
}

/* One past the deepest level that `or` has an attribute of. */
static size_t
depth_of(const struct mhs_or *ora)
{
	size_t d = 0;

	for (size_t i = 0; i < N_LEVELS; i++)
		if (mhs_or_get(ora, levels[i]) != NULL)
			d = i + 1;
	return d;
}

/* A map applies to an address that has each attribute of its prefix, and
 * lacks the ones that the prefix omits above its deepest. */
static bool
map_applies(const struct mixer_map *m, const struct mhs_or *ora)
{
	size_t d = depth_of(m->ora);

	if (mhs_or_match(ora, m->ora) < 0)
		return false;
	for (size_t i = 0; i < d; i++)
		if ((mhs_or_get(ora, levels[i]) != NULL) !=
		    (mhs_or_get(m->ora, levels[i]) != NULL))
			return false;
	return true;
}

static const struct mixer_map *
map_for_or(const struct mixer_config *c, const struct mhs_or *ora)
{
	const struct mixer_map *best = NULL;

	for (size_t i = 0; i < c->n_maps; i++)
		if (map_applies(&c->maps[i], ora) &&
		    (best == NULL ||
			best->ora->n_attrs < c->maps[i].ora->n_attrs))
			best = &c->maps[i];
	return best;
}

/* Longest match; *rest is the length of what stands left of it. */
static const struct mixer_map *
map_for_domain(const struct mixer_config *c, const char *domain, size_t *rest)
{
	const struct mixer_map *best = NULL;
	size_t n = strlen(domain);

	for (size_t i = 0; i < c->n_maps; i++) {
		size_t m = strlen(c->maps[i].domain);

		if (m > n || strcasecmp(domain + n - m, c->maps[i].domain) != 0)
			continue;
		if (m < n && domain[n - m - 1] != '.')
			continue;
		if (best == NULL || m > strlen(best->domain)) {
			best = &c->maps[i];
			*rest = m < n ? n - m - 1 : 0;
		}
	}
	return best;
}

/* --- X.400 -> RFC 822 (4.3.5) --- */

static bool
mailbox_syntax(const char *s)
{
	const char *at = strrchr(s, '@');

	if (at == NULL || at == s || at[1] == '\0' ||
	    strlen(s) > MHS_OR_TEXT_MAX)
		return false;
	for (const char *p = s; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			return false;
	for (const char *p = at; *p != '\0'; p++)
		if (strchr(" <>()\",;\\", *p) != NULL)
			return false;
	return true;
}

/* Mapping A: the mailbox inside DD.RFC-822, or NULL. */
static const char *
from_dda(struct arena *a, const struct mhs_or *ora)
{
	struct buf b = {0};
	const char *s, *decoded;

	if (mhs_or_dda(a, ora, dda_types[0]) == NULL)
		return NULL;
	for (size_t i = 0; i < N_DDA; i++)
		if ((s = mhs_or_dda(a, ora, dda_types[i])) != NULL)
			buf_puts(&b, s);
		else
			break;
	s = arena_strndup(a, (const char *)b.data, b.len);
	buf_free(&b);
	/* 4.3.2: a teletex value beyond PrintableString is not encoded */
	decoded = mixer_is_printable(s, strlen(s)) ? mixer_ps_decode(a, s) : s;
	return mailbox_syntax(decoded) ? decoded : NULL;
}

static bool
printable_value(const struct mhs_or_attr *at)
{
	return (at->form == MHS_OR_PRINTABLE || at->form == MHS_OR_NUMERIC) &&
	    mixer_is_printable(at->value, at->n);
}

static bool
is_alpha(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalpha((unsigned char)s[i]))
			return false;
	return true;
}

/* 4.1.2: a personal name alone, within the restrictions; or NULL. */
static const char *
encoded_pn(struct arena *a, const struct mhs_or *ora)
{
	const struct mhs_or_attr *s = mhs_or_get(ora, MHS_OR_SURNAME);
	const struct mhs_or_attr *g = mhs_or_get(ora, MHS_OR_GIVEN_NAME);
	const struct mhs_or_attr *i = mhs_or_get(ora, MHS_OR_INITIALS);
	size_t n = (s != NULL) + (g != NULL) + (i != NULL);
	const char *r = "";

	if (s == NULL || n != ora->n_attrs || s->n == 0)
		return NULL;
	for (size_t k = 0; k < ora->n_attrs; k++)
		if (!printable_value(&ora->attrs[k]))
			return NULL;
	if (i != NULL && !is_alpha(i->value, i->n))
		return NULL;
	if (g != NULL && (g->n < 2 || memchr(g->value, '.', g->n) != NULL))
		return NULL;
	if (memchr(s->value, '.', n == 1 || s->n < 2 ? s->n : 2) != NULL)
		return NULL;
	if (g != NULL)
		r = arena_printf(a, "%s.", g->value);
	for (size_t k = 0; i != NULL && k < i->n; k++)
		r = arena_printf(a, "%s%c.", r, i->value[k]);
	return arena_printf(a, "%s%s", r, s->value);
}

/* The attributes of `or` that a domain down to `level` does not say. */
static struct mhs_or *
below(struct arena *a, const struct mhs_or *ora, size_t level)
{
	struct mhs_or *r = mhs_or_new(a);

	for (size_t i = 0; i < ora->n_attrs; i++) {
		size_t k = 0;

		while (k < level && levels[k] != ora->attrs[i].type)
			k++;
		if (k == level)
			*(struct mhs_or_attr *)arena_push(a, &r->attrs,
			    &r->n_attrs, sizeof(*r->attrs)) = ora->attrs[i];
	}
	return r;
}

/* Steps 3 to 5 with a map: subdomains while the hierarchy goes on. */
static const char *
by_map(struct arena *a, const struct mixer_map *m, const struct mhs_or *ora)
{
	const char *domain = m->domain, *local;
	size_t level = depth_of(m->ora);
	struct mhs_or *left;

	while (level < N_LEVELS) {
		const struct mhs_or_attr *at = mhs_or_get(ora, levels[level]);

		if (at == NULL || !printable_value(at) ||
		    !domain_syntax(at->value, at->n) ||
		    below(a, ora, level + 1)->n_attrs == 0)
			break;
		domain = arena_printf(a, "%s.%s", at->value, domain);
		level++;
	}
	left = below(a, ora, level);
	if (left->n_attrs == 0)
		return NULL;
	local = encoded_pn(a, left);
	if (local == NULL)
		local = mhs_or_slash(a, left);
	return arena_printf(a, "%s@%s", mixer_quote_local(a, local), domain);
}

static const char *
encoded(struct arena *a, const struct mixer_config *c, const struct mhs_or *ora)
{
	return arena_printf(a, "%s@%s",
	    mixer_quote_local(a, mhs_or_slash(a, ora)), c->gateway_domain);
}

static int to_or(struct arena *a, const struct mixer_config *c,
    const char *mailbox, struct mhs_or **out, struct err *e);

const char *
mixer_or_to_mailbox(
    struct arena *a, const struct mixer_config *c, const struct mhs_or *ora)
{
	const struct mixer_map *m = map_for_or(c, ora);
	const char *s = from_dda(a, ora);
	struct mhs_or *back;

	if (s != NULL)
		return s;
	if (m != NULL && (s = by_map(a, m, ora)) != NULL &&
	    to_or(a, c, s, &back, NULL) == 0 && mhs_or_equal(back, ora))
		return s;
	s = encoded(a, c, ora);
	return strlen(s) > MHS_OR_TEXT_MAX ? NULL : s;
}

/* --- RFC 822 -> X.400 (4.3.4) --- */

struct mailbox {
	const char *text;  /* without a source route */
	const char *local; /* unquoted */
	const char *domain;
};

static int
split(struct arena *a, const char *s, struct mailbox *m, struct err *e)
{
	const char *at = NULL;
	bool quoted = false;

	if (*s == '@') { /* a source route is removed */
		s = strchr(s, ':');
		s = s == NULL ? "" : s + 1;
	}
	for (const char *p = s; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == '@' && !quoted)
			at = p;
	}
	if (!mailbox_syntax(s) || at == NULL)
		return err_set(e, "mixer", ERR_SYNTAX, "no mailbox: %.100s", s);
	m->text = s;
	m->local = mixer_unquote(a, arena_strndup(a, s, (size_t)(at - s)));
	m->domain = arena_strdup(a, at + 1);
	return 0;
}

/* Stage I, step 2 and 3: could the local part be attributes at all? Behind a
 * '$' any visible character may stand: what peers put into a PrintableString
 * goes beyond its repertoire, and is written so. */
static bool
local_ok(const char *s)
{
	bool slash = s[0] == '/';
	size_t n = strlen(s);

	if (n == 0 || s[0] == ' ' || s[n - 1] == ' ' || strstr(s, "  ") != NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (slash && s[i] == '$' && s[i + 1] > ' ' && s[i + 1] < 0x7f)
			i++;
		else if (!mixer_is_printable(s + i, 1) &&
		    strchr("{}*$;|@_", s[i]) == NULL)
			return false;
	}
	return true;
}

static void
add(struct arena *a, struct mhs_or *ora, enum mhs_or_type type, const char *v,
    size_t n)
{
	/* what does not fit is found when the result is checked */
	(void)mhs_or_add(a, ora, type, MHS_OR_PRINTABLE, v, n, NULL);
}

/* encoded-pn: [given "."] *(initial ".") surname. NULL: it is none. */
static struct mhs_or *
parse_pn(struct arena *a, const char *s)
{
	struct mhs_or *ora = mhs_or_new(a);
	const char *dot = strchr(s, '.'), *initials = "";
	size_t n;

	if (!mixer_is_printable(s, strlen(s)) || strchr(s, '/') != NULL ||
	    strchr(s, '=') != NULL)
		return NULL;
	if (dot != NULL && dot - s >= 2) {
		add(a, ora, MHS_OR_GIVEN_NAME, s, (size_t)(dot - s));
		s = dot + 1;
	}
	while (isalpha((unsigned char)s[0]) && s[1] == '.') {
		initials = arena_printf(a, "%s%c", initials, s[0]);
		s += 2;
	}
	n = strlen(s);
	if (n == 0 || memchr(s, '.', n < 2 ? n : 2) != NULL)
		return NULL;
	if (*initials != '\0')
		add(a, ora, MHS_OR_INITIALS, initials, strlen(initials));
	add(a, ora, MHS_OR_SURNAME, s, n);
	for (size_t i = 0; i < N_NAME_TYPES; i++) {
		const struct mhs_or_attr *at =
		    mhs_or_get(ora, name_types[i].type);

		if (at != NULL && at->n > name_types[i].max)
			return NULL;
	}
	return ora;
}

/* Step 8: the attributes that the domain says; NULL when it is not known. */
static struct mhs_or *
domain_attrs(struct arena *a, const struct mixer_config *c, const char *domain)
{
	size_t rest = 0, level;
	const struct mixer_map *m = map_for_domain(c, domain, &rest);
	struct mhs_or *ora;

	if (m == NULL)
		return NULL;
	ora = mhs_or_dup(a, m->ora);
	for (level = depth_of(m->ora); rest > 0; level++) {
		size_t start = rest;

		while (start > 0 && domain[start - 1] != '.')
			start--;
		if (level >= N_LEVELS || rest - start > level_max[level] ||
		    !domain_syntax(domain + start, rest - start))
			return NULL;
		add(a, ora, levels[level], domain + start, rest - start);
		rest = start > 0 ? start - 1 : 0;
	}
	return ora;
}

/* How many levels of the right-hand side are taken, given the left (step 8):
 * what the left-hand side names itself, and all below it, is not. */
static size_t
levels_taken(const struct mhs_or *lhs)
{
	for (size_t i = 1; i < 4; i++)
		if (mhs_or_get(lhs, levels[i]) != NULL)
			return i;
	return N_LEVELS;
}

static struct mhs_or *
merge(struct arena *a, const struct mhs_or *lhs, const struct mhs_or *rhs)
{
	struct mhs_or *r = mhs_or_dup(a, lhs);
	size_t take = levels_taken(lhs);

	for (size_t i = 0; i < take; i++) {
		const struct mhs_or_attr *at = mhs_or_get(rhs, levels[i]);

		if (at != NULL && mhs_or_get(lhs, levels[i]) == NULL)
			(void)mhs_or_add(
			    a, r, at->type, at->form, at->value, at->n, NULL);
	}
	return r;
}

/* Stage I. NULL: go to stage II. */
static struct mhs_or *
stage1(struct arena *a, const struct mixer_config *c, const struct mailbox *m)
{
	struct mhs_or *lhs, *rhs;

	if (!local_ok(m->local))
		return NULL;
	if (*m->local == '/') {
		lhs = mhs_or_parse(a, m->local, NULL);
		if (lhs == NULL)
			return NULL;
		if (mhs_or_get(lhs, MHS_OR_COUNTRY) != NULL)
			return lhs; /* complete by itself */
	} else {
		lhs = parse_pn(a, m->local);
	}
	rhs = domain_attrs(a, c, m->domain);
	if (lhs == NULL || rhs == NULL)
		return NULL;
	return merge(a, lhs, rhs);
}

/* Stage II: the mailbox in a DDA, below what its domain is known as or below
 * the gateway. */
static int
stage2(struct arena *a, const struct mixer_config *c, const struct mailbox *m,
    struct mhs_or **out, struct err *e)
{
	const char *s = mixer_ps_encode(a, m->text);
	struct mhs_or *ora = domain_attrs(a, c, m->domain);
	size_t n = strlen(s);
	int r = 0;

	if (n > DDA_MAX * N_DDA)
		return err_set(e, "mixer", ERR_LIMIT,
		    "mailbox of %zu octets does not fit domain-defined "
		    "attributes",
		    n);
	if (ora == NULL)
		ora = mhs_or_dup(a, c->gateway_or);
	for (size_t i = 0; r == 0 && i * DDA_MAX < n; i++)
		r = mhs_or_add_dda(a, ora, MHS_OR_PRINTABLE, dda_types[i],
		    arena_strndup(a, s + i * DDA_MAX,
			n - i * DDA_MAX < DDA_MAX ? n - i * DDA_MAX : DDA_MAX),
		    e);
	*out = ora;
	return r;
}

static int
to_or(struct arena *a, const struct mixer_config *c, const char *mailbox,
    struct mhs_or **out, struct err *e)
{
	struct mailbox m;
	int r = split(a, mailbox, &m, e);

	if (r < 0)
		return r;
	if (!mixer_is_ascii((const uint8_t *)mailbox, strlen(mailbox)))
		return err_set(e, "mixer", ERR_SYNTAX,
		    "an internationalised mailbox has no O/R address");
	*out = stage1(a, c, &m);
	return *out != NULL ? 0 : stage2(a, c, &m, out, e);
}

/* The same mailbox: local part exactly, domain in any case. */
static bool
same_mailbox(struct arena *a, const char *x, const char *y)
{
	struct mailbox mx, my;

	return split(a, x, &mx, NULL) == 0 && split(a, y, &my, NULL) == 0 &&
	    strcmp(mx.local, my.local) == 0 &&
	    strcasecmp(mx.domain, my.domain) == 0;
}

int
mixer_mailbox_to_or(struct arena *a, const struct mixer_config *c,
    const char *mailbox, struct mhs_or **out, struct err *e)
{
	const struct mixer_map *map;
	struct mailbox m;
	const char *back;
	int r = to_or(a, c, mailbox, out, e);

	/* a person writes an encoded address in many ways: no check there */
	if (r < 0 || split(a, mailbox, &m, e) < 0 || *m.local == '/' ||
	    mhs_or_dda(a, *out, dda_types[0]) != NULL)
		return r;
	map = map_for_or(c, *out);
	back = map == NULL ? NULL : by_map(a, map, *out);
	if (back != NULL && same_mailbox(a, back, mailbox))
		return 0;
	return stage2(a, c, &m, out, e);
}
