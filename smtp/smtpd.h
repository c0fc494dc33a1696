/*
 * Inside the smtpd program: its state, and the sessions. smtpd.c reads the
 * configuration and accepts connections; smtpd_session.c joins one server
 * engine to the submission library, smtpd_secure.c to TLS and SASL.
 */
#ifndef SMTP_SMTPD_H
#define SMTP_SMTPD_H

#include "lib/conf.h"
#include "mhs/mta.h"
#include "qmgr/chan.h"
#include "qmgr/submit.h"
#include "smtp/policy.h"
#include "smtp/rate.h"
#include "smtp/server.h"
#include "smtp/smtpd_auth.h"

struct smtpd_session;

struct smtpd {
	struct loop *loop;
	struct q_chan *chan;
	const char *name;
	struct arena *arena; /* the tables of the configuration */
	struct q_submitter *submitter;
	const struct conf_node *conf; /* <smtpd> */
	struct mhs_mta us;
	/* <smtpd> */
	struct smtp_server_params params; /* of all listeners */
	struct smtp_policies *policies;
	struct smtpd_auth_pool *auth;
	struct loop_timer *look; /* at changed identities; NULL: none */
	unsigned max_connections, max_per_client;
	/* listeners and sessions */
	struct smtpd_listener **listeners;
	size_t n_listeners;
	struct smtp_clients *clients;
	struct smtp_rates *rates;
	struct smtpd_proxied *proxied;  /* they wait for a header */
	struct smtpd_session *sessions; /* a list through their next */
	unsigned n_sessions;            /* with those that wait */
	uint32_t counter; /* makes local ids unique within a second */
	bool paused, stopping;
	bool stop_quiet;           /* nothing was under way at the last look */
	msec_t stop_time, stop_at; /* how long we have; when to cut off */
	struct loop_timer *stop_timer;
};

/* Takes the socket. */
void smtpd_session_open(struct smtpd *d, int fd, const char *peer,
    const struct smtp_policy *policy);
/* smtpd_proxy.c: is this a proxy, which says first who is behind it? Then it is
 * opened so; takes the socket, too. */
bool smtpd_proxy_is(const struct smtp_policy *policy, const char *peer);
void smtpd_proxy_open(struct smtpd *d, int fd, const char *peer,
    const struct smtp_policy *policy);
void smtpd_proxies_free(struct smtpd *d);
/* Ends every session as soon as its message is taken; a second time at once. */
void smtpd_sessions_stop(struct smtpd *d);
/* Is a message under way, or a reply owed? */
bool smtpd_sessions_busy(const struct smtpd *d);
/* At the end of the process: first what is not committed (the spool waits for
 * the rest as it closes, and calls back), then the sessions themselves. */
void smtpd_sessions_abort(struct smtpd *d);
void smtpd_sessions_free(struct smtpd *d);
/* smtpd.c: a session is gone. */
void smtpd_session_closed(struct smtpd *d);

#endif
