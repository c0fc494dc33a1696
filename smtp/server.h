/*
 * The SMTP and LMTP server as an engine without I/O (RFC 5321, RFC 2033, with
 * SIZE, 8BITMIME, PIPELINING, ENHANCEDSTATUSCODES, DSN, STARTTLS and AUTH). It
 * takes octets and time, produces octets, and asks its user about senders,
 * recipients and content through smtp_server_ops; the reply to a message's
 * content is given later, by smtp_server_data_reply(), once the user is
 * responsible for it. So are the steps of SASL (RFC 4954), of which the engine
 * knows the lines only; and the user puts TLS below it when it says so (RFC
 * 3207).
 *
 * Only CR LF ends a line, in commands and in content: a message with a bare CR
 * or LF anywhere is refused after its true end, so that no two servers can
 * disagree about where a message stops. Nothing is added to the content.
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
		.auth_failures_max = 3                             \
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
};
struct smtp_server_rcpt {
	const char *to;    /* mailbox, or "postmaster" */
	uint8_t notify;    /* MHS_NOTIFY_* bits; 0: not given */
	const char *orcpt; /* "rfc822;joe@x", decoded, or NULL */
};

/* The user's part. Those that return bool accept with true; with false they
 * have set *r to a 4xx or 5xx reply. */
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

/* 421 and the end, at once (process shutdown); a message whose replies are
 * still owed is answered first, and so is a step of AUTH. */
void smtp_server_shutdown(struct smtp_server *s);

/* What the peer called itself, or "" before its hello; "ESMTP", "SMTP",
 * "LMTPSA" and so on for a Received field (RFC 3848); who it has proved to be,
 * or ""; is there TLS; did the content have octets above 127? */
const char *smtp_server_helo(const struct smtp_server *s);
const char *smtp_server_protocol(const struct smtp_server *s);
const char *smtp_server_user(const struct smtp_server *s);
bool smtp_server_tls(const struct smtp_server *s);
bool smtp_server_content_8bit(const struct smtp_server *s);

#endif
