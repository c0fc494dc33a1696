/* Who binds, with what, by which protocol, and what is said when not. */
#include "p1/ext.h"
#include "p1/label.h"
#include "p1/strong.h"
#include "tests/unit/p1_pair.h"
#include "tests/unit/p1_pki.h"

#define NOW 1700000000

/* What lookup answers, and what it saw. */
struct peer {
	struct end end; /* first: it is the events' user */
	struct p1_peer_auth auth;
	const char *mta;  /* known; NULL: nobody is */
	const char *tsel; /* it calls from there; NULL: from anywhere */
	struct osi_selectors from, to;
	enum p1_protocol protocol;
	bool recover;
	unsigned asked;
};

static bool
find(void *user, const struct p1_caller *c, struct p1_peer_auth *out)
{
	struct peer *p = user;
	struct osi_sel tsel;

	p->asked++;
	p->from = *c->from;
	p->to = *c->to;
	p->protocol = c->protocol;
	p->recover = c->recover != NULL;
	if (p->mta == NULL ||
	    (c->recover == NULL && strcmp(p->mta, c->mta) != 0))
		return false;
	if (p->tsel != NULL) {
		CU_ASSERT_EQUAL(osi_sel_parse(p->tsel, &tsel, NULL), 0);
		if (!osi_sel_equal(&tsel, &c->from->tsel))
			return false;
	}
	*out = p->auth;
	return true;
}

struct bind {
	struct p1_params a, b;
	struct end x;     /* initiator */
	struct peer peer; /* responder, as it knows the initiator */
	msec_t now;
	struct buf said;   /* all that the initiator said */
	struct buf answer; /* and the responder */
};

static void
bind_init(struct bind *w)
{
	*w = (struct bind){.now = 1000,
	    .a = params(OSI_INITIATOR),
	    .b = params(OSI_RESPONDER)};
	w->b.lookup = find;
	w->a.wall = w->b.wall = NOW;
	w->peer.mta = "alpha";
	w->peer.auth = (struct p1_peer_auth){
	    .password = "secret-a",
	    .our_mta = "bravo",
	    .our_password = "secret-b",
	};
}

static bool
carry(struct bind *w, struct p1 *from, struct p1 *to)
{
	struct buf *out = p1_engine_ops.output(from);
	struct buf copy = {0};

	if (out->len == 0)
		return false;
	buf_append(&copy, out->data, out->len);
	buf_append(from == w->x.p ? &w->said : &w->answer, out->data, out->len);
	buf_consume(out, out->len);
	p1_engine_ops.drained(from, w->now);
	p1_engine_ops.input(to, copy.data, copy.len, w->now);
	buf_free(&copy);
	return true;
}

static int
bind_run(struct bind *w, struct err *e)
{
	bool moved;
	int r;

	w->x.p = p1_new(&w->a, on_event, &w->x, w->now);
	w->peer.end.p = p1_new(&w->b, on_event, &w->peer, w->now);
	r = p1_start(w->x.p, e);
	do {
		moved = carry(w, w->x.p, w->peer.end.p);
		moved |= carry(w, w->peer.end.p, w->x.p);
	} while (moved);
	return r;
}

static void
bind_free(struct bind *w)
{
	p1_free(&w->x.p);
	p1_free(&w->peer.end.p);
	buf_free(&w->said);
	buf_free(&w->answer);
}

static void
expect_open(struct bind *w)
{
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(bind_run(w, &e), 0);
	CU_ASSERT_EQUAL(w->x.count[P1_OPEN], 1);
	CU_ASSERT_EQUAL(w->peer.end.count[P1_OPEN], 1);
	if (w->x.count[P1_OPEN] != 1)
		printf("\n  %s / %s %s", w->x.err.text, w->peer.end.err.text,
		    e.text);
}

/* Both learn of this MTABindError; the responder's log line holds `why`. */
static void
expect_refusal(struct bind *w, int error, const char *why)
{
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(bind_run(w, &e), 0);
	CU_ASSERT_EQUAL(w->x.count[P1_OPEN], 0);
	CU_ASSERT_EQUAL(w->peer.end.count[P1_OPEN], 0);
	CU_ASSERT_EQUAL(w->x.count[P1_REFUSED], 1);
	CU_ASSERT_EQUAL(w->peer.end.count[P1_REFUSED], 1);
	CU_ASSERT_EQUAL(w->x.bind_error, error);
	CU_ASSERT_EQUAL(w->peer.end.bind_error, error);
	CU_ASSERT_PTR_NOT_NULL(strstr(w->peer.end.err.text, why));
	if (strstr(w->peer.end.err.text, why) == NULL)
		printf("\n  %s", w->peer.end.err.text);
	CU_ASSERT_EQUAL(w->x.other_protocol, error < 0);
}

/* --- dialect --- */

/* Extension 39 in the two ways to write its type. */
static bool
says(const struct buf *b, const char *octets, size_t n)
{
	return memmem(b->data, b->len, octets, n) != NULL;
}

static void
the_dialect_is_that_of_the_peer_which_binds(void)
{
	for (int old = 0; old < 2; old++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = make(a, MHS_MESSAGE, "m1");
		struct err e = ERR_INIT;
		struct buf *out;
		struct bind w;

		bind_init(&w);
		w.a.dialogue = RTSE_TWO_WAY_ALTERNATE;
		w.peer.auth.two_way_alternate = true;
		w.peer.auth.old_extensions = old == 1;
		expect_open(&w);
		CU_ASSERT_EQUAL(
		    p1_ext_set_flag(a, &env->exts, P1_EXT_DL_EXEMPTED, &e), 0);
		p1_want_turn(w.peer.end.p, MHS_URGENT);
		p1_idle(w.x.p);
		for (int i = 0; i < 4; i++) {
			carry(&w, w.peer.end.p, w.x.p);
			carry(&w, w.x.p, w.peer.end.p);
		}
		CU_ASSERT(p1_ready(w.peer.end.p));
		CU_ASSERT_EQUAL(p1_send(w.peer.end.p, env, 5, &e), 0);
		CU_ASSERT_EQUAL(p1_send_content(w.peer.end.p,
				    (const uint8_t *)"again", 5, &e),
		    5);
		out = p1_engine_ops.output(w.peer.end.p);
		CU_ASSERT_EQUAL(says(out, "\x80\x01\x2a", 3), old == 0);
		CU_ASSERT_EQUAL(says(out, "\xa0\x03\x02\x01\x2a", 5), old == 1);
		bind_free(&w);
		arena_free(&a);
	}
}

/* --- protocols --- */

/* Each initiator with each responder that allows some of them. */
static void
a_peer_binds_by_the_protocols_it_may_use(void)
{
	for (unsigned protocol = 0; protocol < P1_PROTOCOLS; protocol++)
		for (unsigned allowed = 0; allowed < 8; allowed++) {
			bool good = allowed == 0 || (allowed & 1u << protocol);
			struct bind w;

			bind_init(&w);
			w.a.protocol = protocol;
			w.peer.auth.protocols = (uint8_t)allowed;
			if (good)
				expect_open(&w);
			else
				expect_refusal(
				    &w, -1, p1_protocol_name(w.a.protocol));
			CU_ASSERT_EQUAL(w.peer.protocol, w.a.protocol);
			CU_ASSERT_EQUAL(
			    p1_protocol(w.peer.end.p), w.a.protocol);
			CU_ASSERT_EQUAL(rtse_is_x410(p1_rtse(w.x.p)),
			    w.a.protocol != P1_MTS_TRANSFER);
			bind_free(&w);
		}
}

static void
every_protocol_carries_messages_both_ways(void)
{
	for (unsigned protocol = 0; protocol < P1_PROTOCOLS; protocol++) {
		struct p1_params q = params(OSI_INITIATOR);
		struct arena *a = arena_new();
		struct pair w;

		q.protocol = protocol;
		q.dialogue = RTSE_TWO_WAY_ALTERNATE;
		pair_open(&w, &q, 777);
		CU_ASSERT_EQUAL(w.b.count[P1_OPEN], 1);
		w.a.idle_after = true;
		transfer(&w, &w.a, make(a, MHS_MESSAGE, "m1"), "hello", 5);
		CU_ASSERT_EQUAL(w.b.count[P1_IN_END], 1);
		p1_want_turn(w.b.p, MHS_URGENT);
		pump(&w);
		transfer(&w, &w.b, make(a, MHS_PROBE, "p1"), NULL, 0);
		CU_ASSERT_EQUAL(w.a.count[P1_IN_END], 1);
		CU_ASSERT_EQUAL(w.a.kind, MHS_PROBE);
		p1_close(w.a.p);
		pump(&w);
		CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
		CU_ASSERT_EQUAL(w.a.err.code, 0);
		CU_ASSERT_EQUAL(w.b.err.code, 0);
		pair_free(&w);
		arena_free(&a);
	}
}

static void
ignore(void *user, const struct rtse_event *ev)
{
	(void)user;
	(void)ev;
}

/* Peers that are no P1 responders of ours, and whether that says that another
 * protocol may do. */
static void
a_peer_without_the_protocol_is_told_from_one_that_is_not_there(void)
{
	static const struct {
		enum p1_protocol protocol;
		const char *application_context, *apdu_syntax;
		const char *tsel, *psel;
		bool x410, other;
	} rows[] = {
	    /* a good one, to see that the rest of this is right */
	    {P1_MTS_TRANSFER, P1_AC_MTS_TRANSFER, P1_AS_MTSE, NULL, NULL, true,
		false},
	    {P1_MTS_TRANSFER_X410, P1_AC_MTS_TRANSFER, P1_AS_MTSE, NULL, NULL,
		false, true},
	    {P1_MTS_TRANSFER_1984, P1_AC_MTS_TRANSFER, P1_AS_MTSE, NULL, NULL,
		false, true},
	    {P1_MTS_TRANSFER, "1.2.3", P1_AS_MTSE, NULL, NULL, false, true},
	    {P1_MTS_TRANSFER, P1_AC_MTS_TRANSFER, "1.2.3", NULL, NULL, false,
		true},
	    {P1_MTS_TRANSFER, P1_AC_MTS_TRANSFER, P1_AS_MTSE, NULL, "else",
		false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct p1_params q = params(OSI_INITIATOR);
		struct rtse_params rp = {.rtse_syntax = RTSE_ABSTRACT_SYNTAX_P1,
		    .apdu_syntax = rows[i].apdu_syntax,
		    .application_context = rows[i].application_context,
		    .x410 = rows[i].x410};
		struct end x = {0}, sink = {0};
		struct rtse *peer;
		struct err e = ERR_INIT;
		struct buf *out, *back;

		CU_ASSERT_EQUAL(
		    osi_sel_parse(rows[i].psel, &rp.pres.called, &e), 0);
		CU_ASSERT_EQUAL(osi_sel_parse("us", &q.called.psel, &e), 0);
		rp.pres.ses.cotp.role = OSI_RESPONDER;
		rp.pres.ses.cotp.tpdu_size = COTP_TPDU_MAX;
		rp.pres.ses.requirements = SES_FU_RTSE;
		q.protocol = rows[i].protocol;
		x.p = p1_new(&q, on_event, &x, 1000);
		peer = rtse_new(&rp, ignore, &sink, 1000);
		CU_ASSERT_EQUAL(p1_start(x.p, &e), 0);
		out = p1_engine_ops.output(x.p);
		back = rtse_engine_ops.output(peer);
		for (int turns = 0; turns < 4; turns++) {
			struct buf copy = {0};

			buf_append(&copy, out->data, out->len);
			buf_consume(out, out->len);
			rtse_engine_ops.input(peer, copy.data, copy.len, 1000);
			buf_clear(&copy);
			buf_append(&copy, back->data, back->len);
			buf_consume(back, back->len);
			p1_engine_ops.input(x.p, copy.data, copy.len, 1000);
			buf_free(&copy);
		}
		if (i == 0) {
			CU_ASSERT_EQUAL(x.count[P1_REFUSED], 0);
		} else {
			CU_ASSERT_EQUAL(x.count[P1_REFUSED], 1);
			CU_ASSERT_EQUAL(x.bind_error, -1);
			CU_ASSERT_EQUAL(x.other_protocol, rows[i].other);
			if (x.other_protocol != rows[i].other)
				printf("\n  row %zu: %s", i, x.err.text);
		}
		rtse_free(&peer);
		p1_free(&x.p);
	}
}

/* Neither a time-out nor a lost connection says anything about protocols. */
static void
silence_says_nothing_about_protocols(void)
{
	struct p1_params q = params(OSI_INITIATOR);

	for (int lost = 0; lost < 2; lost++) {
		struct end x = {0};
		struct err e = ERR_INIT;

		x.p = p1_new(&q, on_event, &x, 1000);
		CU_ASSERT_EQUAL(p1_start(x.p, &e), 0);
		if (lost)
			p1_engine_ops.closed(x.p, NULL, 2000);
		else
			p1_engine_ops.timeout(x.p, 1000000);
		CU_ASSERT_EQUAL(x.count[P1_CLOSED], 1);
		CU_ASSERT_EQUAL(x.count[P1_REFUSED], 0);
		p1_free(&x.p);
	}
}

/* --- simple credentials and terms --- */

static void
refusals_give_the_standards_reason(void)
{
	static const struct {
		const char *mta, *password, *tsel;
		bool two_way, allowed, busy, not_confidential;
		int error;
		const char *why;
	} rows[] = {
	    {"alpha", "secret-a", "X", false, false, false, false, -2, ""},
	    {"alpha", "secret-a", "X", true, true, false, false, -2, ""},
	    {"other", "secret-a", "X", false, false, false, false,
		P1_BIND_AUTHENTICATION,
		"MTABindArgument initiator-name: no peer"},
	    {"alpha", "secret-b", "X", false, false, false, false,
		P1_BIND_AUTHENTICATION,
		"MTABindArgument initiator-credentials: wrong password"},
	    {"alpha", NULL, "X", false, false, false, false,
		P1_BIND_AUTHENTICATION, "wrong password"},
	    {NULL, NULL, "X", false, false, false, false,
		P1_BIND_AUTHENTICATION, "no peer"},
	    {"alpha", "secret-a", "Y", false, false, false, false,
		P1_BIND_AUTHENTICATION, "at its address"},
	    {"alpha", "secret-a", NULL, false, false, false, false,
		P1_BIND_AUTHENTICATION, "at its address"},
	    {"alpha", "secret-a", "X", true, false, false, false,
		P1_BIND_UNACCEPTABLE_DIALOGUE, "RTORQ dialogue-mode"},
	    {"alpha", "secret-a", "X", false, false, true, false, P1_BIND_BUSY,
		"too many"},
	    {"alpha", "secret-a", "X", false, false, false, true,
		P1_BIND_INADEQUATE_ASSOCIATION, "not confidential"},
	};

	for (unsigned protocol = 0; protocol < P1_PROTOCOLS; protocol++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			struct bind w;

			bind_init(&w);
			w.a.protocol = protocol;
			w.a.our_mta = rows[i].mta;
			w.a.our_password = rows[i].password;
			w.a.dialogue = rows[i].two_way ? RTSE_TWO_WAY_ALTERNATE
						       : RTSE_MONOLOGUE;
			CU_ASSERT_EQUAL(osi_sel_parse(rows[i].tsel,
					    &w.a.calling.tsel, NULL),
			    0);
			w.peer.tsel = "X";
			w.peer.auth.two_way_alternate = rows[i].allowed;
			w.peer.auth.busy = rows[i].busy;
			w.peer.auth.not_confidential = rows[i].not_confidential;
			if (rows[i].error == -2)
				expect_open(&w);
			else if (protocol != P1_MTS_TRANSFER &&
			    rows[i].error == P1_BIND_INADEQUATE_ASSOCIATION)
				/* no such reason in X.410 mode */
				(void)bind_run(&w, NULL);
			else
				expect_refusal(&w, rows[i].error, rows[i].why);
			bind_free(&w);
		}
}

/* Of one who has not proved who he is, the answer does not depend on the
 * protocol, the dialogue, the labels or the load. */
static void
who_proves_nothing_learns_nothing(void)
{
	for (unsigned protocol = 0; protocol < P1_PROTOCOLS; protocol++)
		for (int known = 0; known < 2; known++) {
			struct bind w;

			bind_init(&w);
			w.a.protocol = protocol;
			w.a.our_mta = known ? "alpha" : "other";
			w.a.our_password = "wrong";
			w.a.dialogue = RTSE_TWO_WAY_ALTERNATE;
			w.peer.auth.protocols =
			    (uint8_t)(7 & ~(1u << protocol));
			w.peer.auth.busy = true;
			expect_refusal(&w, P1_BIND_AUTHENTICATION,
			    known ? "wrong password" : "no peer");
			bind_free(&w);
		}
}

static void
lookup_sees_the_selectors_of_three_layers(void)
{
	struct bind w;
	struct osi_selectors *c;

	bind_init(&w);
	c = &w.a.calling;
	CU_ASSERT_EQUAL(osi_sel_parse("P", &c->psel, NULL), 0);
	CU_ASSERT_EQUAL(osi_sel_parse("S", &c->ssel, NULL), 0);
	CU_ASSERT_EQUAL(osi_sel_parse("T", &c->tsel, NULL), 0);
	c = &w.a.called;
	CU_ASSERT_EQUAL(osi_sel_parse("0x01", &c->psel, NULL), 0);
	CU_ASSERT_EQUAL(osi_sel_parse("0x0203", &c->ssel, NULL), 0);
	CU_ASSERT_EQUAL(osi_sel_parse("X400-88", &c->tsel, NULL), 0);
	expect_open(&w);
	CU_ASSERT(osi_sel_equal(&w.peer.from.psel, &w.a.calling.psel));
	CU_ASSERT(osi_sel_equal(&w.peer.from.ssel, &w.a.calling.ssel));
	CU_ASSERT(osi_sel_equal(&w.peer.from.tsel, &w.a.calling.tsel));
	CU_ASSERT(osi_sel_equal(&w.peer.to.psel, &w.a.called.psel));
	CU_ASSERT(osi_sel_equal(&w.peer.to.ssel, &w.a.called.ssel));
	CU_ASSERT(osi_sel_equal(&w.peer.to.tsel, &w.a.called.tsel));
	bind_free(&w);
}

static void
a_security_context_is_accepted_only_as_allowed(void)
{
	static const struct {
		const char *asked, *allowed;
		bool good, optional;
	} rows[] = {
	    {NULL, NULL, true},
	    {NULL, "1.3.26.1:secret", false},
	    {NULL, "1.3.26.1:secret", true, true},
	    {"1.3.26.1:secret", "1.3.26.1:secret", true},
	    {"1.3.26.1:secret", "1.3.26.1:restricted", false},
	    {"1.3.26.1:secret", NULL, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_new();
		struct bind w;

		bind_init(&w);
		if (rows[i].asked != NULL)
			w.a.labels = p1_labels_parse(a, rows[i].asked, NULL);
		if (rows[i].allowed != NULL)
			w.peer.auth.labels =
			    p1_labels_parse(a, rows[i].allowed, NULL);
		w.peer.auth.context_optional = rows[i].optional;
		if (rows[i].good)
			expect_open(&w);
		else
			expect_refusal(&w, P1_BIND_UNACCEPTABLE_SECURITY,
			    "security-context");
		bind_free(&w);
		arena_free(&a);
	}
}

/* 1.3.26.1, restricted or secret */
#define RESTRICTED 2
#define SECRET 4

static struct mhs_envelope *
labelled(struct arena *a, uint8_t classification)
{
	uint8_t label[] = {0x31, 8, 0x06, 3, 0x2b, 0x1a, 0x01, 0x02, 1, 0};
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct mhs_ext *x =
	    arena_push(a, &env->exts.v, &env->exts.n, sizeof(*x));

	label[sizeof(label) - 1] = classification;
	*x = (struct mhs_ext){.type = P1_EXT_SECURITY_LABEL,
	    .value = arena_memdup(a, label, sizeof(label)),
	    .n = sizeof(label)};
	return env;
}

static void
what_crosses_has_a_label_of_the_context(void)
{
	static const struct {
		const char *asked, *allowed;
		uint8_t label;
		bool there, here; /* at the initiator, at the responder */
	} rows[] = {
	    {NULL, NULL, SECRET, true, true},
	    {"1.3.26.1:secret", "1.3.26.1:secret", SECRET, true, true},
	    {"1.3.26.1:secret", "1.3.26.1:secret 1.3.26.1:restricted",
		RESTRICTED, false, false},
	    {NULL, "1.3.26.1:secret", SECRET, true, true},
	    {NULL, "1.3.26.1:secret", RESTRICTED, true, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = labelled(a, rows[i].label);
		struct bind w;

		bind_init(&w);
		if (rows[i].asked != NULL)
			w.a.labels = p1_labels_parse(a, rows[i].asked, NULL);
		if (rows[i].allowed != NULL)
			w.peer.auth.labels =
			    p1_labels_parse(a, rows[i].allowed, NULL);
		w.peer.auth.context_optional = true;
		expect_open(&w);
		CU_ASSERT_EQUAL(
		    p1_check_label(w.x.p, env, NULL) >= 0, rows[i].there);
		CU_ASSERT_EQUAL(
		    p1_check_label(w.peer.end.p, env, NULL) >= 0, rows[i].here);
		env->exts.n = 0;
		CU_ASSERT_EQUAL(p1_check_label(w.peer.end.p, env, NULL), 0);
		bind_free(&w);
		arena_free(&a);
	}
}

/* --- recovery --- */

static void
a_recovery_is_accepted_only_from_peers_that_prove_nothing(void)
{
	static const struct ses_conn_id old = {.user_n = 3,
	    .user = "\x14\x01"
		    "a",
	    .common_n = 15,
	    .common = "\x17\x0d"
		      "261122000000Z"};
	static const struct {
		const char *known, *password;
		bool open;
	} rows[] = {
	    {"alpha", NULL, true},
	    {"alpha", "secret-a", false},
	    {NULL, NULL, false},
	};

	for (unsigned protocol = 0; protocol < P1_PROTOCOLS; protocol++)
		for (size_t i = 0; i < 3; i++) {
			struct bind w;

			bind_init(&w);
			w.a.protocol = protocol;
			w.a.recover = &old;
			w.a.peer_password = NULL;
			w.peer.mta = rows[i].known;
			w.peer.auth.password = rows[i].password;
			w.peer.auth.peer_mta = "alpha";
			if (rows[i].open)
				expect_open(&w);
			else
				expect_refusal(&w, P1_BIND_BUSY, "");
			CU_ASSERT(w.peer.recover);
			if (rows[i].open) {
				CU_ASSERT_STRING_EQUAL(
				    p1_peer_mta(w.peer.end.p), "alpha");
				CU_ASSERT_STRING_EQUAL(
				    p1_peer_mta(w.x.p), "bravo");
			}
			bind_free(&w);
		}
}

static void
who_has_to_prove_himself_is_bound_anew_instead_of_recovered(void)
{
	static const struct ses_conn_id old = {.user_n = 3,
	    .user = "\x14\x01"
		    "a",
	    .common_n = 15,
	    .common = "\x17\x0d"
		      "261122000000Z"};
	struct bind w;

	bind_init(&w);
	w.a.recover = &old;
	expect_open(&w);
	CU_ASSERT_FALSE(w.peer.recover);
	bind_free(&w);
}

/* --- strong credentials --- */

static const char *const names[] = {"alpha", "bravo", "charlie", NULL};

static void
issue(struct pki *k)
{
	pki_new(k, NOW);
	pki_issue(k, &(struct pki_want){.name = "alpha"}, true);
	pki_issue(
	    k, &(struct pki_want){.name = "bravo", .rsa_bits = 2048}, false);
	pki_issue(k, &(struct pki_want){.name = "charlie"}, false);
}

static struct p1_strong *
load(const struct pki *k, const char *name)
{
	char certificate[128], ca[128];
	struct p1_strong_params p = {.certificate = certificate, .ca = ca};
	struct p1_strong *s;

	pki_path(k, name, certificate);
	pki_path(k, "ca", ca);
	s = p1_strong_new(&p, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

/* Who presents which certificate, and who demands one. */
static void
strong_credentials_prove_both_ends(void)
{
	static const struct {
		const char *ours, *theirs; /* NULL: simple credentials */
		bool x410;
		int refused; /* -2: open; by the responder, unless `back` */
		bool back;
	} rows[] = {
	    {"alpha", "bravo", false, -2, false},
	    {"alpha", "bravo", true, -2, false},
	    {"charlie", "bravo", false, P1_BIND_AUTHENTICATION, false},
	    {NULL, "bravo", false, P1_BIND_AUTHENTICATION, false},
	    {"alpha", "charlie", false, P1_BIND_AUTHENTICATION, true},
	    {"alpha", NULL, false, P1_BIND_AUTHENTICATION, false},
	};
	struct pki k;

	issue(&k);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct p1_strong *ours =
		    rows[i].ours != NULL ? load(&k, rows[i].ours) : NULL;
		struct p1_strong *theirs =
		    rows[i].theirs != NULL ? load(&k, rows[i].theirs) : NULL;
		struct bind w;

		bind_init(&w);
		if (rows[i].x410)
			w.a.protocol = P1_MTS_TRANSFER_X410;
		w.a.strong = ours;
		w.peer.auth.strong = theirs;
		if (rows[i].refused == -2) {
			expect_open(&w);
		} else if (rows[i].back) {
			CU_ASSERT_EQUAL(bind_run(&w, NULL), 0);
			CU_ASSERT_EQUAL(w.x.count[P1_OPEN], 0);
			CU_ASSERT_EQUAL(w.x.count[P1_REFUSED], 1);
			CU_ASSERT_EQUAL(w.x.bind_error, P1_BIND_AUTHENTICATION);
			CU_ASSERT_PTR_NOT_NULL(strstr(w.x.err.text,
			    "MTABindResult responder-credentials"));
			CU_ASSERT_EQUAL(w.peer.end.count[P1_CLOSED], 1);
		} else {
			expect_refusal(&w, rows[i].refused,
			    "MTABindArgument initiator-credentials");
		}
		bind_free(&w);
		p1_strong_free(&ours);
		p1_strong_free(&theirs);
	}
	pki_free(&k, names);
}

static void
there_are_no_strong_credentials_in_1984(void)
{
	struct pki k;
	struct p1_strong *ours;
	struct err e = ERR_INIT;
	struct bind w;

	issue(&k);
	ours = load(&k, "alpha");
	bind_init(&w);
	w.a.protocol = P1_MTS_TRANSFER_1984;
	w.a.strong = ours;
	CU_ASSERT_EQUAL(bind_run(&w, &e), ERR_UNSUPPORTED);
	bind_free(&w);
	p1_strong_free(&ours);
	pki_free(&k, names);
}

/* What an eavesdropper kept of a bind does not bind again; nor does it after
 * the window. The answer to one bind is no answer to another. */
static void
a_recorded_strong_bind_does_not_bind_again(void)
{
	struct pki k;
	struct p1_strong *ours, *theirs;
	struct bind w, again;

	issue(&k);
	ours = load(&k, "alpha");
	theirs = load(&k, "bravo");
	bind_init(&w);
	w.a.strong = ours;
	w.peer.auth.strong = theirs;
	expect_open(&w);
	for (int late = 0; late < 2; late++) {
		struct end *x = &again.peer.end;

		bind_init(&again);
		again.peer.auth.strong = theirs;
		again.b.wall = NOW + late * 1000;
		x->p = p1_new(&again.b, on_event, &again.peer, 1000);
		p1_engine_ops.input(x->p, w.said.data, w.said.len, 1000);
		CU_ASSERT_EQUAL(x->count[P1_OPEN], 0);
		CU_ASSERT_EQUAL(x->count[P1_REFUSED], 1);
		CU_ASSERT_EQUAL(x->bind_error, P1_BIND_AUTHENTICATION);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(x->err.text, late ? "seconds back" : "here before"));
		bind_free(&again);
	}
	bind_free(&w);
	p1_strong_free(&ours);
	p1_strong_free(&theirs);
	pki_free(&k, names);
}

/* Who stands in for the peer with the answer that it once gave, to us, within
 * the window: that token is good, but it is not about our random number. */
static void
a_recorded_answer_is_no_answer_to_another_bind(void)
{
	struct pki k;
	struct p1_strong *ours, *theirs;
	struct bind w, again;

	issue(&k);
	ours = load(&k, "alpha");
	theirs = load(&k, "bravo");
	bind_init(&w);
	w.a.strong = ours;
	w.peer.auth.strong = theirs;
	expect_open(&w);
	bind_init(&again);
	again.a.strong = ours;
	again.x.p = p1_new(&again.a, on_event, &again.x, 1000);
	CU_ASSERT_EQUAL(p1_start(again.x.p, NULL), 0);
	p1_engine_ops.input(again.x.p, w.answer.data, w.answer.len, 1000);
	CU_ASSERT_EQUAL(again.x.count[P1_OPEN], 0);
	CU_ASSERT_EQUAL(again.x.count[P1_REFUSED], 1);
	CU_ASSERT_EQUAL(again.x.bind_error, P1_BIND_AUTHENTICATION);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(again.x.err.text, "does not repeat our random number"));
	if (strstr(again.x.err.text, "random number") == NULL)
		printf("\n  %s", again.x.err.text);
	bind_free(&again);
	bind_free(&w);
	p1_strong_free(&ours);
	p1_strong_free(&theirs);
	pki_free(&k, names);
}

void
suite_p1_assoc_bind(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_peer_binds_by_the_protocols_it_may_use),
	    TEST(every_protocol_carries_messages_both_ways),
	    TEST(
		a_peer_without_the_protocol_is_told_from_one_that_is_not_there),
	    TEST(silence_says_nothing_about_protocols),
	    TEST(refusals_give_the_standards_reason),
	    TEST(who_proves_nothing_learns_nothing),
	    TEST(lookup_sees_the_selectors_of_three_layers),
	    TEST(a_security_context_is_accepted_only_as_allowed),
	    TEST(what_crosses_has_a_label_of_the_context),
	    TEST(the_dialect_is_that_of_the_peer_which_binds),
	    TEST(a_recovery_is_accepted_only_from_peers_that_prove_nothing),
	    TEST(who_has_to_prove_himself_is_bound_anew_instead_of_recovered),
	    TEST(strong_credentials_prove_both_ends),
	    TEST(there_are_no_strong_credentials_in_1984),
	    TEST(a_recorded_strong_bind_does_not_bind_again),
	    TEST(a_recorded_answer_is_no_answer_to_another_bind),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_assoc_bind", tests);
}
