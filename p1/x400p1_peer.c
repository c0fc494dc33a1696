/*
 * Who may call, from where and how; and how to call.
 */
#include "p1/x400p1.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"

#define LAYER "x400p1"
#define PROBE_MS (6 * 3600 * 1000) /* then a better protocol is tried again */
#define LOST_MS (3600 * 1000)      /* so long a lost one may be recovered */

/* --- networks --- */

/* Returns how many of the 128 bits come before the address's own, or -1. */
static int
parse_address(const char *text, struct in6_addr *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (inet_pton(AF_INET6, text, out) == 1)
		return 0;
	memcpy(out->s6_addr, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, out->s6_addr + 12) == 1 ? 96 : -1;
}

static int
parse_net(char *text, struct x_net *out)
{
	char *slash = strchr(text, '/'), *end;
	unsigned long bits = 128;
	int before;

	if (slash != NULL)
		*slash = '\0';
	before = parse_address(text, &out->address);
	if (before < 0)
		return ERR_SYNTAX;
	if (slash != NULL) {
		bits = strtoul(slash + 1, &end, 10) + (unsigned)before;
		if (slash[1] < '0' || slash[1] > '9' || *end != '\0' ||
		    bits > 128)
			return ERR_SYNTAX;
	}
	out->bits = (unsigned)bits;
	return 0;
}

int
x_nets_parse(struct arena *a, const char *text, struct x_net **v, size_t *n,
    struct err *e)
{
	char *copy = arena_strdup(a, text), *save = NULL, *s;

	for (s = strtok_r(copy, " ", &save); s != NULL;
	     s = strtok_r(NULL, " ", &save))
		if (parse_net(s, arena_push(a, v, n, sizeof(**v))) < 0)
			return err_set(e, LAYER, ERR_SYNTAX,
			    "\"%s\" is no address or network", s);
	return 0;
}

bool
x_net_address(const char *peer, struct in6_addr *out)
{
	char text[INET6_ADDRSTRLEN + 1];
	bool bracket = peer[0] == '[';
	const char *end = strrchr(peer, bracket ? ']' : ':');

	peer += bracket;
	if (end == NULL || (size_t)(end - peer) >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(end - peer), peer);
	return parse_address(text, out) >= 0;
}

static bool
in_net(const struct x_net *net, const struct in6_addr *a)
{
	unsigned octets = net->bits / 8, rest = net->bits % 8;

	if (memcmp(a->s6_addr, net->address.s6_addr, octets) != 0)
		return false;
	return rest == 0 ||
	    ((a->s6_addr[octets] ^ net->address.s6_addr[octets]) >>
		(8 - rest)) == 0;
}

static bool
calls_from_its_net(const struct x_peer *p, const struct x_link *l)
{
	struct in6_addr a;

	if (p->n_nets == 0)
		return true;
	if (!x_net_address(conn_peer(l->conn), &a))
		return false;
	for (size_t i = 0; i < p->n_nets; i++)
		if (in_net(&p->nets[i], &a))
			return true;
	return false;
}

bool
x_calls_from_peer(const struct x_link *l)
{
	struct in6_addr a;

	for (const struct x_peer *p = l->channel->peers; p != NULL; p = p->next)
		if (p->n_nets > 0
			? calls_from_its_net(p, l)
			: p->address != NULL && x_net_address(p->address, &a) &&
			    memcmp(&a, &l->from, sizeof(a)) == 0)
			return true;
	return false;
}

/* --- lost associations --- */

static bool
same_id(const struct ses_conn_id *a, const struct ses_conn_id *b)
{
	return a->user_n == b->user_n && a->common_n == b->common_n &&
	    a->add_n == b->add_n && memcmp(a->user, b->user, a->user_n) == 0 &&
	    memcmp(a->common, b->common, a->common_n) == 0 &&
	    memcmp(a->add, b->add, a->add_n) == 0;
}

void
x_lost_add(struct x_link *l)
{
	struct x400p1 *c = l->channel;
	const struct ses_conn_id *id = rtse_conn_id(p1_rtse(l->p1));
	struct x_lost lost = {.id = *id, .peer = l->peer, .at = clock_mono()};

	/* a recovery presents no credentials */
	if (!l->peer->recover || l->peer->password != NULL ||
	    l->peer->strong != NULL || l->peer->tls != NULL)
		return;
	if (l->role == OSI_INITIATOR) {
		l->peer->lost = *id;
		l->peer->has_lost = true;
	} else if (x_net_address(conn_peer(l->conn), &lost.from)) {
		c->lost[c->n_lost++ % X_LOST_MAX] = lost;
	}
}

/* A recovery says no name and no password, and identifiers can be guessed: it
 * must come from the host that had the association. Each is good once. */
static struct x_peer *
recovered_peer(struct x_link *l, const struct ses_conn_id *id)
{
	struct x400p1 *c = l->channel;
	struct in6_addr from;
	struct x_peer *p;

	if (!x_net_address(conn_peer(l->conn), &from))
		return NULL;
	for (unsigned i = 0; i < X_LOST_MAX; i++) {
		struct x_lost *x = &c->lost[i];

		if (x->peer == NULL || !same_id(&x->id, id) ||
		    memcmp(&x->from, &from, sizeof(from)) != 0 ||
		    clock_mono() - x->at > LOST_MS)
			continue;
		p = x->peer;
		x->peer = NULL;
		return p;
	}
	return NULL;
}

/* --- callers --- */

static bool
selector_fits(const struct osi_sel *wanted, const struct osi_sel *is)
{
	return !wanted->present || osi_sel_equal(wanted, is);
}

const char *
x_peer_tls_name(const struct x_peer *p)
{
	return p->tls_name != NULL ? p->tls_name : p->mta;
}

/* NULL: nothing. */
static const char *
what_is_wrong(const struct x_peer *p, const struct x_link *l,
    const struct p1_caller *from)
{
	const struct osi_selectors *s = from->from;

	if (!calls_from_its_net(p, l))
		return "the peer does not call from this address";
	if (!selector_fits(&p->calling.tsel, &s->tsel) ||
	    !selector_fits(&p->calling.ssel, &s->ssel) ||
	    !selector_fits(&p->calling.psel, &s->psel))
		return "the peer does not call from these selectors";
	if (p->tls != NULL && conn_tls(l->conn) != NULL &&
	    !conn_tls_is(l->conn, x_peer_tls_name(p)))
		return "the peer's certificate does not carry its name";
	return NULL;
}

static bool
lacks_tls(const struct x_peer *p, const struct x_link *l)
{
	return p->tls != NULL && conn_tls(l->conn) == NULL;
}

#define PROVES 4u

/* How much of what this peer calls by is there? Each is compared with, so that
 * the time says nothing. */
static unsigned
how_well(const struct x_peer *p, const struct x_link *l,
    const struct p1_caller *from)
{
	const struct p1_bind *b = from->bind;
	bool proves, speaks = p->automatic || p->protocol == from->protocol;

	if (p->strong != NULL)
		proves = b->credentials == P1_CRED_STRONG;
	else
		proves = p1_bind_password_is(
			     b, p->password != NULL ? p->password : "") ||
		    p->password == NULL;
	return PROVES * proves + 2u * !lacks_tls(p, l) + speaks;
}

/* One name may be several peers', which call from different places, by
 * different protocols, or with different credentials: the first that fits in
 * all, else the one whose refusal says most. */
static struct x_peer *
find_caller(
    const struct x_link *l, const struct p1_caller *from, const char **why)
{
	struct x_peer *p, *best = NULL;
	const char *wrong;
	unsigned most = 0, n;

	*why = "no peer has this MTA name";
	for (p = l->channel->peers; p != NULL; p = p->next) {
		if (p->mta == NULL || strcasecmp(p->mta, from->mta) != 0)
			continue;
		wrong = what_is_wrong(p, l, from);
		if (wrong != NULL) {
			*why = wrong;
			continue;
		}
		n = how_well(p, l, from);
		if (best == NULL || n > most) {
			best = p;
			most = n;
		}
	}
	if (best != NULL && most < PROVES)
		*why = "it does not present the peer's credentials";
	else if (best != NULL)
		*why = lacks_tls(best, l) ? "the peer must speak TLS" : NULL;
	return best;
}

static struct x_peer *
find_lost(struct x_link *l, const struct p1_caller *from, const char **why)
{
	struct x_peer *p = recovered_peer(l, from->recover);

	*why = "no association is known that could be recovered";
	if (p != NULL)
		*why = what_is_wrong(p, l, from);
	return *why == NULL ? p : NULL;
}

/* Bound ones only: who does not say his name keeps no peer out. NULL: there is
 * room. */
static const char *
full(const struct x_peer *p)
{
	const struct x400p1 *c = p->channel;
	unsigned n = 0, own = 0;

	for (const struct x_link *l = c->links; l != NULL; l = l->next) {
		if (l->role != OSI_RESPONDER || !l->opened || l->ended)
			continue;
		n++;
		own += l->peer == p;
	}
	if (c->stopping)
		return "we are shutting down";
	if (p->max_incoming > 0 && own >= p->max_incoming)
		return "it has all the associations of its max-incoming";
	return n >= c->max_links
	    ? "all connections of this process are taken, by whichever peers"
	    : NULL;
}

bool
x_lookup(void *user, const struct p1_caller *from, struct p1_peer_auth *out)
{
	struct x_link *l = user;
	const char *why, *busy;
	struct x_peer *p = from->recover != NULL ? find_lost(l, from, &why)
						 : find_caller(l, from, &why);

	/* a line for each, known or not: it takes the same time */
	if (why != NULL)
		x_log_refused_caller(l, why);
	l->told = why != NULL;
	if (p == NULL)
		return false;
	busy = full(p);
	l->peer = p;
	l->recovers = from->recover != NULL;
	*out = (struct p1_peer_auth){
	    .password = p->password,
	    .our_mta = p->our_mta,
	    .our_password = p->our_password,
	    .two_way_alternate = p->two_way_alternate,
	    .not_confidential = lacks_tls(p, l),
	    .busy = busy != NULL,
	    .why_busy = busy,
	    .protocols = p->automatic ? 0 : (uint8_t)(1u << p->protocol),
	    .strong = p->strong,
	    .labels = p->labels,
	    .context_optional = p->context_optional,
	    .peer_subject = p->subject,
	    .peer_mta = p->mta,
	    .old_extensions = p->old_extensions,
	    .lenient = p->lenient,
	};
	return true;
}

/* --- the protocol --- */

enum p1_protocol
x_peer_protocol(struct x_peer *p, msec_t now)
{
	if (p->automatic && p->protocol != P1_MTS_TRANSFER &&
	    now - p->fell_back >= PROBE_MS)
		p->protocol = P1_MTS_TRANSFER;
	return p->protocol;
}

bool
x_peer_fall_back(struct x_peer *p, enum p1_protocol refused, msec_t now)
{
	if (!p->automatic)
		return false;
	if (p->protocol != refused)
		return true; /* another link found out before us */
	if (refused + 1 == P1_PROTOCOLS) {
		p->protocol = P1_MTS_TRANSFER;
		return false;
	}
	p->protocol = refused + 1;
	p->fell_back = now;
	log_event(LOG_LEVEL_INFO, "protocol refused", "peer", p->name,
	    "protocol", p1_protocol_name(refused), "next",
	    p1_protocol_name(p->protocol), NULL);
	return true;
}
