/* TSDUs and SPDUs: streaming, segmenting, concatenation, and wrong octets. */
#include <string.h>

#include "tests/unit/ses_ends.h"

static void
data_streams_up_before_its_end_has_come(void)
{
	struct end a, b;
	struct ses_prim piece = {
	    .type = SES_DATA, .data = (const uint8_t *)"0123456789", .n = 10};
	struct buf *out;

	associate(&a, &b, SES_FU_RTSE, 1);
	for (int i = 0; i < 10000; i++)
		OK(ses_request(a.s, &piece, NULL));
	out = cotp_output(ses_cotp(a.s));
	CU_ASSERT(out->len > 65000);
	end_carry(&a, &b, 1000);
	CU_ASSERT_EQUAL(b.data.len, 65535 - 7 - 4);
	piece.last = true;
	piece.n = 0;
	OK(ses_request(a.s, &piece, NULL));
	end_carry(&a, &b, 1000);
	CU_ASSERT_EQUAL(b.data.len, 100001);
	CU_ASSERT_EQUAL(b.data.data[100000], '|');
	finish(&a, &b);
}

/* An initiator that proposes a TSDU maximum size, by hand: the responder
 * echoes it and segments. */
static void
a_tsdu_maximum_size_proposed_by_the_peer_is_kept(void)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);
	struct end a, b;
	struct buf *out;
	static char text[500];

	pa.requirements = pb.requirements = SES_FU_DUPLEX | SES_FU_TYPED_DATA;
	end_open(&a, &pa);
	end_open(&b, &pb);
	OK(end_request(&a, SES_CONNECT, "hello"));
	end_carry(&a, &b, 1);
	end_carry(&b, &a, 1);
	/* put TSDU maximum size 70, 80 into the CN on its way */
	out = cotp_output(ses_cotp(a.s));
	CU_ASSERT_EQUAL(out->data[7], 13);
	{
		struct buf cn = {0};
		size_t at = 7 + 2 + 2 + 3;

		buf_append(&cn, out->data, at);
		buf_append(&cn, "\x15\4\0\x46\0\x50", 6);
		buf_append(&cn, out->data + at, out->len - at);
		cn.data[3] += 6;
		cn.data[8] += 6;
		cn.data[10] += 6;
		buf_clear(out);
		cotp_input(ses_cotp(b.s), cn.data, cn.len);
		buf_free(&cn);
	}
	memset(text, 'x', sizeof(text) - 1);
	end_carry(&b, &a, 1);
	TOLD(&a, "CONNECT.cnf");
	OK(end_request(&b, SES_DATA, text));
	OK(end_request(&b, SES_TYPED_DATA, text));
	out = cotp_output(ses_cotp(b.s));
	for (size_t at = 0; at < out->len; at += out->data[at + 3])
		CU_ASSERT(out->data[at + 3] <= 80 + 7);
	OK(end_request(&a, SES_DATA, text));
	ends_run(&a, &b, 1);
	CU_ASSERT_EQUAL(a.data.len, 2 * 500);
	CU_ASSERT_EQUAL(b.data.len, 500);
	CU_ASSERT_EQUAL(b.data.data[499], '|');
	/* other SPDUs are cut as well */
	OK(end_request(&a, SES_RELEASE, text));
	ends_run(&a, &b, 1);
	TOLD(&b, "CONNECT.ind RELEASE.ind");
	CU_ASSERT_EQUAL(b.user.len, 499);
	TOLD(&a, "RELEASE.cnf");
	finish(&a, &b);
}

static void
wrong_tsdus_give_ab_with_the_octets_at_fault(void)
{
	static const struct {
		const char *tsdu, *reflected;
		uint64_t offset;
	} rows[] = {
	    {"ee00", "ee00", 0}, {"0100 ee00", "ee00", 2},
	    {"0100 2d", "01002d", 3}, /* ends inside an SPDU */
	    {"0100 2d03 2901", "01002d032901", 6},
	    {"0900 61", "61", 2},                  /* after the last SPDU */
	    {"0100 2a03 2a0131 0100", "0100", 7},  /* a third SPDU */
	    {"2d03 290101", "2d03290101", 0},      /* category 2 alone */
	    {"0100 3103 2a0132", "31032a0132", 4}, /* sync point 2, not 1 */
	    {"0100 0103 190102 61", "010319010261", 0}, /* SSDU never began */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end e;
		struct buf want = {0}, *out;

		open_in_state(&e, STA713);
		put_in(&e, rows[i].tsdu);
		CU_ASSERT_STRING_EQUAL(end_log(&e), "P-ABORT.ind");
		out = cotp_output(ses_cotp(e.s));
		CU_ASSERT(out->len >= 14 && out->data[7] == 25 &&
		    out->data[12] == 49);
		unhex(rows[i].reflected, &want);
		CU_ASSERT_EQUAL(e.err.offset, rows[i].offset);
		CU_ASSERT_EQUAL(out->data[13], want.len);
		CU_ASSERT(out->len == 14 + want.len &&
		    (want.len == 0 ||
			memcmp(out->data + 14, want.data, want.len) == 0));
		buf_free(&want);
		end_close(&e);
	}
}

static void
tokens_after_data_take_effect_after_it(void)
{
	struct end e;

	open_in_state(&e, STA713);
	put_in(&e, "0103 100101 0100 6162");
	TOLD(&e, "GIVE.ind");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&e.data), "ab|");
	CU_ASSERT_EQUAL(ses_tokens(e.s), 1);
	end_close(&e);
}

/* --- segmenting and unlimited user data --- */

/* Two ends with an association whose TSDUs are bounded; 0: they are not. */
static void
associate_bounded(struct end *a, struct end *b, uint16_t fu, uint16_t tsdu)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);

	pa.requirements = pb.requirements = fu;
	pa.tsdu_send = pa.tsdu_receive = tsdu;
	end_open(a, &pa);
	end_open(b, &pb);
	OK(end_request(a, SES_CONNECT, "hello"));
	ends_run(a, b, 1);
	TOLD(a, "CONNECT.cnf");
	TOLD(b, "CONNECT.ind");
}

static bool
tpkts_are_at_most(struct end *e, size_t n)
{
	struct buf *out = cotp_output(ses_cotp(e->s));
	size_t at = 0, size;

	for (; at < out->len; at += size) {
		size = (size_t)(out->data[at + 2] << 8 | out->data[at + 3]);
		if (size == 0 || size > n)
			return false;
	}
	return true;
}

/* Each primitive that has user data, in an order in which they may come, with
 * who sends it and where the other is told. */
static const struct {
	bool responder;
	enum ses_prim_type type;
	enum ses_prim_kind kind;
	uint8_t tokens;
	uint32_t serial;
} exchange[] = {
    {true, SES_TOKEN_PLEASE, SES_REQ, SES_TOKEN_DATA, 0},
    {false, SES_CAPABILITY_DATA, SES_REQ, 0, 0},
    {true, SES_CAPABILITY_DATA, SES_RSP, 0, 0},
    {false, SES_ACTIVITY_START, SES_REQ, 0, 0},
    {false, SES_SYNC_MINOR, SES_REQ, 0, 0},
    {true, SES_SYNC_MINOR, SES_RSP, 0, 1},
    {false, SES_SYNC_MAJOR, SES_REQ, 0, 0},
    {true, SES_SYNC_MAJOR, SES_RSP, 0, 2},
    {true, SES_U_EXCEPTION, SES_REQ, 0, 0},
    {false, SES_ACTIVITY_INTERRUPT, SES_REQ, 0, 0},
    {true, SES_ACTIVITY_INTERRUPT, SES_RSP, 0, 0},
    {false, SES_ACTIVITY_RESUME, SES_REQ, 0, 1},
    {false, SES_ACTIVITY_DISCARD, SES_REQ, 0, 0},
    {true, SES_ACTIVITY_DISCARD, SES_RSP, 0, 0},
    {false, SES_ACTIVITY_START, SES_REQ, 0, 0},
    {false, SES_ACTIVITY_END, SES_REQ, 0, 0},
    {true, SES_ACTIVITY_END, SES_RSP, 0, 1},
    {false, SES_TOKEN_GIVE, SES_REQ, SES_TOKEN_RELEASE, 0},
    {true, SES_TOKEN_GIVE, SES_REQ, SES_TOKEN_RELEASE, 0},
    {false, SES_CONTROL_GIVE, SES_REQ, 0, 0},
    {true, SES_RELEASE, SES_REQ, 0, 0},
    {false, SES_RELEASE, SES_RSP, 0, 0},
};
#define N_EXCHANGE (sizeof(exchange) / sizeof(exchange[0]))

static void
exchange_all(uint16_t tsdu, size_t n, size_t step)
{
	static uint8_t data[100000];
	uint16_t fu = SES_FU_RTSE | SES_FU_CAPABILITY | SES_FU_MAJOR_SYNC |
	    SES_FU_NEGOTIATED_RELEASE;
	struct end a, b;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 13 + (i >> 8));
	associate_bounded(&a, &b, fu, tsdu);
	a.accept = false;
	for (size_t i = 0; i < N_EXCHANGE; i++) {
		struct end *from = exchange[i].responder ? &b : &a;
		struct end *to = exchange[i].responder ? &a : &b;
		struct ses_prim p = {
		    .type = exchange[i].type,
		    .kind = exchange[i].kind,
		    .tokens = exchange[i].tokens,
		    .serial = exchange[i].serial,
		    .accepted = true,
		    .last = true,
		    .data = data,
		    .n = n,
		    .activity_id_n = 1,
		    .old_activity_id_n = 1,
		};
		struct err e = ERR_INIT;
		int r = ses_request(from->s, &p, &e);

		CU_ASSERT_EQUAL(r, 0);
		if (tsdu != 0)
			CU_ASSERT(tpkts_are_at_most(from, tsdu + 7u));
		ends_run(&a, &b, step);
		CU_ASSERT_EQUAL(to->last.type, p.type);
		CU_ASSERT_EQUAL(to->user.len, n);
		CU_ASSERT(
		    to->user.len == n && memcmp(to->user.data, data, n) == 0);
	}
	CU_ASSERT(cotp_finished(ses_cotp(a.s)));
	finish(&a, &b);
}

static void
user_data_of_every_service_is_segmented_to_the_tsdu_size(void)
{
	static const uint16_t sizes[] = {64, 65, 255, 262, 2041};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t n = 1; n < 1200; n += 199)
			exchange_all(sizes[i], n, n % 2 ? 1 : 1000);
}

static void
user_data_of_every_service_is_unlimited_in_version_2(void)
{
	static const size_t sizes[] = {512, 513, 65535, 65536, 100000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		exchange_all(0, sizes[i], 1000000);
}

static void
long_user_data_of_an_abort_arrives_in_segments(void)
{
	static char text[70001];
	struct end a, b;

	memset(text, 'x', sizeof(text) - 1);
	associate_bounded(&a, &b, SES_FU_RTSE, 100);
	OK(end_request(&a, SES_U_ABORT, text));
	CU_ASSERT(tpkts_are_at_most(&a, 107));
	ends_run(&a, &b, 1);
	TOLD(&b, "U-ABORT.ind");
	CU_ASSERT_EQUAL(b.user.len, 70000);
	finish(&a, &b);
}

/* What arrives in segments has a bound too, and only an abort, an interrupt or
 * a discard may come between them. */
static void
segments_out_of_order_are_errors(void)
{
	static const struct {
		const char *first, *second, *told;
	} rows[] = {
	    {"0206 190101 100101", "0206 190101 100101", "P-ABORT.ind"},
	    {"0206 190100 c10161", NULL, "P-ABORT.ind"},
	    {"0206 190102 c10161", NULL, "P-ABORT.ind"},
	    {"0206 190101 100101", "0100 3103 2a0131", "P-ABORT.ind"},
	    {"0206 190101 100101", "0100 3103 190102", "P-ABORT.ind"},
	    {"0206 190101 100101", "1903 110103", "U-ABORT.ind"},
	    {"0206 190101 100101", "0100 1900", "INTERRUPT.ind"},
	    {"0206 190101 100101", "0100 3900", "DISCARD.ind"},
	    {"0206 190101 100101", "0206 190102 c10161", "PLEASE.ind"},
	    {"0206 190101 100101", "0203 190102", "PLEASE.ind"},
	    /* AI and AB have the same identifier */
	    {"0100 1906 190101 320101", "1903 190102", "P-ABORT.ind"},
	    {"1906 190101 110103", "0100 1903 190102", "P-ABORT.ind"},
	    {"0100 1906 190101 320101", "1903 110103", "U-ABORT.ind"},
	    {"0100 1906 190101 320101", "0100 1903 190102", "INTERRUPT.ind"},
	    /* DT and TD */
	    {"0206 190101 100101", "0100 0100 61", "P-ABORT.ind"},
	    {"0206 190101 100101", "0100 2100 61", "P-ABORT.ind"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end e;

		open_in_state(&e, STA713);
		put_in(&e, rows[i].first);
		if (rows[i].second != NULL) {
			CU_ASSERT_EQUAL(e.log.len, 0);
			put_in(&e, rows[i].second);
		}
		TOLD(&e, rows[i].told);
		end_close(&e);
	}
}

static void
a_segmented_spdu_ends_at_a_bound(void)
{
	struct buf in = {0};
	struct end e;

	open_in_state(&e, STA713);
	put_in(&e, "0206 190101 100101");
	buf_append(&in, "\3\0\xff\xff\2\xf0\x80\x02\xff\xff\xf4", 11);
	buf_append(&in, "\x19\1\0\xc1\xff\xff\xed", 7);
	while (in.len < 65535)
		buf_putc(&in, 'x');
	cotp_input(ses_cotp(e.s), in.data, in.len);
	cotp_input(ses_cotp(e.s), in.data, in.len);
	TOLD(&e, "");
	cotp_input(ses_cotp(e.s), in.data, in.len);
	TOLD(&e, "P-ABORT.ind");
	buf_free(&in);
	end_close(&e);
}

/* --- extended concatenation --- */

static void
open_for_extended(struct end *e, bool announced)
{
	open_in_state(e, STA713);
	e->s->params.extended_concatenation = announced;
	e->s->vact = false;
}

/* One octet at a time. */
static void
trickle_in(struct end *e, const char *tsdu_hex)
{
	struct buf b = {0};

	buf_append(&b, (uint8_t[]){3, 0, 0, 0, 2, 0xf0, 0x80}, 7);
	unhex(tsdu_hex, &b);
	b.data[3] = (uint8_t)b.len;
	for (size_t i = 0; i < b.len; i++)
		cotp_input(ses_cotp(e->s), b.data + i, 1);
	buf_free(&b);
}

static void
spdus_of_an_extended_concatenation_come_in_their_order(void)
{
	static const struct {
		const char *tsdu, *told, *data;
		uint8_t tokens;
	} rows[] = {
	    {"0100 2d03290101 0100 6162", "START.ind", "ab|", 0},
	    {"0100 2d03290101 31032a0131 0100 61", "START.ind MINOR.ind", "a|",
		0},
	    {"0103100140 2d03290101 31032a0131 31032a0132",
		"START.ind MINOR.ind MINOR.ind GIVE.ind", "", 0x40},
	    {"0103100101 2d03290101 0100 61", "START.ind GIVE.ind", "a|", 1},
	    {"0100 2d03290101 29032a0131", "START.ind END.ind", "", 0},
	    {"0100 2d03290101 2d03290101", "START.ind P-ABORT.ind", "", 0},
	    {"0100 2d03290101 0d00", "P-ABORT.ind", "", 0},
	    {"0100 2d03290101 3103", "P-ABORT.ind", "", 0},
	    {"0100 2d03290101 31032a0131 31032a0132 31032a0133 31032a0134"
	     " 31032a0135 31032a0136 31032a0137",
		"P-ABORT.ind", "", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end e;

		open_for_extended(&e, true);
		if (i % 2 != 0)
			put_in(&e, rows[i].tsdu);
		else
			trickle_in(&e, rows[i].tsdu);
		TOLD(&e, rows[i].told);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&e.data), rows[i].data);
		CU_ASSERT_EQUAL(ses_tokens(e.s), rows[i].tokens);
		end_close(&e);
	}
}

static void
extended_concatenation_is_an_error_where_it_was_not_announced(void)
{
	struct end e;

	open_for_extended(&e, false);
	put_in(&e, "0100 2d03290101 0100 61");
	TOLD(&e, "P-ABORT.ind");
	CU_ASSERT_EQUAL(e.err.offset, 7);
	end_close(&e);
}

static void
protocol_options_announce_extended_concatenation(void)
{
	for (int i = 0; i < 4; i++) {
		struct ses_params pa = end_params(OSI_INITIATOR);
		struct ses_params pb = end_params(OSI_RESPONDER);
		struct buf *out;
		struct end a, b;

		pa.extended_concatenation = (i & 1) != 0;
		pb.extended_concatenation = (i & 2) != 0;
		end_open(&a, &pa);
		end_open(&b, &pb);
		OK(end_request(&a, SES_CONNECT, ""));
		end_carry(&a, &b, 1);
		end_carry(&b, &a, 1);
		out = cotp_output(ses_cotp(a.s));
		CU_ASSERT_EQUAL(out->data[13], i & 1);
		end_carry(&a, &b, 1);
		out = cotp_output(ses_cotp(b.s));
		CU_ASSERT_EQUAL(out->data[13], i >> 1);
		finish(&a, &b);
	}
}

/* --- provider exceptions --- */

static void
an_error_that_the_peer_can_recover_from_is_reported(void)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);
	struct ses_prim give = {
	    .type = SES_TOKEN_GIVE, .tokens = SES_TOKEN_DATA};

	for (int recover = 0; recover < 2; recover++) {
		struct end a, b;

		pb.report_errors = true;
		end_open(&a, &pa);
		end_open(&b, &pb);
		OK(end_request(&a, SES_CONNECT, ""));
		ends_run(&a, &b, 1);
		OK(end_request(&a, SES_ACTIVITY_START, ""));
		end_carry(&a, &b, 1);
		end_log(&a);
		a.s->vm = 5; /* points that the peer does not expect */
		OK(end_request(&a, SES_SYNC_MINOR, ""));
		OK(end_request(&a, SES_DATA, "lost"));
		end_carry(&a, &b, 1);
		TOLD(&b, "CONNECT.ind START.ind P-EXC.ind");
		CU_ASSERT_EQUAL(b.err.offset, 7);
		CU_ASSERT_EQUAL(b.err.code, ERR_PROTOCOL);
		end_carry(&b, &a, 1);
		TOLD(&a, "P-EXC.ind");
		CU_ASSERT_EQUAL(a.user.len, 8);
		CU_ASSERT(memcmp(a.user.data, "\x31\6\x0f\1\1\x2a\1", 7) == 0);
		CU_ASSERT(a.s->state == STA20 && b.s->state == STA20);
		OK(recover == 0 ? end_request(&a, SES_ACTIVITY_DISCARD, "")
				: ses_request(a.s, &give, NULL));
		ends_run(&a, &b, 1);
		TOLD(&b, recover == 0 ? "DISCARD.ind" : "GIVE.ind");
		OK(recover == 0 ? end_respond(&b, SES_ACTIVITY_DISCARD, true, 0)
				: end_request(&b, SES_DATA, "mine"));
		ends_run(&a, &b, 1);
		CU_ASSERT(a.s->state == STA713 && b.s->state == STA713);
		CU_ASSERT_EQUAL(b.data.len, 0);
		finish(&a, &b);
	}
}

static void
an_error_that_nobody_could_recover_from_aborts(void)
{
	static const struct {
		const char *tsdu;
		uint16_t without;
		bool inside, ours;
	} rows[] = {
	    {"0100 3103 2a0139", SES_FU_EXCEPTIONS, true, false},
	    {"0100 3103 2a0139", 0, false, false},
	    {"0100 3103 2a0139", 0, true, true},
	    {"0100 3103 2a0161", 0, true, false}, /* not an SPDU at all */
	    {"0100 ee00", 0, true, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end e;

		open_in_state(&e, STA713);
		e.s->params.report_errors = true;
		e.s->fu &= (uint16_t)~rows[i].without;
		e.s->vact = rows[i].inside;
		e.s->tokens = rows[i].ours ? ses_available_tokens(e.s) : 0;
		put_in(&e, rows[i].tsdu);
		TOLD(&e, "P-ABORT.ind");
		end_close(&e);
	}
}

/* --- aborts --- */

static void
a_provider_abort_tells_what_the_peer_reflects(void)
{
	static const struct {
		const char *ab, *text;
	} rows[] = {
	    {"1908 110105 31032a0131", "protocol error, it reflects 2a0131"},
	    {"190e 110105 3109 010203040506070809",
		"protocol error, it reflects 010203040506070809"},
	    {"1903 110105", "reports a protocol error"},
	    {"1903 110111", "a restriction of its implementation"},
	    {"1903 110109", "without a reason"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end e;

		open_in_state(&e, STA713);
		put_in(&e, rows[i].ab);
		TOLD(&e, "P-ABORT.ind");
		CU_ASSERT(strstr(e.err.text, rows[i].text) != NULL);
		CU_ASSERT_EQUAL(e.err.code, ERR_REFUSED);
		CU_ASSERT(cotp_finished(ses_cotp(e.s)));
		end_close(&e);
	}
}

/* An AB that does not release the transport connection wants an AA. */
static void
an_abort_that_keeps_the_transport_is_accepted(void)
{
	struct end e;

	open_in_state(&e, STA713);
	put_in(&e, "1903 110102");
	TOLD(&e, "U-ABORT.ind");
	CU_ASSERT_EQUAL(cotp_output(ses_cotp(e.s))->data[7], 26);
	end_close(&e);
}

/* --- version 1 --- */

static void
open_in_version_1(struct end *e)
{
	open_in_state(e, STA713);
	e->s->version = 1;
	e->s->va = 1;
	e->s->vm = 2;
	e->s->vact = true;
}

/* An SPDU with n octets of user data. */
static void
put_with_data(struct end *e, const char *prefix, uint8_t si,
    const char *parameters, size_t n)
{
	struct buf b = {0}, par = {0};

	unhex(parameters, &par);
	buf_append(&b, (uint8_t[]){3, 0, 0, 0, 2, 0xf0, 0x80}, 7);
	unhex(prefix, &b);
	buf_putc(&b, si);
	buf_putc(&b, 0xff);
	buf_put_u16(&b, (uint16_t)(par.len + 4 + n));
	buf_append(&b, par.data, par.len);
	buf_append(&b, "\xc1\xff", 2);
	buf_put_u16(&b, (uint16_t)n);
	while (n-- > 0)
		buf_putc(&b, 'x');
	b.data[2] = (uint8_t)(b.len >> 8);
	b.data[3] = (uint8_t)b.len;
	cotp_input(ses_cotp(e->s), b.data, b.len);
	buf_free(&b);
	buf_free(&par);
}

static void
version_1_bounds_what_it_receives(void)
{
	static const struct {
		const char *prefix;
		uint8_t si;
		const char *parameters;
		size_t max;
	} rows[] = {
	    {"", 2, "100101", 512},
	    {"", 1, "100101", 0},
	    {"0100", 49, "2a0132", 512},
	    {"0200", 50, "2a0131", 512},
	    {"0100", 41, "2a0132", 512},
	    {"0200", 48, "320100", 512},
	    {"0100", 25, "320100", 0},
	    {"0100", 57, "320100", 0},
	    {"", 25, "110103", 9},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t more = 0; more < 2; more++) {
			struct end e;

			open_in_version_1(&e);
			if (rows[i].si == 48)
				e.s->tokens = SES_TOKEN_DATA;
			put_with_data(&e, rows[i].prefix, rows[i].si,
			    rows[i].parameters, rows[i].max + more);
			CU_ASSERT_EQUAL(
			    strcmp(end_log(&e), "P-ABORT.ind") == 0, more == 1);
			CU_ASSERT(more == 1 || e.user.len == rows[i].max);
			end_close(&e);
		}
}

static void
version_1_bounds_what_it_sends(void)
{
	static uint8_t data[600];
	static const struct {
		enum ses_prim_type type;
		enum ses_state state;
		size_t max;
	} rows[] = {
	    {SES_SYNC_MINOR, STA713, 512},
	    {SES_SYNC_MAJOR, STA713, 512},
	    {SES_ACTIVITY_END, STA713, 512},
	    {SES_ACTIVITY_INTERRUPT, STA713, 0},
	    {SES_ACTIVITY_DISCARD, STA713, 0},
	    {SES_TOKEN_GIVE, STA713, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t more = 0; more < 2; more++) {
			struct ses_prim p = {.type = rows[i].type,
			    .data = data,
			    .n = rows[i].max + more,
			    .tokens = SES_TOKEN_DATA,
			    .last = true};
			struct end e;

			open_in_version_1(&e);
			e.s->tokens = ses_available_tokens(e.s);
			CU_ASSERT_EQUAL(ses_request(e.s, &p, NULL),
			    more == 1 ? ERR_LIMIT : 0);
			end_close(&e);
		}
}

static void
data_is_unlimited_and_segmented_in_version_1_too(void)
{
	struct end e;

	open_in_version_1(&e);
	put_in(&e, "0100 0103 190101 6162");
	put_in(&e, "0100 0103 190100 63");
	put_in(&e, "0100 0103 190102 64");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&e.data), "abcd|");
	put_in(&e, "0206 190101 100101"); /* no other SPDU is */
	TOLD(&e, "P-ABORT.ind");
	end_close(&e);
}

/* What is refused before there is a session is told as well. */
static void
a_refused_transport_class_is_told_with_its_reason(void)
{
	struct ses_params p = end_params(OSI_RESPONDER);
	struct end e;

	end_open(&e, &p);
	cotp_input(
	    ses_cotp(e.s), (const uint8_t *)"\3\0\0\x0b\6\xe0\0\0\0\1\x40", 11);
	TOLD(&e, "P-ABORT.ind");
	CU_ASSERT_STRING_EQUAL(e.err.layer, "cotp");
	CU_ASSERT_EQUAL(e.err.offset, 6);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.err.text, "class 4"));
	end_close(&e);
}

static void
tsdus_that_get_nobody_anywhere_end_at_a_bound(void)
{
	static const char *const tsdus[] = {
	    "0203100101" /* PT */, "0100" /* GT without tokens */};

	for (size_t i = 0; i < sizeof(tsdus) / sizeof(*tsdus); i++) {
		struct end e;

		open_in_state(&e, STA713);
		for (int n = 0; n < SES_IDLE_TSDUS_MAX; n++)
			put_in(&e, tsdus[i]);
		/* data begins the count again */
		put_in(&e, "0100 0100 61");
		for (int n = 0; n < SES_IDLE_TSDUS_MAX - 1; n++)
			put_in(&e, tsdus[i]);
		CU_ASSERT_EQUAL(e.s->state, STA713);
		buf_clear(&e.log);
		put_in(&e, tsdus[i]);
		put_in(&e, tsdus[i]);
		CU_ASSERT_EQUAL(e.last.type, SES_P_ABORT);
		CU_ASSERT_EQUAL(e.err.code, ERR_LIMIT);
		CU_ASSERT_EQUAL(e.s->state, STA16);
		end_close(&e);
	}
}

static void
after_our_abort_a_megabyte_is_passed_over_and_no_more(void)
{
	struct buf dt = {0};
	size_t sent = 0;
	struct end e;

	open_in_state(&e, STA713);
	OK(end_request(&e, SES_U_ABORT, ""));
	buf_append(&dt, "\3\0\xff\xff\2\xf0\0", 7);
	while (dt.len < 0xffff)
		buf_putc(&dt, 'x');
	while (!cotp_finished(ses_cotp(e.s)) && sent < 4 * SES_ABORTED_MAX) {
		cotp_input(ses_cotp(e.s), dt.data, dt.len);
		sent += dt.len;
	}
	CU_ASSERT(sent > SES_ABORTED_MAX);
	CU_ASSERT(sent < SES_ABORTED_MAX + 0x20000);
	TOLD(&e, "");
	buf_free(&dt);
	end_close(&e);
}

void
suite_osi_ses_wire(void)
{
	static CU_TestInfo tests[] = {
	    TEST(data_streams_up_before_its_end_has_come),
	    TEST(a_tsdu_maximum_size_proposed_by_the_peer_is_kept),
	    TEST(wrong_tsdus_give_ab_with_the_octets_at_fault),
	    TEST(tokens_after_data_take_effect_after_it),
	    TEST(user_data_of_every_service_is_segmented_to_the_tsdu_size),
	    TEST(user_data_of_every_service_is_unlimited_in_version_2),
	    TEST(long_user_data_of_an_abort_arrives_in_segments),
	    TEST(segments_out_of_order_are_errors),
	    TEST(a_segmented_spdu_ends_at_a_bound),
	    TEST(spdus_of_an_extended_concatenation_come_in_their_order),
	    TEST(extended_concatenation_is_an_error_where_it_was_not_announced),
	    TEST(protocol_options_announce_extended_concatenation),
	    TEST(an_error_that_the_peer_can_recover_from_is_reported),
	    TEST(an_error_that_nobody_could_recover_from_aborts),
	    TEST(a_provider_abort_tells_what_the_peer_reflects),
	    TEST(an_abort_that_keeps_the_transport_is_accepted),
	    TEST(version_1_bounds_what_it_receives),
	    TEST(version_1_bounds_what_it_sends),
	    TEST(a_refused_transport_class_is_told_with_its_reason),
	    TEST(tsdus_that_get_nobody_anywhere_end_at_a_bound),
	    TEST(after_our_abort_a_megabyte_is_passed_over_and_no_more),
	    TEST(data_is_unlimited_and_segmented_in_version_1_too),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_ses_wire", tests);
}
