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
	if (answers)
		b.data[5] = 0xe0;
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
	    {"2a03 2a0131", SPDU_SECOND, SPDU_AEA},
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
	    {"1900", SPDU_FIRST, 0},                /* AB without reason */
	    {"0d04 0102 0a05", SPDU_FIRST, 4},      /* inside a PGI */
	    {"2906 0f0100 2a0131", SPDU_SECOND, 2}, /* MAP, not AE */
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
	    TEST(the_length_is_known_from_the_header_alone),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_spdu", tests);
}
