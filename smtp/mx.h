/*
 * From the domain of a mailbox to the servers to be tried, in order (RFC 5321
 * 5.1, RFC 7505), with what DANE needs of each (RFC 7672 2.2): a machine that
 * asks questions of the DNS and takes answers, without I/O, clock or chance
 * of its own. smtp_mx_lookup() drives it over lib/dns.h.
 *
 * Order: by preference; hosts of equal preference in the order of a shuffle
 * that the caller seeds; of each host, IPv6 and IPv4 addresses in turn. Our
 * own name among the hosts ends the list there (loops). A result, with all it
 * points to, belongs to its struct smtp_mx. TTLs are seconds.
 */
#ifndef SMTP_MX_H
#define SMTP_MX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/dns.h"

#define SMTP_MX_ADDRESS_TEXT 64 /* "[2001:db8::1]:25" */

struct smtp_mx_params {
	const char *const *own; /* our names: hosts that are us */
	size_t n_own;
	uint16_t port; /* 0: 25 */
	bool no_mx;    /* the name is a host: a smart host */
	bool no_ipv6, no_ipv4;
	bool dane;          /* ask for TLSA records where it is secure */
	unsigned max_hosts; /* asked for; 0: 20; the worst are left out */
	unsigned max_addresses_per_host; /* 0: 8 */
	uint64_t seed;                   /* of the shuffle */
};

enum smtp_mx_outcome {
	SMTP_MX_OK,
	SMTP_MX_TEMPORARY,
	SMTP_MX_PERMANENT,
};

enum smtp_mx_dane {
	SMTP_MX_DANE_NONE, /* does not apply: TLS as without it */
	/* `tlsa` holds secure records, usable (smtp/dane.h) or not: the host
	 * is spoken to under TLS or not at all */
	SMTP_MX_DANE_RECORDS,
};

struct smtp_mx_host {
	const char *name; /* as in the MX record; log this one */
	uint16_t preference;
	bool secure; /* the way to its addresses, from the domain on */
	enum smtp_mx_dane dane;
	const char *base; /* TLSA base domain (RFC 7672 2.2.3) */
	const struct dns_tlsa *tlsa;
	size_t n_tlsa;
	/* further names that its certificate may carry (3.2.2) */
	const char *names[2];
	size_t n_names;
};

struct smtp_mx_target {
	const struct smtp_mx_host *host;
	struct sockaddr_storage sa;
	socklen_t sa_len;
	char address[SMTP_MX_ADDRESS_TEXT]; /* for conn_dial() */
};

struct smtp_mx_result {
	enum smtp_mx_outcome outcome;
	int code;           /* 0; 556 where RFC 7505 says so, else 450, 550 */
	const char *status; /* "5.1.2"; NULL when OK */
	const char *text;   /* one line; NULL when OK */
	const char *domain; /* in A-labels */
	bool implicit;      /* no MX records: the domain is the host */
	bool secure;        /* the MX records, or that there are none */
	uint32_t ttl;       /* the shortest of all answers */
	const struct smtp_mx_target *targets; /* in order */
	size_t n_targets;
	/* hosts that cannot be used now, but perhaps later */
	size_t n_unknown;
};

struct smtp_mx;
/* `p` and what it points to must outlive it. A domain that is an address
 * literal ("[192.0.2.1]", "[IPv6:2001:db8::1]") asks nothing. */
struct smtp_mx *smtp_mx_new(const struct smtp_mx_params *p, const char *domain);
void smtp_mx_free(struct smtp_mx **m);

struct smtp_mx_question {
	unsigned id;
	const char *name;
	enum dns_type type;
};
/* The next question to be asked: all that it gives may be under way at once.
 * false: nothing to ask before a further answer, or for good. */
bool smtp_mx_ask(struct smtp_mx *m, struct smtp_mx_question *q);
/* Once for each question, in any order; the answer is copied. */
void smtp_mx_answer(
    struct smtp_mx *m, unsigned id, const struct dns_answer *answer);
/* NULL until all is known. */
const struct smtp_mx_result *smtp_mx_result(const struct smtp_mx *m);

/* The content of "[...]" and its brackets, of s whole: 0 with the address
 * (port included), ERR_SYNTAX, ERR_UNSUPPORTED for other kinds of literal. */
int smtp_mx_literal(const char *s, uint16_t port, struct sockaddr_storage *sa,
    socklen_t *len, struct err *e);

/* --- over the DNS (smtp/mx_lookup.c) --- */

/* Called once, from the loop; the result is gone after the call. */
typedef void smtp_mx_found_fn(void *arg, const struct smtp_mx_result *r);
struct smtp_mx_lookup;
struct smtp_mx_lookup *smtp_mx_lookup(struct loop *l, struct dns *dns,
    const struct smtp_mx_params *p, const char *domain, smtp_mx_found_fn *fn,
    void *arg);
void smtp_mx_cancel(struct smtp_mx_lookup **l);

#endif
