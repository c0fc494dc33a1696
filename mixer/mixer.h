/*
 * MIXER (RFC 2156, 2157, 2158): X.400 interpersonal messages and reports to
 * Internet mail and back, as pure functions.
 *
 * Every function takes an arena (all it returns lives there, or in the
 * caller's buf), the gateway's configuration, an envelope and content octets;
 * it gives an envelope, content octets, and a list of what could not be
 * carried across. No sockets, no queue, no clock: `now` is an argument (Unix
 * seconds). Errors are negative enum err_code with layer "mixer"; err.detail
 * then holds the X.411 diagnostic that a non-delivery report should give.
 */
#ifndef MIXER_MIXER_H
#define MIXER_MIXER_H

#include "lib/conf.h"
#include "mhs/diag.h"
#include "mhs/envelope.h"

/* --- configuration: <mixer gateway-domain= gateway-or=><map .../></mixer> --- */

/* One equivalence (MCGAM, RFC 2156 4.2), used in both directions. */
struct mixer_map {
	const char *domain; /* lower case */
	const struct mhs_or *ora;
};

struct mixer_config {
	const char *gateway_domain;      /* names us in Internet mail */
	const struct mhs_or *gateway_or; /* names us in X.400 */
	const struct mixer_map *maps;
	size_t n_maps;
	struct mhs_domain domain; /* our global domain, from <mta> */
	const char *mta;          /* MTA name, from <mta name=> */
	const char *hostname;     /* from <mta hostname=>, for Received */
	const char *postmaster;   /* From of the reports we write */
	/* RFC 2157 clause 8: application/octet-stream becomes a
	 * bilaterally-defined body part instead of a file transfer one. */
	bool octet_stream_bilateral;
	/* The text of reports (mixer/template.h); NULL: the one built in. */
	struct mixer_template *report_template;
};

/* Reads <mta> and <mixer> below `root` (either may be absent: defaults). The
 * strings are the arena's. ERR_CONFIG names file, line and attribute. */
int mixer_config_read(struct arena *a, const struct conf_node *root,
    struct mixer_config *out, struct err *e);

/* --- losses --- */

struct mixer_loss {
	const char
	    *what; /* "field X-Foo", "body part 3", "extension 2.6.1.5.4" */
	const char *why; /* "no equivalent", "truncated to 128 octets" */
};

/* Zero-initialise. More than MIXER_LOSSES_MAX are only counted. */
struct mixer_losses {
	struct mixer_loss *v;
	size_t n;
	size_t dropped;
};
#define MIXER_LOSSES_MAX 100

/* --- limits on what comes from outside --- */

#define MIXER_DEPTH_MAX 16          /* nested messages and multiparts */
#define MIXER_PARTS_MAX 1000        /* body parts of one message, in all */
#define MIXER_FIELDS_MAX 2000       /* header fields of one message */
#define MIXER_CONTENT_MAX 268435456 /* octets of content: 256 MiB */
#define MIXER_CONVERSIONS_MAX 5     /* RFC 2156 5.1.5: more is a loop */

/* --- whole messages: what the channel does --- */

/* `env` is a message with P2 or P22 content. *out_env is a copy of it for the
 * Internet (content type RFC822, mailboxes, NOTIFY, ENVID, RET); recipients
 * keep their order and number. The message is appended to `out` with CRLF. */
int mixer_to_rfc822(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e);

/* `env` is a message with RFC822 content. *out_env is a copy for X.400
 * (content type P22, O/R names, MTS identifier, report requests, EITs, trace).
 * The P22 octets are appended to `out`. */
int mixer_to_x400(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e);

/* `env` is an X.400 report (p[0..n-1]: returned content, may be empty).
 * *out_env is a message with the null reverse-path to recipient 0's mailbox;
 * `out` gets the multipart/report (RFC 2156 5.3.8, RFC 3464). */
int mixer_report_to_dsn(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e);

/* Is any of the report for the user that its destination is? Of some recipients
 * only the originating MTA wanted to know (X.411 8.3.1.2, 12.2.1.3.1.4). */
bool mixer_report_is_for_user(const struct mhs_report *report);

/* Is this Internet message a delivery status notification that X.400 can
 * carry as a report: null reverse-path, multipart/report of delivery-status,
 * and every Action failed or delivered? */
bool mixer_is_dsn(const struct mhs_envelope *env, const uint8_t *p, size_t n);

/* The DSN as an X.400 report to recipient 0 (RFC 2156 5.1.8.3); the whole DSN
 * as P22 is its returned content, unless it cannot be converted (a loss). */
int mixer_dsn_to_report(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e);

/* Whichever of the four `env` calls for. */
int mixer_convert(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e);

/* `env` is a message with P22 content, for a peer that knows P2 only. *out_env is
 * a copy of it with that content type; the P2 octets are appended to `out`. What
 * the originator prohibits (conversion, or one with loss) is ERR_UNSUPPORTED.
 */
int mixer_to_p2(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e);

/* What to tell of a conversion, or of its new version's commit, that failed
 * with `code`: a spool without room is temporary, what can never be converted
 * or stored is not. */
struct mixer_failure {
	bool temporary;
	int32_t reason, diagnostic; /* X.411 codes (mhs/diag.h) */
	const char *status;         /* RFC 3463, static */
};
struct mixer_failure mixer_failure_of(int code, const struct err *e);
bool mixer_temporary(int code);

/* --- contents alone: `isthmus convert` --- */

/* from, to: MHS_CONTENT_P2, _P22 or _RFC822; p22 -> p2 rewrites what 1984
 * does not know (RFC 1496 rules: extended body parts to bilaterally-defined,
 * heading extensions dropped). ERR_UNSUPPORTED for a pair we do not know. */
int mixer_content(struct arena *a, const struct mixer_config *c,
    enum mhs_content from, enum mhs_content to, const uint8_t *p, size_t n,
    int64_t now, struct buf *out, struct mixer_losses *losses, struct err *e);

/* --- addresses (RFC 2156 clause 4) --- */

/* The mailbox (without brackets) of an O/R address: DD.RFC-822, or by the
 * longest map, or encoded at the gateway's domain. Never fails for an address
 * of mhs/or.h; NULL only when even the encoded form exceeds `MHS_OR_TEXT_MAX`. */
const char *mixer_or_to_mailbox(
    struct arena *a, const struct mixer_config *c, const struct mhs_or *ora);

/* The O/R address of a mailbox: an encoded address, or by the longest map, or
 * DD.RFC-822 below the map's prefix or the gateway's address. ERR_SYNTAX for
 * what is no mailbox, ERR_LIMIT where DDAs are too small for it. */
int mixer_mailbox_to_or(struct arena *a, const struct mixer_config *c,
    const char *mailbox, struct mhs_or **out, struct err *e);

#endif
