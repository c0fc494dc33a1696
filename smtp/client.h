/*
 * The SMTP and LMTP client as an engine without I/O (RFC 5321, RFC 2033, with
 * the extensions below). One engine is one session: it greets, then takes one
 * transaction after another, and tells its user what became of every
 * recipient. Content is read from where it lies and goes into the output
 * piece by piece as the socket takes it, by BDAT where the server offers it,
 * and rewritten on the way where the server cannot take it as it is
 * (smtp/downgrade.h); a bare CR or LF in it goes out as CR LF, unless it is
 * BINARYMIME.
 *
 * Whatever goes wrong (a broken connection, 421 at any moment, nonsense, a
 * time-out) ends the session, and every recipient without a final answer gets
 * SMTP_TEMPORARY. It is the server's trouble until MAIL is answered, and the
 * message's from then on: a message that breaks each session it is sent on
 * must not hold up the others. Times are milliseconds, sizes octets.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/loop.h"
#include "smtp/reply.h"

struct tls_peer;

struct smtp_client;

/* What a server may offer. */
#define SMTP_OFFER_PIPELINING 0x1
#define SMTP_OFFER_SIZE 0x2
#define SMTP_OFFER_8BITMIME 0x4
#define SMTP_OFFER_DSN 0x8
#define SMTP_OFFER_STATUS 0x10       /* ENHANCEDSTATUSCODES */
#define SMTP_OFFER_CHUNKING 0x20     /* RFC 3030 */
#define SMTP_OFFER_BINARYMIME 0x40   /* RFC 3030 */
#define SMTP_OFFER_SMTPUTF8 0x80     /* RFC 6531 */
#define SMTP_OFFER_REQUIRETLS 0x100  /* RFC 8689 */
#define SMTP_OFFER_MT_PRIORITY 0x200 /* RFC 6710 */
#define SMTP_OFFER_DELIVERBY 0x400   /* RFC 2852 */
#define SMTP_OFFER_MTRK 0x800        /* RFC 3885 */
#define SMTP_OFFER_RRVS 0x1000       /* RFC 7293 */
#define SMTP_OFFER_STARTTLS 0x2000
#define SMTP_OFFER_AUTH 0x4000

/* The bit of an EHLO keyword of n octets, 0: not known. */
unsigned smtp_client_extension(const char *keyword, size_t n);

struct smtp_client_params {
	bool lmtp;
	const char *helo;     /* our name */
	unsigned ignore;      /* SMTP_OFFER_*: not used even if offered */
	size_t line_max;      /* content lines longer than this (without CR LF)
	                   * are encoded; 0: they go as they are */
	bool rewrite_signed;  /* multipart/signed may be downgraded too */
	bool tunnel_priority; /* RFC 6758 where MT-PRIORITY is not offered */
	/* RFC 5321 4.5.3.2, in its order */
	msec_t greeting_timeout, mail_timeout, rcpt_timeout;
	msec_t data_init_timeout, data_block_timeout, data_done_timeout;
	msec_t quit_timeout; /* for the answer to QUIT and RSET */
	msec_t idle_timeout; /* between transactions; then QUIT */
};

#define SMTP_CLIENT_PARAMS_DEFAULT                                         \
	{                                                                  \
		.helo = "localhost", .greeting_timeout = 300000,           \
		.mail_timeout = 300000, .rcpt_timeout = 300000,            \
		.data_init_timeout = 120000, .data_block_timeout = 180000, \
		.data_done_timeout = 600000, .quit_timeout = 20000,        \
		.idle_timeout = 30000                                      \
	}

enum smtp_outcome {
	SMTP_PENDING,
	SMTP_ACCEPTED,
	SMTP_TEMPORARY,
	SMTP_PERMANENT,
};

struct smtp_recipient {
	const char *mailbox;
	uint8_t notify;    /* MHS_NOTIFY_* as it came; 0: not given */
	const char *orcpt; /* decoded, or NULL */
	int64_t rrvs;      /* RFC 7293, Unix seconds; 0: not asked */
	char rrvs_mode;    /* 'C' or 'R' */
	/* results */
	bool skipped; /* settled without asking the server */
	enum smtp_outcome outcome;
	bool rcpt_accepted; /* the content's fate is its fate */
	const char *status; /* "5.1.1"; made up from the code if need be */
	const char *text;   /* "550 5.1.1 No such user", one line */
};

/* What an originator asks for with MAIL, beyond DSN. */
struct smtp_requests {
	const char *submitter; /* RFC 4954 AUTH=; "" is <>, NULL: none */
	const char *mtrk;      /* RFC 3885: for the wire, or NULL */
	bool requiretls;
	bool has_mt_priority;
	int mt_priority;
	/* RFC 2852, in the engine's time; 0: not asked */
	msec_t deliver_by;
	char deliver_by_mode; /* 'R' or 'N' */
	bool deliver_by_trace;
};

/* One message to some recipients. The caller's until `done`; results are put
 * into the arena. */
struct smtp_transaction {
	struct arena *arena;
	const char *from; /* mailbox, "" for <> */
	const char *envid;
	char ret; /* 'F', 'H', 0 */
	bool has_8bit;
	bool binary;   /* RFC 3030 BINARYMIME */
	bool smtputf8; /* RFC 6531: it came with that */
	struct smtp_requests ask;
	const uint8_t *content;
	uint64_t content_n;
	struct smtp_recipient *recipients;
	size_t n_recipients;
	/* results */
	bool dsn_offered; /* the server takes over reporting success */
	bool by_offered;  /* the server keeps to deliver_by */
	bool peer_error;  /* the server's trouble, not this message's */
	bool unanswered;  /* the session broke before any reply: a session
	                   * that was idle for long may have been dead */
};

struct smtp_client_ops {
	/* The session can take a transaction (after the hello, and after each
	 * transaction that left it usable). */
	void (*ready)(void *arg);
	/* The transaction is over; every recipient has its outcome. */
	void (*done)(void *arg, struct smtp_transaction *t);
	/* The session is over; `why` is one line for the log, NULL after an
	 * orderly QUIT. No call follows this one. */
	void (*ended)(void *arg, const char *why);
};

/* `p`, its strings and `ops` must outlive the engine. */
struct smtp_client *smtp_client_new(const struct smtp_client_params *p,
    const struct smtp_client_ops *ops, void *arg, msec_t now);

/* --- TLS and authentication (client_tls.c, client_auth.c) --- */

enum smtp_client_tls {
	SMTP_CLIENT_PLAIN,    /* STARTTLS is not asked for */
	SMTP_CLIENT_TLS,      /* where the server offers it */
	SMTP_CLIENT_TLS_MUST, /* or the session ends */
};

struct smtp_client_security {
	enum smtp_client_tls tls;
	/* The server agreed to STARTTLS (RFC 3207): what the engine writes
	 * from now on goes under TLS. Called with its output empty. */
	void (*start_tls)(void *arg);
	/* What the handshake brought, or NULL while there is no TLS. */
	const struct tls_peer *(*tls_peer)(void *arg);
	bool auth; /* or the session ends */
	/* of struct sasl_client_options */
	const char *host, *user, *password, *authorize;
	const char *mechanisms; /* blanks between; NULL: any */
	bool plaintext;         /* AUTH without TLS, too */
};

/* Right after smtp_client_new(); `s` must outlive the engine, its calls get
 * the arg of the ops. Without it the engine asks for neither. */
void smtp_client_secure(
    struct smtp_client *c, const struct smtp_client_security *s);

/* Why a session ended that never got ready. */
struct smtp_client_failure {
	const char *status; /* "4.4.1"; "4.7.5" when it is about TLS */
	bool starttls;      /* STARTTLS, or the handshake, came to nothing */
};
struct smtp_client_failure smtp_client_failure(const struct smtp_client *c);
void smtp_client_free(struct smtp_client **c);

extern const struct engine_ops smtp_client_engine;

/* Starts a transaction; only when smtp_client_idle(). May be called from
 * ready(). The owner calls conn_wake() afterwards. */
void smtp_client_send(
    struct smtp_client *c, struct smtp_transaction *t, msec_t now);
bool smtp_client_idle(const struct smtp_client *c);
/* QUIT, once what is under way is done. */
void smtp_client_quit(struct smtp_client *c, msec_t now);

/* The name the server gave itself in its greeting, or "". */
const char *smtp_client_remote(const struct smtp_client *c);

#endif
