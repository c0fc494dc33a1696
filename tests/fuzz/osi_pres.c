/*
 * First octet: which PPDU the rest is (what was decoded is encoded and must be
 * decoded again), or the user data of an SSDU on an open connection.
 */
#include "osi/pres_codec.h"
#include "osi/pres_x410.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Values without context can only be encoded as they came. */
static bool
is_simple(const struct pres_values *v)
{
	return v->n > 0 && v->v[0].context_id == 0;
}

/* A PPDU of X.410 mode: its value can be encoded, and is the same again. */
static void
x410(struct arena *a, enum pres_x410_ppdu type, const struct pres_values *v)
{
	struct pres_values again;
	struct buf b = {0};
	struct err e = ERR_INIT;

	INVARIANT(v->n == 1 && v->v[0].context_id == 0);
	INVARIANT(pres_x410_encode(type, v, &b, &e) >= 0);
	INVARIANT(pres_x410_decode(a, type, b.data, b.len, &again, &e) >= 0);
	INVARIANT(again.v[0].n == v->v[0].n);
	buf_free(&b);
}

static void
cp(struct arena *a, const uint8_t *p, size_t n)
{
	struct pres_cp c, again;
	struct buf b = {0};
	struct err e = ERR_INIT;

	if (pres_cp_decode(a, p, n, &c, &e) < 0)
		return;
	if (c.x410_mode) {
		x410(a, PRES_X410_CP, &c.values);
	} else {
		c.simple = is_simple(&c.values);
		INVARIANT(pres_cp_encode(&c, &b, &e) >= 0);
		INVARIANT(pres_cp_decode(a, b.data, b.len, &again, &e) >= 0);
		INVARIANT(again.n_contexts == c.n_contexts);
		INVARIANT(again.values.n == c.values.n);
	}
	buf_free(&b);
}

static void
cpa(struct arena *a, const uint8_t *p, size_t n)
{
	struct pres_answer c, again;
	struct buf b = {0};
	struct err e = ERR_INIT;

	if (pres_cpa_decode(a, p, n, &c, &e) < 0)
		return;
	if (c.x410_mode) {
		x410(a, PRES_X410_CPA, &c.values);
	} else {
		c.simple = is_simple(&c.values);
		INVARIANT(pres_cpa_encode(&c, &b, &e) >= 0);
		INVARIANT(pres_cpa_decode(a, b.data, b.len, &again, &e) >= 0);
		INVARIANT(again.n_results == c.n_results);
	}
	buf_free(&b);
}

static void
cpr(struct arena *a, const uint8_t *p, size_t n)
{
	struct pres_answer c, again;
	struct buf b = {0};
	struct err e = ERR_INIT;

	if (pres_cpr_decode(a, p, n, &c, &e) < 0)
		return;
	if (c.x410_mode) {
		x410(a, PRES_X410_CPR, &c.values);
	} else {
		c.simple = is_simple(&c.values);
		INVARIANT(pres_cpr_encode(&c, &b, &e) >= 0);
		INVARIANT(pres_cpr_decode(a, b.data, b.len, &again, &e) >= 0);
		INVARIANT(again.provider_reason == c.provider_reason);
	}
	buf_free(&b);
}

static void
aborts(struct arena *a, const uint8_t *p, size_t n)
{
	struct pres_abort c;
	struct pres_values v;
	struct err e = ERR_INIT;

	(void)pres_abort_decode(a, p, n, &c, &e);
	(void)pres_user_data_decode(a, p, n, &v, &e);
}

/* --- P-DATA --- */

struct side {
	struct pres *p;
	bool open, inside;
};

static void
event(void *user, const struct pres_prim *q)
{
	struct side *s = user;
	struct pres_prim r = {.type = PRES_CONNECT,
	    .kind = SES_RSP,
	    .accepted = true,
	    .provider_reason = -1};
	struct err e = ERR_INIT;

	if (q->type == PRES_CONNECT && q->kind == SES_IND)
		INVARIANT(pres_request(s->p, &r, &e) >= 0);
	if (q->type == PRES_DATA) {
		INVARIANT(q->first == !s->inside);
		s->inside = !q->last;
	}
	s->open |= q->type == PRES_CONNECT;
}

static void
carry(struct pres *from, struct pres *to, size_t chunk)
{
	struct buf *out = cotp_output(ses_cotp(pres_ses(from)));

	while (out->len > 0) {
		size_t n = out->len < chunk ? out->len : chunk;
		uint8_t *copy = malloc(n);

		memcpy(copy, out->data, n);
		buf_consume(out, n);
		cotp_input(ses_cotp(pres_ses(to)), copy, n);
		free(copy);
	}
}

static void
run(struct side *a, struct side *b, size_t chunk)
{
	for (int i = 0; i < 3; i++) {
		carry(a->p, b->p, chunk);
		carry(b->p, a->p, chunk);
	}
}

static void
data(struct side *a, struct side *b, const uint8_t *p, size_t n)
{
	struct ses_prim start = {
	    .type = SES_ACTIVITY_START, .kind = SES_REQ, .activity_id_n = 1};
	struct ses_prim s = {
	    .type = SES_DATA, .kind = SES_REQ, .data = p, .n = n, .last = true};
	struct pres_prim q = {
	    .type = PRES_CONNECT, .kind = SES_REQ, .provider_reason = -1};
	struct err e = ERR_INIT;

	INVARIANT(pres_request(a->p, &q, &e) >= 0);
	run(a, b, SIZE_MAX);
	INVARIANT(a->open && b->open);
	INVARIANT(ses_request(pres_ses(a->p), &start, &e) >= 0);
	INVARIANT(ses_request(pres_ses(a->p), &s, &e) >= 0);
	run(a, b, n % 2 == 0 ? 1 : SIZE_MAX);
}

static void
p_data(const uint8_t *p, size_t n)
{
	static const struct pres_context contexts[] = {
	    {.id = 1, .abstract_syntax = "2.2.1.0.1"},
	    {.id = 3, .abstract_syntax = "2.6.0.2.12"}};
	struct pres_params params = {.contexts = contexts, .n_contexts = 2};
	struct side a = {0}, b = {0};

	params.ses.cotp.tpdu_size = COTP_TPDU_MAX;
	params.ses.requirements = SES_FU_RTSE;
	params.ses.cotp.role = OSI_INITIATOR;
	a.p = pres_new(&params, event, &a, 1);
	params.ses.cotp.role = OSI_RESPONDER;
	b.p = pres_new(&params, event, &b, 1);
	data(&a, &b, p, n);
	pres_free(&a.p);
	pres_free(&b.p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static void (*const targets[])(
	    struct arena *, const uint8_t *, size_t) = {cp, cpa, cpr, aborts};
	struct arena *a = arena_new();

	if (n > 0 && p[0] % 5 < 4)
		targets[p[0] % 5](a, p + 1, n - 1);
	else if (n > 1)
		p_data(p + 1, n - 1);
	arena_free(&a);
	return 0;
}
