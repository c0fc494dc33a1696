#include "ops/decode.h"

#include <string.h>

#include "mixer/mixer.h"
#include "p1/apdu.h"
#include "p1/bind_codec.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

static void
text_forms_become_octets_or_an_error(void)
{
	static const struct {
		const char *in;
		enum decode_input how;
		int rc;
		const char *out; /* in hexadecimal */
	} rows[] = {
	    {"3003020105", DECODE_AUTO, 0, "3003020105"},
	    {"30 03 02\n01 05\n", DECODE_AUTO, 0, "3003020105"},
	    {"0x30 0x03:02:01:05", DECODE_AUTO, 0, "3003020105"},
	    {"MAMCAQU=\n", DECODE_AUTO, 0, "3003020105"},
	    {"-----BEGIN X-----\nMAMC\nAQU=\n-----END X-----\n", DECODE_AUTO, 0,
		"3003020105"},
	    {"MAMCAQUA", DECODE_AUTO, 0, "300302010500"},
	    {"MAMCAQ", DECODE_BASE64, 0, "30030201"},
	    {"a!b?", DECODE_AUTO, 0, "6121623f"},
	    {"abcd", DECODE_RAW, 0, "61626364"},
	    {"abcd", DECODE_AUTO, 0, "abcd"},
	    {"abcd", DECODE_BASE64, 0, "69b71d"},
	    {"", DECODE_AUTO, 0, ""},
	    {"", DECODE_HEX, 0, ""},
	    {"300", DECODE_HEX, ERR_SYNTAX, ""},
	    {"3g", DECODE_HEX, ERR_SYNTAX, ""},
	    {"3 0", DECODE_HEX, ERR_SYNTAX, ""},
	    {"MAMCA", DECODE_BASE64, ERR_SYNTAX, ""},
	    {"MA==MA", DECODE_BASE64, ERR_SYNTAX, ""},
	    {"MAM*", DECODE_BASE64, ERR_SYNTAX, ""},
	    {"MA===", DECODE_BASE64, ERR_SYNTAX, ""},
	    {"-----", DECODE_BASE64, 0, ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		struct buf b = {0}, hex = {0};
		int rc;

		buf_puts(&b, rows[i].in);
		rc = decode_input(&b, rows[i].how, &e);
		CU_ASSERT_EQUAL(rc, rows[i].rc);
		for (size_t j = 0; rc == 0 && j < b.len; j++)
			buf_printf(&hex, "%02x", b.data[j]);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&hex), rows[i].out);
		buf_free(&b);
		buf_free(&hex);
	}
}

/* Made by the codecs that the product sends with. */
static void
make_bind(struct buf *out)
{
	struct p1_bind b = {.kind = P1_BIND_ARGUMENT,
	    .credentials = P1_CRED_SIMPLE,
	    .mta = "alpha",
	    .password = {(const uint8_t *)"secret", 6},
	    .password_ia5 = true};

	CU_ASSERT_EQUAL_FATAL(p1_bind_encode(&b, out, NULL), 0);
}

static void
make_p22(struct arena *a, struct buf *out)
{
	static const char mail[] = "From: a@a.example\r\nTo: b@b.example\r\n"
				   "Subject: hello\r\n\r\ntext\r\n";
	static const struct conf_node none = {
	    .name = "isthmus", .text = "", .file = "none"};
	struct mixer_losses losses = {0};
	struct mixer_config config;

	CU_ASSERT_EQUAL_FATAL(mixer_config_read(a, &none, &config, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(
	    mixer_content(a, &config, MHS_CONTENT_RFC822, MHS_CONTENT_P22,
		(const uint8_t *)mail, sizeof(mail) - 1, 1000000000, out,
		&losses, NULL),
	    0);
}

static void
make_apdu(struct arena *a, struct buf *out)
{
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct buf content = {0}, tail = {0};
	struct mhs_recipient *r;
	struct mhs_trace *t;

	make_p22(a, &content);
	env->content_type = MHS_CONTENT_P22;
	env->id.domain = (struct mhs_domain){"XX", "ALPHA", NULL};
	env->id.local = "id-1";
	env->originator.ora =
	    mhs_or_parse(a, "/C=XX/ADMD=ALPHA/S=alice/", NULL);
	r = mhs_recipient_add(a, env);
	r->name.ora = mhs_or_parse(a, "/C=XX/ADMD=BRAVO/S=bob/", NULL);
	r->number = 1;
	r->responsible = true;
	t = mhs_trace_add(a, env);
	t->domain = env->id.domain;
	t->arrival = 1000000000;
	CU_ASSERT_EQUAL_FATAL(
	    p1_apdu_write(env, content.len, NULL, out, &tail, NULL), 0);
	buf_append(out, content.data, content.len);
	buf_append(out, tail.data, tail.len);
	buf_free(&content);
	buf_free(&tail);
}

static void
assert_says(struct buf *out, const char *const *words)
{
	const char *text = buf_cstr(out);

	for (; *words != NULL; words++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, *words));
}

static void
each_kind_is_recognized_and_shown_as_what_it_is(void)
{
	static const char *const apdu_words[] = {"P1 MTS-APDU: message",
	    "alice", "bob", "id-1", "content", "this-IPM", "hello", NULL};
	static const char *const bind_words[] = {
	    "P1: MTABindArgument", "alpha", "6 octets", NULL};
	static const char *const ipm_words[] = {"this-IPM", "hello", NULL};
	static const char *const ber_words[] = {"SEQUENCE", "INTEGER", NULL};
	struct arena *a = arena_new();
	struct {
		struct buf in;
		const char *const *words;
	} rows[4] = {{.words = apdu_words}, {.words = bind_words},
	    {.words = ipm_words}, {.words = ber_words}};

	make_apdu(a, &rows[0].in);
	make_bind(&rows[1].in);
	make_p22(a, &rows[2].in);
	buf_append(&rows[3].in, "\x30\x03\x02\x01\x05", 5);
	for (size_t i = 0; i < 4; i++) {
		struct err e = ERR_INIT;
		struct buf out = {0};

		CU_ASSERT_EQUAL(decode_any(a, NULL, rows[i].in.data,
				    rows[i].in.len, &out, &e),
		    0);
		assert_says(&out, rows[i].words);
		CU_ASSERT_PTR_NULL(strstr(buf_cstr(&out), "secret"));
		buf_free(&out);
		buf_free(&rows[i].in);
	}
	arena_free(&a);
}

static void
a_recorded_connection_is_read_from_the_tpkt_up_to_the_content(void)
{
	static const struct {
		const char *name, *side;
		const char *words[8];
	} rows[] = {
	    {"p1-88-message", "initiator",
		{"transport: cotp CR", "session CN", "CP, normal mode",
		    "id-as-mtse", "RTORQ", "initiator-name: MTA-A",
		    "subject: Test P1 ext92", NULL}},
	    {"p1-88-message", "responder",
		{"cotp CC", "session AC", "CPA", "AARE", "RTOAC",
		    "responder-name: MTA-B", "RLRE", NULL}},
	    {"p1-88-ndr-2", "initiator",
		{"MTS-APDU: report", "not-delivered", "returned content",
		    NULL}},
	    {"p1-88-probe", "initiator", {"MTS-APDU: probe", NULL}},
	    {"bind-badpw", "responder",
		{"session RF", "CPR", "rejected-permanent",
		    "MTABindError: authentication-error", NULL}},
	    {"isode-rtse-twa-echo-2", "initiator",
		{"two-way-alternate", "session GTC", NULL}},
	    {"p1-88-x410mode", "initiator",
		{"CP, X.410 mode", "subject: Test P1 X410", NULL}},
	    {"p1-84", "initiator",
		{"CP, X.410 mode", "subject: Test P1 84", NULL}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct buf in = {0}, out = {0};
		struct err e = ERR_INIT;

		vector_load(rows[i].name, rows[i].side, &in);
		CU_ASSERT_EQUAL(
		    decode_any(a, NULL, in.data, in.len, &out, &e), 0);
		assert_says(&out, rows[i].words);
		CU_ASSERT_PTR_NULL(strstr(buf_cstr(&out), "secret"));
		buf_free(&in);
		buf_free(&out);
		arena_free(&a);
	}
}

static void
a_broken_pdu_names_its_packet_and_layer(void)
{
	struct arena *a = arena_new();
	struct buf in = {0}, out = {0};
	struct err e = ERR_INIT;

	vector_load("p1-88-message", "initiator", &in);
	in.data[19 + 4 + 3 + 2] = 0x05; /* connect item, not identifier */
	in.data[19 + 4 + 3 + 3] = 0xfe; /* longer than all of it */
	CU_ASSERT(decode_any(a, NULL, in.data, in.len, &out, &e) < 0);
	CU_ASSERT_EQUAL(e.offset, 19);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "session"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&out), "cotp CR"));
	buf_free(&in);
	buf_free(&out);
	arena_free(&a);
}

static void
what_is_broken_is_shown_up_to_there_with_the_octet(void)
{
	static const uint8_t octets[] = {
	    0x05, 0x00, 0x30, 0x06, 0x02, 0x01, 0x07, 0x02, 0x7f, 0x00};
	struct arena *a = arena_new();

	for (size_t n = 3; n <= sizeof(octets); n++) {
		struct err e = ERR_INIT;
		struct buf out = {0};

		CU_ASSERT(decode_any(a, NULL, octets, n, &out, &e) < 0);
		CU_ASSERT(e.offset != ERR_NO_OFFSET && e.offset <= n);
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&out), "NULL"));
		buf_free(&out);
	}
	arena_free(&a);
}

static void
a_reader_asked_for_by_name_is_the_only_one(void)
{
	static const uint8_t octets[] = {0x30, 0x03, 0x02, 0x01, 0x05};
	struct arena *a = arena_new();
	struct buf out = {0};

	CU_ASSERT(decode_any(a, "p1", octets, 5, &out, NULL) < 0);
	CU_ASSERT(decode_any(a, "ipm", octets, 5, &out, NULL) < 0);
	CU_ASSERT(decode_any(a, "bind", octets, 5, &out, NULL) < 0);
	CU_ASSERT_EQUAL(decode_any(a, "ber", octets, 5, &out, NULL), 0);
	CU_ASSERT(decode_knows("ipm") && !decode_knows("ip"));
	buf_free(&out);
	arena_free(&a);
}

static void
text_of_a_peer_does_not_reach_the_terminal_raw(void)
{
	struct buf out = {0};

	print_line(&out, 0, "name", "%s", "a\x1b[2J\nb");
	print_text(&out, 0, "x\x1b[2J\r\ny\xc2\x9bz", 11, 100);
	print_text(&out, 0, "0123456789", 10, 4);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&out),
	    "name: a\\x1b[2J\\x0ab\n| x\\x1b[2J\n| y\\xc2\\x9bz\n"
	    "| 0123\n... 6 more octets\n");
	buf_free(&out);
}

void
suite_ops_decode(void)
{
	static CU_TestInfo tests[] = {
	    TEST(text_forms_become_octets_or_an_error),
	    TEST(each_kind_is_recognized_and_shown_as_what_it_is),
	    TEST(a_recorded_connection_is_read_from_the_tpkt_up_to_the_content),
	    TEST(a_broken_pdu_names_its_packet_and_layer),
	    TEST(what_is_broken_is_shown_up_to_there_with_the_octet),
	    TEST(a_reader_asked_for_by_name_is_the_only_one),
	    TEST(text_of_a_peer_does_not_reach_the_terminal_raw),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("ops_decode", tests);
}
