/* Reading and writing SPDUs (X.225 8.2), driven by spdu_table.c. */
#include "osi/spdu.h"

#include "lib/log.h"
#include "osi/spdu_int.h"

const char *
spdu_name(enum spdu_type type)
{
	return spdu_defs[type].name;
}

const char *
spdu_par_name(enum spdu_par par)
{
	return spdu_par_defs[par].name;
}

int
spdu_category(enum spdu_type type)
{
	return spdu_defs[type].category;
}

enum spdu_type
spdu_type_of(uint8_t si, enum spdu_place place)
{
	for (int t = SPDU_NONE + 1; t < SPDU_TYPES; t++) {
		bool second = spdu_defs[t].category == 2;

		if (spdu_defs[t].si == si && second == (place == SPDU_SECOND))
			return (enum spdu_type)t;
	}
	return SPDU_NONE;
}

/* --- reading --- */

/* Reads an identifier and a length of one or three octets (X.225 8.2.5).
 * Returns the octets of both, or 0 when n are not enough. */
static size_t
read_header(const uint8_t *p, size_t n, size_t *length)
{
	if (n < 2)
		return 0;
	if (p[1] < 0xff) {
		*length = p[1];
		return 2;
	}
	if (n < 4)
		return 0;
	*length = (size_t)(p[2] << 8 | p[3]);
	return 4;
}

size_t
spdu_length(const uint8_t *p, size_t n)
{
	size_t length, header = read_header(p, n, &length);

	return header == 0 ? 0 : header + length;
}

/* What is being read. */
struct reading {
	const uint8_t *p; /* the SPDU */
	struct spdu *out;
	struct err *e;
};

static int
bad_at(const struct reading *r, size_t at, const char *what)
{
	return err_at(r->e, "session", ERR_SYNTAX, at, "%s: %s",
	    spdu_name(r->out->type), what);
}

/* OA and RF have outside of any group what CN and AC have in theirs (X.225
 * 8.3.2, 8.3.5). */
static bool
par_is_bare(enum spdu_type type, int par)
{
	return (type == SPDU_OA || type == SPDU_RF) &&
	    (par == SPDU_VERSION || par == SPDU_TSDU_MAX);
}

static int
find_par(enum spdu_type type, uint8_t pgi, uint8_t code)
{
	for (int i = 0; i < SPDU_PARS; i++)
		if (spdu_par_defs[i].code == code &&
		    (spdu_par_defs[i].pgi == pgi ||
			(pgi == 0 && par_is_bare(type, i))))
			return i;
	return -1;
}

static bool
is_group(uint8_t code)
{
	for (int i = 0; i < SPDU_PARS; i++)
		if (spdu_par_defs[i].pgi != 0 && spdu_par_defs[i].pgi == code)
			return true;
	return false;
}

static bool
all_digits(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

static int
read_par(
    const struct reading *r, uint8_t pgi, size_t at, size_t header, size_t n)
{
	int i = find_par(r->out->type, pgi, r->p[at]);
	const struct spdu_par_def *def;
	const uint8_t *v = r->p + at + header;

	if (i < 0 || (spdu_defs[r->out->type].allowed & SPDU_BIT(i)) == 0) {
		if (r->out->type == SPDU_CN)
			return 0;
		return bad_at(r, at, "a parameter that it does not have");
	}
	def = &spdu_par_defs[i];
	if (spdu_has(r->out, (enum spdu_par)i))
		return err_at(r->e, "session", ERR_SYNTAX, at,
		    "%s: a second %s", spdu_name(r->out->type), def->name);
	if (n < def->min || n > def->max)
		return err_at(r->e, "session", ERR_SYNTAX, at,
		    "%s: %s of %zu octets", spdu_name(r->out->type), def->name,
		    n);
	if (def->value == SPDU_VALUE_DIGITS && !all_digits(v, n))
		return err_at(r->e, "session", ERR_SYNTAX, at + header,
		    "%s: %s is not decimal", spdu_name(r->out->type),
		    def->name);
	spdu_set(r->out, (enum spdu_par)i, v, n);
	return 0;
}

/* The PI units between `at` and `end`, in the group `pgi`; at the outer level
 * (pgi 0) PGI units too, one level deep. */
static int
read_units(const struct reading *r, uint8_t pgi, size_t at, size_t end)
{
	while (at < end) {
		size_t n, header = read_header(r->p + at, end - at, &n);
		int bad;

		if (header == 0 || n > end - at - header)
			return bad_at(r, at, "a parameter runs past its end");
		if (pgi == 0 && is_group(r->p[at]))
			bad = read_units(
			    r, r->p[at], at + header, at + header + n);
		else
			bad = read_par(r, pgi, at, header, n);
		if (bad != 0)
			return bad;
		at += header + n;
	}
	return 0;
}

/* A segment after the first has only its enclosure item and user data (X.225
 * 8.4). */
static bool
is_later_segment(const struct spdu *s)
{
	return spdu_has(s, SPDU_ENCLOSURE) &&
	    (spdu_number(s, SPDU_ENCLOSURE, 0) & SPDU_BEGIN) == 0;
}

static int
check_mandatory(const struct reading *r)
{
	uint64_t missing = spdu_defs[r->out->type].mandatory & ~r->out->present;

	for (int i = 0; i < SPDU_PARS; i++)
		if ((missing & SPDU_BIT(i)) != 0)
			return err_at(r->e, "session", ERR_SYNTAX, 0,
			    "%s without %s", spdu_name(r->out->type),
			    spdu_par_defs[i].name);
	return 0;
}

int
spdu_parse(const uint8_t *p, size_t n, enum spdu_place place, struct spdu *out,
    struct err *e)
{
	struct reading r = {.p = p, .out = out, .e = e};
	size_t length, header = read_header(p, n, &length);
	int bad;

	*out = (struct spdu){0};
	if (header == 0 || header + length != n)
		return bad_at(&r, 0, "its length is not that of its octets");
	out->type = spdu_type_of(p[0], place);
	if (out->type == SPDU_NONE)
		return err_at(e, "session", ERR_UNSUPPORTED, 0,
		    "SPDU with identifier %u is not supported%s", p[0],
		    place == SPDU_FIRST ? " or not first in its TSDU" : "");
	bad = read_units(&r, 0, header, n);
	if (bad != 0 || is_later_segment(out))
		return bad;
	/* the sync type alone tells them apart (X.225 8.3.22, 8.3.35) */
	if (out->type == SPDU_AE && (spdu_number(out, SPDU_SYNC_TYPE, 0) & 1))
		out->type = SPDU_MAP;
	return check_mandatory(&r);
}

/* --- writing --- */

static size_t
unit_size(size_t n)
{
	return (n < 0xff ? 2 : 4) + n;
}

static void
put_header(struct buf *out, uint8_t code, size_t n)
{
	buf_putc(out, code);
	if (n < 0xff) {
		buf_putc(out, (uint8_t)n);
	} else {
		buf_putc(out, 0xff);
		buf_put_u16(out, (uint16_t)n);
	}
}

/* The PGI under which a parameter is written in this SPDU. */
static uint8_t
group_of(const struct spdu *s, enum spdu_par par)
{
	return par_is_bare(s->type, (int)par) ? 0 : spdu_par_defs[par].pgi;
}

/* The octets of the PI units of one group; 0 if there are none. */
static size_t
group_size(const struct spdu *s, uint8_t pgi)
{
	size_t n = 0;

	for (int i = 0; i < SPDU_PARS; i++)
		if (spdu_has(s, (enum spdu_par)i) &&
		    group_of(s, (enum spdu_par)i) == pgi)
			n += unit_size(s->par[i].n);
	return n;
}

static void
put_unit(const struct spdu *s, int par, struct buf *out)
{
	put_header(out, spdu_par_defs[par].code, s->par[par].n);
	buf_append(out, s->par[par].p, s->par[par].n);
}

static void
put_group(const struct spdu *s, uint8_t pgi, struct buf *out)
{
	put_header(out, pgi, group_size(s, pgi));
	for (int i = 0; i < SPDU_PARS; i++)
		if (spdu_has(s, (enum spdu_par)i) &&
		    group_of(s, (enum spdu_par)i) == pgi)
			put_unit(s, i, out);
}

/* The code that orders units at the outer level. */
static uint8_t
outer_code(const struct spdu *s, int par)
{
	uint8_t pgi = group_of(s, (enum spdu_par)par);

	return pgi != 0 ? pgi : spdu_par_defs[par].code;
}

/* The least outer code above `after` that is present, or 0 (X.225 8.2.6: units
 * are in increasing order). */
static uint8_t
next_code(const struct spdu *s, uint8_t after, int *par)
{
	uint8_t least = 0;

	for (int i = 0; i < SPDU_PARS; i++) {
		uint8_t code = outer_code(s, i);

		if (spdu_has(s, (enum spdu_par)i) && code > after &&
		    (least == 0 || code < least)) {
			least = code;
			*par = i;
		}
	}
	return least;
}

static size_t
parameters_size(const struct spdu *s)
{
	size_t n = 0;
	int par = 0;

	for (uint8_t c = 0; (c = next_code(s, c, &par)) != 0;)
		n += unit_size(group_of(s, (enum spdu_par)par) != 0
			? group_size(s, c)
			: s->par[par].n);
	return n;
}

size_t
spdu_size(const struct spdu *s)
{
	return unit_size(parameters_size(s));
}

int
spdu_build(const struct spdu *s, struct buf *out, struct err *e)
{
	size_t n = parameters_size(s);
	int par = 0;

	INVARIANT((s->present & ~spdu_defs[s->type].allowed) == 0);
	if (n > SPDU_LI_MAX)
		return err_set(e, "session", ERR_LIMIT,
		    "%s with %zu octets of parameters, at most %d",
		    spdu_name(s->type), n, SPDU_LI_MAX);
	put_header(out, spdu_defs[s->type].si, n);
	for (uint8_t c = 0; (c = next_code(s, c, &par)) != 0;)
		if (group_of(s, (enum spdu_par)par) != 0)
			put_group(s, c, out);
		else
			put_unit(s, par, out);
	buf_append(out, s->info.p, s->info.n);
	return 0;
}

/* --- access --- */

bool
spdu_has(const struct spdu *s, enum spdu_par par)
{
	return (s->present & SPDU_BIT(par)) != 0;
}

uint32_t
spdu_number(const struct spdu *s, enum spdu_par par, uint32_t if_absent)
{
	uint32_t v = 0;

	if (!spdu_has(s, par))
		return if_absent;
	for (size_t i = 0; i < s->par[par].n && i < 4; i++)
		v = v << 8 | s->par[par].p[i];
	return v;
}

uint32_t
spdu_serial(const struct spdu *s, enum spdu_par par, uint32_t if_absent)
{
	uint32_t v = 0;

	if (!spdu_has(s, par))
		return if_absent;
	for (size_t i = 0; i < s->par[par].n && i < 6; i++)
		v = v * 10 + (uint32_t)(s->par[par].p[i] - '0');
	return v;
}

void
spdu_set(struct spdu *s, enum spdu_par par, const uint8_t *p, size_t n)
{
	s->present |= SPDU_BIT(par);
	s->par[par].p = p;
	s->par[par].n = n;
}
