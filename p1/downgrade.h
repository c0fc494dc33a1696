/*
 * What a peer of 1984 can read (X.419 Annex B; RFC 1328 for addresses): an
 * envelope without the extensions, address attributes, and values that came
 * with 1988. What can be left out is left out; recipients that cannot be
 * reached so are told, and it is the caller that reports on them.
 *
 * The rules, each a test of tests/unit/p1_downgrade.c:
 *
 *   extension, not critical               left out (histories, correlator,
 *                                         proofs, latest delivery, trace 38)
 *   extension that says "no" (a flag 0)   left out
 *   extension, critical                   fails: unable-to-downgrade; that
 *     for transfer or delivery            recipient, or all of the message
 *   unknown fields                        left out
 *   content-type 22                       stays, `content_to_p2` is set; of a
 *                                         probe: 2
 *   content-type, object identifier       fails: content-type-not-supported
 *   per-message-indicators, bits 4 to 7   left out
 *   encoded-information-types, extended   their built-in bit, or "unknown"
 *   trace: other-actions                  left out
 *   internal trace                        left out
 *   bilateral information, private domain left out
 *   directory-name                        left out; alone, it fails
 *   common-name                           DDA "Common"
 *   teletex, universal forms              left out beside a printable form;
 *                                         alone, as printable if they can be
 *   other 1988 attributes, a fifth DDA    gateway's address and DDA "X400-88",
 *                                         X400-C1 to -C3; no gateway: fails,
 *                                         unable-to-downgrade
 *   report: reasons above 2               unable-to-transfer (1)
 *   report: diagnostics above 11          left out, named in supplementary-
 *                                         information where that is empty
 *   report: type-of-MTS-user above 1      left out
 *   report: content-type, original EITs   left out
 *   report: names of its recipients       as above; if they fail, without the
 *                                         attributes that 1984 has not
 */
#ifndef P1_DOWNGRADE_H
#define P1_DOWNGRADE_H

#include "mhs/diag.h"
#include "mhs/envelope.h"

struct p1_downgrade_failure {
	size_t recipient; /* index in the envelope that was given */
	enum mhs_reason reason;
	enum mhs_diagnostic diagnostic;
	const char *text; /* for supplementary-information and the log */
};

struct p1_downgraded {
	/* For those that can be reached, in the arena; NULL: nobody is left.
	 * Of recipients we are not responsible for (they are there to be
	 * disclosed), those that 1984 cannot name are missing. */
	struct mhs_envelope *env;
	bool content_to_p2; /* the content must be P2 before it goes out */
	struct p1_downgrade_failure *failed; /* responsible ones */
	size_t n_failed;
};

/* `gateway`: the prefix of addresses that lead to this switch from 1984, or
 * NULL when there is none. `env` is not changed. Of a report that cannot be
 * brought down, failed[0] says why it is to be discarded. */
void p1_downgrade(struct arena *a, const struct mhs_envelope *env,
    const struct mhs_or *gateway, struct p1_downgraded *out);

/* An address for 1984, or NULL and ERR_UNSUPPORTED. */
struct mhs_or *p1_downgrade_or(struct arena *a, const struct mhs_or *ora,
    const struct mhs_or *gateway, struct err *e);
/* What a peer of 1984 gave (RFC 1328 3): the DDAs "Common" and, below the
 * gateway's address, "X400-88" become what they stand for. Returns `ora`
 * itself when there is nothing to do. */
struct mhs_or *p1_upgrade_or(
    struct arena *a, struct mhs_or *ora, const struct mhs_or *gateway);
/* All addresses of an envelope that such a peer sent: the originator, the
 * recipients, and those that a report is about. */
void p1_upgrade(
    struct arena *a, struct mhs_envelope *env, const struct mhs_or *gateway);

#endif
