#include "ops/decode.h"

#include <string.h>

#include "mixer/mixer.h"
#include "osi/cotp_tpdu.h"
#include "osi/spdu.h"
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

/* Half an octet is where its one digit stands. */
static void
an_octet_of_one_digit_is_found_by_line_and_column(void)
{
	static const struct {
		const char *in, *where;
		uint64_t octet;
	} rows[] = {
	    {"300", "line 1, column 3", 2},
	    {"3003\n0201 0\n", "line 2, column 6", 10},
	    {"30 0 3", "line 1, column 4", 3},
	    {"30:3:00", "line 1, column 4", 3},
	    {"30\n\n0x3", "line 3, column 3", 6},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		struct buf b = {0};

		buf_puts(&b, rows[i].in);
		CU_ASSERT_EQUAL(decode_input(&b, DECODE_HEX, &e), ERR_SYNTAX);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.text, rows[i].where));
		CU_ASSERT_EQUAL(e.offset, rows[i].octet);
		buf_free(&b);
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

/* The value behind a CR, in the user data of a DT SPDU. */
static void
decode_in_pdv(struct arena *a, const struct buf *value, struct buf *out)
{
	struct buf in = {0}, pdv = {0};
	struct err e = ERR_INIT;

	unhex("030000130ee00000724100c203353934c0010b", &in);
	unhex("01000100", &pdv);
	buf_append(&pdv,
	    (uint8_t[]){0x61, (uint8_t)(value->len + 7), 0x30,
		(uint8_t)(value->len + 5), 2, 1, 3, 0xa0, (uint8_t)value->len},
	    9);
	buf_append(&pdv, value->data, value->len);
	tpdu_put_dt(pdv.data, pdv.len, true, &in);
	CU_ASSERT_EQUAL(decode_any(a, NULL, in.data, in.len, out, &e), 0);
	buf_free(&in);
	buf_free(&pdv);
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
	CU_ASSERT_EQUAL(e.offset, 19 + 4 + 3 + 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "in the TPKT at 19: session"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&out), "cotp CR"));
	buf_free(&in);
	buf_free(&out);
	arena_free(&a);
}

/* The recorded CR and CN, with the user data of the CN in `pieces` SPDUs. */
static void
make_overflow(struct buf *out, int pieces, bool begin)
{
	struct buf in = {0}, built = {0};
	struct octets data;
	struct spdu cn, s;
	size_t step;

	vector_load("p1-88-message", "initiator", &in);
	CU_ASSERT_EQUAL_FATAL(
	    spdu_parse(in.data + 26, spdu_length(in.data + 26, 100), SPDU_FIRST,
		&cn, NULL),
	    0);
	data = cn.par[SPDU_USER_DATA];
	step = data.n / (size_t)pieces;
	buf_append(out, in.data, 19);
	for (int i = 0; i < pieces; i++) {
		uint8_t last = i == pieces - 1 ? SPDU_END : 0;

		s = (struct spdu){.type = SPDU_CDO};
		if (i == 0) {
			s = cn;
			s.par[SPDU_USER_DATA] = (struct octets){NULL, 0};
			s.present &= ~(UINT64_C(1) << SPDU_USER_DATA);
			spdu_set(&s, SPDU_OVERFLOW, (const uint8_t *)"\1", 1);
			spdu_set(&s, SPDU_EXTENDED_DATA, data.p, step);
		} else {
			spdu_set(&s, SPDU_ENCLOSURE, &last, 1);
			spdu_set(
			    &s, SPDU_USER_DATA, data.p, last ? data.n : step);
		}
		data.p += step;
		data.n -= step;
		buf_clear(&built);
		CU_ASSERT_EQUAL(spdu_build(&s, &built, NULL), 0);
		if (i > 0 || begin)
			tpdu_put_dt(built.data, built.len, true, out);
	}
	buf_free(&in);
	buf_free(&built);
}

static void
user_data_that_overflows_a_connect_is_put_together(void)
{
	static const char *const words[] = {"data overflow: more than 10240",
	    "session CDO", "enclosure item: end (2)", "CP, normal mode",
	    "initiator-name: MTA-A", NULL};

	for (int pieces = 2; pieces <= 5; pieces++) {
		struct arena *a = arena_new();
		struct buf in = {0}, out = {0};
		struct err e = ERR_INIT;

		make_overflow(&in, pieces, true);
		CU_ASSERT_EQUAL(
		    decode_any(a, NULL, in.data, in.len, &out, &e), 0);
		assert_says(&out, words);
		/* without the CN, it is at least no error */
		buf_clear(&in);
		buf_clear(&out);
		make_overflow(&in, pieces, false);
		CU_ASSERT_EQUAL(
		    decode_any(a, NULL, in.data, in.len, &out, &e), 0);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(buf_cstr(&out), "goes on from an SPDU"));
		buf_free(&in);
		buf_free(&out);
		arena_free(&a);
	}
}

/* An AS whose user data comes in two: BEGIN with all parameters, then END. */
static void
segmented_spdus_are_put_together(void)
{
	static const char in[] =
	    "030000130ee00000724100c203353934c0010b"
	    "03000016 02f080 0100 2d0b 290131 190101 c1036103 02"
	    "03000014 02f080 0100 2d09 190102 c104 01050000";
	static const char *const words[] = {"enclosure item: beginning (1)",
	    "enclosure item: end (2)", "3 octets, 3 of it so far", NULL};
	struct arena *a = arena_new();
	struct buf octets = {0}, out = {0};
	struct err e = ERR_INIT;

	unhex(in, &octets);
	decode_any(a, NULL, octets.data, octets.len, &out, &e);
	assert_says(&out, words);
	buf_free(&octets);
	buf_free(&out);
	arena_free(&a);
}

#define CR "030000130ee00000724100c203353934c0010b"

static void
numbers_of_the_lower_layers_have_names(void)
{
	static const struct {
		const char *in;
		const char *words[5];
	} rows[] = {
	    {"03000009 0470000003",
		{"reject cause: invalid parameter value "
		 "(3)"}},
	    {CR "0300000c 02f080 1903 11010b",
		{"transport disconnect: transport connection is released, "
		 "user abort, no reason (11)"}},
	    {CR "03000016 02f080 190d 110104 c108 3006 800105 810107",
		{"transport disconnect: protocol error (4)", "ARP",
		    "reason: unexpected-ppdu-parameter (5)",
		    "event-identifier: TD PPDU (7)"}},
	    {CR "0300000e 02f080 0100 3003 320103",
		{"reason code: user sequence error (3)"}},
	    {CR "0300000e 02f080 0100 1903 320105",
		{"session AI", "local user error (5)"}},
	    {CR "0300000c 02f080 0203 100145",
		{"token item: data, synchronize-minor, release (69)"}},
	    {CR "03000011 02f080 0100 3106 0f0101 2a0131",
		{"sync type: explicit confirmation optional (1)"}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct buf in = {0}, out = {0};
		struct err e = ERR_INIT;

		unhex(rows[i].in, &in);
		decode_any(a, "tpkt", in.data, in.len, &out, &e);
		for (size_t k = 0; rows[i].words[k] != NULL; k++)
			if (strstr(buf_cstr(&out), rows[i].words[k]) == NULL) {
				CU_FAIL("a name is missing");
				printf(
				    "%zu: %s\n%s\n", i, buf_cstr(&out), e.text);
			}
		buf_free(&in);
		buf_free(&out);
		arena_free(&a);
	}
}

static void
an_unsupported_spdu_is_found_in_its_stream(void)
{
	static const char two_dts[] = CR "03000009 02f000 0100"
					 "0300000b 02f080 63020102";
	struct arena *a = arena_new();
	struct buf in = {0}, out = {0};
	struct err e = ERR_INIT;

	unhex(two_dts, &in);
	CU_ASSERT(decode_any(a, NULL, in.data, in.len, &out, &e) < 0);
	CU_ASSERT_EQUAL(e.offset, 19 + 9 + 7);
	buf_free(&in);
	buf_free(&out);
	arena_free(&a);
}

static void
what_there_is_of_a_packet_that_is_cut_off_is_shown(void)
{
	struct arena *a = arena_new();
	struct buf in = {0};
	unsigned good = 0;

	vector_load("p1-88-message", "initiator", &in);
	for (size_t n = 7; n <= in.len; n++) {
		size_t at = 0, length = 0;
		struct buf out = {0};
		struct err e = ERR_INIT;
		int rc = decode_any(a, NULL, in.data, n, &out, &e);

		while (at < n && n - at >= 4 &&
		    (length = (size_t)in.data[at + 2] << 8 | in.data[at + 3]) <=
			n - at)
			at += length;
		CU_ASSERT_EQUAL(
		    strstr(buf_cstr(&out), "cut off") != NULL, at < n);
		CU_ASSERT(rc == 0 ||
		    (strstr(e.text, "cut off") != NULL && e.offset == n));
		/* inside a header; there is one of ten octets at least */
		if (n - at < 7 && n > at)
			CU_ASSERT(rc < 0);
		good += rc == 0 && at < n;
		if (n == 60) /* inside the CN */
			CU_ASSERT_PTR_NOT_NULL(
			    strstr(buf_cstr(&out), "session CN, cut off"));
		buf_free(&out);
	}
	CU_ASSERT(good > 100); /* user data only is missing */
	buf_free(&in);
	arena_free(&a);
}

static void
remote_operations_are_shown_with_their_names(void)
{
	static const struct {
		const char *in;
		const char *words[6];
	} rows[] = {
	    {"a10b 020105 800103 020107 0500",
		{"ROSE: ROIV (invoke)", "invoke-id: 5", "linked-id: 3",
		    "operation: 7", "argument: 2 octets"}},
	    {"a20a 020101 3005 020102 0500",
		{"RORS (result)", "operation: 2", "result: 2 octets"}},
	    {"a307 020101 06022a03", {"ROER (error)", "error: 1.2.3"}},
	    {"a406 020109 810101",
		{"RORJ (reject)", "invoke-id: 9",
		    "problem: invoke: unrecognized operation (1)"}},
	    {"a405 0500 800102",
		{"problem: general: badly structured APDU (2)"}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct buf in = {0}, out = {0};
		struct err e = ERR_INIT;

		unhex(rows[i].in, &in);
		CU_ASSERT_EQUAL(
		    decode_any(a, NULL, in.data, in.len, &out, &e), 0);
		assert_says(&out, rows[i].words);
		buf_clear(&out);
		CU_ASSERT_EQUAL(
		    decode_any(a, "rose", in.data, in.len, &out, &e), 0);
		/* as the value of a PDV, and as what RTSE transfers */
		buf_clear(&out);
		decode_in_pdv(a, &in, &out);
		assert_says(&out, rows[i].words);
		buf_free(&in);
		buf_free(&out);
		arena_free(&a);
	}
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

/* One SPDU alone, and what its numbers mean. */
static void
a_session_spdu_alone_is_read_with_names(void)
{
	static const struct {
		const char *hex, *text;
	} rows[] = {
	    {"1905 110104 310102", "reflect parameter values: 1 octets: 02"},
	    {"1906 110104 31020219",
		"reflect parameter values: 2 octets: 02 19"},
	    {"0d0b 0509 150404000200 160103",
		"TSDU maximum size: 1024 from the initiator, 512 to it"},
	    {"0d05 0503 160103", "version number: version 1, version 2 (3)"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct buf in = {0}, out = {0};
		struct err e = ERR_INIT;

		unhex(rows[i].hex, &in);
		/* what the rows say in their parameters counts */
		in.data[1] = (uint8_t)(in.len - 2);
		CU_ASSERT_EQUAL(
		    decode_any(a, "session", in.data, in.len, &out, &e), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&out), rows[i].text));
		buf_free(&in);
		buf_free(&out);
		arena_free(&a);
	}
}

static void
a_capture_is_refused_with_the_way_to_what_is_wanted(void)
{
	static const char *const rows[] = {"d4c3b2a1 0200", "a1b2c3d4 0002",
	    "4d3cb2a1 0200", "a1b23c4d 0002", "0a0d0d0a 1c00"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct buf in = {0}, out = {0};
		struct err e = ERR_INIT;

		unhex(rows[i], &in);
		CU_ASSERT_EQUAL(decode_any(a, NULL, in.data, in.len, &out, &e),
		    ERR_UNSUPPORTED);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "tshark"));
		buf_free(&in);
		buf_free(&out);
		arena_free(&a);
	}
}

void
suite_ops_decode(void)
{
	static CU_TestInfo tests[] = {
	    TEST(text_forms_become_octets_or_an_error),
	    TEST(an_octet_of_one_digit_is_found_by_line_and_column),
	    TEST(each_kind_is_recognized_and_shown_as_what_it_is),
	    TEST(a_recorded_connection_is_read_from_the_tpkt_up_to_the_content),
	    TEST(a_broken_pdu_names_its_packet_and_layer),
	    TEST(user_data_that_overflows_a_connect_is_put_together),
	    TEST(segmented_spdus_are_put_together),
	    TEST(numbers_of_the_lower_layers_have_names),
	    TEST(an_unsupported_spdu_is_found_in_its_stream),
	    TEST(what_there_is_of_a_packet_that_is_cut_off_is_shown),
	    TEST(remote_operations_are_shown_with_their_names),
	    TEST(what_is_broken_is_shown_up_to_there_with_the_octet),
	    TEST(a_reader_asked_for_by_name_is_the_only_one),
	    TEST(text_of_a_peer_does_not_reach_the_terminal_raw),
	    TEST(a_session_spdu_alone_is_read_with_names),
	    TEST(a_capture_is_refused_with_the_way_to_what_is_wanted),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("ops_decode", tests);
}
