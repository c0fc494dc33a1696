/*
 * Two RTSE engines in memory, or one and a recording, with what they said.
 */
#ifndef TESTS_OSI_RTSE_PAIR_H
#define TESTS_OSI_RTSE_PAIR_H

#include "lib/arena.h"
#include "osi/rtse.h"
#include "tests/unit/osi_rtse_store.h"
#include "tests/unit/osi_wire.h"

#define MAX_EVENTS (RTSE_ABORTED + 1)

struct end {
	struct rtse *r;
	unsigned count[MAX_EVENTS];
	struct buf open_data; /* of OPEN_* */
	struct buf got;       /* of the transfer under way */
	struct buf kept;      /* of the last whole transfer */
	struct err err;
	int refuse_reason, priority;
	enum acse_result acse_result;
	bool resumed; /* the transfer under way */
	struct ses_conn_id recover;
	struct store *store;           /* for keep */
	const struct buf *refuse_with; /* instead of bind_error */
	size_t send_on_open;           /* octets of an APDU; closes after it */
	unsigned close_after;          /* so many echoes */
	/* what it does by itself */
	bool refuse_open, refuse_transfer, refuse_early, leave_end, give_turn,
	    echo, recovers, leave_open;
};

struct pair {
	struct end a, b; /* initiator, responder */
	size_t chunk;
	msec_t now;
};

static const uint8_t bind_argument[] = {0xb0, 0x02, 0x05, 0x00};
static const uint8_t bind_result[] = {0xb1, 0x02, 0x05, 0x00};
static const uint8_t bind_error[] = {0x02, 0x01, 0x02};

/* Sends back what came, as soon as the turn is here. */
static inline int
end_echo(struct end *x, const struct rtse_event *ev, struct err *e)
{
	int64_t rc = 0;

	if (ev->type == RTSE_TRANSFER_END ||
	    (ev->type == RTSE_OPEN_CNF && !rtse_has_turn(x->r)))
		return rtse_turn_please(x->r, 1, e);
	if (ev->type == RTSE_TURN_GIVE && x->close_after > 0 &&
	    x->count[RTSE_TRANSFER_END] == x->close_after)
		return rtse_close(x->r, e);
	if (ev->type != RTSE_TURN_GIVE || x->kept.len == 0)
		return 0;
	rc = rtse_transfer_begin(x->r, x->kept.len, e);
	if (rc >= 0)
		rc = rtse_transfer_data(x->r, x->kept.data, x->kept.len, e);
	return rc < 0 ? (int)rc : 0;
}

static inline int
end_refuse(struct end *x, struct err *e)
{
	if (x->refuse_with != NULL)
		return rtse_open_refuse(
		    x->r, x->refuse_with->data, x->refuse_with->len, e);
	return rtse_open_refuse(x->r, bind_error, sizeof(bind_error), e);
}

static inline int
end_send_on_open(struct end *x, const struct rtse_event *ev, struct err *e)
{
	static const uint8_t octets[1000] = {0x04, 0x82, 0x02, 0xb8};
	int64_t rc = 0;

	if (ev->type == RTSE_TRANSFER_CNF)
		return rtse_close(x->r, e);
	if (ev->type != RTSE_OPEN_CNF)
		return 0;
	rc = rtse_transfer_begin(x->r, x->send_on_open, e);
	if (rc >= 0)
		rc = rtse_transfer_data(x->r, octets, x->send_on_open, e);
	return rc < 0 ? (int)rc : 0;
}

/* Safe on disk before the peer hears of it. */
static inline int
end_accept(struct end *x, struct err *e)
{
	if (x->store != NULL)
		store_accept(x->store);
	return rtse_transfer_accept(x->r, e);
}

static inline void
end_answer(struct end *x, const struct rtse_event *ev)
{
	struct err e = ERR_INIT;
	int rc = 0;

	if (ev->type == RTSE_OPEN_IND && x->leave_open)
		return;
	if (ev->type == RTSE_OPEN_IND && ev->recover != NULL)
		rc = x->recovers ? rtse_open_accept(x->r, NULL, 0, &e)
				 : rtse_open_refuse(x->r, NULL, 0, &e);
	else if (ev->type == RTSE_OPEN_IND)
		rc = x->refuse_open ? end_refuse(x, &e)
				    : rtse_open_accept(x->r, bind_result,
					  sizeof(bind_result), &e);
	else if (ev->type == RTSE_TRANSFER_END && x->refuse_transfer)
		rc = rtse_transfer_refuse(x->r, &e);
	else if (ev->type == RTSE_TRANSFER_END && !x->leave_end)
		rc = end_accept(x, &e);
	else if (ev->type == RTSE_TRANSFER_DATA && x->refuse_early &&
	    x->count[RTSE_TRANSFER_DATA] == 1)
		rc = rtse_transfer_refuse(x->r, &e);
	else if (ev->type == RTSE_TURN_PLEASE && x->give_turn)
		rc = rtse_turn_give(x->r, &e);
	if (rc >= 0 && x->echo)
		rc = end_echo(x, ev, &e);
	if (rc >= 0 && x->send_on_open > 0)
		rc = end_send_on_open(x, ev, &e);
	CU_ASSERT_TRUE(rc >= 0);
	if (rc < 0)
		printf("\n  %s\n", e.text);
}

static inline void
end_event(void *user, const struct rtse_event *ev)
{
	struct end *x = user;

	x->count[ev->type]++;
	if (ev->err != NULL)
		x->err = *ev->err;
	switch (ev->type) {
	case RTSE_OPEN_IND:
	case RTSE_OPEN_CNF:
	case RTSE_OPEN_REFUSED:
		buf_append(&x->open_data, ev->data, ev->n);
		x->refuse_reason = ev->refuse_reason;
		x->acse_result = ev->acse_result;
		if (ev->recover != NULL)
			x->recover = *ev->recover;
		break;
	case RTSE_TRANSFER_BEGIN:
		buf_clear(&x->got);
		x->resumed = ev->resumed;
		break;
	case RTSE_TRANSFER_DATA: buf_append(&x->got, ev->data, ev->n); break;
	case RTSE_TRANSFER_END:
		buf_clear(&x->kept);
		buf_append(&x->kept, x->got.data, x->got.len);
		break;
	case RTSE_TURN_PLEASE: x->priority = ev->priority; break;
	default: break;
	}
	end_answer(x, ev);
}

static inline void *
end_keep_begin(void *user, const struct rtse_activity *a)
{
	return store_begin(((struct end *)user)->store, a);
}

static inline int
end_keep_checkpoint(
    void *user, void *kept, const uint8_t *p, size_t n, uint32_t serial)
{
	return store_checkpoint(
	    ((struct end *)user)->store, kept, p, n, serial);
}

static inline void *
end_keep_resume(void *user, const struct rtse_activity *a, uint32_t serial,
    uint64_t *octets)
{
	return store_resume(((struct end *)user)->store, a, serial, octets);
}

static inline int64_t
end_keep_read(void *user, void *kept, uint64_t offset, uint8_t *p, size_t n)
{
	return store_read(((struct end *)user)->store, kept, offset, p, n);
}

static inline void
end_keep_end(void *user, void *kept, bool again)
{
	store_end(((struct end *)user)->store, kept, again);
}

static inline bool
end_keep_accepted(void *user, const struct rtse_activity *a, uint32_t serial)
{
	(void)serial;
	return store_accepted(((struct end *)user)->store, a);
}

static const struct rtse_keep end_keep = {end_keep_begin, end_keep_checkpoint,
    end_keep_resume, end_keep_read, end_keep_end, end_keep_accepted, NULL};

/* The name of a test's nth association. */
static inline struct ses_conn_id
pair_conn_id(uint8_t n)
{
	struct ses_conn_id id = {.user_n = 6,
	    .common_n = 15,
	    .add_n = 3,
	    .user = {0x14, 4, 'h', 'o', 's', 't'},
	    .common = "\x17\x0d"
		      "261122031500Z",
	    .add = {0x14, 1, n}};

	return id;
}

static inline struct rtse_params
pair_params(enum osi_role role)
{
	struct rtse_params p = {
	    .rtse_syntax = RTSE_ABSTRACT_SYNTAX_P1,
	    .apdu_syntax = "2.6.0.2.7",
	    .application_context = "2.6.0.1.6",
	    .checkpoint_size = 1,
	    .window_size = 3,
	    .transfer_timeout = 60000,
	};
	struct cotp_params *c = &p.pres.ses.cotp;

	c->role = role;
	c->tpdu_size = COTP_TPDU_MAX;
	c->common.timeouts =
	    (struct osi_timeouts){.connect = 10000, .reply = 20000, .idle = 0};
	p.pres.ses.requirements = SES_FU_RTSE;
	if (role == OSI_INITIATOR)
		p.pres.ses.conn_id = pair_conn_id(1);
	return p;
}

static inline void
pair_init(struct pair *p, const struct rtse_params *a,
    const struct rtse_params *b, size_t chunk)
{
	*p = (struct pair){.chunk = chunk, .now = 1000};
	p->a.r = rtse_new(a, end_event, &p->a, p->now);
	p->b.r = rtse_new(b, end_event, &p->b, p->now);
}

static inline void
end_free(struct end *x)
{
	rtse_free(&x->r);
	buf_free(&x->open_data);
	buf_free(&x->got);
	buf_free(&x->kept);
}

static inline void
pair_free(struct pair *p)
{
	end_free(&p->a);
	end_free(&p->b);
}

static inline bool
end_carry(struct end *from, struct end *to, size_t chunk, msec_t now)
{
	struct buf *out = rtse_engine_ops.output(from->r);
	bool any = out->len > 0;

	while (out->len > 0) {
		size_t n = out->len < chunk ? out->len : chunk;
		uint8_t *copy = malloc(n);

		memcpy(copy, out->data, n);
		buf_consume(out, n);
		rtse_engine_ops.input(to->r, copy, n, now);
		free(copy);
	}
	if (any)
		rtse_engine_ops.drained(from->r, now);
	return any;
}

static inline void
pair_run(struct pair *p)
{
	bool any;

	do {
		any = end_carry(&p->a, &p->b, p->chunk, p->now);
		any |= end_carry(&p->b, &p->a, p->chunk, p->now);
	} while (any);
}

/* Time passes; engines are called as the driver would. */
static inline void
pair_time(struct pair *p, msec_t ms)
{
	msec_t end = p->now + ms;
	struct rtse *r[] = {p->a.r, p->b.r};

	for (int i = 0; i < 1000; i++) {
		msec_t next = end;

		pair_run(p);
		for (size_t k = 0; k < 2; k++) {
			msec_t d = rtse_engine_ops.deadline(r[k]);

			next = d < next ? d : next;
		}
		p->now = next > p->now ? next : p->now;
		for (size_t k = 0; k < 2; k++)
			if (rtse_engine_ops.deadline(r[k]) <= p->now)
				rtse_engine_ops.timeout(r[k], p->now);
		if (p->now >= end && i > 2)
			break;
	}
	pair_run(p);
}

static inline void
pair_open(struct pair *p)
{
	struct err e = ERR_INIT;

	CU_ASSERT_TRUE(rtse_open_request(p->a.r, bind_argument,
			   sizeof(bind_argument), &e) >= 0);
	pair_run(p);
}

/* An opened pair with checkpoints of this many kilo-octets. */
static inline void
pair_ready(struct pair *p, uint32_t checkpoint, enum rtse_dialogue dialogue,
    size_t chunk)
{
	struct rtse_params a = pair_params(OSI_INITIATOR);
	struct rtse_params b = pair_params(OSI_RESPONDER);

	a.checkpoint_size = b.checkpoint_size = checkpoint;
	a.dialogue = dialogue;
	pair_init(p, &a, &b, chunk);
	pair_open(p);
	CU_ASSERT_EQUAL_FATAL(p->a.count[RTSE_OPEN_CNF], 1);
}

static inline struct buf
pair_octets(size_t n)
{
	struct buf b = {0};
	uint8_t *v = buf_reserve(&b, n + 1);

	/* one OCTET STRING with a header when there is room for one */
	for (size_t i = 0; i < n; i++)
		v[i] = (uint8_t)(i * 7 + (i >> 8));
	if (n >= 2 && n < 130) {
		v[0] = 0x04;
		v[1] = (uint8_t)(n - 2);
	} else if (n >= 8) {
		const uint8_t head[] = {0x04, 0x84, (uint8_t)((n - 6) >> 24),
		    (uint8_t)((n - 6) >> 16), (uint8_t)((n - 6) >> 8),
		    (uint8_t)(n - 6)};
		memcpy(v, head, sizeof(head));
	}
	buf_grow(&b, n);
	return b;
}

/* Gives all of it to the engine, running the wire when it takes no more. */
static inline void
pair_send(struct pair *p, struct end *from, const struct buf *b)
{
	struct err e = ERR_INIT;
	size_t done = 0;

	CU_ASSERT_TRUE_FATAL(rtse_transfer_begin(from->r, b->len, &e) >= 0);
	while (done < b->len) {
		int64_t n = rtse_transfer_data(
		    from->r, b->data + done, b->len - done, &e);

		CU_ASSERT_TRUE_FATAL(n >= 0);
		done += (size_t)n;
		if (done < b->len) {
			unsigned before = from->count[RTSE_WRITABLE];

			pair_run(p);
			CU_ASSERT_EQUAL_FATAL(
			    from->count[RTSE_WRITABLE], before + 1);
		}
	}
	pair_run(p);
}

static inline bool
holds(const struct buf *b, const void *p, size_t n)
{
	return b->len == n && (n == 0 || memcmp(b->data, p, n) == 0);
}

/* What both ends have said at the bind, and a release from the first. */
static inline void
pair_expect_open_and_close(struct pair *p)
{
	struct err e = ERR_INIT;

	CU_ASSERT(holds(&p->b.open_data, bind_argument, sizeof(bind_argument)));
	CU_ASSERT(holds(&p->a.open_data, bind_result, sizeof(bind_result)));
	CU_ASSERT_EQUAL(rtse_close(p->a.r, &e), 0);
	pair_run(p);
	CU_ASSERT_EQUAL(p->b.count[RTSE_CLOSE_IND], 1);
	CU_ASSERT_EQUAL(p->a.count[RTSE_CLOSE_CNF], 1);
}

/* --- recordings of an independent stack --- */

/* The CC must answer the CR that our initiator sent. */
static inline void
end_patch_reference(struct rtse *r, struct buf *in)
{
	const struct buf *out = rtse_engine_ops.output(r);

	CU_ASSERT_TRUE_FATAL(out->len > 9 && in->len > 7);
	CU_ASSERT_EQUAL(out->data[5] & 0xf0, 0xe0);
	memcpy(in->data + 6, out->data + 8, 2);
}

static inline void
end_replay(struct end *x, const struct rtse_params *p, const char *vector,
    size_t chunk)
{
	struct buf in = {0};

	x->r = rtse_new(p, end_event, x, 1000);
	if (p->pres.ses.cotp.role == OSI_INITIATOR) {
		struct err e = ERR_INIT;

		CU_ASSERT_TRUE(rtse_open_request(x->r, bind_argument,
				   sizeof(bind_argument), &e) >= 0);
	}
	wire_vector(&in, vector);
	if (p->pres.ses.cotp.role == OSI_INITIATOR)
		end_patch_reference(x->r, &in);
	while (in.len > 0) {
		size_t n = in.len < chunk ? in.len : chunk;
		uint8_t *copy = malloc(n);

		memcpy(copy, in.data, n);
		buf_consume(&in, n);
		rtse_engine_ops.input(x->r, copy, n, 1000);
		free(copy);
	}
	buf_free(&in);
}

#endif
