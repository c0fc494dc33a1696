/*
 * SMTP MTA Strict Transport Security (RFC 8461): a domain says over HTTPS
 * which hosts take its mail, and that they do so under TLS with certificates
 * of the public authorities. Here: the TXT record, the policy file, the cache
 * of policies, the fetching, and the search that joins them.
 *
 * Times are seconds of the wall clock, where not said otherwise; a domain is
 * in A-labels. Errors have the layer "mta-sts".
 */
#ifndef SMTP_MTA_STS_H
#define SMTP_MTA_STS_H

#include "lib/dns.h"

#define MTA_STS_ID_MAX 32
#define MTA_STS_MAX_AGE 31557600       /* 3.2 */
#define MTA_STS_POLICY_MAX (64 * 1024) /* 3.3 */
#define MTA_STS_MX_MAX 100

/* --- what the domain says (smtp/mta_sts.c) --- */

enum mta_sts_mode {
	MTA_STS_NONE,
	MTA_STS_TESTING,
	MTA_STS_ENFORCE,
};
const char *mta_sts_mode_name(enum mta_sts_mode m);

/* 3.1: the one record among these that is of MTA-STS. 0 with its id;
 * ERR_NOT_FOUND, ERR_SYNTAX (of several, too). */
int mta_sts_txt(const struct dns_record *v, size_t n,
    char id[MTA_STS_ID_MAX + 1], struct err *e);
/* The same of one record's text. */
int mta_sts_txt_parse(
    const char *p, size_t n, char id[MTA_STS_ID_MAX + 1], struct err *e);

struct mta_sts_policy {
	enum mta_sts_mode mode;
	uint32_t max_age; /* seconds */
	const char **mx;  /* "mail.example.com", "*.example.net"; lower case */
	size_t n_mx;
};
/* 3.2: the whole file. ERR_SYNTAX with the octet, ERR_LIMIT. */
int mta_sts_policy_parse(struct arena *a, const char *p, size_t n,
    struct mta_sts_policy *out, struct err *e);
/* 4.1: may this MX host take the domain's mail? */
bool mta_sts_matches(const struct mta_sts_policy *policy, const char *host);

/* --- what is remembered (smtp/mta_sts_cache.c) --- */

#define MTA_STS_CACHE_MAX 10000

struct mta_sts_entry {
	char *domain;
	char id[MTA_STS_ID_MAX + 1];
	int64_t fetched, expires;
	struct arena *arena; /* of the policy */
	struct mta_sts_policy policy;
};

struct mta_sts_cache;
/* In the file `path`, written anew with each change; NULL: in memory. What
 * is unreadable in it is left out; `e` tells of that, and of a file that
 * cannot be read. Never NULL. */
struct mta_sts_cache *mta_sts_cache_open(
    const char *path, int64_t now, struct err *e);
void mta_sts_cache_close(struct mta_sts_cache **c);
/* NULL: none, or none any more. Good until the next change. */
const struct mta_sts_entry *mta_sts_cache_get(
    struct mta_sts_cache *c, const char *domain, int64_t now);
/* In place of the one it has. The one that ends first makes room. An error
 * concerns the file; memory has the policy. */
int mta_sts_cache_put(struct mta_sts_cache *c, const char *domain,
    const char *id, const struct mta_sts_policy *policy, int64_t now,
    struct err *e);

/* --- over HTTPS (smtp/mta_sts_fetch.c) --- */

struct mta_sts_fetch_params {
	const char *ca; /* PEM file of authorities; NULL: the system's */
	uint16_t port;  /* 0: 443 */
	msec_t timeout; /* milliseconds; 0: a minute */
};
struct mta_sts_fetcher;
struct mta_sts_fetcher *mta_sts_fetcher_new(
    struct loop *l, const struct mta_sts_fetch_params *p, struct err *e);
/* What is under way is cancelled. */
void mta_sts_fetcher_free(struct mta_sts_fetcher **f);

/* Called once, from the loop: the file's octets, or NULL and the reason. */
typedef void mta_sts_fetched_fn(
    void *arg, const char *p, size_t n, const struct err *e);
struct mta_sts_fetch;
/* `addresses`: of the policy host, "192.0.2.1,2001:db8::1". */
struct mta_sts_fetch *mta_sts_fetch(struct mta_sts_fetcher *f,
    const char *domain, const char *addresses, mta_sts_fetched_fn *fn,
    void *arg);
void mta_sts_fetch_cancel(struct mta_sts_fetch **f);

/* --- all of it (smtp/mta_sts_lookup.c) --- */

struct mta_sts;
/* Owns none of them. */
struct mta_sts *mta_sts_new(struct loop *l, struct dns *dns,
    struct mta_sts_fetcher *fetcher, struct mta_sts_cache *cache);
/* Searches under way are cancelled. */
void mta_sts_free(struct mta_sts **s);
/* Called once, from the loop: the policy that is in force, gone after the
 * call; NULL: none. */
typedef void mta_sts_found_fn(void *arg, const struct mta_sts_policy *policy);
struct mta_sts_search;
struct mta_sts_search *mta_sts_find(
    struct mta_sts *s, const char *domain, mta_sts_found_fn *fn, void *arg);
void mta_sts_find_cancel(struct mta_sts_search **q);

#endif
