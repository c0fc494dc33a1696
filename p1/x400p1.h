/*
 * The x400p1 channel: P1 associations with peer MTAs, both directions.
 *
 * x400p1.c is the program, x400p1_conf.c its configuration, x400p1_peer.c who
 * may call and by which protocol, x400p1_link.c one association, x400p1_log.c
 * its log lines, x400p1_in.c what comes in over it, x400p1_pool.c which
 * associations there are, x400p1_out.c work from qmgr on them, x400p1_job.c a
 * record on its way out, x400p1_reroute.c what its trace says of another way,
 * and x400p1_keep.h transfers that were cut off.
 */
#ifndef P1_X400P1_H
#define P1_X400P1_H

#include <netinet/in.h>

#include "p1/downgrade.h"
#include "p1/p1.h"
#include "p1/trace.h"
#include "p1/x400p1_keep.h"
#include "qmgr/chan.h"
#include "qmgr/submit.h"

struct x400p1;
struct x_link;

/* How urgent work is, the most urgent last. */
enum x_urgency { X_NON_URGENT, X_NORMAL, X_URGENT, X_URGENCIES };
enum x_urgency x_urgency(enum mhs_priority p);

/* One work on its way. Lives in the record's arena. */
struct x_job {
	struct x_job *next; /* in the peer's queue */
	struct x400p1 *channel;
	struct x_peer *peer;
	uint64_t mlist;
	enum q_level level;
	q_id message;      /* the original, for the log */
	unsigned attempts; /* on an association that broke */
	struct q_record *record;
	struct mhs_envelope *env;   /* as it goes out */
	uint32_t *index;            /* of its recipients, in the record */
	struct p1_downgraded down;  /* env NULL: it goes as it is */
	struct q_outcome *outcomes; /* one per recipient of the work */
	size_t n_outcomes;
	uint64_t sent;     /* content octets given to the engine */
	struct x_cut *cut; /* where to go on; NULL: nothing is kept */
	bool resumed;      /* it goes on, over this association */
	bool moved;        /* a checkpoint was confirmed on it */
};

/* IPv4 addresses are ::ffff:a.b.c.d. */
struct x_net {
	struct in6_addr address;
	unsigned bits;
};

struct x_peer {
	struct x_peer *next;
	struct x400p1 *channel;
	const char *name, *address;
	struct osi_selectors called;
	const char *mta, *password;         /* what it presents */
	const char *our_mta, *our_password; /* what we present */
	struct osi_selectors ours;          /* that we call from */
	struct osi_selectors calling; /* it calls from; absent: any will do */
	struct x_net *nets;           /* the same; none: any */
	size_t n_nets;
	bool two_way_alternate, old_extensions, recover, lenient;
	struct p1_strong *strong; /* NULL: simple credentials */
	struct p1_labels *labels; /* NULL: no security-context */
	bool context_optional;    /* it need not ask for one */
	const char *subject;      /* of its certificate; NULL: any */
	struct tls *tls;          /* NULL: it need not speak TLS */
	const char *tls_name;     /* that its certificate must carry */
	uint32_t checkpoint_size, window_size;
	unsigned max_links;    /* that we open, as the last work said */
	unsigned max_incoming; /* that it opens */
	unsigned permanent;    /* of those that we open */
	unsigned reserve_urgent, reserve_normal; /* of those, too */

	enum p1_protocol protocol;
	bool automatic;   /* others are tried */
	msec_t fell_back; /* when the better one was last refused */

	struct x_job *first; /* waiting: the most urgent first */
	unsigned n_waiting, n_links, n_opening;
	unsigned opened_in, opened_out; /* associations, for qmgr to know */
	unsigned busy[X_URGENCIES];     /* of our links, by their work */
	struct loop_timer *again;       /* permanent ones are to be opened */
	msec_t back_off;
	struct loop_timer *held; /* it gives no more than there are: for now no
	                          * other one is tried */
	unsigned failed;         /* attempts in a row to reach it */
	msec_t failed_since;     /* the first of these */
	msec_t hold_ms; /* the last such time; 0: it gave what we asked */
	struct ses_conn_id lost; /* of a link of ours, to be recovered */
	bool has_lost;
};

/* An APDU received: until what it led to is durable. */
struct x_in {
	struct x_in *next;   /* in its link's `late` */
	struct x_link *link; /* NULL: the association is gone */
	struct x400p1 *channel;
	const char *peer;
	char assoc[16], address[64]; /* for the log, when the link is gone */
	struct arena *arena;         /* of the envelope */
	struct mhs_envelope *env;
	struct q_submission *submission;
	struct err err;   /* it cannot be stored: refused at its end */
	const char *over; /* a limit that it is over: reported on; or NULL */
	uint64_t octets;
	unsigned commits; /* under way */
	/* Its name, by which the peer may resume it. */
	struct rtse_activity activity;
	bool kept;       /* it may be resumed, and so be there twice */
	uint32_t serial; /* of its last checkpoint */
	struct x_claim *claim;
	msec_t waits_since; /* it is being committed for another association */
	q_id id;
};

struct x_link {
	struct x_link *next, **prev;
	struct x400p1 *channel;
	struct x_peer *peer; /* responder: known from the bind on */
	enum osi_role role;
	struct in6_addr from; /* responder: the caller's address */
	bool of_peer;         /* and it is one that a peer has */
	char id[16];          /* in log lines */
	struct p1 *p1;
	struct conn *conn;
	struct loop_timer *idle;  /* nothing is under way */
	struct loop_timer *guard; /* something is under way */
	msec_t touched, until;    /* the peer did something; it must be over */
	struct loop_timer *turn;  /* the peer was asked for the turn */
	bool turn_late;           /* and did not give it in time */
	bool receiving;           /* a transfer has begun, and is not whole */
	bool recovers;            /* a lost one, instead of a bind */
	bool opened, closing, ended;
	bool told;                     /* why its bind was refused */
	bool accepting;                /* what came in: inside p1_accept() */
	unsigned used;                 /* transfers begun by us */
	struct rtse_activity activity; /* that comes in; id_n 0: unnamed */
	bool kept;                     /* in a file, up to ... */
	uint32_t serial;               /* ... this checkpoint */
	struct x_kept *found;          /* to be resumed */
	uint64_t found_octets;
	struct rtse_activity answered; /* inside p1_accept() */
	struct x_job *job;
	struct x_in *in;
	struct x_in *late; /* given up by the peer after its end, while the
	                    * commit was under way: it keeps what it has, the
	                    * peer sends it again. No input meanwhile. */
};

/* A responder's association that broke, and may be recovered. */
struct x_lost {
	struct ses_conn_id id;
	struct x_peer *peer;
	struct in6_addr from;
	msec_t at;
};
#define X_LOST_MAX 256

/* A <tls> or <security> element, read once. */
struct x_named {
	struct x_named *next;
	const char *name;
	struct tls *tls;
	struct p1_strong *strong;
	struct p1_labels *labels;
	bool context_optional;
};

struct x400p1 {
	struct loop *loop;
	struct q_chan *chan; /* NULL: its configuration is only checked */
	const char *name;
	struct arena *arena;
	const struct conf_node *root; /* lives as long as chan */
	struct q_submitter *submitter;
	struct p1_us us;
	const char *hostname;
	struct osi_selectors *services; /* SSEL, PSEL: any, if not present */
	size_t n_services;
	int64_t idle_timeout, silence, max_size, max_envelope, max_depth;
	int64_t incoming_idle; /* of associations that peers open; 0: none */
	int64_t transfer_timeout[X_URGENCIES];
	int64_t transfer_rate; /* octets per second that add to these; 0: no */
	unsigned max_links;    /* in each direction */
	const struct mhs_or *gateway; /* to us, from 1984; NULL: none */
	struct x_named *named;
	struct x_peer *peers;
	struct x_peer *served; /* the last that got a place which was awaited */
	struct x_link *links;  /* the youngest first */
	unsigned n_outgoing, n_incoming, n_jobs, n_commits;
	uint32_t serial;     /* of connections */
	struct x_keep *keep; /* NULL: nothing is resumed */
	struct loop_timer *clean;
	struct x_lost lost[X_LOST_MAX]; /* a ring */
	unsigned n_lost;                /* ever */
	int service; /* where iaed hands over connections, -1: nowhere */
	struct loop_watch *watch;
	bool stopping;
};

/* x400p1_conf.c */
int x_configure(struct x400p1 *c, const struct conf_node *root,
    const struct conf_node *own, struct err *e);
/* For isthmus check: complains of what x_configure() would not take of this
 * channel and its peers. Opens nothing; files are looked at elsewhere. */
void x_conf_check(const struct conf_node *root, const struct conf_node *own,
    void (*complain)(void *arg, const struct conf_node *n, const char *text),
    void *arg);
/* The <tls> that a listener names; NULL: it has not been read. */
struct tls *x_tls_named(const struct x400p1 *c, const char *name);

/* x400p1_peer.c */
/* "192.0.2.0/24 2001:db8::1": networks, with blanks between them. */
int x_nets_parse(struct arena *a, const char *text, struct x_net **v, size_t *n,
    struct err *e);
/* The address in what conn_peer() says. */
bool x_net_address(const char *peer, struct in6_addr *out);
/* p1_lookup_fn of a responder; user: the link. */
bool x_lookup(
    void *user, const struct p1_caller *from, struct p1_peer_auth *out);
/* What its certificate must carry, in both directions. */
const char *x_peer_tls_name(const struct x_peer *p);
/* Is its address one that the configuration gives for a peer's calls, or else
 * for calls to it? */
bool x_calls_from_peer(const struct x_link *l);
/* By which protocol to call it. */
enum p1_protocol x_peer_protocol(struct x_peer *p, msec_t now);
/* It does not know this one: is there another to try? */
bool x_peer_fall_back(struct x_peer *p, enum p1_protocol refused, msec_t now);
/* The association broke, and may be recovered. */
void x_lost_add(struct x_link *l);

/* x400p1_log.c */
/* The O/R address where there is one: that is what crossed. */
const char *x_name_text(struct arena *a, const struct mhs_name *n);
/* Where the other end is; before the connection stands, the one we call. */
const char *x_link_address(const struct x_link *l);
void x_log_open(const struct x_link *l);
void x_log_end(const struct x_link *l, const struct p1_event *ev);
void x_log_refused_caller(const struct x_link *l, const char *why);
osi_trace_fn x_log_pdu; /* arg: the link */

/* x400p1_link.c */
/* Something ended; is it time to stop? */
void x_check(struct x400p1 *c);
/* Opens one to the peer; what fails is an event, as it is later. */
void x_link_open(struct x_peer *p);
/* Takes a connection from iaed, with the octets that were read of it; or none,
 * where the caller has to speak TLS first. */
void x_link_take(
    struct x400p1 *c, int fd, const uint8_t *d, size_t n, struct tls *tls);
/* Nothing is under way on it: closes it now, or when it stays so. */
void x_link_rest(struct x_link *l);
/* A transfer begins: it must be over in so long, and the peer not be silent
 * meanwhile. */
void x_link_guard(struct x_link *l, msec_t limit);
/* One of ours, beyond those that are permanent? */
bool x_link_spare(const struct x_link *l);
/* Releases it when what is under way is done. */
void x_link_close(struct x_link *l);
void x_links_free(struct x400p1 *c);

/* x400p1_in.c: the IN_ events. */
void x_in_event(struct x_link *l, const struct p1_event *ev);
/* The association is gone: what is not being committed is forgotten. */
void x_in_drop(struct x_link *l);

/* x400p1_out.c */
void x_out_add(struct x_peer *p, struct x_job *j);
/* Gives the link what waits, or lets it rest. */
void x_out_serve(struct x_link *l);
/* May work of this urgency go over one more link of ours? How many? */
unsigned x_out_room(const struct x_peer *p, enum x_urgency u);
/* The sending events; OPEN and TURN mean that it may take work. */
void x_out_event(struct x_link *l, const struct p1_event *ev);
/* The association ended: its work waits again, or is deferred. A peer that
 * did not let us in defers all that waits; unless another protocol may do. */
void x_out_ended(struct x_link *l, const struct p1_event *ev);
/* An attempt ended: no other is under way or open? */
bool x_out_is_last_hope(const struct x_peer *p);
/* The peer cannot be reached: all that waits is deferred. */
void x_out_unreachable(struct x_peer *p, const struct err *why);
void x_out_free(struct x400p1 *c);

/* x400p1_pool.c */
/* All places taken, and somebody waits: is it this one's turn to go? */
bool x_pool_must_yield(const struct x_link *l);
/* Joins waiting work and associations. */
void x_pool_pump(struct x_peer *p);
/* A place became free: first for peers that have none. */
void x_pool_pump_all(struct x400p1 *c);
/* It refused one, and others are open: no more for a time, which doubles. why
 * NULL: others are under way, and there is nothing to be said. */
void x_pool_hold(struct x_peer *p, const struct err *why);
/* Opens what is missing of the permanent ones, now or after the back-off. */
void x_pool_permanent(struct x_peer *p);
/* The peer was asked for the turn: if it does not come, we dial. */
void x_pool_await_turn(struct x_link *l);

/* x400p1_job.c */
/* Opens the record and makes the envelope. NULL: the result was given. */
struct x_job *x_job_new(
    struct x400p1 *c, struct x_peer *peer, const struct q_work *w);
/* The envelope for this association. NULL: nothing of it can go over that, and
 * the result was given. */
const struct mhs_envelope *x_job_envelope(
    struct x_job *j, const struct x_link *l);
/* False: its security label is not for this association; that is then the
 * outcome for each of its recipients. */
bool x_job_may_cross(struct x_job *j, const struct p1 *p, struct err *e);
/* x400p1_reroute.c */
/* Says in the trace of what goes out that the peer of this configuration name
 * (of any channel) was tried before, and given up. NULL: none was. */
void x_job_rerouted(struct x_job *j, const char *from);

/* x400p1_job.c */
void x_job_transferred(struct x_job *j, const struct x_link *l);
void x_job_deferred(
    struct x_job *j, const char *status, const char *why, bool peer_error);
void x_job_failed(struct x_job *j, const struct err *why);

#endif
