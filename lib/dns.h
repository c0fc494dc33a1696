/*
 * The Domain Name System, asked without stopping the loop: libunbound looks
 * up and validates (RFC 1035, RFC 4035), what comes back is decoded here,
 * bounds-checked. An answer says which of the things that matter to a mail
 * system it is: there, not there, no such name, failed, too late or forged.
 *
 * A struct dns belongs to one loop, holds a cache, and is shared by all who
 * ask there. Times are milliseconds, TTLs seconds. Names are text without the
 * final dot, in A-labels; octets that a host name cannot have are written
 * \DDD as in RFC 1035 5.1.
 */
#ifndef LIB_DNS_H
#define LIB_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/conf.h"
#include "lib/err.h"
#include "lib/loop.h"

/* A name's text with its NUL: 253 octets when none is escaped. */
#define DNS_NAME_TEXT 1016
#define DNS_HOST_MAX 253

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
};
/* "MX"; "?" for others. */
const char *dns_type_name(enum dns_type t);

/* --- names (lib/dns_name.c) --- */

/* An uncompressed name at the start of p: the octets used, or ERR_SYNTAX.
 * The root is "". */
int dns_name_parse(
    const uint8_t *p, size_t n, char out[DNS_NAME_TEXT], struct err *e);
/* To A-labels (RFC 5891), lower case, without a final dot; a name in ASCII
 * passes unchanged but for case. ERR_SYNTAX when it is no name. */
int dns_name_ascii(const char *name, char out[DNS_HOST_MAX + 1], struct err *e);
/* Without regard to case and a final dot. */
bool dns_name_equal(const char *a, const char *b);
/* "4.3.2.1.in-addr.arpa"; false for other families. */
bool dns_reverse(const struct sockaddr *sa, char out[DNS_HOST_MAX + 1]);

/* --- records (lib/dns_rdata.c) --- */

/* RFC 6698 2.1 */
struct dns_tlsa {
	uint8_t usage, selector, matching;
	const uint8_t *data;
	size_t n;
};

struct dns_record {
	enum dns_type type;
	union {
		struct in_addr a;
		struct in6_addr aaaa;
		const char *name; /* PTR, CNAME */
		struct {
			uint16_t preference;
			const char *host; /* "": the null MX (RFC 7505) */
		} mx;
		/* The strings of a TXT record, joined (RFC 7208 3.3); there
		 * is a NUL after them, and may be some in them. */
		struct {
			const char *p;
			size_t n;
		} txt;
		struct dns_tlsa tlsa;
	};
};

/* The rdata of one record; `a` gets what the record points to. ERR_SYNTAX
 * with the octet. */
int dns_rdata_parse(struct arena *a, enum dns_type type, const uint8_t *p,
    size_t n, struct dns_record *out, struct err *e);

/* --- questions (lib/dns.c) --- */

enum dns_status {
	DNS_FOUND,
	DNS_NODATA,   /* the name exists, such records do not */
	DNS_NXDOMAIN, /* no such name */
	DNS_SERVFAIL, /* no server gave an answer, or one of use */
	DNS_TIMEOUT,  /* not in the time we give it */
	DNS_BOGUS,    /* signed, and the signatures are wrong */
	DNS_BUSY,     /* more questions than this process may ask */
	DNS_BAD_NAME, /* cannot be asked at all */
};
const char *dns_status_name(enum dns_status s);
/* Nobody knows: it may be known later. */
bool dns_is_temporary(enum dns_status s);

struct dns_answer {
	enum dns_status status;
	bool secure; /* proven by DNSSEC, absence too; else insecure */
	int rcode;   /* as answered (RFC 1035 4.1.1) */
	uint32_t ttl;
	const char *name;      /* that was asked for */
	const char *canonical; /* at the end of the CNAMEs; else = name */
	const struct dns_record *v;
	size_t n;
	unsigned bad;    /* records that are left out: unreadable, too many */
	const char *why; /* of a failure; one line, or NULL */
};

/* Called once, from the loop, never from inside dns_ask(). The answer is gone
 * after the call. */
typedef void dns_answer_fn(void *arg, const struct dns_answer *answer);

struct dns_zone {
	const char *name;           /* of the zone */
	const char *const *servers; /* "192.0.2.1", "::1@5353" */
	size_t n_servers;
	bool insecure; /* no trust is looked for: internal, unsigned */
};

struct dns_params {
	const char *const *servers; /* forwarders; none: resolv_conf */
	size_t n_servers;
	const char *resolv_conf;    /* path; NULL and no servers: we recurse */
	const char *hosts;          /* path, NULL: none */
	const char *const *anchors; /* files of DNSKEY or DS records */
	size_t n_anchors;
	const struct dns_zone *zones; /* asked at their own servers */
	size_t n_zones;
	msec_t timeout;       /* of a question, waiting included; 0: 30 s */
	unsigned max_queries; /* under way; 0: 256 */
	unsigned max_waiting; /* behind these; 0: 10000 */
	size_t max_records;   /* of an answer; 0: 100 */
};

struct dns;
/* ERR_CONFIG: which of them is wrong. What `p` points to is not kept. */
struct dns *dns_new(struct loop *l, const struct dns_params *p, struct err *e);
/* From the child <dns> of `root`; without one, as /etc/resolv.conf and
 * /etc/hosts have it, and without trust anchors. */
struct dns *dns_from_conf(
    struct loop *l, const struct conf_node *root, struct err *e);
/* Questions under way are cancelled. */
void dns_free(struct dns **d);

struct dns_query;
struct dns_query *dns_ask(struct dns *d, const char *name, enum dns_type type,
    dns_answer_fn *fn, void *arg);
/* Not after the answer came. */
void dns_cancel(struct dns_query **q);

#endif
