/* Recorded connections of an independent MTA, played to our engine in either
 * role. */
#include "tests/unit/osi_wire.h"
#include "tests/unit/p1_pair.h"

struct row {
	const char *vector;
	enum p1_protocol protocol;
	const char *password; /* that MTA-A must present */
	enum mhs_kind kind;
	unsigned sent; /* by the initiator; by ours in its place: none */
};

static const struct row rows[] = {
    {"p1-88-message", P1_MTS_TRANSFER, "secreta", MHS_MESSAGE, 1},
    {"p1-88-ndr", P1_MTS_TRANSFER, "secreta", MHS_MESSAGE, 1},
    {"p1-88-ndr-2", P1_MTS_TRANSFER, "secretb", MHS_REPORT, 1},
    {"p1-88-probe", P1_MTS_TRANSFER, "secreta", MHS_PROBE, 1},
    {"p1-88-probe-2", P1_MTS_TRANSFER, "secretb", MHS_REPORT, 1},
    {"p1-88-x410mode", P1_MTS_TRANSFER_X410, "secreta", MHS_MESSAGE, 1},
    {"p1-84", P1_MTS_TRANSFER_1984, "secreta", MHS_MESSAGE, 1},
    {"bind-badpw", P1_MTS_TRANSFER, "secreta", MHS_MESSAGE, 0},
};

struct replay {
	struct end end; /* first: it is the events' user */
	const struct row *row;
	enum p1_protocol protocol; /* as lookup saw it */
};

static bool
known(void *user, const struct p1_caller *from, struct p1_peer_auth *out)
{
	struct replay *r = user;

	r->protocol = from->protocol;
	CU_ASSERT_PTR_NULL(from->recover);
	CU_ASSERT_FALSE(from->from->tsel.present && from->from->tsel.n > 0);
	out->password = r->row->password;
	out->our_mta = "MTA-B";
	out->our_password = "secretb";
	return strcmp(from->mta, "MTA-A") == 0 ||
	    strcmp(from->mta, "MTA-B") == 0;
}

static void
feed(struct p1 *p, const char *name, const char *side, size_t chunk)
{
	char vector[64];
	struct buf in = {0};

	snprintf(vector, sizeof(vector), "%s.%s", name, side);
	wire_vector(&in, vector);
	if (strcmp(side, "responder") == 0) {
		/* the CC must answer the CR that our initiator sent */
		const struct buf *out = p1_engine_ops.output(p);

		CU_ASSERT_FATAL(out->len > 9 && in.len > 7);
		memcpy(in.data + 6, out->data + 8, 2);
	}
	while (in.len > 0) {
		size_t n = in.len < chunk ? in.len : chunk;
		uint8_t *copy = xmalloc(n);

		memcpy(copy, in.data, n);
		buf_consume(&in, n);
		p1_engine_ops.input(p, copy, n, 1000);
		free(copy);
	}
	buf_free(&in);
}

static bool
contains(const struct buf *b, const void *what, size_t n)
{
	for (size_t i = 0; i + n <= b->len; i++)
		if (memcmp(b->data + i, what, n) == 0)
			return true;
	return false;
}

static void
as_responder(const struct row *row, size_t chunk)
{
	struct p1_params q = {.role = OSI_RESPONDER,
	    .lookup = known,
	    .checkpoint_size = 63,
	    .wall = 1700000000};
	struct replay r = {.row = row};
	struct end *x = &r.end;
	bool good = row->sent > 0;

	x->p = p1_new(&q, on_event, &r, 1000);
	feed(x->p, row->vector, "initiator", chunk);
	CU_ASSERT_EQUAL(r.protocol, row->protocol);
	CU_ASSERT_EQUAL(p1_protocol(x->p), row->protocol);
	CU_ASSERT_EQUAL(x->count[P1_OPEN], good);
	CU_ASSERT_EQUAL(x->count[P1_REFUSED], !good);
	CU_ASSERT_EQUAL(x->count[P1_IN_END], row->sent);
	CU_ASSERT_EQUAL(x->count[P1_IN_LOST], 0);
	if (good) {
		CU_ASSERT_EQUAL(x->kind, row->kind);
		CU_ASSERT_EQUAL(x->count[P1_CLOSED], 1);
		CU_ASSERT_EQUAL(x->err.code, 0);
	} else {
		CU_ASSERT_EQUAL(x->bind_error, P1_BIND_AUTHENTICATION);
		CU_ASSERT_PTR_NOT_NULL(strstr(x->err.text, "wrong password"));
		/* a3 in b0 16 a1 14 80 05 MTA-A a1 09 .. */
		CU_ASSERT_EQUAL(x->err.offset, 11);
		/* RTORJ { MTABindError authentication-error } as recorded */
		CU_ASSERT(contains(p1_engine_ops.output(x->p),
		    "\xb2\x05\xa1\x03\x02\x01\x02", 7));
	}
	p1_free(&x->p);
	buf_free(&x->content);
	free(x->local);
}

static void
recorded_initiators_are_served(void)
{
	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			as_responder(&rows[i], wire_chunks[c]);
}

/* Ours binds as MTA-A did; the recorded MTA-B answers, takes one APDU and the
 * release. What ours sends must be what the recording answers. */
static void
as_initiator(const struct row *row, size_t chunk)
{
	bool second = strcmp(row->password, "secretb") == 0;
	struct p1_params q = {.role = OSI_INITIATOR,
	    .protocol = row->protocol,
	    .our_mta = second ? "MTA-B" : "MTA-A",
	    .our_password = row->password,
	    .peer_mta = second ? "MTA-A" : "MTA-B",
	    .peer_password = second ? "secreta" : "secretb",
	    .checkpoint_size = 63,
	    .wall = 1700000000};
	struct arena *a = arena_new();
	struct end x = {0};
	struct err e = ERR_INIT;
	const struct mhs_envelope *env = make(a, MHS_MESSAGE, "m1");

	x.again = row->sent > 0 ? env : NULL;
	x.times = 1;
	x.close_after = true;
	x.p = p1_new(&q, on_event, &x, 1000);
	CU_ASSERT_EQUAL(p1_start(x.p, &e), 0);
	feed(x.p, row->vector, "responder", chunk);
	CU_ASSERT_EQUAL(x.count[P1_OPEN], row->sent);
	CU_ASSERT_EQUAL(x.count[P1_REFUSED], 1 - row->sent);
	CU_ASSERT_EQUAL(x.count[P1_SENT], row->sent);
	CU_ASSERT_EQUAL(x.count[P1_CLOSED], row->sent);
	CU_ASSERT_EQUAL(x.count[P1_SEND_FAILED], 0);
	if (row->sent == 0) {
		CU_ASSERT_EQUAL(x.bind_error, P1_BIND_AUTHENTICATION);
		CU_ASSERT_FALSE(x.other_protocol);
	} else {
		CU_ASSERT_EQUAL(x.err.code, 0);
	}
	p1_free(&x.p);
	arena_free(&a);
}

static void
recorded_responders_are_understood(void)
{
	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			as_initiator(&rows[i], wire_chunks[c]);
}

/* Our bind in each protocol is the recorded one, octet by octet: from the
 * RTORQ's connection-data on. */
static void
our_bind_is_the_recorded_one(void)
{
	static const struct {
		enum p1_protocol protocol;
		const char *hex;
	} binds[] = {
	    {P1_MTS_TRANSFER,
		"a3 18 a0 16 b0 14 a1 12 80 05 4d 54 41 2d 41 a1 09 04 07 "
		"73 65 63 72 65 74 61"},
	    {P1_MTS_TRANSFER_X410,
		"a3 16 a0 14 a1 12 80 05 4d 54 41 2d 41 a1 09 04 07 73 65 63 "
		"72 65 74 61 84 01 0c"},
	    {P1_MTS_TRANSFER_1984,
		"a3 16 a0 14 a1 12 80 05 4d 54 41 2d 41 a1 09 16 07 73 65 63 "
		"72 65 74 61 84 01 01"},
	};

	for (size_t i = 0; i < 3; i++) {
		struct p1_params q = {.role = OSI_INITIATOR,
		    .protocol = binds[i].protocol,
		    .our_mta = "MTA-A",
		    .our_password = "secreta",
		    .wall = 1700000000};
		struct end x = {0};
		struct buf want = {0}, cc = {0};
		struct err e = ERR_INIT;

		x.p = p1_new(&q, on_event, &x, 1000);
		CU_ASSERT_EQUAL(p1_start(x.p, &e), 0);
		hex_append(&cc, "0300000e 09 d0 0000 0001 00 c0010b");
		memcpy(cc.data + 6, p1_engine_ops.output(x.p)->data + 8, 2);
		p1_engine_ops.input(x.p, cc.data, cc.len, 1000);
		hex_append(&want, binds[i].hex);
		CU_ASSERT(
		    contains(p1_engine_ops.output(x.p), want.data, want.len));
		buf_free(&cc);
		buf_free(&want);
		p1_free(&x.p);
	}
}

void
suite_p1_assoc_replay(void)
{
	static CU_TestInfo tests[] = {
	    TEST(recorded_initiators_are_served),
	    TEST(recorded_responders_are_understood),
	    TEST(our_bind_is_the_recorded_one),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_assoc_replay", tests);
}
