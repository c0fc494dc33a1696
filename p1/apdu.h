/*
 * MTS-APDU (X.419 12, X.411 Figure 4), as a stream: message [0], report [1],
 * probe [2].
 *
 * The splitter is fed the octets as they come off the association, in any
 * fragments; it collects the envelope (bounded) and decodes it, and hands on
 * the content octets as they arrive, segments of a constructed OCTET STRING
 * joined. The content is never held. The writer makes the octets before and
 * after a content whose length is known. An EXTERNAL around the APDU is
 * skipped.
 */
#ifndef P1_APDU_H
#define P1_APDU_H

#include "asn1/ber.h"
#include "mhs/envelope.h"

#define P1_ENVELOPE_MAX (4u << 20) /* octets, unless the caller says less */
/* Elements one inside the other, the APDU the first, without an EXTERNAL around
 * it: unless the caller says otherwise; and what the BER gate can do. */
#define P1_APDU_DEPTH 64
#define P1_APDU_DEPTH_LEAST 16
#define P1_APDU_DEPTH_MOST 120

/* Each returns 0, or a negative code that stops the splitter, and may be
 * NULL. */
struct p1_apdu_ops {
	/* The envelope of a message or probe, before any content; of a report
	 * at its end (its fields may stand after the returned content). */
	int (*envelope)(void *arg, struct mhs_envelope *env, struct err *e);
	/* Octets of the message's content or the report's returned content. */
	int (*content)(void *arg, const uint8_t *p, size_t n, struct err *e);
};

struct p1_apdu;
/* max_envelope 0: P1_ENVELOPE_MAX. */
struct p1_apdu *p1_apdu_new(
    uint64_t max_envelope, const struct p1_apdu_ops *ops, void *arg);
/* An APDU nested deeper than this (0: P1_APDU_DEPTH) is over the limit: its
 * envelope, if it can be read all the same, is there, and p1_apdu_over() tells.
 * Deeper than P1_APDU_DEPTH_MOST, or where no envelope is, it is ERR_LIMIT. */
void p1_apdu_limit_depth(struct p1_apdu *s, unsigned max);
/* Names of domains and local identifiers may be longer than X.411 has it; not
 * so of one that was not set so. */
void p1_apdu_set_lenient(struct p1_apdu *s, bool lenient);
#define P1_DOMAIN_NAME_MAX 16 /* ub-domain-name-length */
#define P1_LOCAL_ID_MAX 32    /* ub-local-id-length */
void p1_apdu_free(struct p1_apdu **s);
/* Forgets everything; ready for another APDU. */
void p1_apdu_reset(struct p1_apdu *s);

/* Takes all octets. ERR_SYNTAX, ERR_LIMIT, or what a callback returned; offsets
 * count from the APDU's first octet. After an error only reset and free. */
int p1_apdu_feed(struct p1_apdu *s, const uint8_t *p, size_t n, struct err *e)
    __attribute__((warn_unused_result));
/* The octets are over: ERR_SYNTAX when the APDU is not complete. */
int p1_apdu_end(struct p1_apdu *s, struct err *e)
    __attribute__((warn_unused_result));
/* NULL before it is decoded. Lives in the splitter's arena. */
struct mhs_envelope *p1_apdu_envelope(struct p1_apdu *s);
/* What of it was over our limits, so that it is not to be taken on; NULL:
 * nothing. Lives until the next reset. */
const struct err *p1_apdu_over(const struct p1_apdu *s);
/* The arena of the envelope becomes the caller's. */
struct arena *p1_apdu_take(struct p1_apdu *s);

/* What a peer wants other than X.411 (1988 and later) has it. */
struct p1_dialect {
	bool old_extensions; /* extension types as [0] explicit INTEGER */
};
/* Appends the octets before and after a content of content_n octets. For a
 * report without returned content, and a probe, content_n is 0. `dialect` may
 * be NULL. */
int p1_apdu_write(const struct mhs_envelope *env, uint64_t content_n,
    const struct p1_dialect *dialect, struct buf *head, struct buf *tail,
    struct err *e) __attribute__((warn_unused_result));

#endif
