/* Establishing a session connection: what is proposed, selected, refused. */
#include <string.h>

#include "tests/unit/ses_ends.h"

static void
connect_user_data_of_every_size_arrives(void)
{
	static const struct {
		size_t n;
		int version;
		bool fits;
	} rows[] = {
	    {0, 2, true},
	    {512, 2, true},
	    {513, 2, true},
	    {10240, 2, true},
	    {10241, 2, true},
	    {70000, 2, true},
	    {128 * 1024, 2, true},
	    {128 * 1024 + 1, 2, false},
	};
	static uint8_t data[128 * 1024 + 1];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ses_params pa = end_params(OSI_INITIATOR);
		struct ses_params pb = end_params(OSI_RESPONDER);
		struct ses_prim p = {
		    .type = SES_CONNECT, .data = data, .n = rows[i].n};
		struct end a, b;
		int r;

		end_open(&a, &pa);
		end_open(&b, &pb);
		r = ses_request(a.s, &p, NULL);
		CU_ASSERT_EQUAL(r, rows[i].fits ? 0 : ERR_LIMIT);
		ends_run(&a, &b, 777);
		if (rows[i].fits) {
			TOLD(&a, "CONNECT.cnf");
			CU_ASSERT_EQUAL(b.user.len, rows[i].n);
			CU_ASSERT(rows[i].n == 0 ||
			    memcmp(b.user.data, data, rows[i].n) == 0);
		}
		finish(&a, &b);
	}
}

static void
selectors_references_and_tokens_are_negotiated(void)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);
	struct end a, b;

	osi_sel_parse("S1", &pa.called, NULL);
	osi_sel_parse("", &pa.calling, NULL);
	osi_sel_parse("S1", &pb.called, NULL);
	osi_sel_parse("S2", &pb.responding, NULL);
	pa.conn_id = (struct ses_conn_id){3, 2, 1, "abc", "de", "f"};
	pa.requirements = 0xffff;
	pa.token_setting = 0x09; /* data: theirs, minor: they choose */
	end_open(&a, &pa);
	end_open(&b, &pb);
	OK(end_request(&a, SES_CONNECT, ""));
	ends_run(&a, &b, 1);
	TOLD(&a, "CONNECT.cnf");
	CU_ASSERT(osi_sel_equal(&ses_params(b.s)->called, &pa.called));
	CU_ASSERT(osi_sel_equal(&ses_params(b.s)->calling, &pa.calling));
	CU_ASSERT(osi_sel_equal(&ses_params(a.s)->responding, &pb.responding));
	CU_ASSERT_EQUAL(ses_params(b.s)->conn_id.user_n, 3);
	CU_ASSERT_EQUAL(ses_params(b.s)->conn_id.add[0], 'f');
	CU_ASSERT_EQUAL(ses_requirements(a.s), SES_FU_RTSE);
	CU_ASSERT_EQUAL(ses_tokens(a.s), 0x14);
	CU_ASSERT_EQUAL(ses_tokens(b.s), 0x01);
	finish(&a, &b);
}

static void
refusals_carry_reason_and_user_data(void)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);
	struct ses_prim no = {.type = SES_CONNECT,
	    .kind = SES_RSP,
	    .reason = SES_REFUSE_USER_DATA,
	    .data = (const uint8_t *)"because",
	    .n = 7};
	struct end a, b;

	end_open(&a, &pa);
	end_open(&b, &pb);
	b.accept = false;
	OK(end_request(&a, SES_CONNECT, "hello"));
	ends_run(&a, &b, 1);
	OK(ses_request(b.s, &no, NULL));
	ends_run(&a, &b, 1);
	TOLD(&a, "CONNECT.cnf");
	CU_ASSERT(!a.last.accepted);
	CU_ASSERT_EQUAL(a.last.reason, SES_REFUSE_USER_DATA);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.user), "because");
	CU_ASSERT(cotp_finished(ses_cotp(a.s)));
	finish(&a, &b);
	osi_sel_parse("right", &pb.called, NULL);
	osi_sel_parse("wrong", &pa.called, NULL);
	end_open(&a, &pa);
	end_open(&b, &pb);
	OK(end_request(&a, SES_CONNECT, "hello"));
	ends_run(&a, &b, 1);
	TOLD(&a, "CONNECT.cnf");
	CU_ASSERT_EQUAL(a.last.reason, SES_REFUSE_SSEL_UNKNOWN);
	TOLD(&b, "P-ABORT.ind");
	CU_ASSERT_EQUAL(b.err.code, ERR_REFUSED);
	finish(&a, &b);
}

static void
version_1_is_spoken_with_a_peer_that_has_no_other(void)
{
	struct ses_params p = end_params(OSI_RESPONDER);
	struct end e;
	struct ses_prim long_one = {
	    .type = SES_CONNECT, .kind = SES_RSP, .accepted = true, .n = 513};
	static uint8_t data[513];

	end_open(&e, &p);
	e.accept = false;
	cotp_input(
	    ses_cotp(e.s), (const uint8_t *)"\3\0\0\x0b\6\xe0\0\0\0\1\0", 11);
	put_in(&e, "0d04 14020249");
	TOLD(&e, "CONNECT.ind");
	long_one.data = data;
	CU_ASSERT_EQUAL(ses_request(e.s, &long_one, NULL), ERR_LIMIT);
	long_one.n = 512;
	OK(ses_request(e.s, &long_one, NULL));
	CU_ASSERT_EQUAL(ses_version(e.s), 1);
	end_close(&e);
	/* and with none that we have */
	end_open(&e, &p);
	cotp_input(
	    ses_cotp(e.s), (const uint8_t *)"\3\0\0\x0b\6\xe0\0\0\0\1\0", 11);
	put_in(&e, "0d05 0503 160104");
	TOLD(&e, "P-ABORT.ind");
	end_close(&e);
}

static void
every_refusal_reason_arrives_and_only_one_carries_data(void)
{
	static const uint8_t reasons[] = {SES_REFUSE_USER,
	    SES_REFUSE_CONGESTION, SES_REFUSE_USER_DATA,
	    SES_REFUSE_SSEL_UNKNOWN, SES_REFUSE_NOT_ATTACHED,
	    SES_REFUSE_SPM_CONGESTION, SES_REFUSE_VERSION, SES_REFUSE_SPM,
	    SES_REFUSE_IMPLEMENTATION};

	for (size_t i = 0; i < 2 * sizeof(reasons); i++) {
		struct ses_params pa = end_params(OSI_INITIATOR);
		struct ses_params pb = end_params(OSI_RESPONDER);
		bool data = i >= sizeof(reasons);
		uint8_t reason = reasons[i % sizeof(reasons)], want = reason;
		struct ses_prim no = {.type = SES_CONNECT,
		    .kind = SES_RSP,
		    .reason = reason,
		    .data = (const uint8_t *)"why",
		    .n = data ? 3 : 0};
		struct end a, b;

		if (data && reason == SES_REFUSE_USER)
			want = SES_REFUSE_USER_DATA;
		end_open(&a, &pa);
		end_open(&b, &pb);
		b.accept = false;
		OK(end_request(&a, SES_CONNECT, ""));
		ends_run(&a, &b, 1);
		OK(ses_request(b.s, &no, NULL));
		ends_run(&a, &b, 1);
		TOLD(&a, "CONNECT.cnf");
		CU_ASSERT(!a.last.accepted);
		CU_ASSERT_EQUAL(a.last.reason, want);
		CU_ASSERT_EQUAL(
		    a.user.len, data && want == SES_REFUSE_USER_DATA ? 3 : 0);
		CU_ASSERT(cotp_finished(ses_cotp(a.s)));
		CU_ASSERT(cotp_finished(ses_cotp(b.s)));
		finish(&a, &b);
	}
}

/* Ours behind the TSEL "T1": SSEL "S1", PSEL "P1". */
static const struct osi_selectors *
ours(void *arg, const struct osi_sel *called_tsel)
{
	bool t1 = called_tsel->n == 2 && memcmp(called_tsel->v, "T1", 2) == 0;

	return t1 ? arg : NULL;
}

static void
the_called_ssel_must_be_that_of_the_called_tsel(void)
{
	static const struct {
		const char *tsel, *ssel;
		bool taken;
	} rows[] = {
	    {"T1", "S1", true},
	    {"T1", NULL, true},
	    {"T1", "S2", false},
	    {"T1", "S", false},
	    {"T1", "", false},
	    {"T2", "S2", true},
	};
	struct osi_selectors us = {0};

	osi_sel_parse("S1", &us.ssel, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ses_params pa = end_params(OSI_INITIATOR);
		struct ses_params pb = end_params(OSI_RESPONDER);
		struct end a, b;

		osi_sel_parse(rows[i].tsel, &pa.cotp.called, NULL);
		osi_sel_parse(rows[i].ssel, &pa.called, NULL);
		pb.cotp.common.ours = ours;
		pb.cotp.common.serves_arg = &us;
		end_open(&a, &pa);
		end_open(&b, &pb);
		OK(end_request(&a, SES_CONNECT, ""));
		ends_run(&a, &b, 1);
		CU_ASSERT_EQUAL(a.last.accepted, rows[i].taken);
		if (!rows[i].taken)
			CU_ASSERT_EQUAL(a.last.reason, SES_REFUSE_SSEL_UNKNOWN);
		TOLD(&b, rows[i].taken ? "CONNECT.ind" : "P-ABORT.ind");
		finish(&a, &b);
	}
}

/* An end of ours whose transport connection is open, on a peer's. */
static void
responder(struct end *e, const struct ses_params *p)
{
	end_open(e, p);
	e->accept = false;
	cotp_input(
	    ses_cotp(e->s), (const uint8_t *)"\3\0\0\x0b\6\xe0\0\0\0\1\0", 11);
	buf_clear(cotp_output(ses_cotp(e->s)));
}

static void
initiator(struct end *e, const struct ses_params *p, const char *data)
{
	end_open(e, p);
	OK(end_request(e, SES_CONNECT, data));
	cotp_input(ses_cotp(e->s),
	    (const uint8_t *)"\3\0\0\x0b\6\xd0\x03\xe9\0\1\0", 11);
}

/* The first parameter with this code in the last SPDU sent; the group is
 * passed over. */
static const uint8_t *
sent_par(struct end *e, const char *tag)
{
	struct buf *out = cotp_output(ses_cotp(e->s)), b = {0};
	const uint8_t *at;

	unhex(tag, &b);
	at = memmem(out->data, out->len, b.data, b.len);
	buf_free(&b);
	return at != NULL ? at + strlen(tag) / 2 : NULL;
}

static void
what_a_connect_spdu_must_not_say_is_refused_with_the_reason(void)
{
	static const struct {
		const char *cn;
		uint8_t reason;
		const char *why;
	} rows[] = {
	    {"0d05 0503 160104", SES_REFUSE_VERSION, "version"},
	    {"0d05 0503 160100", SES_REFUSE_VERSION, "version"},
	    {"0d09 0503 160102 34025858", SES_REFUSE_SSEL_UNKNOWN, "selector"},
	    {"0d09 0503 160102 14020002", SES_REFUSE_IMPLEMENTATION, "duplex"},
	    {"0d09 0503 160102 14020248", SES_REFUSE_IMPLEMENTATION, "duplex"},
	    {"0d0b 0509 1504003f0000 160102", SES_REFUSE_IMPLEMENTATION,
		"TSDU"},
	    {"0d0b 0509 15040000003f 160102", SES_REFUSE_IMPLEMENTATION,
		"TSDU"},
	    /* an AC with the references of this CN takes more than 64 */
	    {"0d31 0124 0a22"
	     "3030303030303030303030303030303030"
	     "3030303030303030303030303030303030 0509 150400400040 160102",
		SES_REFUSE_IMPLEMENTATION, "TSDU"},
	    /* version 1 cannot segment: 64 are too few, and 512 */
	    {"0d0b 0509 150400400040 160101", SES_REFUSE_IMPLEMENTATION,
		"TSDU"},
	    {"0d0b 0509 150402000200 160101", SES_REFUSE_IMPLEMENTATION,
		"TSDU"},
	    {"0d08 0506 160102 1a0103", SES_REFUSE_SPM, "token"},
	    {"0d08 0506 160102 1a01c0", SES_REFUSE_SPM, "token"},
	    {"0d0b 0503 160102 c10161 c20162", SES_REFUSE_SPM, "user data"},
	    {"0d08 0503 160101 3c0101", SES_REFUSE_SPM, "user data"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ses_params p = end_params(OSI_RESPONDER);
		struct buf *out;
		struct end e;
		size_t n;

		osi_sel_parse("S1", &p.called, NULL);
		responder(&e, &p);
		put_in(&e, rows[i].cn);
		out = cotp_output(ses_cotp(e.s));
		n = out->len;
		TOLD(&e, "P-ABORT.ind");
		CU_ASSERT_EQUAL(e.err.code, ERR_REFUSED);
		CU_ASSERT(strstr(e.err.text, rows[i].why) != NULL);
		CU_ASSERT(strstr(e.err.text, "session CN: ") == e.err.text);
		CU_ASSERT(e.err.offset != ERR_NO_OFFSET);
		CU_ASSERT(n > 10 && out->data[7] == 12);
		CU_ASSERT(n > 10 && out->data[n - 3] == 50 &&
		    out->data[n - 1] == rows[i].reason);
		CU_ASSERT_EQUAL(e.s->state, STA16);
		end_close(&e);
	}
}

static void
connect_user_data_is_bounded_by_its_parameter(void)
{
	static const struct {
		const char *head;
		size_t n;
		bool taken;
	} rows[] = {
	    {"c1", 512, true},
	    {"c1", 513, false},
	    {"c2", 10240, true},
	    {"c2", 10241, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ses_params p = end_params(OSI_RESPONDER);
		struct buf b = {0};
		struct end e;
		size_t units = 5 + 4 + rows[i].n;

		responder(&e, &p);
		buf_append(&b, "\3\0\0\0\2\xf0\x80\x0d\xff", 9);
		buf_put_u16(&b, (uint16_t)units);
		buf_append(&b, "\5\3\x16\1\2", 5);
		unhex(rows[i].head, &b);
		buf_putc(&b, 0xff);
		buf_put_u16(&b, (uint16_t)rows[i].n);
		for (size_t k = 0; k < rows[i].n; k++)
			buf_putc(&b, 'x');
		b.data[2] = (uint8_t)(b.len >> 8);
		b.data[3] = (uint8_t)b.len;
		cotp_input(ses_cotp(e.s), b.data, b.len);
		TOLD(&e, rows[i].taken ? "CONNECT.ind" : "P-ABORT.ind");
		CU_ASSERT(!rows[i].taken || e.user.len == rows[i].n);
		end_close(&e);
		buf_free(&b);
	}
}

/* Expedited data, resynchronize, symmetric synchronize, data separation and
 * whatever will come are neither proposed nor selected. */
static void
units_that_we_have_not_are_negotiated_away(void)
{
	struct ses_params p = end_params(OSI_INITIATOR);
	const uint8_t *fu;
	struct end e;

	p.requirements = 0xffff;
	initiator(&e, &p, "");
	fu = sent_par(&e, "1402");
	CU_ASSERT(fu != NULL && fu[0] == 0x07 && fu[1] == 0xdb);
	/* an AC may list more than was proposed: what both have counts */
	put_in(&e, "0e09 0503160102 1402fffd");
	TOLD(&e, "CONNECT.cnf");
	CU_ASSERT_EQUAL(ses_requirements(e.s), 0x07d9);
	end_close(&e);

	p.cotp.role = OSI_RESPONDER;
	responder(&e, &p);
	put_in(&e, "0d09 0503160102 1402ffff");
	OK(end_respond(&e, SES_CONNECT, true, 0));
	fu = sent_par(&e, "1402");
	CU_ASSERT(fu != NULL && fu[0] == 0x07 && fu[1] == 0xd9);
	end_close(&e);
}

static void
units_that_hang_on_others_go_with_them(void)
{
	static const struct {
		uint16_t proposed, selected;
	} rows[] = {
	    /* exceptions need half-duplex, capability data activities */
	    {SES_FU_DUPLEX | SES_FU_EXCEPTIONS, SES_FU_DUPLEX},
	    {SES_FU_DUPLEX | SES_FU_CAPABILITY, SES_FU_DUPLEX},
	    {SES_FU_DUPLEX | SES_FU_CAPABILITY | SES_FU_ACTIVITY,
		SES_FU_DUPLEX | SES_FU_CAPABILITY | SES_FU_ACTIVITY},
	    {0x0349, 0x0349},
	    {SES_FU_HALF_DUPLEX | SES_FU_DUPLEX, SES_FU_HALF_DUPLEX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ses_params p = end_params(OSI_RESPONDER);
		char cn[64];
		struct end e;

		p.requirements = 0xffff;
		responder(&e, &p);
		snprintf(cn, sizeof(cn), "0d09 0503160102 1402%04x",
		    rows[i].proposed);
		put_in(&e, cn);
		CU_ASSERT_EQUAL(ses_requirements(e.s), rows[i].selected);
		end_close(&e);
	}
}

static void
what_an_accept_must_not_select_is_a_protocol_error(void)
{
	static const char *const acs[] = {
	    "0e09 0503160102 14020003", /* both ways of duplex */
	    "0e09 0503160102 14020008", /* neither */
	    "0e09 0503160104 14020001", /* a version that was not offered */
	    "0e0f 0509 160102 150400650064 14020001", /* above the proposal */
	    "0e0f 0509 160102 150400640065 14020001",
	    "0e0f 0509 160102 1504003f0064 14020001", /* far below */
	    "0e0c 0503160101 190101 14020001", /* a segment in version 1 */
	};

	for (size_t i = 0; i < sizeof(acs) / sizeof(acs[0]); i++) {
		struct ses_params p = end_params(OSI_INITIATOR);
		struct end e;

		p.requirements = SES_FU_HALF_DUPLEX | SES_FU_DUPLEX;
		p.tsdu_send = p.tsdu_receive = 100;
		initiator(&e, &p, "");
		put_in(&e, acs[i]);
		if (i + 1 == sizeof(acs) / sizeof(acs[0]))
			put_in(&e, "0e03 190102");
		TOLD(&e, "P-ABORT.ind");
		CU_ASSERT_EQUAL(e.s->state, STA16);
		end_close(&e);
	}
}

/* A CN with a reference of `ref` octets, a TSDU maximum size of `tsdu` for what
 * we send, and one protocol version. */
static void
put_cn(struct end *e, unsigned ref, unsigned tsdu, unsigned version)
{
	char hex[512], refs[2 * 64 + 1] = "";

	for (unsigned i = 0; i < ref; i++)
		memcpy(refs + 2 * i, "30", 3);
	snprintf(hex, sizeof(hex),
	    "0d%02x 01%02x 0a%02x %s 0509 1504 0400 %04x 1601%02x", ref + 15,
	    ref + 2, ref, refs, tsdu, version);
	put_in(e, hex);
}

/* Our AC goes out in TSDUs of the size selected, or RF says that it cannot;
 * which of the two is known when the CN is there. */
static char
fate_of_accept(unsigned ref, unsigned tsdu, unsigned version, size_t n)
{
	static const uint8_t data[512];
	struct ses_params p = end_params(OSI_RESPONDER);
	struct ses_prim yes = {.type = SES_CONNECT,
	    .kind = SES_RSP,
	    .accepted = true,
	    .last = true,
	    .data = data,
	    .n = n};
	struct buf *out;
	struct end e;
	char fate = '?';

	responder(&e, &p);
	put_cn(&e, ref, tsdu, version);
	out = cotp_output(ses_cotp(e.s));
	if (e.s->state == STA16 && out->len > 8 && out->data[7] == 12 &&
	    out->data[out->len - 1] == SES_REFUSE_IMPLEMENTATION)
		fate = 'r';
	else if (ses_request(e.s, &yes, NULL) == 0 && e.s->state == STA713)
		fate = 'a';
	for (size_t at = 0, size; fate == 'a' && at < out->len; at += size) {
		size = (size_t)(out->data[at + 2] << 8 | out->data[at + 3]);
		if (size > tsdu + 7 || out->data[at + 7] != 14)
			fate = '?';
	}
	end_close(&e);
	return fate;
}

static void
an_accept_fits_the_tsdu_size_or_the_connect_is_refused(void)
{
	static const size_t data[] = {0, 1, 40, 512};
	static const unsigned refs[] = {1, 10, 30, 64};
	bool seen[2][2] = {{false}};

	for (size_t i = 0; i < 4 * 4 * 2; i++)
		for (unsigned tsdu = 64; tsdu < 700; tsdu++) {
			unsigned version = 1 + (unsigned)i / 16;
			char fate = fate_of_accept(
			    refs[i / 4 % 4], tsdu, version, data[i % 4]);

			if (fate == '?')
				fprintf(stderr, "tsdu %u version %u n %zu\n",
				    tsdu, version, data[i % 4]);
			CU_ASSERT(fate != '?');
			seen[version - 1][fate == 'r'] = true;
		}
	CU_ASSERT(seen[0][0] && seen[0][1] && seen[1][0] && seen[1][1]);
}

static void
tsdu_sizes_are_negotiated_in_each_direction(void)
{
	static const struct {
		uint16_t to, from, limit_in, limit_out, to_got, from_got;
	} rows[] = {
	    {0, 0, 0, 0, 0, 0},
	    {0, 0, 500, 500, 0, 0}, /* the acceptor cannot propose */
	    {1000, 0, 0, 0, 1000, 0},
	    {0, 1000, 0, 0, 0, 1000},
	    {1000, 2000, 500, 3000, 500, 2000},
	    {64, 65535, 0, 64, 64, 64},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ses_params pa = end_params(OSI_INITIATOR);
		struct ses_params pb = end_params(OSI_RESPONDER);
		struct end a, b;

		pa.tsdu_send = rows[i].to;
		pa.tsdu_receive = rows[i].from;
		pb.tsdu_receive = rows[i].limit_in;
		pb.tsdu_send = rows[i].limit_out;
		end_open(&a, &pa);
		end_open(&b, &pb);
		OK(end_request(&a, SES_CONNECT, ""));
		ends_run(&a, &b, 1);
		TOLD(&a, "CONNECT.cnf");
		CU_ASSERT_EQUAL(a.s->tsdu_send, rows[i].to_got);
		CU_ASSERT_EQUAL(a.s->tsdu_receive, rows[i].from_got);
		CU_ASSERT_EQUAL(b.s->tsdu_receive, rows[i].to_got);
		CU_ASSERT_EQUAL(b.s->tsdu_send, rows[i].from_got);
		finish(&a, &b);
	}
}

static void
impossible_parameters_of_ours_are_told_to_our_user(void)
{
	for (int i = 0; i < 4; i++) {
		struct ses_params p = end_params(OSI_INITIATOR);
		struct end e;

		if (i == 0)
			p.requirements = SES_FU_MINOR_SYNC;
		if (i == 1)
			p.tsdu_send = 63;
		if (i == 2)
			p.tsdu_receive = 63;
		if (i == 3)
			p.initial_serial = 1000000;
		end_open(&e, &p);
		CU_ASSERT_EQUAL(end_request(&e, SES_CONNECT, ""), ERR_CONFIG);
		end_close(&e);
	}
}

/* The initial serial number is for points outside of activities. */
static void
an_initial_serial_number_is_agreed_where_it_is_needed(void)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);
	struct end a, b;

	pa.requirements = pb.requirements =
	    SES_FU_HALF_DUPLEX | SES_FU_MAJOR_SYNC;
	pa.initial_serial = 77;
	end_open(&a, &pa);
	end_open(&b, &pb);
	OK(end_request(&a, SES_CONNECT, ""));
	ends_run(&a, &b, 1);
	CU_ASSERT(a.s->vm == 77 && b.s->vm == 77 && a.s->vr == 0);
	OK(end_request(&a, SES_SYNC_MAJOR, ""));
	ends_run(&a, &b, 1);
	CU_ASSERT_EQUAL(b.last.serial, 77);
	finish(&a, &b);
}

static void
a_wrong_overflow_is_an_error_of_the_peer(void)
{
	static const char *const cdos[] = {
	    "0f06 190101 c10161", /* begins again */
	    "0f06 190103 c10161",
	    "0f03 c10161", /* no enclosure item */
	    "0100 0100 61",
	};

	for (size_t i = 0; i < sizeof(cdos) / sizeof(cdos[0]); i++) {
		struct ses_params p = end_params(OSI_RESPONDER);
		struct end e;

		responder(&e, &p);
		put_in(&e, "0d08 0503160102 3c0101");
		CU_ASSERT_EQUAL(e.s->state, STA01D);
		put_in(&e, "0f06 190100 c10161");
		CU_ASSERT_EQUAL(e.s->state, STA01D);
		put_in(&e, cdos[i]);
		TOLD(&e, "P-ABORT.ind");
		end_close(&e);
	}
}

static void
overflow_of_connect_data_ends_at_a_bound(void)
{
	struct ses_params p = end_params(OSI_RESPONDER);
	struct buf cdo = {0};
	struct end e;

	responder(&e, &p);
	put_in(&e, "0d08 0503160102 3c0101");
	buf_append(&cdo, "\3\0\xff\xff\2\xf0\x80\x0f\xff\xff\xf4", 11);
	buf_append(&cdo, "\x19\1\0\xc1\xff\xff\xed", 7);
	while (cdo.len < 65535)
		buf_putc(&cdo, 'x');
	cotp_input(ses_cotp(e.s), cdo.data, cdo.len);
	cotp_input(ses_cotp(e.s), cdo.data, cdo.len);
	TOLD(&e, "");
	cotp_input(ses_cotp(e.s), cdo.data, cdo.len);
	TOLD(&e, "P-ABORT.ind");
	CU_ASSERT_EQUAL(e.err.code, ERR_LIMIT);
	buf_free(&cdo);
	end_close(&e);
}

void
suite_osi_ses_connect(void)
{
	static CU_TestInfo tests[] = {
	    TEST(connect_user_data_of_every_size_arrives),
	    TEST(selectors_references_and_tokens_are_negotiated),
	    TEST(refusals_carry_reason_and_user_data),
	    TEST(version_1_is_spoken_with_a_peer_that_has_no_other),
	    TEST(every_refusal_reason_arrives_and_only_one_carries_data),
	    TEST(the_called_ssel_must_be_that_of_the_called_tsel),
	    TEST(what_a_connect_spdu_must_not_say_is_refused_with_the_reason),
	    TEST(connect_user_data_is_bounded_by_its_parameter),
	    TEST(units_that_we_have_not_are_negotiated_away),
	    TEST(units_that_hang_on_others_go_with_them),
	    TEST(what_an_accept_must_not_select_is_a_protocol_error),
	    TEST(an_accept_fits_the_tsdu_size_or_the_connect_is_refused),
	    TEST(tsdu_sizes_are_negotiated_in_each_direction),
	    TEST(impossible_parameters_of_ours_are_told_to_our_user),
	    TEST(an_initial_serial_number_is_agreed_where_it_is_needed),
	    TEST(a_wrong_overflow_is_an_error_of_the_peer),
	    TEST(overflow_of_connect_data_ends_at_a_bound),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_ses_connect", tests);
}
