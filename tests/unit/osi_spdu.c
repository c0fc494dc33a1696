#include "osi/spdu.h"

#include <string.h>

#include "osi/cotp.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

static int
parse_hex(const char *hex, enum spdu_place place, struct buf *b,
    struct spdu *out, struct err *e)
{
	buf_clear(b);
	unhex(hex, b);
	return spdu_parse(b->data, b->len, place, out, e);
}

static bool
rebuilds(const struct spdu *s, const uint8_t *p, size_t n)
{
	struct buf b = {0};
	struct spdu copy = *s;
	bool same;

	copy.info = (struct octets){0};
	same = spdu_build(&copy, &b, NULL) == 0 && b.len == n &&
	    spdu_size(&copy) == n && memcmp(b.data, p, n) == 0;
	buf_free(&b);
	return same;
}

/* --- the recordings --- */

struct census {
	struct cotp *c;
	struct buf tsdu;
	unsigned of_type[SPDU_TYPES];
	bool bad;
};

static size_t
one_spdu(struct census *k, size_t at, enum spdu_place place)
{
	const struct buf *b = &k->tsdu;
	size_t n = spdu_length(b->data + at, b->len - at);
	struct spdu s;

	if (n == 0 || n > b->len - at ||
	    spdu_parse(b->data + at, n, place, &s, NULL) != 0 ||
	    !rebuilds(&s, b->data + at, n)) {
		k->bad = true;
		return b->len - at;
	}
	k->of_type[s.type]++;
	/* the rest is user information */
	if (s.type == SPDU_DT || s.type == SPDU_TD)
		return b->len - at;
	return n;
}

static void
one_tsdu(void *user, const struct cotp_event *ev)
{
	struct census *k = user;
	size_t at;

	if (ev->type == COTP_CONNECT_IND)
		cotp_connect_accept(k->c);
	if (ev->type != COTP_DATA_IND)
		return;
	buf_append(&k->tsdu, ev->data, ev->n);
	if (!ev->last)
		return;
	at = one_spdu(k, 0, SPDU_FIRST);
	if (at < k->tsdu.len)
		at += one_spdu(k, at, SPDU_SECOND);
	if (at != k->tsdu.len)
		k->bad = true;
	buf_clear(&k->tsdu);
}

static void
count(struct census *k, const char *name, const char *side)
{
	struct cotp_params p = {.role = OSI_RESPONDER};
	struct buf b = {0};
	bool answers = strcmp(side, "responder") == 0;

	vector_load(name, side, &b);
	/* a responder takes the answering side too once its CC is a CR */
	if (answers) {
		b.data[5] = 0xe0;
		b.data[6] = b.data[7] = 0;
	}
	k->c = cotp_new(&p, one_tsdu, k, 1);
	cotp_input(k->c, b.data, b.len);
	cotp_free(&k->c);
	buf_free(&b);
}

static void
every_spdu_of_the_recordings_is_read_and_written_again(void)
{
	struct census k = {0};

	for (size_t i = 0; i < N_VECTORS; i++) {
		count(&k, vectors[i], "initiator");
		count(&k, vectors[i], "responder");
		CU_ASSERT(!k.bad);
		k.bad = false;
	}
	CU_ASSERT_EQUAL(k.of_type[SPDU_CN], N_VECTORS);
	CU_ASSERT_EQUAL(k.of_type[SPDU_AC] + k.of_type[SPDU_RF], N_VECTORS);
	CU_ASSERT(k.of_type[SPDU_RF] >= 1);
	CU_ASSERT(k.of_type[SPDU_AS] > 7 && k.of_type[SPDU_AE] > 7);
	CU_ASSERT_EQUAL(k.of_type[SPDU_AE], k.of_type[SPDU_AEA]);
	CU_ASSERT(k.of_type[SPDU_GTC] > 0);
	CU_ASSERT_EQUAL(k.of_type[SPDU_GTC], k.of_type[SPDU_GTA]);
	buf_free(&k.tsdu);
}

/* --- by hand --- */

static void
every_kind_of_spdu_keeps_its_octets(void)
{
	static const struct {
		const char *hex;
		enum spdu_place place;
		enum spdu_type type;
	} rows[] = {
	    {"0d0a 0506 130100 160102 c100", SPDU_FIRST, SPDU_CN},
	    {"0e02 3400", SPDU_FIRST, SPDU_AC},
	    {"1009 1504 00000000 160102", SPDU_FIRST, SPDU_OA},
	    {"0f08 190102 c103616263", SPDU_FIRST, SPDU_CDO},
	    {"0c09 110101 3204 02616263", SPDU_FIRST, SPDU_RF},
	    {"0900", SPDU_FIRST, SPDU_FN},
	    {"0a00", SPDU_FIRST, SPDU_DN},
	    {"0802 c100", SPDU_FIRST, SPDU_NF},
	    {"1905 110103 c100", SPDU_FIRST, SPDU_AB},
	    {"1900", SPDU_SECOND, SPDU_AI},
	    {"1a00", SPDU_FIRST, SPDU_AA},
	    {"1a00", SPDU_SECOND, SPDU_AIA},
	    {"0103 100105", SPDU_FIRST, SPDU_GT},
	    {"0103 190103", SPDU_SECOND, SPDU_DT},
	    {"0205 100105 c100", SPDU_FIRST, SPDU_PT},
	    {"1500", SPDU_FIRST, SPDU_GTC},
	    {"1600", SPDU_FIRST, SPDU_GTA},
	    {"2103 190100", SPDU_FIRST, SPDU_TD},
	    {"3108 0f0101 2a03313233", SPDU_SECOND, SPDU_MIP},
	    {"3203 2a0131", SPDU_SECOND, SPDU_MIA},
	    {"0003 310161", SPDU_SECOND, SPDU_ER},
	    {"3003 320101", SPDU_SECOND, SPDU_ED},
	    {"2d05 2903020101", SPDU_SECOND, SPDU_AS},
	    {"1d0e 2109 0a0161 290162 2a0137 290163", SPDU_SECOND, SPDU_AR},
	    {"3903 320100", SPDU_SECOND, SPDU_AD},
	    {"3a00", SPDU_SECOND, SPDU_ADA},
	    {"2903 2a0131", SPDU_SECOND, SPDU_AE},
	    {"2906 0f0100 2a0131", SPDU_SECOND, SPDU_AE},
	    {"2a03 2a0131", SPDU_SECOND, SPDU_AEA},
	    {"2906 0f0101 2a0131", SPDU_SECOND, SPDU_MAP},
	    {"2909 0f0101 2a0131 c10178", SPDU_SECOND, SPDU_MAP},
	    {"3d03 c10178", SPDU_SECOND, SPDU_CD},
	    {"3e00", SPDU_SECOND, SPDU_CDA},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spdu s;
		int r = parse_hex(rows[i].hex, rows[i].place, &b, &s, NULL);

		CU_ASSERT_EQUAL(r, 0);
		CU_ASSERT_EQUAL(s.type, rows[i].type);
		CU_ASSERT(rebuilds(&s, b.data, b.len));
	}
	buf_free(&b);
}

static void
lengths_of_255_and_more_take_three_octets(void)
{
	static uint8_t data[65535];

	for (size_t n = 250; n <= 65531; n += n < 260 ? 1 : 5027) {
		struct spdu s = {.type = SPDU_DN}, t;
		struct buf b = {0};

		spdu_set(&s, SPDU_USER_DATA, data, n);
		CU_ASSERT_EQUAL(spdu_build(&s, &b, NULL), 0);
		CU_ASSERT_EQUAL(
		    b.len, n + (n < 255 ? 2 : 4) + (n < 253 ? 2 : 4));
		CU_ASSERT_EQUAL(spdu_length(b.data, b.len), b.len);
		CU_ASSERT_EQUAL(
		    spdu_parse(b.data, b.len, SPDU_FIRST, &t, NULL), 0);
		CU_ASSERT_EQUAL(t.par[SPDU_USER_DATA].n, n);
		buf_free(&b);
	}
}

static void
an_spdu_above_65539_octets_is_not_built(void)
{
	static uint8_t data[65535];
	struct spdu s = {.type = SPDU_DN};
	struct buf b = {0};
	struct err e = ERR_INIT;

	spdu_set(&s, SPDU_USER_DATA, data, 65531);
	CU_ASSERT_EQUAL(spdu_build(&s, &b, &e), 0);
	CU_ASSERT_EQUAL(b.len, SPDU_MAX);
	spdu_set(&s, SPDU_USER_DATA, data, 65532);
	CU_ASSERT_EQUAL(spdu_build(&s, &b, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(b.len, SPDU_MAX);
	buf_free(&b);
}

static void
long_lengths_for_short_values_are_read(void)
{
	struct buf b = {0};
	struct spdu s;

	CU_ASSERT_EQUAL(
	    parse_hex("0aff0006 c1ff0002 6162", SPDU_FIRST, &b, &s, NULL), 0);
	CU_ASSERT_EQUAL(s.par[SPDU_USER_DATA].n, 2);
	buf_free(&b);
}

static void
wrong_octets_are_refused_with_their_offset(void)
{
	static const struct {
		const char *hex;
		enum spdu_place place;
		uint64_t offset;
	} rows[] = {
	    {"2d05 2903020101", SPDU_FIRST, 0},           /* AS is category 2 */
	    {"0d00", SPDU_SECOND, 0},                     /* CN is category 1 */
	    {"ff00", SPDU_FIRST, 0},                      /* no such SPDU */
	    {"0900 00", SPDU_FIRST, 0},                   /* length */
	    {"0901", SPDU_FIRST, 0},                      /* length */
	    {"0902 c105", SPDU_FIRST, 2},                 /* past its end */
	    {"0901 c1", SPDU_FIRST, 2},                   /* half a header */
	    {"0902 2a00", SPDU_FIRST, 2},                 /* FN has no serial */
	    {"0902 7700", SPDU_FIRST, 2},                 /* unknown, not CN */
	    {"0904 c100 c100", SPDU_FIRST, 4},            /* twice */
	    {"0904 1102 0101", SPDU_FIRST, 2},            /* too long */
	    {"3204 2a02 3161", SPDU_SECOND, 4},           /* not decimal */
	    {"3209 2a07 31313131313131", SPDU_SECOND, 2}, /* seven digits */
	    {"3100", SPDU_SECOND, 0},                     /* no serial number */
	    {"1900", SPDU_FIRST, 0},           /* AB without reason */
	    {"0d04 0102 0a05", SPDU_FIRST, 4}, /* inside a PGI */
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spdu s;
		struct err e = ERR_INIT;

		CU_ASSERT(
		    parse_hex(rows[i].hex, rows[i].place, &b, &s, &e) < 0);
		CU_ASSERT_EQUAL(e.offset, rows[i].offset);
		CU_ASSERT_STRING_EQUAL(e.layer, "session");
	}
	buf_free(&b);
}

static void
unknown_parameters_of_a_cn_are_passed_over(void)
{
	struct buf b = {0};
	struct spdu s;

	CU_ASSERT_EQUAL(parse_hex("0d0c 7703616263 c105 3133333333", SPDU_FIRST,
			    &b, &s, NULL),
	    0);
	CU_ASSERT_EQUAL(s.par[SPDU_USER_DATA].n, 5);
	CU_ASSERT_EQUAL(
	    parse_hex("0d09 0507 160102 770161 00", SPDU_FIRST, &b, &s, NULL),
	    ERR_SYNTAX);
	CU_ASSERT_EQUAL(
	    parse_hex("0d08 0506 160102 770161", SPDU_FIRST, &b, &s, NULL), 0);
	CU_ASSERT_EQUAL(spdu_number(&s, SPDU_VERSION, 0), 2);
	buf_free(&b);
}

/* --- every parameter of every SPDU (X.225 8.3) --- */

enum { PI_ALONE = 0, PGI_ID = 1, PGI_ITEM = 5, PGI_LINK = 33, UNBOUNDED = 300 };

/* The parameters of X.225 8.3, told here a second time: code, group, least and
 * most octets. */
static const struct parameter {
	uint8_t group, code;
	size_t min, max;
	enum spdu_par par;
} parameters[] = {
    {PGI_ID, 9, 0, 64, SPDU_CALLED_REF},
    {PGI_ID, 10, 0, 64, SPDU_CALLING_REF},
    {PGI_ID, 11, 0, 64, SPDU_COMMON_REF},
    {PGI_ID, 12, 0, 4, SPDU_ADDITIONAL_REF},
    {PGI_ITEM, 19, 1, 1, SPDU_PROTOCOL_OPTIONS},
    {PGI_ITEM, 21, 4, 4, SPDU_TSDU_MAX},
    {PGI_ITEM, 22, 1, 1, SPDU_VERSION},
    {PGI_ITEM, 23, 0, 6, SPDU_INITIAL_SERIAL},
    {PGI_ITEM, 26, 1, 1, SPDU_TOKEN_SETTING},
    {PGI_ITEM, 55, 0, 6, SPDU_SECOND_INITIAL_SERIAL},
    {PGI_ITEM, 56, 1, 1, SPDU_UPPER_LIMIT_SERIAL},
    {PGI_ITEM, 57, 0, 255, SPDU_LARGE_INITIAL_SERIAL},
    {PGI_ITEM, 58, 0, 255, SPDU_LARGE_SECOND_SERIAL},
    {PGI_LINK, 9, 0, 64, SPDU_LINK_CALLED_REF},
    {PGI_LINK, 10, 0, 64, SPDU_LINK_CALLING_REF},
    {PGI_LINK, 11, 0, 64, SPDU_LINK_COMMON_REF},
    {PGI_LINK, 12, 0, 4, SPDU_LINK_ADDITIONAL_REF},
    {PGI_LINK, 41, 0, 6, SPDU_LINK_ACTIVITY},
    {PGI_LINK, 42, 1, 6, SPDU_LINK_SERIAL},
    {PI_ALONE, 15, 1, 1, SPDU_SYNC_TYPE},
    {PI_ALONE, 16, 1, 1, SPDU_TOKENS},
    {PI_ALONE, 17, 1, 1, SPDU_TRANSPORT_DISCONNECT},
    {PI_ALONE, 20, 2, 2, SPDU_REQUIREMENTS},
    {PI_ALONE, 25, 1, 1, SPDU_ENCLOSURE},
    {PI_ALONE, 41, 0, 6, SPDU_ACTIVITY},
    {PI_ALONE, 42, 1, 6, SPDU_SERIAL},
    {PI_ALONE, 49, 0, UNBOUNDED, SPDU_REFLECT},
    {PI_ALONE, 50, 1, UNBOUNDED, SPDU_REASON},
    {PI_ALONE, 51, 0, 16, SPDU_CALLING_SSEL},
    {PI_ALONE, 52, 0, 16, SPDU_CALLED_SSEL},
    {PI_ALONE, 60, 1, 1, SPDU_OVERFLOW},
    {PI_ALONE, 193, 0, UNBOUNDED, SPDU_USER_DATA},
    {PI_ALONE, 194, 0, UNBOUNDED, SPDU_EXTENDED_DATA},
};
#define N_PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* An SPDU with nothing else that it must have, and what it may have: "g/c" is
 * parameter c of group g. */
static const struct {
	uint8_t si;
	enum spdu_place place;
	const char *rest, *may;
} spdus[] = {
    {13, SPDU_FIRST, "",
	" 1/10 1/11 1/12 5/19 5/21 5/22 5/23 5/26 5/55 5/56 5/57 5/58 0/20"
	" 0/51 0/52 0/60 0/193 0/194 "},
    {16, SPDU_FIRST, "", " 5/21 5/22 "},
    {15, SPDU_FIRST, "190102", " 0/193 "},
    {14, SPDU_FIRST, "",
	" 1/9 1/11 1/12 5/19 5/21 5/22 5/23 5/26 5/55 5/56 5/57 5/58 0/16 0/20"
	" 0/25 0/51 0/52 0/193 "},
    {12, SPDU_FIRST, "", " 1/9 1/11 1/12 5/22 0/17 0/20 0/25 0/50 "},
    {9, SPDU_FIRST, "", " 0/17 0/25 0/193 "},
    {10, SPDU_FIRST, "", " 0/25 0/193 "},
    {8, SPDU_FIRST, "", " 0/25 0/193 "},
    {25, SPDU_FIRST, "110101", " 0/25 0/49 0/193 "},
    {26, SPDU_FIRST, "", " "},
    {1, SPDU_SECOND, "", " 0/25 "},
    {33, SPDU_FIRST, "", " 0/25 "},
    {1, SPDU_FIRST, "", " 0/16 0/25 0/193 "},
    {2, SPDU_FIRST, "", " 0/16 0/25 0/193 "},
    {21, SPDU_FIRST, "", " 0/25 0/193 "},
    {22, SPDU_FIRST, "", " 0/25 0/193 "},
    {49, SPDU_SECOND, "2a0131", " 0/15 0/25 0/193 "},
    {50, SPDU_SECOND, "2a0131", " 0/25 0/193 "},
    {41, SPDU_SECOND, "2a0131", " 0/15 0/25 0/193 "},
    {42, SPDU_SECOND, "2a0131", " 0/25 0/193 "},
    {0, SPDU_SECOND, "", " 0/25 0/49 "},
    {48, SPDU_SECOND, "320100", " 0/25 0/193 "},
    {45, SPDU_SECOND, "290101", " 0/25 0/193 "},
    {29, SPDU_SECOND, "2106 290101 2a0131 290101",
	" 33/9 33/10 33/11 33/12 0/25 0/193 "},
    {25, SPDU_SECOND, "", " 0/25 0/50 0/193 "},
    {26, SPDU_SECOND, "", " 0/25 0/193 "},
    {57, SPDU_SECOND, "", " 0/25 0/50 0/193 "},
    {58, SPDU_SECOND, "", " 0/25 0/193 "},
    {61, SPDU_SECOND, "", " 0/25 0/193 "},
    {62, SPDU_SECOND, "", " 0/25 0/193 "},
};
#define N_SPDUS (sizeof(spdus) / sizeof(spdus[0]))

static void
put_unit(struct buf *b, uint8_t code, const uint8_t *p, size_t n)
{
	buf_putc(b, code);
	if (n < 255) {
		buf_putc(b, (uint8_t)n);
	} else {
		buf_putc(b, 255);
		buf_put_u16(b, (uint16_t)n);
	}
	buf_append(b, p, n);
}

/* What the parser says of SPDU `i` with parameter `k` of n octets `fill`. */
static int
parse_with(size_t i, const struct parameter *k, size_t n, char fill,
    struct spdu *out, struct buf *whole)
{
	uint8_t value[UNBOUNDED + 1];
	struct buf unit = {0}, group = {0};
	int r;

	memset(value, fill, sizeof(value));
	put_unit(&unit, k->code, value, n);
	if (k->group != PI_ALONE)
		put_unit(&group, k->group, unit.data, unit.len);
	else
		buf_append(&group, unit.data, unit.len);
	unhex(spdus[i].rest, &group);
	buf_clear(whole);
	put_unit(whole, spdus[i].si, group.data, group.len);
	r = spdu_parse(whole->data, whole->len, spdus[i].place, out, NULL);
	buf_free(&unit);
	buf_free(&group);
	return r;
}

static bool
may_have(size_t i, const struct parameter *k)
{
	char name[16];

	snprintf(name, sizeof(name), " %u/%u ", k->group, k->code);
	return strstr(spdus[i].may, name) != NULL;
}

/* The ones that stand in `rest` already. */
static bool
is_there(size_t i, const struct parameter *k)
{
	char name[16];

	snprintf(name, sizeof(name), "%02x01", k->code);
	return (k->group == PI_ALONE || spdus[i].si == 29) &&
	    strstr(spdus[i].rest, name) != NULL;
}

static void
every_parameter_is_read_within_its_bounds_in_the_spdus_that_have_it(void)
{
	struct buf b = {0};
	unsigned had = 0, had_not = 0;

	for (size_t i = 0; i < N_SPDUS; i++)
		for (size_t p = 0; p < N_PARAMETERS; p++) {
			const struct parameter *k = &parameters[p];
			struct spdu s;
			bool cn = spdus[i].si == 13, ok = may_have(i, k);

			if (is_there(i, k))
				continue;
			if (!ok) {
				/* passed over in a CN, refused elsewhere */
				CU_ASSERT_EQUAL(
				    parse_with(i, k, k->min, '1', &s, &b) == 0,
				    cn);
				CU_ASSERT(!spdu_has(&s, k->par));
				had_not++;
				continue;
			}
			had++;
			CU_ASSERT_EQUAL(
			    parse_with(i, k, k->min, '1', &s, &b), 0);
			CU_ASSERT(spdu_has(&s, k->par));
			CU_ASSERT_EQUAL(
			    parse_with(i, k, k->max, '1', &s, &b), 0);
			CU_ASSERT_EQUAL(s.par[k->par].n, k->max);
			if (k->max < UNBOUNDED)
				CU_ASSERT_EQUAL(
				    parse_with(i, k, k->max + 1, '1', &s, &b),
				    ERR_SYNTAX);
			if (k->min > 0)
				CU_ASSERT_EQUAL(
				    parse_with(i, k, k->min - 1, '1', &s, &b),
				    ERR_SYNTAX);
		}
	CU_ASSERT_EQUAL(had, 105);
	CU_ASSERT(had_not > 800);
	buf_free(&b);
}

static void
serial_numbers_have_digits_only(void)
{
	struct buf b = {0};

	for (size_t p = 0; p < N_PARAMETERS; p++) {
		const struct parameter *k = &parameters[p];
		bool digits = k->code == 23 || k->code == 55 || k->code == 57 ||
		    k->code == 58;
		struct spdu s;

		if (may_have(0, k))
			CU_ASSERT_EQUAL(
			    parse_with(0, k, k->max, '/', &s, &b) == 0,
			    !digits);
	}
	buf_free(&b);
}

/* What an SPDU must have, taken out of a good one. */
static void
mandatory_parameters_are_demanded_but_in_later_segments(void)
{
	static const struct {
		const char *hex;
		enum spdu_place place;
		int result;
	} rows[] = {
	    {"3100", SPDU_SECOND, ERR_SYNTAX},
	    {"3200", SPDU_SECOND, ERR_SYNTAX},
	    {"2900", SPDU_SECOND, ERR_SYNTAX},
	    {"2903 0f0101", SPDU_SECOND, ERR_SYNTAX},
	    {"2a00", SPDU_SECOND, ERR_SYNTAX},
	    {"3000", SPDU_SECOND, ERR_SYNTAX},
	    {"2d00", SPDU_SECOND, ERR_SYNTAX},
	    {"1900", SPDU_FIRST, ERR_SYNTAX},
	    {"0f00", SPDU_FIRST, ERR_SYNTAX},
	    {"1d03 290101", SPDU_SECOND, ERR_SYNTAX},
	    {"1d08 2106 290101 2a0131", SPDU_SECOND, ERR_SYNTAX},
	    {"1d08 2103 290101 290101", SPDU_SECOND, ERR_SYNTAX},
	    {"1d08 2103 2a0131 290101", SPDU_SECOND, ERR_SYNTAX},
	    {"3103 190102", SPDU_SECOND, 0},
	    {"3103 190100", SPDU_SECOND, 0},
	    {"3103 190101", SPDU_SECOND, ERR_SYNTAX},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spdu s;

		CU_ASSERT_EQUAL(
		    parse_hex(rows[i].hex, rows[i].place, &b, &s, NULL),
		    rows[i].result);
	}
	buf_free(&b);
}

static void
the_length_is_known_from_the_header_alone(void)
{
	CU_ASSERT_EQUAL(spdu_length((const uint8_t *)"\1", 1), 0);
	CU_ASSERT_EQUAL(spdu_length((const uint8_t *)"\1\0", 2), 2);
	CU_ASSERT_EQUAL(spdu_length((const uint8_t *)"\1\xfe", 2), 256);
	CU_ASSERT_EQUAL(spdu_length((const uint8_t *)"\1\xff\1", 3), 0);
	CU_ASSERT_EQUAL(spdu_length((const uint8_t *)"\1\xff\1\2", 4), 262);
	CU_ASSERT_EQUAL(
	    spdu_length((const uint8_t *)"\1\xff\xff\xff", 4), SPDU_MAX);
}

void
suite_osi_spdu(void)
{
	static CU_TestInfo tests[] = {
	    TEST(every_spdu_of_the_recordings_is_read_and_written_again),
	    TEST(every_kind_of_spdu_keeps_its_octets),
	    TEST(lengths_of_255_and_more_take_three_octets),
	    TEST(an_spdu_above_65539_octets_is_not_built),
	    TEST(long_lengths_for_short_values_are_read),
	    TEST(wrong_octets_are_refused_with_their_offset),
	    TEST(unknown_parameters_of_a_cn_are_passed_over),
	    TEST(
		every_parameter_is_read_within_its_bounds_in_the_spdus_that_have_it),
	    TEST(serial_numbers_have_digits_only),
	    TEST(mandatory_parameters_are_demanded_but_in_later_segments),
	    TEST(the_length_is_known_from_the_header_alone),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_spdu", tests);
}
