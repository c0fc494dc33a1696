/*
 * Inside the SMTP client. Private to smtp/client*.c.
 */
#ifndef SMTP_CLIENT_PRIV_H
#define SMTP_CLIENT_PRIV_H

#include "lib/sasl.h"
#include "smtp/address.h"
#include "smtp/client.h"

/* What the server offered. */
#define SMTP_EXT_PIPELINING 1
#define SMTP_EXT_SIZE 2
#define SMTP_EXT_8BITMIME 4
#define SMTP_EXT_DSN 8
#define SMTP_EXT_STATUS 16
#define SMTP_EXT_STARTTLS (1u << 16)
#define SMTP_EXT_AUTH (1u << 17)

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
	AWAIT_FINAL, /* to the content; LMTP: for recipient c->next */
	AWAIT_QUIT,
	AWAIT_END, /* the session is over */
	N_AWAIT
};

/* The content on its way out. */
struct client_content {
	uint64_t at;     /* next octet of the transaction's content */
	bool streaming;  /* 354 came, and the final dot is not out yet */
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
	uint64_t size_max; /* from SIZE; 0: none */
	struct client_security security;
	/* the transaction */
	struct smtp_transaction *t;
	bool answered; /* a reply came since it began */
	bool mail_accepted;
	size_t next;     /* recipient whose reply is awaited */
	size_t accepted; /* recipients accepted by RCPT */
	struct client_content content;
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

/* client_content.c: puts more stuffed content into the output, up to a
 * limit; the final dot ends `streaming`. */
void smtp_client_content_start(struct smtp_client *c);
void smtp_client_content_more(struct smtp_client *c);

/* client_result.c */
/* What a negative or final reply means for a recipient (RFC 5321 4.2.1). */
void smtp_client_result(struct smtp_client *c, struct smtp_recipient *r);
/* The same without a reply: our own code, status and words. */
void smtp_client_result_own(struct smtp_client *c, struct smtp_recipient *r,
    int code, const char *status, const char *text);
/* One line "550 5.1.1 text" of the reply at hand, in the arena. */
const char *smtp_client_reply_line(struct smtp_client *c, struct arena *a);

#endif
