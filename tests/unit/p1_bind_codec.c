#include "p1/bind_codec.h"

#include "tests/unit/p1_vectors.h"

static int
decode_hex(struct arena *a, const char *hex, struct p1_bind *out)
{
	struct buf b = {0};
	struct err e = ERR_INIT;
	int r;

	hex_append(&b, hex);
	r = p1_bind_decode(a, b.data, b.len, out, &e);
	buf_free(&b);
	return r;
}

/* As an independent MTA sent it. */
static const char recorded_argument[] =
    "b0 14 a1 12 80 05 4d 54 41 2d 41 a1 09 04 07 73 65 63 72 65 74 61";
static const char recorded_result[] =
    "b1 14 a1 12 80 05 4d 54 41 2d 42 a1 09 04 07 73 65 63 72 65 74 62";

static void
recorded_binds_are_read_and_written_alike(void)
{
	static const struct {
		const char *hex, *mta, *password;
		enum p1_bind_kind kind;
	} cases[] = {
	    {recorded_argument, "MTA-A", "secreta", P1_BIND_ARGUMENT},
	    {recorded_result, "MTA-B", "secretb", P1_BIND_RESULT},
	};

	for (size_t i = 0; i < 2; i++) {
		struct arena *a = arena_new();
		struct buf want = {0}, out = {0};
		struct p1_bind b;

		hex_append(&want, cases[i].hex);
		CU_ASSERT_EQUAL(decode_hex(a, cases[i].hex, &b), 0);
		CU_ASSERT_EQUAL(b.kind, cases[i].kind);
		CU_ASSERT_STRING_EQUAL(b.mta, cases[i].mta);
		CU_ASSERT(p1_bind_password_is(&b, cases[i].password));
		CU_ASSERT_FALSE(p1_bind_password_is(&b, "secret"));
		CU_ASSERT_FALSE(p1_bind_password_is(&b, "secretz"));
		CU_ASSERT_FALSE(p1_bind_password_is(&b, "Secreta"));
		CU_ASSERT_FALSE(b.password_ia5);
		CU_ASSERT_EQUAL(p1_bind_encode(&b, &out, NULL), 0);
		CU_ASSERT(out.len == want.len &&
		    memcmp(out.data, want.data, out.len) == 0);
		buf_free(&want);
		buf_free(&out);
		arena_free(&a);
	}
}

static void
passwords_may_be_ia5_strings(void)
{
	struct arena *a = arena_new();
	struct p1_bind b;

	CU_ASSERT_EQUAL(
	    decode_hex(a, "b0 0b a1 09 80 01 41 a1 04 16 02 70 77", &b), 0);
	CU_ASSERT(b.password_ia5);
	CU_ASSERT(p1_bind_password_is(&b, "pw"));
	arena_free(&a);
}

static void
an_unauthenticated_bind_has_no_name(void)
{
	struct arena *a = arena_new();
	struct p1_bind b;

	CU_ASSERT_EQUAL(decode_hex(a, "b0 02 05 00", &b), 0);
	CU_ASSERT_EQUAL(b.credentials, P1_CRED_NONE);
	CU_ASSERT_STRING_EQUAL(b.mta, "");
	CU_ASSERT_FALSE(p1_bind_password_is(&b, ""));
	arena_free(&a);
}

static void
errors_are_read_bare_and_wrapped_and_written_bare(void)
{
	struct arena *a = arena_new();
	struct buf out = {0};
	struct p1_bind b;

	CU_ASSERT_EQUAL(decode_hex(a, "02 01 02", &b), 0);
	CU_ASSERT_EQUAL(b.kind, P1_BIND_ERROR);
	CU_ASSERT_EQUAL(b.error, P1_BIND_AUTHENTICATION);
	CU_ASSERT_EQUAL(decode_hex(a, "b2 03 02 01 00", &b), 0);
	CU_ASSERT_EQUAL(b.kind, P1_BIND_ERROR);
	CU_ASSERT_EQUAL(b.error, P1_BIND_BUSY);
	CU_ASSERT_EQUAL(p1_bind_encode(&b, &out, NULL), 0);
	CU_ASSERT(out.len == 3 && memcmp(out.data, "\2\1\0", 3) == 0);
	CU_ASSERT_STRING_EQUAL(p1_bind_error_name(2), "authentication-error");
	CU_ASSERT_STRING_EQUAL(p1_bind_error_name(1), "unknown-bind-error");
	buf_free(&out);
	arena_free(&a);
}

/* Strong credentials of two parts, and a security context: kept raw. */
static void
strong_credentials_go_out_as_they_came(void)
{
	static const char hex[] =
	    "b0 17 a1 15 80 01 41 a1 0a a0 08 a0 02 05 00 a1 02 05 00"
	    "a2 04 31 02 05 00";
	struct arena *a = arena_new();
	struct buf want = {0}, out = {0};
	struct p1_bind b;

	hex_append(&want, hex);
	CU_ASSERT_EQUAL(decode_hex(a, hex, &b), 0);
	CU_ASSERT_EQUAL(b.credentials, P1_CRED_STRONG);
	CU_ASSERT_EQUAL(p1_bind_encode(&b, &out, NULL), 0);
	CU_ASSERT(
	    out.len == want.len && memcmp(out.data, want.data, out.len) == 0);
	buf_free(&want);
	buf_free(&out);
	arena_free(&a);
}

static void
bad_binds_are_refused(void)
{
	static const struct {
		const char *hex;
		int want;
	} bad[] = {
	    {"", ERR_SYNTAX},
	    {"b0 00", ERR_SYNTAX},
	    {"b0 04 05 00 05 00", ERR_SYNTAX},
	    {"b0 02 05 00 00", ERR_SYNTAX},
	    {"b0 04 a1 02 80 00", ERR_SYNTAX},
	    {"b0 0a a1 08 80 01 07 a1 03 04 01 70", ERR_SYNTAX},
	    {"b2 02 02 00", ERR_SYNTAX},
	    {"b0 80 a0 80 02 01 42 00 01", ERR_SYNTAX},
	    /* an MTA name of 33 characters */
	    {"b0 2a a1 28 80 21"
	     "41414141414141414141414141414141"
	     "4141414141414141414141414141414141"
	     "a1 03 04 01 70",
		ERR_LIMIT},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *a = arena_new();
		struct p1_bind b;

		CU_ASSERT_EQUAL(decode_hex(a, bad[i].hex, &b), bad[i].want);
		arena_free(&a);
	}
}

/* The element and its octet. */
static void
what_is_wrong_in_a_bind_is_said_with_its_octet(void)
{
	static const struct {
		const char *hex, *says;
		uint64_t octet;
	} t[] = {
	    {"b0 0a a1 08 80 01 41 a1 03 02 01 07",
		"initiator-credentials: tag [UNIVERSAL 2] is neither", 9},
	    {"b1 0a a1 08 80 01 41 a1 03 02 01 07",
		"responder-credentials: tag [UNIVERSAL 2] is neither", 9},
	    {"b0 05 a1 03 80 01 41", "initiator-credentials is missing", 2},
	    {"b0 07 a1 05 a1 03 04 01 70", "initiator-name is missing", 2},
	    {"b0 07 a1 05 80 01 41 a1 00",
		"initiator-credentials: tag [1] has no credentials", 7},
	    {"b5 0a a1 08 80 01 41 a1 03 04 01 70",
		"tag [21] is neither that of an MTABind nor NULL", 0},
	    {"b0 0b a1 09 80 02 41 e9 a1 03 04 01 70",
		"character 0xe9 in the MTA name", 7},
	    {"b0 2a a1 28 80 21"
	     "41414141414141414141414141414141"
	     "4141414141414141414141414141414141"
	     "a1 03 04 01 70",
		"MTA name of 33 characters", 4},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct arena *a = arena_new();
		struct buf in = {0};
		struct err e = ERR_INIT;
		struct p1_bind b;

		hex_append(&in, t[i].hex);
		CU_ASSERT(p1_bind_decode(a, in.data, in.len, &b, &e) < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.text, t[i].says));
		CU_ASSERT_EQUAL(e.offset, t[i].octet);
		if (strstr(e.text, t[i].says) == NULL || e.offset != t[i].octet)
			printf("\n  %zu: %s, octet %llu", i, e.text,
			    (unsigned long long)e.offset);
		buf_free(&in);
		arena_free(&a);
	}
}

void
suite_p1_bind_codec(void)
{
	static CU_TestInfo tests[] = {
	    TEST(recorded_binds_are_read_and_written_alike),
	    TEST(passwords_may_be_ia5_strings),
	    TEST(an_unauthenticated_bind_has_no_name),
	    TEST(errors_are_read_bare_and_wrapped_and_written_bare),
	    TEST(strong_credentials_go_out_as_they_came),
	    TEST(bad_binds_are_refused),
	    TEST(what_is_wrong_in_a_bind_is_said_with_its_octet),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_bind_codec", tests);
}
