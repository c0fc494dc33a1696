/*
 * The SPDUs of a TSDU as text (X.225 8), and their user data put together where
 * it comes in pieces: SSDUs, segmented SPDUs, and what overflows a CONNECT.
 */
#include <string.h>

#include "ops/decode_osi.h"

static void
print_requirements(struct buf *out, const char *name, uint32_t v)
{
	static const char *const units[] = {"half-duplex", "duplex",
	    "expedited", "minor-synchronize", "major-synchronize",
	    "resynchronize", "activity-management", "negotiated-release",
	    "capability-data", "exceptions", "typed-data"};
	struct buf text = {0};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if ((v >> i & 1) != 0)
			buf_printf(
			    &text, "%s%s", text.len > 0 ? ", " : "", units[i]);
	print_line(out, 3, name, "%s", buf_cstr(&text));
	buf_free(&text);
}

static void
print_ssel(struct buf *out, const char *name, const struct octets *v)
{
	struct osi_sel sel = {.present = true};

	sel.n = (uint8_t)(v->n < sizeof(sel.v) ? v->n : sizeof(sel.v));
	memcpy(sel.v, v->p, sel.n);
	decode_print_sel(out, 3, name, &sel);
}

/* What the number of such a parameter means; its reasons depend on the SPDU. */
static bool
print_named(struct buf *out, const struct spdu *s, enum spdu_par par)
{
	static const struct {
		enum spdu_par par;
		enum decode_name names;
	} rows[] = {
	    {SPDU_SYNC_TYPE, DECODE_SYNC_TYPE},
	    {SPDU_TOKENS, DECODE_TOKENS},
	    {SPDU_TRANSPORT_DISCONNECT, DECODE_TRANSPORT_DISCONNECT},
	    {SPDU_ENCLOSURE, DECODE_ENCLOSURE},
	    {SPDU_OVERFLOW, DECODE_OVERFLOW},
	    {SPDU_VERSION, DECODE_VERSIONS},
	};
	enum decode_name names = DECODE_NAMES;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].par == par)
			names = rows[i].names;
	if (par == SPDU_SYNC_TYPE &&
	    (s->type == SPDU_AE || s->type == SPDU_MAP))
		names = DECODE_MAJOR_SYNC_TYPE;
	if (par == SPDU_REASON)
		names = s->type == SPDU_RF ? DECODE_REFUSE : DECODE_REASON;
	if (names == DECODE_NAMES || s->par[par].n < 1)
		return false;
	decode_print_name(out, 3, spdu_par_name(par), names, s->par[par].p[0]);
	return true;
}

/* Octets are shown as such, however few. */
static bool
is_number(enum spdu_par par)
{
	return par == SPDU_PROTOCOL_OPTIONS || par == SPDU_TOKEN_SETTING ||
	    par == SPDU_UPPER_LIMIT_SERIAL;
}

static void
print_par(struct buf *out, const struct spdu *s, enum spdu_par par)
{
	const struct octets *v = &s->par[par];
	const char *name = spdu_par_name(par);

	switch (par) {
	case SPDU_USER_DATA:
	case SPDU_EXTENDED_DATA: /* shown by what it holds */ return;
	case SPDU_TSDU_MAX:
		print_line(out, 3, name, "%u from the initiator, %u to it",
		    spdu_number(s, par, 0) >> 16,
		    spdu_number(s, par, 0) & 0xffff);
		return;
	case SPDU_REQUIREMENTS:
		print_requirements(out, name, spdu_number(s, par, 0));
		return;
	case SPDU_CALLING_SSEL:
	case SPDU_CALLED_SSEL: print_ssel(out, name, v); return;
	case SPDU_SERIAL:
	case SPDU_LINK_SERIAL:
	case SPDU_INITIAL_SERIAL:
		print_line(out, 3, name, "%u", spdu_serial(s, par, 0));
		return;
	default: break;
	}
	if (print_named(out, s, par))
		return;
	if (is_number(par))
		print_line(out, 3, name, "%u", spdu_number(s, par, 0));
	else
		print_octets(out, 3, name, v->p, v->n);
}

/* --- user data --- */

/* A REFUSE has it behind the reason (X.225 8.3.5.8). */
static bool
find_user_data(const struct spdu *s, struct octets *out)
{
	enum spdu_par par =
	    spdu_has(s, SPDU_USER_DATA) ? SPDU_USER_DATA : SPDU_EXTENDED_DATA;

	*out = s->par[par];
	if (s->type == SPDU_RF && s->par[SPDU_REASON].n > 1) {
		*out = (struct octets){
		    s->par[SPDU_REASON].p + 1, s->par[SPDU_REASON].n - 1};
		return true;
	}
	return spdu_has(s, par);
}

/* What is to come: the rest of it in other SPDUs. */
static bool
is_open(const struct spdu *s)
{
	if (s->type == SPDU_CN)
		return (spdu_number(s, SPDU_OVERFLOW, 0) & 1) != 0;
	return (spdu_number(s, SPDU_ENCLOSURE, SPDU_BEGIN | SPDU_END) &
		   SPDU_END) == 0;
}

/* Whose data it goes on with; SPDU_NONE: it begins by itself. A CDO goes on with
 * a CN always (X.225 7.3). */
static enum spdu_type
continues(const struct spdu *s)
{
	if (s->type == SPDU_CDO)
		return SPDU_CN;
	return (spdu_number(s, SPDU_ENCLOSURE, SPDU_BEGIN) & SPDU_BEGIN) == 0
	    ? s->type
	    : SPDU_NONE;
}

void
decode_session_end(struct decode_osi *d)
{
	if (d->held_type != SPDU_NONE)
		print_line(d->out, 2, "",
		    "%s: %zu octets of user data, its end is not here",
		    spdu_name(d->held_type), d->held.len);
	d->held_type = SPDU_NONE;
	buf_clear(&d->held);
}

static int
print_held(struct decode_osi *d, struct err *e)
{
	enum spdu_type type = d->held_type;
	int rc;

	d->held_type = SPDU_NONE;
	rc = decode_user_data(d, type, d->held.data, d->held.len, e);
	buf_clear(&d->held);
	return rc;
}

static int
print_user_data(struct decode_osi *d, const struct spdu *s, struct err *e)
{
	enum spdu_type of = continues(s);
	struct octets v;
	bool any = find_user_data(s, &v);

	if (of != SPDU_NONE && of != d->held_type) {
		print_octets(d->out, 3,
		    "user data that goes on from an SPDU "
		    "that is not here",
		    v.p, v.n);
		return 0;
	}
	if (of == SPDU_NONE && d->held_type != SPDU_NONE)
		decode_session_end(d);
	if (of == SPDU_NONE && !is_open(s))
		return any ? decode_user_data(d, s->type, v.p, v.n, e) : 0;
	if (of == SPDU_NONE)
		d->held_type = s->type;
	buf_append(&d->held, v.p, v.n);
	print_line(d->out, 3, "user data", "%zu octets, %zu of it so far", v.n,
	    d->held.len);
	return is_open(s) ? 0 : print_held(d, e);
}

static int
print_spdu(struct decode_osi *d, const struct spdu *s, struct err *e)
{
	print_line(d->out, 2, "", "%s", spdu_name(s->type));
	for (int par = 0; par < SPDU_PARS; par++)
		if (spdu_has(s, (enum spdu_par)par))
			print_par(d->out, s, (enum spdu_par)par);
	if (s->type == SPDU_AE)
		decode_activity_end(d);
	if (s->type == SPDU_AS)
		buf_clear(&d->apdu);
	if (s->type != SPDU_DT && s->type != SPDU_TD)
		return print_user_data(d, s, e);
	buf_append(&d->ssdu, s->info.p, s->info.n);
	return is_open(s) && !d->cut ? 0 : decode_ssdu(d, e);
}

/* --- TSDUs --- */

/* Where the stream has octet `at` of the TSDU. */
static size_t
in_stream(const struct decode_osi *d, size_t at)
{
	size_t i = d->n_pieces;

	while (i > 1 && d->pieces[i - 1].tsdu > at)
		i--;
	return i > 0 ? at - d->pieces[i - 1].tsdu + d->pieces[i - 1].stream : 0;
}

/* Of one that is not whole: what it is, and its octets. */
static int
print_broken(struct decode_osi *d, const uint8_t *p, size_t n,
    enum spdu_place place, struct err *e)
{
	if (d->cut) {
		d->whole_headers = false;
		print_line(d->out, 2, "", "%s, cut off",
		    spdu_name(spdu_type_of(p[0], place)));
		print_octets(d->out, 3, "octets", p, n);
	}
	return err_set(
	    e, "session", ERR_SYNTAX, "the TSDU ends inside an SPDU");
}

/* One SPDU; returns its octets in *n. */
static int
next_spdu(struct decode_osi *d, const uint8_t *p, size_t left,
    enum spdu_place place, struct spdu *s, size_t *n, struct err *e)
{
	int rc;

	*n = spdu_length(p, left);
	if (*n == 0 || *n > left)
		return print_broken(d, p, left, place, e);
	rc = spdu_parse(p, *n, place, s, e);
	if (rc < 0) {
		d->where += e->offset != ERR_NO_OFFSET ? e->offset : 0;
		return rc;
	}
	if (s->type == SPDU_DT || s->type == SPDU_TD) {
		s->info = (struct octets){p + *n, left - *n};
		*n = left;
	}
	return print_spdu(d, s, e);
}

int
decode_tsdu(struct decode_osi *d, struct err *e)
{
	enum spdu_place place = SPDU_FIRST;
	size_t at = 0, n;
	struct spdu s;
	int rc = 0;

	while (rc >= 0 && at < d->tsdu.len) {
		d->where = in_stream(d, at);
		rc = next_spdu(
		    d, d->tsdu.data + at, d->tsdu.len - at, place, &s, &n, e);
		at += n;
		if (rc >= 0 && spdu_category(s.type) == 0)
			place = SPDU_SECOND;
	}
	return rc;
}
