/*
 * The SMTP and LMTP server as an engine without I/O (RFC 5321, RFC 2033, and
 * the extensions of server_hello.c). It
 * takes octets and time, produces octets, and asks its user about senders,
 * recipients and content through smtp_server_ops; the reply to a message's
 * content is given later, by smtp_server_data_reply(), once the user is
 * responsible for it. So are the steps of SASL (RFC 4954), of which the engine
 * knows the lines only; and the user puts TLS below it when it says so (RFC
 * 3207).
 *
 * Only CR LF ends a line, in commands and in content: a message with a bare CR
 * or LF anywhere is refused after its true end, so that no two servers can
 * disagree about where a message stops; or, by option, each of them is made a
 * CR LF, but ends nothing besides its line. Nothing else is added to the
 * content. What comes by BDAT is not unstuffed, and has lines of the same
 * rules, unless it is BINARYMIME: then its header section has (RFC 3030).
 *
 * Memory: bounded by the command line limit and what the driver reads at
 * once. Sizes are octets, times milliseconds.
 */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include <stdbool.h>

#include "lib/loop.h"

struct smtp_server;

/* A reply: code, RFC 3463 status ("5.1.1", or NULL for none) and one line of
 * text. Copied by whoever is given one. */
struct smtp_reply {
	int code;
	const char *status;
	const char *text;
};

/* Extensions that a server may do without. */
enum {
	SMTP_EXT_CHUNKING = 1,       /* RFC 3030 */
	SMTP_EXT_BINARYMIME = 2,     /* the same; not without CHUNKING */
	SMTP_EXT_SMTPUTF8 = 4,       /* RFC 6531 */
	SMTP_EXT_MT_PRIORITY = 8,    /* RFC 6710 */
	SMTP_EXT_DELIVERBY = 16,     /* RFC 2852 */
	SMTP_EXT_FUTURERELEASE = 32, /* RFC 4865; needs future_release_max */
	SMTP_EXT_MTRK = 64,          /* RFC 3885 */
	SMTP_EXT_RRVS = 128,         /* RFC 7293 */
	SMTP_EXT_REQUIRETLS = 256,   /* RFC 8689; only under TLS */
	SMTP_EXT_AUTH = 512,         /* whenever there are mechanisms */
};
#define SMTP_EXT_ALL 1023

struct smtp_server_params {
	bool lmtp;
	const char *hostname;       /* in the greeting and the hello reply */
	size_t command_line_max;    /* with its CR LF; at least 512 */
	size_t text_line_max;       /* with its CR LF; 0: no limit */
	uint64_t size_max;          /* of a message's content; 0: no limit */
	size_t header_max;          /* of the header section; 0: no limit */
	unsigned recipients_max;    /* per message, and refused per session */
	unsigned errors_max;        /* then 421 */
	unsigned idle_commands_max; /* NOOP and the like without a message */
	unsigned messages_max;      /* per session, then 421; 0: no limit */
	msec_t greet_delay;         /* who talks before is refused; 0: none */
	msec_t command_timeout;     /* for one complete command line */
	msec_t data_timeout;        /* between two pieces of content */
	bool tls_from_start;        /* there is TLS below already (RFC 8314) */
	bool starttls;              /* offered, while there is none */
	bool tls_required;          /* 530 for what matters, while none */
	bool auth_required;         /* the same, while nobody is known */
	unsigned auth_failures_max; /* then 421 */
	unsigned extensions;        /* SMTP_EXT_* bits; 0: none of these */
	const char *priority_profile; /* after MT-PRIORITY; NULL or "": none */
	int64_t deliver_by_min;       /* seconds, of BY with mode R; 0: any */
	int64_t future_release_max;   /* seconds; 0: not offered */
	bool repair_lines;            /* bare CR and LF are made CR LF */
	uint64_t data_rate_min;       /* octets of content a second; 0: any */
	msec_t data_grace;            /* for which the rate does not count */
};

/* Of AUTH and of its responses, with their CR LF (RFC 4954 4, 4.2). */
#define SMTP_AUTH_LINE_MAX 12290
#define SMTP_USER_MAX 128 /* octets of a name that was proved */

/* RFC 5321 4.5.3: minimums met, with room for X.400 addresses and DSN. */
#define SMTP_SERVER_PARAMS_DEFAULT                                 \
	{                                                          \
		.hostname = "localhost", .command_line_max = 4096, \
		.text_line_max = 8192, .size_max = 50 << 20,       \
		.header_max = 1 << 20, .recipients_max = 1000,     \
		.errors_max = 20, .idle_commands_max = 100,        \
		.command_timeout = 300000, .data_timeout = 300000, \
		.auth_failures_max = 3, .data_grace = 60000        \
	}

/* What MAIL and RCPT said; valid during the call. */
struct smtp_server_mail {
	const char *from;  /* mailbox, "" for <> */
	uint64_t size;     /* as declared, 0: not */
	bool body_8bit;    /* BODY=8BITMIME */
	char ret;          /* 'F', 'H' or 0 */
	const char *envid; /* decoded, or NULL */
	const char *auth;  /* AUTH=: a mailbox, "" for <>, or NULL; what a
	                    * client says that is not trusted is nothing (RFC
	                    * 4954 5) */
	bool body_binary;  /* BODY=BINARYMIME */
	bool smtputf8;
	bool requiretls;
	bool has_mt_priority;
	int mt_priority;      /* -9 to 9 */
	int64_t deliver_by;   /* BY as a wall time; with mode 0: not given */
	char deliver_by_mode; /* 'R', 'N' or 0 */
	bool deliver_by_trace;
	int64_t hold_until; /* wall time; 0: not to be held */
	const char *mtrk;   /* MTRK as it came, or NULL */
};
struct smtp_server_rcpt {
	const char *to;    /* mailbox, or "postmaster" */
	uint8_t notify;    /* MHS_NOTIFY_* bits; 0: not given */
	const char *orcpt; /* "rfc822;joe@x", decoded, or NULL */
	int64_t rrvs;      /* wall time; with mode 0: not given */
	char rrvs_mode;    /* 'R', 'C' or 0 */
};

/* What a proxy in front says of its client (XCLIENT); NULL: nothing, "": that
 * it is not known. */
struct smtp_server_xclient {
	const char *name, *address, *port, *protocol, *helo, *login;
};

/* Lines of a reply that has several. */
struct smtp_server_lines;
void smtp_server_line(struct smtp_server_lines *x, const char *text);

/* The user's part. Those that return bool accept with true, and may have set
 * *r to another reply of 2xx than the usual; with false they have set it to one
 * of 4xx or 5xx. */
struct smtp_server_ops {
	bool (*mail)(
	    void *arg, const struct smtp_server_mail *m, struct smtp_reply *r);
	bool (*rcpt)(
	    void *arg, const struct smtp_server_rcpt *m, struct smtp_reply *r);
	bool (*data_begin)(void *arg, struct smtp_reply *r);
	/* Content, unstuffed, in pieces. */
	void (*data)(void *arg, const uint8_t *p, size_t n);
	/* The content is complete and well-formed: the user owes the replies
	 * (smtp_server_data_reply), from here on or later. */
	void (*data_end)(void *arg);
	/* The transaction that MAIL began is over without a message: forget
	 * all of it. Not called once data_end() was. */
	void (*reset)(void *arg);
	/* The client went, or the connection broke (reason, or NULL), in the
	 * middle of a transaction; reset() follows. For logs, may be NULL. */
	void (*abandoned)(void *arg, const struct err *reason);
	/* What AUTH may be used with now, with blanks between them; "": nothing
	 * yet. NULL, or no such op: there is no AUTH. */
	const char *(*mechanisms)(void *arg);
	/* A client wants to prove who it is; `initial` is NULL when it sent
	 * none. The user owes a challenge or a reply, from here on or later
	 * (smtp_server_auth_challenge, smtp_server_auth_reply). */
	void (*auth_start)(
	    void *arg, const char *mechanism, const uint8_t *initial, size_t n);
	/* Its response to the challenge: the user owes again. */
	void (*auth_response)(void *arg, const uint8_t *p, size_t n);
	/* It is given up, by the client or with the connection: nothing is owed
	 * any more. */
	void (*auth_forget)(void *arg);
	/* What is in the output goes in plain, and then there must be TLS
	 * (conn_start_tls()). `dropped`: octets that came too early for it. */
	void (*start_tls)(void *arg, size_t dropped);
	/* The time of day in Unix seconds; NULL: what needs it is not offered.
	 */
	int64_t (*wall)(void *arg);
	/* RFC 5321 3.5: *r is the reply to VRFY (in: the usual 252) or EXPN, of
	 * which each line is a member; true with none: *r is all. NULL: 252,
	 * 502. */
	void (*vrfy)(void *arg, const char *who, struct smtp_reply *r);
	void (*expn)(void *arg, const char *list, struct smtp_server_lines *x,
	    struct smtp_reply *r);
	/* May this client say XCLIENT? NULL: nobody may. What it says is to be
	 * believed until its next; the session begins anew. */
	bool (*xclient_trusted)(void *arg);
	bool (*xclient)(void *arg, const struct smtp_server_xclient *x,
	    struct smtp_reply *r);
	/* A negative reply goes out, and the command (without arguments) that
	 * it answers; for logs. May be NULL. */
	void (*refused)(
	    void *arg, const char *command, const struct smtp_reply *r);
};

/* `p`, `ops` and their strings stay the caller's and must outlive the engine.
 * The greeting is in the output at once, or after greet_delay. */
struct smtp_server *smtp_server_new(const struct smtp_server_params *p,
    const struct smtp_server_ops *ops, void *arg, msec_t now);
void smtp_server_free(struct smtp_server **s);

extern const struct engine_ops smtp_server_engine;

/* Answers the content after data_end(): once in SMTP; in LMTP once per
 * accepted recipient, in their order (RFC 2033 4.2). After the last one,
 * commands that waited are worked on: the ops may be called before this
 * returns. The owner calls conn_wake() afterwards. */
void smtp_server_data_reply(
    struct smtp_server *s, const struct smtp_reply *r, msec_t now);
/* The same reply for every recipient that has none yet. */
void smtp_server_data_reply_all(
    struct smtp_server *s, const struct smtp_reply *r, msec_t now);

/* The mechanism's next challenge. After a reply too late, or after the client
 * gave up, nothing happens. The ops may be called before these return; the
 * owner calls conn_wake(). */
void smtp_server_auth_challenge(
    struct smtp_server *s, const uint8_t *p, size_t n, msec_t now);
/* The end of it: `user` has proved to be that (and `r` is not looked at), or is
 * NULL. */
void smtp_server_auth_reply(struct smtp_server *s, const struct smtp_reply *r,
    const char *user, msec_t now);

/* 421 and the end, at once (process shutdown); a message whose content has
 * begun is taken and answered first, and so is a step of AUTH. A second call
 * waits for no more than the replies that the user owes. */
void smtp_server_shutdown(struct smtp_server *s);

/* What the peer called itself, or "" before its hello; "ESMTP", "SMTP",
 * "LMTPSA" and so on for a Received field (RFC 3848); who it has proved to be,
 * or ""; is there TLS; did the content have octets above 127? */
const char *smtp_server_helo(const struct smtp_server *s);
const char *smtp_server_protocol(const struct smtp_server *s);
const char *smtp_server_user(const struct smtp_server *s);
bool smtp_server_tls(const struct smtp_server *s);
bool smtp_server_content_8bit(const struct smtp_server *s);
/* "CHUNKING" and so on: its bit, or 0. */
unsigned smtp_server_extension(const char *keyword);

#endif
