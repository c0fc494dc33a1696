/*
 * Inside the SMTP server: its state, the command table, and the helpers that
 * the command files share. Private to smtp/server*.c.
 */
#ifndef SMTP_SERVER_PRIV_H
#define SMTP_SERVER_PRIV_H

#include "smtp/address.h"
#include "smtp/server.h"

/* Collects the lines of a reply. */
struct smtp_server_lines {
	struct smtp_server *s;
	int code;
	const char *status;
	char held[ERR_TEXT_MAX]; /* the last one, which has no hyphen */
	bool any;
};

/* Where the session is. Each is a bit, for the command table. */
enum smtp_server_state {
	S_GREETING = 1,    /* greet_delay runs; nothing may come yet */
	S_START = 2,       /* greeted; no hello yet */
	S_READY = 4,       /* hello done, no transaction */
	S_MAIL = 8,        /* MAIL accepted, no recipient yet */
	S_RCPT = 16,       /* at least one recipient accepted */
	S_DATA = 32,       /* content comes in */
	S_WAIT = 64,       /* content complete; the user owes replies */
	S_CLOSED = 128,    /* the last reply was given */
	S_AUTH = 256,      /* a challenge was given; its response comes */
	S_AUTH_STEP = 512, /* the user owes the next step of AUTH */
	S_CHUNK = 1024,    /* octets of BDAT come in */
	S_CHUNKS = 2048,   /* some chunks came, the last did not */
	S_DRAIN = 4096,    /* octets of BDAT come in and are dropped */
};
#define S_OWED (S_WAIT | S_AUTH_STEP) /* input waits */
#define S_COMMANDS (S_START | S_READY | S_MAIL | S_RCPT | S_CHUNKS)
#define S_CONTENT (S_DATA | S_CHUNK | S_DRAIN)
#define S_TRANSACTION (S_MAIL | S_RCPT | S_DATA | S_CHUNK | S_CHUNKS)
/* is finished before a shutdown */
#define S_UNDER_WAY (S_OWED | S_CONTENT | S_CHUNKS)

/* The content's position, relative to line ends and dots. */
enum content_at {
	AT_LINE_START,
	AT_DOT,    /* a dot began the line */
	AT_DOT_CR, /* dot, CR: an LF now ends the content */
	AT_TEXT,
	AT_CR, /* a CR inside the text: an LF must follow */
};

struct smtp_server {
	const struct smtp_server_params *p;
	const struct smtp_server_ops *ops;
	void *arg;
	enum smtp_server_state state;
	bool busy;     /* inside process(): it goes on by itself */
	bool eof;      /* the peer sends no more */
	bool stopping; /* 421 once what is under way is over */
	bool extended; /* EHLO or LHLO, not HELO */
	bool in_group; /* more octets follow the command at hand */
	msec_t deadline;
	struct buf out;
	/* the command line */
	struct buf line;     /* so far, without its end */
	bool line_dropped;   /* too long, answered; its end is still to come */
	bool line_cr;        /* the last octet was a CR */
	const char *command; /* the row's verb, for logs */
	struct buf held;     /* came while the user owed a reply */
	/* the session */
	char helo[SMTP_DOMAIN_MAX + 1];
	unsigned errors, idle_commands, refused_recipients, messages;
	bool tls, starting_tls; /* the rest of the input at hand is dropped */
	char user[SMTP_USER_MAX + 1]; /* proved by AUTH; "" nobody */
	unsigned auth_failures;
	/* the transaction */
	unsigned recipients;   /* accepted */
	unsigned owed;         /* replies to the content still to be given */
	bool smtputf8, binary; /* what MAIL said */
	/* the content */
	enum content_at at;
	uint64_t size;
	size_t line_length;
	bool in_header, eightbit;
	bool chunked;                    /* by BDAT: dots mean nothing */
	msec_t content_start;            /* 0: no octet was expected yet */
	uint64_t content_octets;         /* since then, kept or not */
	struct smtp_reply content_error; /* code 0: none so far */
	/* the chunk at hand */
	uint64_t chunk_left; /* octets still to come */
	uint64_t chunk_size;
	bool chunk_last;
	enum smtp_server_state after_drain;
	struct smtp_reply drain_reply; /* its text is drain_text */
	char drain_status[16], drain_text[ERR_TEXT_MAX];
};

/* One command. `states`: where it is allowed; elsewhere the reply is 503. */
struct smtp_command {
	const char *verb;
	void (*fn)(struct smtp_server *s, const char *args, size_t n);
	unsigned states;
	unsigned flags;
};
#define CMD_SMTP 1 /* exists in SMTP */
#define CMD_LMTP 2 /* exists in LMTP */
#define CMD_BOTH 3
#define CMD_LAST 4     /* nothing may follow before its reply (RFC 2920 3.1) */
#define CMD_IDLE 8     /* counted until a message comes */
#define CMD_NO_ARGS 16 /* 501 with any */
#define CMD_NEEDS_TLS 32  /* where TLS is required */
#define CMD_NEEDS_AUTH 64 /* where that is required */
#define CMD_NEEDS_BOTH (CMD_NEEDS_TLS | CMD_NEEDS_AUTH)

/* server.c */
void smtp_server_reply(
    struct smtp_server *s, int code, const char *status, const char *text);
/* The same for a mistake of the peer's, which is counted. */
void smtp_server_error(
    struct smtp_server *s, int code, const char *status, const char *text);
void smtp_server_close(
    struct smtp_server *s, int code, const char *status, const char *text);
void smtp_server_reset(struct smtp_server *s);
/* What the user owed is given: works on what came meanwhile. */
void smtp_server_resume(struct smtp_server *s, msec_t now);

/* Octets of content are expected: until when, at the latest. */
void smtp_server_content_deadline(struct smtp_server *s, msec_t now);

/* server_hello.c */
/* Is this extension offered now? */
bool smtp_server_offers(const struct smtp_server *s, unsigned extension);
static inline bool
smtp_server_extended(const struct smtp_server *s)
{
	return s->extended;
}
void smtp_cmd_ehlo(struct smtp_server *s, const char *args, size_t n);
void smtp_cmd_helo(struct smtp_server *s, const char *args, size_t n);
/* server_mail.c */
void smtp_cmd_mail(struct smtp_server *s, const char *args, size_t n);
void smtp_cmd_rcpt(struct smtp_server *s, const char *args, size_t n);
/* server_data.c */
void smtp_cmd_data(struct smtp_server *s, const char *args, size_t n);
/* A content begins. */
void smtp_server_content_begin(struct smtp_server *s, bool chunked);
/* Its octets are all there: refuses it, or hands it to the user. */
void smtp_server_content_end(struct smtp_server *s);
/* The first rule broken decides; the user forgets the message at once. */
void smtp_server_content_bad(
    struct smtp_server *s, int code, const char *status, const char *text);
/* Takes content; returns the octets used, fewer than n when it ended. */
size_t smtp_server_content(struct smtp_server *s, const uint8_t *p, size_t n);
/* The same, all n octets, of a content by BDAT. */
void smtp_server_chunk_octets(
    struct smtp_server *s, const uint8_t *p, size_t n);
/* server_bdat.c */
void smtp_cmd_bdat(struct smtp_server *s, const char *args, size_t n);
/* Octets of a chunk, kept or dropped; returns those used. */
size_t smtp_server_chunk(struct smtp_server *s, const uint8_t *p, size_t n);
/* server_auth.c */
bool smtp_server_has_auth(const struct smtp_server *s);
void smtp_cmd_auth(struct smtp_server *s, const char *args, size_t n);
/* A response, without its end; or one that is too long. */
void smtp_server_auth_line(struct smtp_server *s, const char *line, size_t n);
void smtp_server_auth_too_long(struct smtp_server *s);
/* The exchange is over, without a reply. */
void smtp_server_auth_drop(struct smtp_server *s);
/* server_tls.c */
void smtp_cmd_starttls(struct smtp_server *s, const char *args, size_t n);
/* After the reply to STARTTLS: n octets more have come. Returns how many are
 * good: none. */
size_t smtp_server_enter_tls(struct smtp_server *s, size_t n);
/* May a command with these flags be used, as far as TLS and AUTH go? NULL, or
 * the reply. */
const struct smtp_reply *smtp_server_forbids(
    const struct smtp_server *s, unsigned flags);
/* server_misc.c */
void smtp_cmd_rset(struct smtp_server *s, const char *args, size_t n);
void smtp_cmd_noop(struct smtp_server *s, const char *args, size_t n);
void smtp_cmd_quit(struct smtp_server *s, const char *args, size_t n);
void smtp_cmd_vrfy(struct smtp_server *s, const char *args, size_t n);
void smtp_cmd_expn(struct smtp_server *s, const char *args, size_t n);
/* server_xclient.c */
void smtp_cmd_xclient(struct smtp_server *s, const char *args, size_t n);
void smtp_cmd_help(struct smtp_server *s, const char *args, size_t n);
void smtp_cmd_unimplemented(struct smtp_server *s, const char *args, size_t n);
void smtp_cmd_foreign(struct smtp_server *s, const char *args, size_t n);

#endif
