/*
 * Inside the search for servers: mx.c asks and judges, mx_dane.c asks for
 * TLSA records, mx_targets.c puts addresses in order.
 */
#ifndef SMTP_MX_INT_H
#define SMTP_MX_INT_H

#include "smtp/mx.h"

/* Room for the questions of one host: addresses, the first CNAME, and TLSA
 * records at two names. */
enum mx_what {
	MX_WHAT_AAAA,
	MX_WHAT_A,
	MX_WHAT_CNAME,
	MX_WHAT_TLSA,       /* at the end of the CNAMEs */
	MX_WHAT_TLSA_ALIAS, /* at the host's own name */
	MX_WHAT_N,
};

enum mx_asked {
	MX_NOT_ASKED, /* and need not be */
	MX_TO_ASK,
	MX_ASKED,
	MX_ANSWERED,
};

struct mx_host {
	struct smtp_mx_host pub;
	uint64_t order; /* among equals */
	const char *canonical;
	bool failed; /* temporarily: an answer is missing */
	bool bogus;  /* because that one is forged */
	bool alias;  /* its name is a CNAME */
	bool secure_a, secure_aaaa;
	enum mx_asked state[MX_WHAT_N];
	const char *question[MX_WHAT_N];
	struct in6_addr *v6;
	struct in_addr *v4;
	size_t n_v6, n_v4;
};

struct smtp_mx {
	const struct smtp_mx_params *p;
	struct arena *arena;
	uint64_t random;
	uint16_t port;
	enum mx_asked mx;
	const char *canonical; /* of the domain */
	const char *why;       /* of a host that failed */
	enum dns_status why_status;
	struct mx_host *hosts; /* best first */
	size_t n_hosts;
	struct smtp_mx_result result;
	bool done;
};

uint64_t mx_random(struct smtp_mx *m);
/* Addresses are known: which TLSA records have to be asked for. */
void mx_dane_plan(struct smtp_mx *m, struct mx_host *h);
void mx_dane_cname(
    struct smtp_mx *m, struct mx_host *h, const struct dns_answer *answer);
void mx_dane_tlsa(struct smtp_mx *m, struct mx_host *h, enum mx_what what,
    const struct dns_answer *answer);
/* The targets of every host that can be used. */
void mx_targets(struct smtp_mx *m);
void mx_target_literal(struct smtp_mx *m, const char *literal,
    const struct sockaddr_storage *sa, socklen_t len);
/* The host cannot be used now. */
void mx_host_failed(
    struct smtp_mx *m, struct mx_host *h, const struct dns_answer *answer);

#endif
