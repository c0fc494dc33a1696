#include "osi/pres_codec.h"

#include "tests/unit/osi_wire.h"

/* As recorded from an independent stack (tests/vectors/p1-88-message). */
static const char cp_hex[] =
    "317ea003800101a277a433300f020101060452010001300406025101300f020103"
    "06045600020c300406025101300f0201050604560002073004060251016140303e"
    "020101a0396037a106060456000106be2d282b06025101020103a022b02080013f"
    "820100a318a016b014a11280054d54412d41a109040773656372657461";
static const char cpa_hex[] =
    "3172a003800101a26ba51b30078001008102510130078001008102510130078001"
    "0081025101614c304a020101a0456143a106060456000106a203020100a305a103"
    "020100be2d282b06025101020103a022b120800101810103a218a016b114a11280"
    "054d54412d42a109040773656372657462";
static const char cpr_hex[] =
    "3050a51b3007800100810251013007800100810251013007800100810251016131"
    "302f020101a02a6128a106060456000106a203020101a305a103020101be122810"
    "06025101020103a007b205a103020102";

static void
a_recorded_cp_is_understood(void)
{
	struct buf b = {0};
	struct arena *a = arena_new();
	struct pres_cp cp;
	struct err e = ERR_INIT;

	wire_hex(&b, cp_hex);
	CU_ASSERT_EQUAL_FATAL(pres_cp_decode(a, b.data, b.len, &cp, &e), 0);
	CU_ASSERT_FALSE(cp.x410_mode);
	CU_ASSERT_FALSE(cp.called.present);
	CU_ASSERT_EQUAL_FATAL(cp.n_contexts, 3);
	CU_ASSERT_EQUAL(cp.contexts[1].id, 3);
	CU_ASSERT_STRING_EQUAL(cp.contexts[1].abstract_syntax, "2.6.0.2.12");
	CU_ASSERT_TRUE(cp.contexts[1].ber);
	CU_ASSERT_EQUAL_FATAL(cp.values.n, 1);
	CU_ASSERT_EQUAL(cp.values.v[0].context_id, 1);
	CU_ASSERT_EQUAL(cp.values.v[0].p[0], 0x60);
	CU_ASSERT_EQUAL(cp.values.v[0].n, 0x39);
	arena_free(&a);
	buf_free(&b);
}

static void
our_cp_has_the_recorded_octets(void)
{
	struct buf in = {0}, out = {0};
	struct arena *a = arena_new();
	struct pres_cp cp;
	struct err e = ERR_INIT;

	wire_hex(&in, cp_hex);
	CU_ASSERT_EQUAL_FATAL(pres_cp_decode(a, in.data, in.len, &cp, &e), 0);
	CU_ASSERT_EQUAL(pres_cp_encode(&cp, &out, &e), 0);
	CU_ASSERT_EQUAL_FATAL(out.len, in.len);
	CU_ASSERT_EQUAL(memcmp(out.data, in.data, in.len), 0);
	arena_free(&a);
	buf_free(&in);
	buf_free(&out);
}

static void
our_answers_have_the_recorded_octets(void)
{
	static const struct {
		const char *hex;
		int (*decode)(struct arena *, const uint8_t *, size_t,
		    struct pres_answer *, struct err *);
		int (*encode)(
		    const struct pres_answer *, struct buf *, struct err *);
	} rows[] = {
	    {cpa_hex, pres_cpa_decode, pres_cpa_encode},
	    {cpr_hex, pres_cpr_decode, pres_cpr_encode},
	};

	for (size_t i = 0; i < 2; i++) {
		struct buf in = {0}, out = {0};
		struct arena *a = arena_new();
		struct pres_answer c;
		struct err e = ERR_INIT;

		wire_hex(&in, rows[i].hex);
		CU_ASSERT_EQUAL_FATAL(
		    rows[i].decode(a, in.data, in.len, &c, &e), 0);
		CU_ASSERT_EQUAL(c.n_results, 3);
		CU_ASSERT_EQUAL(c.values.n, 1);
		CU_ASSERT_EQUAL(c.provider_reason, PRES_REFUSE_NONE);
		CU_ASSERT_EQUAL(rows[i].encode(&c, &out, &e), 0);
		CU_ASSERT_EQUAL_FATAL(out.len, in.len);
		CU_ASSERT_EQUAL(memcmp(out.data, in.data, in.len), 0);
		arena_free(&a);
		buf_free(&in);
		buf_free(&out);
	}
}

/* Selectors, default context, the three forms of a value, indefinite
 * lengths, and constructed strings. */
static void
every_form_of_user_data_is_read(void)
{
	static const struct {
		const char *hex;
		const char *value;
	} rows[] = {
	    {"6108300602010 1a0010500", "?"},
	    {"61093007020101a0020500", "\x05"},
	    {"618030800201 01a08005000000 00000000", "\x05"},
	    {"610a3008020101810361 6263", "abc"},
	    {"611230800201 01a1800402 61620401630000 0000", "abc"},
	    {"610b3009020101820400616263", "abc"},
	    {"610d300b06025101020101a0020500", "\x05"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf in = {0};
		struct arena *a = arena_new();
		struct pres_values v;
		struct err e = ERR_INIT;
		int rc;

		wire_hex(&in, rows[i].hex);
		rc = pres_user_data_decode(a, in.data, in.len, &v, &e);
		if (rows[i].value[0] == '?') {
			CU_ASSERT_TRUE(rc < 0);
		} else {
			CU_ASSERT_EQUAL_FATAL(rc, 0);
			CU_ASSERT_EQUAL_FATAL(v.n, 1);
			CU_ASSERT_EQUAL(v.v[0].context_id, 1);
			CU_ASSERT_EQUAL(memcmp(v.v[0].p, rows[i].value,
					    strlen(rows[i].value)),
			    0);
		}
		arena_free(&a);
		buf_free(&in);
	}
}

static void
what_cannot_be_read_is_refused(void)
{
	static const struct {
		const char *hex;
		int code;
	} rows[] = {
	    {"400161", ERR_SYNTAX},                  /* half a value */
	    {"61093007020100a0020500", ERR_SYNTAX},  /* context 0 */
	    {"6109300702 01ffa0020500", ERR_SYNTAX}, /* negative */
	    {"610d300b06025102020101a0020500", ERR_UNSUPPORTED},
	    {"610b3009020101820407616263", ERR_SYNTAX}, /* bits */
	    {"61093007020101a002050000", ERR_SYNTAX},   /* trailing */
	    {"6109300702", ERR_SYNTAX},                 /* cut off */
	    {"", ERR_SYNTAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf in = {0};
		struct arena *a = arena_new();
		struct pres_values v;
		struct err e = ERR_INIT;

		wire_hex(&in, rows[i].hex);
		CU_ASSERT_TRUE(
		    pres_user_data_decode(a, in.data, in.len, &v, &e) < 0);
		CU_ASSERT_EQUAL(e.code, rows[i].code);
		arena_free(&a);
		buf_free(&in);
	}
}

static void
x410_mode_is_recognised(void)
{
	struct buf in = {0};
	struct arena *a = arena_new();
	struct pres_cp cp;
	struct err e = ERR_INIT;

	wire_hex(&in, "310aa003800100a103800101");
	CU_ASSERT_EQUAL_FATAL(pres_cp_decode(a, in.data, in.len, &cp, &e), 0);
	CU_ASSERT_TRUE(cp.x410_mode);
	arena_free(&a);
	buf_free(&in);
}

static void
aborts_survive_the_way_there_and_back(void)
{
	struct arena *a = arena_new();
	struct buf out = {0};
	struct pres_abort c;
	struct err e = ERR_INIT;
	const struct pres_value v = {3, (const uint8_t *)"\x05\x00", 2};
	const struct pres_values all = {&v, 1};

	pres_arp_encode(PRES_ABORT_INVALID_PARAMETER, 7, &out);
	CU_ASSERT_EQUAL(pres_abort_decode(a, out.data, out.len, &c, &e), 0);
	CU_ASSERT_TRUE(c.provider);
	CU_ASSERT_EQUAL(c.reason, PRES_ABORT_INVALID_PARAMETER);
	CU_ASSERT_EQUAL(c.event, 7);
	buf_clear(&out);
	pres_aru_encode(&all, &out);
	CU_ASSERT_EQUAL(pres_abort_decode(a, out.data, out.len, &c, &e), 0);
	CU_ASSERT_FALSE(c.provider);
	CU_ASSERT_EQUAL_FATAL(c.values.n, 1);
	CU_ASSERT_EQUAL(c.values.v[0].context_id, 3);
	CU_ASSERT_EQUAL(c.values.v[0].n, 2);
	arena_free(&a);
	buf_free(&out);
}

static void
the_streamed_header_is_that_of_the_whole_encoding(void)
{
	static const size_t sizes[] = {1, 127, 128, 300, 70000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint8_t *p = calloc(1, sizes[i]);
		const struct pres_value v = {3, p, sizes[i]};
		const struct pres_values all = {&v, 1};
		struct buf whole = {0}, streamed = {0};

		pres_user_data_encode(&all, false, &whole);
		pres_pdv_header(3, sizes[i], &streamed);
		CU_ASSERT_EQUAL(streamed.len + sizes[i], whole.len);
		CU_ASSERT_EQUAL(
		    memcmp(streamed.data, whole.data, streamed.len), 0);
		buf_free(&whole);
		buf_free(&streamed);
		free(p);
	}
}

void
suite_osi_pres_codec(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_recorded_cp_is_understood),
	    TEST(our_cp_has_the_recorded_octets),
	    TEST(our_answers_have_the_recorded_octets),
	    TEST(every_form_of_user_data_is_read),
	    TEST(what_cannot_be_read_is_refused),
	    TEST(x410_mode_is_recognised),
	    TEST(aborts_survive_the_way_there_and_back),
	    TEST(the_streamed_header_is_that_of_the_whole_encoding),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_pres_codec", tests);
}
