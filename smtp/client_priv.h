/*
 * Inside the SMTP client. Private to smtp/client*.c.
 */
#ifndef SMTP_CLIENT_PRIV_H
#define SMTP_CLIENT_PRIV_H

#include "lib/sasl.h"
#include "smtp/address.h"
#include "smtp/client.h"

/* Which reply comes next. */
enum client_await {
	AWAIT_GREETING,
	AWAIT_HELLO, /* to EHLO or LHLO */
	AWAIT_HELO,  /* to HELO, after EHLO was refused */
	AWAIT_TLS,   /* to STARTTLS */
	AWAIT_AUTH,  /* to AUTH, or to a response of its mechanism */
	AWAIT_NONE,  /* idle: nothing but 421 may come */
	AWAIT_RSET,
	AWAIT_MAIL,
	AWAIT_RCPT,  /* for recipient c->next */
	AWAIT_DATA,  /* 354 */
	AWAIT_CHUNK, /* to a BDAT that is not the last, or to any once one
	              * failed */
	AWAIT_FINAL, /* to the content; LMTP: for recipient c->next */
	AWAIT_QUIT,
	AWAIT_END, /* the session is over */
	N_AWAIT
};

/* The content on its way out. */
struct client_content {
	const char *head; /* what is sent before it, whole lines, or NULL */
	size_t head_n, head_at;
	uint64_t at; /* next octet of the transaction's content */
	/* rewritten on the way, else NULL; `made` is what waits to be sent */
	struct smtp_downgrade *downgrade;
	struct buf made;
	bool streaming;  /* it may be sent, and its end is not out yet */
	bool raw;        /* BINARYMIME: not a line to be touched */
	bool dots;       /* DATA: a dot at a line's start is doubled */
	bool line_start; /* a dot now must be doubled */
	bool cr;         /* the last octet sent was a CR */
};

/* STARTTLS and AUTH. */
struct client_security {
	const struct smtp_client_security *p; /* NULL: neither */
	bool secured;                         /* STARTTLS was agreed to */
	bool handshake;                       /* nothing came under TLS yet */
	bool authenticated;
	struct smtp_client_failure failure;
	char mechanisms[SASL_LIST_MAX]; /* that the server offers */
	struct sasl_client *sasl;
	struct octets held; /* initial response, too long for the command */
};

/* BDAT (RFC 3030). */
struct client_bdat {
	bool used;
	bool last_sent;
	bool failed;      /* a chunk was refused: no more follow */
	unsigned due;     /* replies to chunks, those of the last excepted */
	bool chunk_ready; /* `chunk` is filled and waits to be sent */
	bool chunk_last;
	struct buf chunk;
};

struct smtp_client {
	const struct smtp_client_params *p;
	const struct smtp_client_ops *ops;
	void *arg;
	enum client_await await;
	bool quit_wanted;
	bool ended; /* ops->ended was called */
	bool dirty; /* the server may hold a transaction: RSET first */
	msec_t deadline;
	struct buf out;
	struct smtp_reply_parser reply;
	char remote[SMTP_DOMAIN_MAX + 1];
	unsigned extensions;
	uint64_t size_max;      /* from SIZE; 0: none */
	int64_t deliver_by_min; /* from DELIVERBY, seconds; 0: none */
	struct client_security security;
	/* the transaction */
	struct smtp_transaction *t;
	bool answered; /* a reply came since it began */
	bool mail_accepted;
	size_t next;     /* recipient whose reply is awaited */
	size_t accepted; /* recipients accepted by RCPT */
	struct client_content content;
	struct client_bdat bdat;
	bool utf8;     /* MAIL says SMTPUTF8 */
	uint64_t size; /* as MAIL says it */
};

/* client.c */
void smtp_client_session_fail(
    struct smtp_client *c, const char *status, const char *why);
/* The hello, again: all that the server said before is forgotten. */
void smtp_client_hello(struct smtp_client *c);
/* The hello is done, or what follows it: the next of TLS, authentication,
 * readiness. */
void smtp_client_hello_done(struct smtp_client *c, msec_t now);

/* client_tls.c: true when STARTTLS went out, or the session ended. */
bool smtp_client_want_tls(struct smtp_client *c);
void smtp_client_got_tls(struct smtp_client *c, msec_t now);
/* The connection broke, or the time is up, in the handshake: why. */
bool smtp_client_tls_broke(struct smtp_client *c, const char *why);

/* client_auth.c: true when AUTH went out, or the session ended. */
bool smtp_client_want_auth(struct smtp_client *c);
void smtp_client_got_auth(struct smtp_client *c, msec_t now);
/* The mechanisms behind AUTH in an EHLO line. */
void smtp_client_offers_auth(struct smtp_client *c, const char *p, size_t n);
void smtp_client_auth_free(struct smtp_client *c);

/* client_params.c */
/* One line of the answer to EHLO or LHLO, without its code. */
void smtp_client_take_extension(
    struct smtp_client *c, const char *line, size_t n);
/* The commands of the transaction with all that it asks for and the server
 * knows. */
void smtp_client_put_mail(struct smtp_client *c, msec_t now);
void smtp_client_put_rcpt(
    struct smtp_client *c, const struct smtp_recipient *r);

/* The session is under TLS, and the server proved its name. */
bool smtp_client_tls_verified(const struct smtp_client *c);

/* client_plan.c: how the message goes to this server: as it is, by BDAT,
 * downgraded; recipients that it cannot go to at all get their outcome, and
 * `skipped`. */
void smtp_client_plan(struct smtp_client *c, msec_t now);

/* client_content.c */

/* Appends up to `high` octets to out (a piece more may come). Returns false
 * after the last, with the line made whole. */
bool smtp_client_content_fill(
    struct smtp_client *c, struct buf *out, size_t high);
/* After DATA: more into the output, up to a limit; the final dot ends
 * `streaming`. */
void smtp_client_content_more(struct smtp_client *c);
/* Forgets what belongs to one transaction. */
void smtp_client_content_free(struct smtp_client *c);

/* client_bdat.c */
/* With the envelope: the content, if it is one chunk and the server's answers
 * can be told apart. */
void smtp_client_bdat_pipeline(struct smtp_client *c);
/* More chunks, as the socket takes them. */
void smtp_client_bdat_more(struct smtp_client *c);

/* client_result.c */
/* What a negative or final reply means for a recipient (RFC 5321 4.2.1). */
void smtp_client_result(struct smtp_client *c, struct smtp_recipient *r);
/* The same without a reply: our own code, status and words. */
void smtp_client_result_own(struct smtp_client *c, struct smtp_recipient *r,
    int code, const char *status, const char *text);
/* One line "550 5.1.1 text" of the reply at hand, in the arena. */
const char *smtp_client_reply_line(struct smtp_client *c, struct arena *a);

#endif
