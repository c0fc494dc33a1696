/*
 * submit(): the only way into the queue, for every protocol and for internal
 * processes.
 *
 * Checks the originator, routes each recipient, plans its steps, authorizes,
 * writes one record, and tells qmgr once it is durable. The caller gives the
 * positive reply to its peer from the `done` callback, not before.
 */
#ifndef QMGR_SUBMIT_H
#define QMGR_SUBMIT_H

#include "lib/conf.h"
#include "qmgr/chan.h"
#include "qmgr/config.h"
#include "qmgr/spool.h"

struct q_submitter;

/* One per process, after the configuration came. The name ("smtpd",
 * "x400p1") is what mhs_envelope.source_channel will say. */
struct q_submitter *q_submitter_new(struct q_chan *chan,
    const struct conf_node *root, const char *name, struct err *e);
void q_submitter_free(struct q_submitter **s);
struct q_spool *q_submitter_spool(struct q_submitter *s);
const struct q_config *q_submitter_config(const struct q_submitter *s);

/* Is there a way to this recipient, after redirections? For RCPT TO and the
 * like, before any content. 0 and the peer's name (owned by the submitter), or
 * ERR_NOT_FOUND (e->detail: X.411 unrecognised-OR-name, 5.1.2), ERR_REFUSED
 * (the diagnostic, redirection-loop-detected). */
int q_submit_verify(struct q_submitter *s, const struct mhs_name *recipient,
    const char **peer, struct err *e);
/* Space and health of the spool: 0 or ERR_TEMPORARY (SMTP 452 / 451, P1
 * refuses with temporary). */
int q_submit_ready(struct q_submitter *s, struct err *e);

/* Content comes in between begin and commit, in pieces. ERR_LIMIT, with
 * e->detail content-too-long, when it is more than q_submit_limit() says: abort
 * it then. */
struct q_submission;
/* Would q_submit_commit() refuse this envelope, with our trace, as a loop? For
 * who then rejects the recipients (q_fault_reject()) and commits it all the
 * same, so that the report channel tells the originator. */
int q_submit_check_loop(
    const struct q_submitter *s, const struct mhs_envelope *env, struct err *e);
struct q_submission *q_submit_begin(struct q_submitter *s, struct err *e);
int q_submit_content(
    struct q_submission *m, const void *p, size_t n, struct err *e);
/* Who may submit, and for whom: asked at commit, before anything is written, of
 * all but versions. First for the envelope (r NULL: may this originator
 * submit here?), then for each recipient that we are responsible for, when its
 * way is known (r->peer; NULL: none). 0: yes. ERR_REFUSED with the X.411
 * diagnostic in e->detail: an envelope is refused as a whole, a recipient gets a
 * non-delivery report that says so. Who is asking (a user of SMTP AUTH, an MTS
 * user of P3) is in `arg`. Pure: called from inside q_submit_commit(). */
typedef int q_authorize_fn(void *arg, const struct mhs_envelope *env,
    const struct mhs_recipient *r, struct err *e);
/* Without it everybody may. */
void q_submit_authorize(struct q_submission *m, q_authorize_fn *fn, void *arg);
/* This submission's content has at most so many octets: a user's or a peer's own
 * limit; the lowest counts. (max-size of <smtpd> and <channel name="x400p1">
 * is held by their engines, which hear of the size before the content; max-size
 * of the <peer> that a recipient is routed to by q_direct().) */
void q_submit_limit(struct q_submission *m, uint64_t octets);

/* Directs (qmgr/direct.h) and commits. What it checks, in this order:
 * - recipients (some, at most MHS_RECIPIENTS_MAX), and the originator: there must
 *   be one, of a message or probe; a mailbox has a local part and a domain, or
 *   is the null reverse-path; an O/R address has attributes;
 * - loops and hops: below;
 * - whether it is allowed: q_submit_authorize().
 * Recipients that are named twice get one delivery and keep their numbers
 * (qmgr/duplicates.h). A deferred delivery time and a latest one go to qmgr, which
 * keeps to them; what was asked for in the envelope, for the message or for
 * one recipient, is in the record as it came. The record is written at once or
 * not at all. Recipients without a route and ones not `responsible`
 * are no error: the first get a non-delivery report, the second nothing. One that has a peer from
 * q_fault_reject() keeps it, and gets such a report, too. With
 * env->parent set and env->kind a message it is a conversion's new version:
 * recipients keep the order and number of the parent's, no new routing, and
 * qmgr is not told (the id goes into the channel's result). ERR_* at once for
 * what is wrong with the envelope (no recipients); then `done` is not called
 * and m is freed. A message that was here more than loop-visits times since it was
 * last rerouted, redirected or expanded, or that has more than hop-limit trace
 * elements, gives ERR_REFUSED with e->detail loop-detected; our elements of
 * this arrival (those at the end with the envelope's own arrival time) do not
 * count. This is the one place that looks for loops: who called reports. Otherwise `done` is called exactly once, from
 * the loop. */
int q_submit_commit(struct q_submission *m, const struct mhs_envelope *env,
    q_commit_fn *done, void *arg, struct err *e);
void q_submit_abort(struct q_submission **m);

#endif
