/*
 * Security labels of the MTA bind (X.411 8.5.9, 12.1.1.1.1.3): the
 * security-context that an initiator asks for, and the labels that a responder
 * allows. Written as "POLICY:CLASSIFICATION", a dotted object identifier and a
 * name or number ("1.3.26.1:secret"). A security-context binds: messages with
 * another label do not cross the association.
 */
#ifndef P1_LABEL_H
#define P1_LABEL_H

#include "asn1/ber.h"
#include "mhs/envelope.h"

#define P1_LABELS_MAX 256 /* ub-security-labels */

struct p1_labels;

/* Labels separated by spaces or commas; lives in `a`. NULL and ERR_CONFIG. */
struct p1_labels *p1_labels_parse(
    struct arena *a, const char *text, struct err *e);
/* The content of a SecurityContext, SET OF SecurityLabel. */
struct octets p1_labels_octets(const struct p1_labels *l);
/* Is each label of this context (its content) one of these? A privacy-mark
 * does not count; security-categories, which we do not know, are not allowed.
 * `l` NULL: none is. ERR_SYNTAX, ERR_LIMIT, ERR_REFUSED. */
int p1_labels_allow(const struct p1_labels *l, const struct octets *context,
    struct err *e) __attribute__((warn_unused_result));
/* May what has these extensions go over an association of this context (its
 * content; n == 0: none)? Its message-security-label must be one of the
 * context's, by the same comparison; what has no label may. ERR_SYNTAX,
 * ERR_REFUSED. */
int p1_label_within(const struct octets *context, const struct mhs_exts *x,
    struct err *e) __attribute__((warn_unused_result));

#endif
