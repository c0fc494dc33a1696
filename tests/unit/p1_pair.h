/*
 * Both ends of a P1 association in memory, and envelopes to send between them.
 */
#ifndef TESTS_P1_PAIR_H
#define TESTS_P1_PAIR_H

#include "p1/envelope_codec.h"
#include "p1/p1.h"
#include "tests/unit/osi_rtse_store.h"
#include "tests/unit/p1_vectors.h"

#define EVENTS (P1_CLOSED + 1)

struct end {
	struct p1 *p;
	struct store *store; /* for keep */
	bool other_protocol;
	unsigned count[EVENTS];
	unsigned anew;      /* transfers that began under a name */
	struct buf content; /* of the APDU under way */
	enum mhs_kind kind;
	char *local; /* local part of its identifier */
	int bind_error;
	struct err err;
	bool refuse, hold_answer, idle_after, close_after;
	const struct mhs_envelope *again; /* sent when one was, so often */
	unsigned times;
	const uint8_t *to_send; /* content still to go */
	size_t left;
};

struct pair {
	struct end a, b; /* initiator, responder */
	msec_t now;
	size_t chunk;
};

static inline void
send_more(struct end *x)
{
	struct err e = ERR_INIT;
	int64_t n = 1;

	while (x->left > 0 && n > 0) {
		n = p1_send_content(x->p, x->to_send, x->left, &e);
		CU_ASSERT(n >= 0);
		if (n > 0) {
			x->to_send += n;
			x->left -= (size_t)n;
		}
	}
}

static inline void
send_again(struct end *x)
{
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(p1_send(x->p, x->again, 5, &e), 0);
	x->to_send = (const uint8_t *)"again";
	x->left = 5;
	send_more(x);
}

static inline void
on_end(struct end *x, const struct p1_event *ev)
{
	struct err e = ERR_INIT;

	CU_ASSERT_PTR_NOT_NULL_FATAL(ev->env);
	x->kind = ev->env->kind;
	free(x->local);
	x->local = xstrdup(ev->env->id.local);
	if (x->hold_answer)
		return;
	if (x->store != NULL && !x->refuse)
		store_accept(x->store);
	CU_ASSERT_EQUAL(
	    x->refuse ? p1_refuse(x->p, &e) : p1_accept(x->p, &e), 0);
}

static inline void
on_event(void *user, const struct p1_event *ev)
{
	struct end *x = user;

	x->count[ev->type]++;
	if (ev->err != NULL)
		x->err = *ev->err;
	switch (ev->type) {
	case P1_REFUSED:
		x->bind_error = ev->bind_error;
		x->other_protocol = ev->other_protocol;
		break;
	case P1_IN_BEGIN: buf_clear(&x->content); break;
	case P1_IN_CONTENT: buf_append(&x->content, ev->data, ev->n); break;
	case P1_IN_END: on_end(x, ev); break;
	case P1_WRITABLE: send_more(x); break;
	case P1_OPEN:
	case P1_SENT:
	case P1_SEND_FAILED:
		if (x->again != NULL && x->times > 0) {
			x->times--;
			send_again(x);
		}
		if (x->close_after && ev->type == P1_SENT)
			p1_close(x->p);
		if (x->idle_after)
			p1_idle(x->p);
		break;
	default: break;
	}
}

static inline bool
lookup(void *user, const struct p1_caller *from, struct p1_peer_auth *out)
{
	const char *mta = from->mta;

	(void)user;
	if (strcmp(mta, "alpha") != 0 && strcmp(mta, "busy") != 0)
		return false;
	out->password = "secret-a";
	out->our_mta = "bravo";
	out->our_password = "secret-b";
	out->two_way_alternate = true;
	out->busy = strcmp(mta, "busy") == 0;
	return true;
}

static inline void *
on_keep_begin(void *user, const struct rtse_activity *a)
{
	return store_begin(((struct end *)user)->store, a);
}

static inline int
on_keep_checkpoint(
    void *user, void *kept, const uint8_t *p, size_t n, uint32_t serial)
{
	return store_checkpoint(
	    ((struct end *)user)->store, kept, p, n, serial);
}

static inline void *
on_keep_resume(void *user, const struct rtse_activity *a, uint32_t serial,
    uint64_t *octets)
{
	return store_resume(((struct end *)user)->store, a, serial, octets);
}

static inline int64_t
on_keep_read(void *user, void *kept, uint64_t offset, uint8_t *p, size_t n)
{
	return store_read(((struct end *)user)->store, kept, offset, p, n);
}

static inline void
on_keep_end(void *user, void *kept, bool again)
{
	store_end(((struct end *)user)->store, kept, again);
}

static inline bool
on_keep_accepted(void *user, const struct rtse_activity *a, uint32_t serial)
{
	(void)serial;
	return store_accepted(((struct end *)user)->store, a);
}

static inline void
on_keep_anew(void *user, const struct rtse_activity *a)
{
	((struct end *)user)->anew += a->id_n > 0;
}

/* For ends with a store. */
static const struct rtse_keep keep __attribute__((unused)) = {on_keep_begin,
    on_keep_checkpoint, on_keep_resume, on_keep_read, on_keep_end,
    on_keep_accepted, on_keep_anew};

static inline struct p1_params
params(enum osi_role role)
{
	return (struct p1_params){
	    .role = role,
	    .our_mta = "alpha",
	    .our_password = "secret-a",
	    .peer_mta = "bravo",
	    .peer_password = "secret-b",
	    .checkpoint_size = 1,
	    .window_size = 3,
	    .transfer_timeout = 60000,
	    .common.timeouts = {.connect = 10000, .reply = 10000},
	    .lookup = lookup,
	    .wall = 1700000000,
	};
}

static inline bool
move(struct pair *w, struct end *from, struct end *to)
{
	struct buf *out = p1_engine_ops.output(from->p);
	size_t n = out->len < w->chunk ? out->len : w->chunk;
	struct buf copy = {0};

	if (n == 0)
		return false;
	buf_append(&copy, out->data, n);
	buf_consume(out, n);
	if (out->len == 0)
		p1_engine_ops.drained(from->p, w->now);
	p1_engine_ops.input(to->p, copy.data, n, w->now);
	buf_free(&copy);
	return true;
}

/* What an engine wants done by itself, now. */
static inline bool
tick(struct pair *w, struct end *x)
{
	if (p1_engine_ops.deadline(x->p) > w->now)
		return false;
	p1_engine_ops.timeout(x->p, w->now);
	return true;
}

static inline void
pump(struct pair *w)
{
	bool moved;

	do {
		moved = move(w, &w->a, &w->b);
		moved |= move(w, &w->b, &w->a);
		moved |= tick(w, &w->a);
		moved |= tick(w, &w->b);
	} while (moved);
}

/* With these parameters of the responder. */
static inline void
pair_open_both(struct pair *w, const struct p1_params *a,
    const struct p1_params *b, size_t chunk)
{
	struct err e = ERR_INIT;

	w->now = 1000;
	w->chunk = chunk;
	w->a.p = p1_new(a, on_event, &w->a, w->now);
	w->b.p = p1_new(b, on_event, &w->b, w->now);
	CU_ASSERT_EQUAL(p1_start(w->a.p, &e), 0);
	if (e.code != 0)
		printf("\n  %s", e.text);
	pump(w);
}

static inline void
pair_open(struct pair *w, const struct p1_params *a, size_t chunk)
{
	struct p1_params b = params(OSI_RESPONDER);

	*w = (struct pair){0};
	pair_open_both(w, a, &b, chunk);
}

static inline void
pair_free(struct pair *w)
{
	p1_free(&w->a.p);
	p1_free(&w->b.p);
	buf_free(&w->a.content);
	buf_free(&w->b.content);
	free(w->a.local);
	free(w->b.local);
}

static inline struct mhs_envelope *
make(struct arena *a, enum mhs_kind kind, const char *local)
{
	struct mhs_envelope *env = mhs_envelope_new(a, kind);
	struct mhs_recipient *rcpt = mhs_recipient_add(a, env);
	struct mhs_trace *t = mhs_trace_add(a, env);

	env->id.domain = (struct mhs_domain){"XX", "ALPHA", NULL};
	env->id.local = local;
	env->originator.ora = mhs_or_parse(a, "C=XX; A=ALPHA; S=Ray", NULL);
	env->content_type = MHS_CONTENT_P22;
	rcpt->name.ora = mhs_or_parse(a, "C=XX; A=BRAVO; S=Joe", NULL);
	rcpt->number = 1;
	rcpt->responsible = true;
	t->domain = env->id.domain;
	t->arrival = 1700000000;
	if (kind != MHS_REPORT)
		return env;
	env->report->subject.domain = env->id.domain;
	env->report->subject.local = "subject";
	env->report->content_type = MHS_CONTENT_P22;
	env->report->n_recipients = 1;
	env->report->recipients = ARENA_NEW(a, struct mhs_report_recipient);
	env->report->recipients[0] = (struct mhs_report_recipient){
	    .actual = rcpt->name,
	    .number = 1,
	    .type = MHS_NOT_DELIVERED,
	    .reason = 1,
	    .diagnostic = 0,
	    .user_type = -1,
	    .last_trace_arrival = 1700000000,
	};
	return env;
}

/* No two kilo-octets of it are alike. */
static inline uint8_t *
make_content(struct arena *a, size_t n)
{
	uint8_t *content = arena_alloc(a, n);

	for (size_t i = 0; i < n; i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
	return content;
}

static inline void
transfer(struct pair *w, struct end *x, const struct mhs_envelope *env,
    const void *content, size_t n)
{
	struct err e = ERR_INIT;
	int r = p1_send(x->p, env, n, &e);

	if (r < 0)
		printf("\n  %s", e.text);
	CU_ASSERT_EQUAL(r, 0);
	x->to_send = content;
	x->left = n;
	send_more(x);
	pump(w);
}

#endif
