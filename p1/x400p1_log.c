/*
 * The log lines of an association: each has its id (`assoc`), the peer's name
 * and the remote address under the same keys.
 */
#include "p1/x400p1.h"

#include <string.h>

#include "lib/log.h"
#include "lib/tls.h"

const char *
x_name_text(struct arena *a, const struct mhs_name *n)
{
	return n->ora != NULL ? mhs_or_slash(a, n->ora) : mhs_name_text(a, n);
}

static const char *
role_name(const struct x_link *l)
{
	return l->role == OSI_INITIATOR ? "initiator" : "responder";
}

static const char *
peer_name(const struct x_link *l)
{
	return l->peer != NULL ? l->peer->name : NULL;
}

const char *
x_link_address(const struct x_link *l)
{
	const char *peer = conn_peer(l->conn);

	return strcmp(peer, "-") == 0 && l->peer != NULL ? l->peer->address
							 : peer;
}

/* The first that got through, after attempts that did not. */
static bool
was_unreachable(const struct x_link *l)
{
	return l->role == OSI_INITIATOR && l->peer->failed > 0;
}

void
x_log_open(const struct x_link *l)
{
	static const struct tls_peer plain;
	struct rtse *r = p1_rtse(l->p1);
	const struct tls_peer *tls = conn_tls(l->conn);
	bool named;

	tls = tls != NULL ? tls : &plain;
	named = tls->subject != NULL && tls->subject[0] != '\0';
	log_event(LOG_LEVEL_INFO, "association", "state", "open", "assoc",
	    l->id, "role", role_name(l), "peer", l->peer->name, "address",
	    x_link_address(l), "context", p1_protocol_name(p1_protocol(l->p1)),
	    "context-oid", rtse_application_context(r), "recovered",
	    l->recovers ? "yes" : NULL, "failed-before",
	    was_unreachable(l) ? log_u64(l->peer->failed) : NULL,
	    "failed-seconds",
	    was_unreachable(l)
		? log_u64(
		      (uint64_t)(clock_mono() - l->peer->failed_since) / 1000)
		: NULL,
	    "our-mta", l->peer->our_mta, "peer-mta", p1_peer_mta(l->p1),
	    "dialogue",
	    rtse_dialogue(r) == RTSE_MONOLOGUE ? "monologue"
					       : "two-way-alternate",
	    "checkpoint", log_u64(rtse_checkpoint_size(r)), "window",
	    log_u64(rtse_window_size(r)), "tls", tls->version, "cipher",
	    tls->cipher, "subject", named ? tls->subject : NULL, "serial",
	    named ? tls->serial : NULL, "verified",
	    tls->version == NULL ? NULL
		: tls->verified  ? "yes"
				 : "no",
	    NULL);
}

/* An attempt that failed: all that waits for the peer is deferred by it. */
static bool
defers_all(const struct x_link *l)
{
	return l->role == OSI_INITIATOR && !l->opened && l->peer != NULL &&
	    x_out_is_last_hope(l->peer);
}

/* The peer is gone, which does no harm. */
static bool
was_at_rest(const struct x_link *l, const struct p1_event *ev)
{
	return l->opened && ev->type == P1_CLOSED && ev->err != NULL &&
	    (p1_hung_up(l->p1) || strcmp(ev->err->layer, "tcp") == 0) &&
	    l->job == NULL && l->in == NULL && !l->receiving;
}

/* One line to be warned by for each refusal, and for each try of a peer. */
static enum log_level
level_of(const struct x_link *l, const struct p1_event *ev)
{
	if (ev->err == NULL || l->told || was_at_rest(l, ev))
		return LOG_LEVEL_INFO;
	if (l->role == OSI_INITIATOR && !l->opened && l->peer != NULL &&
	    !defers_all(l))
		return LOG_LEVEL_INFO;
	return LOG_LEVEL_WARN;
}

void
x_log_end(const struct x_link *l, const struct p1_event *ev)
{
	const struct err *why = ev->err;
	const char *state = ev->type == P1_REFUSED ? "refused"
	    : why == NULL || was_at_rest(l, ev)    ? "closed"
						   : "aborted";
	enum log_level level = level_of(l, ev);

	log_event(level, "association", "state", state, "assoc", l->id, "role",
	    role_name(l), "peer", peer_name(l), "address", x_link_address(l),
	    "bind-error",
	    ev->bind_error >= 0 ? p1_bind_error_name(ev->bind_error) : NULL,
	    "layer", why != NULL ? why->layer : NULL, "octet",
	    why != NULL && why->offset != ERR_NO_OFFSET ? log_u64(why->offset)
							: NULL,
	    "attempt", defers_all(l) ? log_u64(l->peer->failed + 1) : NULL,
	    "waiting", defers_all(l) ? log_u64(l->peer->n_waiting) : NULL,
	    "reason", why != NULL ? why->text : NULL, NULL);
}

void
x_log_refused_caller(const struct x_link *l, const char *why)
{
	log_event(LOG_LEVEL_WARN, "caller refused", "assoc", l->id, "address",
	    x_link_address(l), "reason", why, NULL);
}

void
x_log_pdu(void *arg, bool sent, const char *what, const char *detail)
{
	const struct x_link *l = arg;

	if (log_enabled(LOG_LEVEL_DEBUG))
		log_event(LOG_LEVEL_DEBUG, "pdu", "direction",
		    sent ? "out" : "in", "assoc", l->id, "address",
		    l->conn != NULL ? conn_peer(l->conn) : NULL, "pdu", what,
		    "detail", detail, NULL);
}
