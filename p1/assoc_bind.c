/*
 * MTABind in the P1 engine (X.411 12.1.1): what we present, and what we make
 * of what the peer presents, in both roles.
 */
#include "p1/assoc.h"

#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "p1/label.h"
#include "p1/strong.h"

#define LAYER "p1"
#define RANDOM_OCTETS 16

/* --- what we present --- */

static void
simple(struct p1_bind *b, const char *mta, const char *password)
{
	if (mta == NULL)
		return; /* unauthenticated */
	if (password == NULL)
		password = "";
	b->mta = mta;
	b->credentials = P1_CRED_SIMPLE;
	b->password =
	    (struct octets){(const uint8_t *)password, strlen(password)};
}

/* Credentials for the MTA named `to`, with this random number. */
static int
strong(struct p1 *p, struct p1_bind *b, const struct p1_strong *s,
    const char *mta, const char *to, const struct octets *random, struct err *e)
{
	struct buf octets = {0};
	int r;

	if (p->protocol == P1_MTS_TRANSFER_1984)
		return err_set(e, LAYER, ERR_UNSUPPORTED,
		    "there are no strong credentials in P1 of 1984");
	if (mta == NULL || to == NULL)
		return err_set(e, LAYER, ERR_CONFIG,
		    "strong credentials need the names of both MTAs");
	r = p1_strong_make(s, to, p1_wall(p), random, &octets, e);
	if (r >= 0) {
		b->mta = mta;
		b->credentials = P1_CRED_STRONG;
		b->raw_credentials = (struct octets){
		    arena_memdup(p->arena, octets.data, octets.len),
		    octets.len};
	}
	buf_free(&octets);
	return r;
}

/* What may cross the association from now on: the security-context of its
 * bind, or these labels. */
static void
bind_labels(
    struct p1 *p, const struct octets *context, const struct p1_labels *labels)
{
	struct octets o = {0};

	if (context->n > 0)
		o = *context;
	else if (labels != NULL)
		o = p1_labels_octets(labels);
	p->context = (struct octets){arena_memdup(p->arena, o.p, o.n), o.n};
}

int
p1_check_label(
    const struct p1 *p, const struct mhs_envelope *env, struct err *e)
{
	return p1_label_within(&p->context, &env->exts, e);
}

static int
our_argument(struct p1 *p, struct p1_bind *b, struct err *e)
{
	const struct p1_params *q = &p->params;

	*b = (struct p1_bind){.kind = P1_BIND_ARGUMENT,
	    .mta = "",
	    .bare = p->protocol != P1_MTS_TRANSFER,
	    /* 1984 knows no other kind of string */
	    .password_ia5 = p->protocol == P1_MTS_TRANSFER_1984};
	if (q->labels != NULL && p->protocol != P1_MTS_TRANSFER_1984)
		b->security_context = p1_labels_octets(q->labels);
	bind_labels(p, &b->security_context, q->labels);
	if (q->strong == NULL) {
		simple(b, q->our_mta, q->our_password);
		return 0;
	}
	p->random = (struct octets){
	    p1_strong_random(p->arena, RANDOM_OCTETS), RANDOM_OCTETS};
	return strong(p, b, q->strong, q->our_mta, q->peer_mta, &p->random, e);
}

int
p1_start(struct p1 *p, struct err *e)
{
	struct p1_bind b;
	struct buf octets = {0};
	int r;

	if (p->state != P1_STATE_NEW || p->params.role != OSI_INITIATOR)
		return err_set(e, LAYER, ERR_PROTOCOL, "started twice");
	r = our_argument(p, &b, e);
	if (r >= 0)
		r = p1_bind_encode(&b, &octets, e);
	if (r >= 0) {
		p->state = P1_STATE_BINDING;
		p1_trace(p, true, "p1 MTABind argument", b.mta);
		r = rtse_open_request(p->rtse, octets.data, octets.len, e);
	}
	buf_free(&octets);
	return r;
}

static void
opened(struct p1 *p, const char *peer_mta)
{
	p->peer_mta = arena_strdup(p->arena, peer_mta);
	p->state = P1_STATE_OPEN;
	p1_emit_type(p, P1_OPEN, NULL);
	p1_settle(p);
}

/* --- what the peer presents --- */

struct demand { /* of the peer */
	const char *password;
	const struct p1_strong *strong;
	const char *subject; /* of its certificate */
	const char *us;      /* whom its token must be for */
	bool fresh;          /* its random number must not have been here */
};

static int
check_strong(struct p1 *p, const struct p1_bind *b, const struct demand *d,
    struct octets *random, struct err *e)
{
	struct p1_strong_check c = {.mta = b->mta,
	    .subject = d->subject,
	    .us = d->us,
	    .wall = p1_wall(p),
	    .fresh = d->fresh};
	int r;

	if (b->credentials != P1_CRED_STRONG)
		return err_at(e, LAYER, ERR_REFUSED, b->at_credentials,
		    "%s %s: no strong credentials from MTA \"%s\"",
		    p1_bind_pdu_name(b->kind), p1_bind_credentials_field(b),
		    b->mta);
	r = p1_strong_verify(
	    d->strong, &b->raw_credentials, &c, p->arena, random, e);
	if (r < 0) {
		err_prefix(e, "%s %s from MTA \"%s\"",
		    p1_bind_pdu_name(b->kind), p1_bind_credentials_field(b),
		    b->mta);
		e->offset = b->at_credentials;
	}
	return r;
}

static int
check_credentials(struct p1 *p, const struct p1_bind *b, const struct demand *d,
    struct octets *random, struct err *e)
{
	if (d->strong != NULL)
		return check_strong(p, b, d, random, e);
	if (d->password == NULL || p1_bind_password_is(b, d->password))
		return 0;
	return err_at(e, LAYER, ERR_REFUSED, b->at_credentials,
	    "%s %s: wrong password from MTA \"%s\"", p1_bind_pdu_name(b->kind),
	    p1_bind_credentials_field(b), b->mta);
}

/* --- initiator --- */

/* The answer to our bind: 0, or why we do not go on with this peer. */
static int
check_result(struct p1 *p, const struct p1_bind *b, struct err *e)
{
	const struct p1_params *q = &p->params;
	struct demand d = {.password = q->peer_password,
	    .strong = q->strong,
	    .subject = q->peer_subject,
	    .us = q->our_mta};
	struct octets random;
	int r;

	if (b->kind == P1_BIND_ERROR)
		return err_set(
		    e, LAYER, ERR_PROTOCOL, "bind error in an acceptance");
	if (q->peer_mta != NULL && strcasecmp(b->mta, q->peer_mta) != 0)
		return err_at(e, LAYER, ERR_REFUSED, b->at_name,
		    "%s %s: the peer calls itself \"%s\", not \"%s\"",
		    p1_bind_pdu_name(b->kind), p1_bind_name_field(b), b->mta,
		    q->peer_mta);
	r = check_credentials(p, b, &d, &random, e);
	if (r < 0 || q->strong == NULL)
		return r;
	if (random.n != p->random.n ||
	    memcmp(random.p, p->random.p, random.n) != 0)
		return err_at(e, LAYER, ERR_REFUSED, b->at_credentials,
		    "%s %s: the bind-token does not repeat our random number",
		    p1_bind_pdu_name(b->kind), p1_bind_credentials_field(b));
	return 0;
}

void
p1_bind_cnf(struct p1 *p, const struct rtse_event *ev)
{
	struct arena *a = arena_new();
	struct p1_bind b = {.mta = ""};
	struct err e = ERR_INIT;
	int r;

	if (p->params.recover != NULL && ev->n == 0) {
		p1_trace(p, false, "p1 association recovered", "");
		opened(p, p->params.peer_mta != NULL ? p->params.peer_mta : "");
		arena_free(&a);
		return;
	}
	r = p1_bind_decode(a, ev->data, ev->n, &b, &e);
	if (r >= 0) {
		if (b.kind == P1_BIND_ARGUMENT && b.bare)
			b.kind = P1_BIND_RESULT;
		p1_trace(p, false, "p1 MTABind result", b.mta);
		r = check_result(p, &b, &e);
	}
	if (r < 0) {
		rtse_abort(p->rtse, "bind result not acceptable");
		p1_refused(p, P1_BIND_AUTHENTICATION, false, &e);
	} else {
		opened(p, b.mta);
	}
	arena_free(&a);
}

/* What a reason of X.410 mode's RTORJ says in MTABindError's terms. */
static int
bind_error_of(int refuse_reason)
{
	static const int8_t errors[] = {[0] = P1_BIND_BUSY, /* rts-busy */
	    [1] = P1_BIND_BUSY,           /* cannot-recover: bind anew */
	    [2] = P1_BIND_AUTHENTICATION, /* validation-failure */
	    [3] = P1_BIND_UNACCEPTABLE_DIALOGUE};

	if (refuse_reason < 0 || refuse_reason >= (int)sizeof(errors))
		return -1;
	return errors[refuse_reason];
}

/* Refusals that say nothing about the protocol: who was called is not there,
 * or not now (X.225 8.3.5.5, X.226 Provider-reason, X.227 7.1.4.1). */
static const struct {
	const char *layer;
	int detail;
} other_reasons[] = {
    {"session", 0x01},
    {"session", 0x81},
    {"session", 0x82},
    {"session", 0x83},
    {"presentation", 1},
    {"presentation", 2},
    {"presentation", 3},
    {"presentation", 7},
    {"acse", 3},
    {"acse", 4},
    {"acse", 5},
    {"acse", 6},
    {"acse", 7},
    {"acse", 8},
    {"acse", 9},
    {"acse", 10},
};

/* Did the peer refuse us, or go away, for the protocol's sake? Only what it
 * said itself counts, and only above transport. */
static bool
lacks_protocol(const struct p1 *p, const struct err *why)
{
	if (!p->reading)
		return false;
	if (why == NULL)
		return true;
	if (strcmp(why->layer, "cotp") == 0)
		return false;
	for (size_t i = 0; i < sizeof(other_reasons) / sizeof(*other_reasons);
	     i++)
		if (strcmp(why->layer, other_reasons[i].layer) == 0 &&
		    why->detail == other_reasons[i].detail)
			return false;
	return true;
}

void
p1_bind_refused(struct p1 *p, const struct rtse_event *ev)
{
	struct arena *a = arena_new();
	struct p1_bind b;
	struct err e = ERR_INIT;
	int error = bind_error_of(ev->refuse_reason);

	if (ev->n > 0 && p1_bind_decode(a, ev->data, ev->n, &b, &e) >= 0 &&
	    b.kind == P1_BIND_ERROR)
		error = b.error;
	if (error >= 0) {
		err_set(&e, LAYER, ERR_REFUSED, "bind refused: %s",
		    p1_bind_error_name(error));
		e.detail = error;
		p1_trace(
		    p, false, "p1 MTABind error", p1_bind_error_name(error));
		p1_refused(p, error, false, &e);
	} else {
		if (ev->err != NULL)
			e = *ev->err;
		else
			err_set(&e, LAYER, ERR_REFUSED,
			    "association refused by the peer");
		p1_refused(p, -1,
		    ev->acse_result != ACSE_REJECTED_TRANSIENT &&
			lacks_protocol(p, ev->err),
		    &e);
	}
	arena_free(&a);
}

/* Before it was open: a peer that knows nothing of our protocol may say so by
 * an abort. */
void
p1_bind_aborted(struct p1 *p, const struct rtse_event *ev)
{
	if (lacks_protocol(p, ev->err))
		p1_refused(p, -1, true, ev->err);
	else
		p1_closed(p, ev->err);
}

/* --- responder --- */

/* Of the MTABindErrors: not one, but the application context is refused. */
#define REFUSE_PROTOCOL (-1)

static int
take_protocol(struct p1 *p, struct err *e)
{
	int32_t n = rtse_application_protocol(p->rtse);

	if (!rtse_is_x410(p->rtse)) {
		p->protocol = P1_MTS_TRANSFER;
	} else if (n == P1_APPLICATION_1988) {
		p->protocol = P1_MTS_TRANSFER_X410;
	} else if (n == P1_APPLICATION_1984 || n < 0) {
		p->protocol = P1_MTS_TRANSFER_1984; /* the default of X.410 */
	} else {
		return err_set(e, LAYER, ERR_REFUSED,
		    "RTORQ application-protocol %d is not P1", (int)n);
	}
	return 0;
}

static int
find_peer(struct p1 *p, struct p1_caller *c, struct p1_peer_auth *auth)
{
	struct pres *pres = acse_pres(rtse_acse(p->rtse));
	const struct pres_params *pp = pres_params(pres);
	const struct ses_params *sp = ses_params(pres_ses(pres));
	const struct cotp_params *cp = cotp_params(ses_cotp(pres_ses(pres)));
	struct osi_selectors from = {pp->calling, sp->calling, cp->calling};
	struct osi_selectors to = {pp->called, sp->called, cp->called};

	c->from = &from;
	c->to = &to;
	c->protocol = p->protocol;
	if (p->params.lookup == NULL || !p->params.lookup(p->user, c, auth))
		return ERR_NOT_FOUND;
	p->params.old_extensions = auth->old_extensions;
	p->params.lenient = auth->lenient;
	return 0;
}

/* What is asked of a known peer beside its credentials: in the order in which
 * it is judged. */
static int
judge_terms(struct p1 *p, const char *mta, const struct octets *context,
    uint64_t at_context, const struct p1_peer_auth *auth, int *error,
    struct err *e)
{
	*error = P1_BIND_UNACCEPTABLE_DIALOGUE;
	if (rtse_dialogue(p->rtse) == RTSE_TWO_WAY_ALTERNATE &&
	    !auth->two_way_alternate)
		return err_set(e, LAYER, ERR_REFUSED,
		    "RTORQ dialogue-mode: two-way alternate is not allowed to "
		    "MTA \"%s\"",
		    mta);
	*error = P1_BIND_UNACCEPTABLE_SECURITY;
	if (context->n == 0 && auth->labels != NULL && !auth->context_optional)
		return err_set(e, LAYER, ERR_REFUSED,
		    "MTABindArgument: no security-context from MTA \"%s\"",
		    mta);
	if (context->n > 0 && p1_labels_allow(auth->labels, context, e) < 0) {
		err_prefix(
		    e, "MTABindArgument security-context from MTA \"%s\"", mta);
		e->offset = at_context;
		return e->code;
	}
	*error = P1_BIND_INADEQUATE_ASSOCIATION;
	if (auth->not_confidential)
		return err_set(e, LAYER, ERR_REFUSED,
		    "the connection with MTA \"%s\" is not confidential", mta);
	*error = P1_BIND_BUSY;
	if (auth->busy)
		return err_set(e, LAYER, ERR_TEMPORARY, "MTA \"%s\": %s", mta,
		    auth->why_busy != NULL ? auth->why_busy
					   : "too many associations with it");
	return 0;
}

/* 0 and who it is, or the MTABindError that it gets. Who has not proved who he
 * is learns nothing from it, not even which names there are. */
static int
judge_bind(struct p1 *p, const struct p1_bind *b, struct p1_peer_auth *auth,
    struct octets *random, int *error, struct err *e)
{
	struct p1_caller caller = {.mta = b->mta, .bind = b};
	struct demand d = {.fresh = true};
	int r;

	*error = P1_BIND_AUTHENTICATION;
	if (b->kind != P1_BIND_ARGUMENT)
		return err_set(e, LAYER, ERR_PROTOCOL, "no bind argument");
	if (find_peer(p, &caller, auth) < 0)
		return err_at(e, LAYER, ERR_REFUSED, b->at_name,
		    "MTABindArgument initiator-name: no peer with MTA name "
		    "\"%s\" at its address",
		    b->mta);
	d.password = auth->password;
	d.strong = auth->strong;
	d.subject = auth->peer_subject;
	d.us = auth->our_mta;
	r = check_credentials(p, b, &d, random, e);
	if (r == ERR_TEMPORARY)
		*error = P1_BIND_BUSY;
	if (r < 0)
		return r;
	*error = REFUSE_PROTOCOL;
	if (auth->protocols != 0 && !(auth->protocols & 1u << p->protocol))
		return err_set(e, LAYER, ERR_REFUSED,
		    "%s is not for MTA \"%s\"", p1_protocol_name(p->protocol),
		    b->mta);
	return judge_terms(
	    p, b->mta, &b->security_context, b->at_context, auth, error, e);
}

static void
refuse_bind(struct p1 *p, int error, const struct err *why)
{
	struct p1_bind b = {.kind = P1_BIND_ERROR, .error = error};
	struct buf octets = {0};
	struct err e = ERR_INIT;

	if (error != REFUSE_PROTOCOL)
		INVARIANT(p1_bind_encode(&b, &octets, &e) >= 0);
	p1_trace(p, true, "p1 MTABind error", p1_bind_error_name(error));
	if (rtse_open_refuse(p->rtse, octets.data, octets.len, &e) < 0)
		rtse_abort(p->rtse, "bind refused");
	buf_free(&octets);
	p1_refused(p, error, false, why);
}

static int
our_result(struct p1 *p, const struct p1_bind *b,
    const struct p1_peer_auth *auth, const struct octets *random,
    struct buf *out, struct err *e)
{
	/* answer with the same kind of string: old peers know only one */
	struct p1_bind result = {.kind = P1_BIND_RESULT,
	    .mta = "",
	    .bare = b->bare,
	    .password_ia5 = b->password_ia5};
	int r = 0;

	if (auth->strong != NULL)
		r = strong(
		    p, &result, auth->strong, auth->our_mta, b->mta, random, e);
	else if (b->credentials != P1_CRED_NONE)
		simple(&result, auth->our_mta, auth->our_password);
	if (r < 0)
		return r;
	p1_trace(p, true, "p1 MTABind result", result.mta);
	return p1_bind_encode(&result, out, e);
}

static void
accept_bind(struct p1 *p, const struct octets *result, const char *peer_mta,
    const struct octets *context, const struct p1_peer_auth *auth)
{
	struct err e = ERR_INIT;

	bind_labels(p, context, auth->labels);
	if (rtse_open_accept(p->rtse, result->p, result->n, &e) < 0) {
		rtse_abort(p->rtse, "bind failed");
		p1_closed(p, &e);
		return;
	}
	opened(p, peer_mta);
}

/* 0, or the MTABindError: busy(0) tells the peer to bind anew. */
static int
judge_recovery(struct p1 *p, const struct rtse_event *ev,
    struct p1_peer_auth *auth, int *error, struct err *e)
{
	struct p1_caller caller = {.mta = "", .recover = ev->recover};
	const struct octets none = {0};

	*error = P1_BIND_BUSY;
	if (find_peer(p, &caller, auth) < 0)
		return err_set(e, LAYER, ERR_REFUSED,
		    "the peer wants to recover an association that is not "
		    "known here");
	if (auth->password != NULL || auth->strong != NULL)
		return err_set(e, LAYER, ERR_REFUSED,
		    "a recovery carries no credentials of MTA \"%s\": it has "
		    "to bind",
		    auth->peer_mta != NULL ? auth->peer_mta : "");
	*error = REFUSE_PROTOCOL;
	if (auth->protocols != 0 && !(auth->protocols & 1u << p->protocol))
		return err_set(e, LAYER, ERR_REFUSED, "%s is not for this MTA",
		    p1_protocol_name(p->protocol));
	return judge_terms(p, auth->peer_mta != NULL ? auth->peer_mta : "",
	    &none, 0, auth, error, e);
}

static void
recover_ind(struct p1 *p, const struct rtse_event *ev)
{
	struct p1_peer_auth auth = {0};
	const struct octets none = {0};
	struct err e = ERR_INIT;
	int error;

	if (judge_recovery(p, ev, &auth, &error, &e) < 0) {
		refuse_bind(p, error, &e);
		return;
	}
	p1_trace(p, false, "p1 association recovered", auth.peer_mta);
	accept_bind(
	    p, &none, auth.peer_mta != NULL ? auth.peer_mta : "", &none, &auth);
}

void
p1_bind_ind(struct p1 *p, const struct rtse_event *ev)
{
	struct arena *a;
	struct p1_peer_auth auth = {0};
	struct p1_bind b;
	struct octets random = {0};
	struct buf result = {0};
	struct err e = ERR_INIT;
	int error = REFUSE_PROTOCOL;
	int r = take_protocol(p, &e);

	if (r >= 0 && ev->recover != NULL) {
		recover_ind(p, ev);
		return;
	}
	a = arena_new();
	if (r >= 0) {
		error = P1_BIND_AUTHENTICATION;
		r = p1_bind_decode(a, ev->data, ev->n, &b, &e);
		if (r < 0)
			err_prefix(&e, "MTABindArgument");
	}
	if (r >= 0) {
		p1_trace(p, false, "p1 MTABind argument", b.mta);
		r = judge_bind(p, &b, &auth, &random, &error, &e);
	}
	if (r >= 0)
		r = our_result(p, &b, &auth, &random, &result, &e);
	if (r < 0)
		refuse_bind(p, error, &e);
	else
		accept_bind(p, &(struct octets){result.data, result.len}, b.mta,
		    &b.security_context, &auth);
	buf_free(&result);
	arena_free(&a);
}
