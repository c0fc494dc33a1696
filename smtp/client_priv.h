/*
 * Inside the SMTP client. Private to smtp/client*.c.
 */
#ifndef SMTP_CLIENT_PRIV_H
#define SMTP_CLIENT_PRIV_H

#include "smtp/address.h"
#include "smtp/client.h"

/* What the server offered. */
#define SMTP_EXT_PIPELINING 1
#define SMTP_EXT_SIZE 2
#define SMTP_EXT_8BITMIME 4
#define SMTP_EXT_DSN 8
#define SMTP_EXT_STATUS 16

/* Which reply comes next. */
enum client_await {
	AWAIT_GREETING,
	AWAIT_HELLO, /* to EHLO or LHLO */
	AWAIT_HELO,  /* to HELO, after EHLO was refused */
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
	/* the transaction */
	struct smtp_transaction *t;
	bool answered; /* a reply came since it began */
	bool mail_accepted;
	size_t next;     /* recipient whose reply is awaited */
	size_t accepted; /* recipients accepted by RCPT */
	struct client_content content;
};

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
