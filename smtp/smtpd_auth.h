/*
 * SASL's steps away from the event loop: a back end may let one wait, and a
 * password's key takes milliseconds. A step is done by one of a few threads,
 * started when the first is wanted; its result comes back in the loop.
 *
 * The pool belongs to the loop's thread, and so do exchanges but for the time
 * of a step. A step has a limit of time: one that takes longer is temporary, and
 * what the back end says later is dropped. An exchange that is given up in the
 * midst of one is freed when the step is done.
 */
#ifndef SMTP_SMTPD_AUTH_H
#define SMTP_SMTPD_AUTH_H

#include "lib/loop.h"
#include "lib/sasl.h"

struct smtpd_auth_pool;
struct smtpd_auth; /* one exchange */

/* `challenge` and `e` are valid during the call; `a` may be freed in it. */
typedef void smtpd_auth_done_fn(void *arg, struct smtpd_auth *a,
    enum sasl_result r, const struct octets *challenge, const struct err *e);

/* `limit` of a step, milliseconds from when it is asked for. */
struct smtpd_auth_pool *smtpd_auth_pool_new(
    struct loop *l, msec_t limit, smtpd_auth_done_fn *done);
void smtpd_auth_pool_limit(struct smtpd_auth_pool *p, msec_t limit);
/* Waits a few seconds for steps that are under way; frees all exchanges. False:
 * one hangs beyond help, and what it uses (the SASL service) must stay. */
bool smtpd_auth_pool_free(struct smtpd_auth_pool **p);

/* Takes `x`; copies the rest. `initial` NULL: there is none. done(arg, ...) is
 * called from the loop, for this step and each later one, until the exchange is
 * freed. */
struct smtpd_auth *smtpd_auth_start(struct smtpd_auth_pool *p,
    struct sasl_exchange *x, const char *mechanism, const uint8_t *initial,
    size_t n, void *arg);
void smtpd_auth_respond(struct smtpd_auth *a, const uint8_t *p, size_t n);
void smtpd_auth_free(struct smtpd_auth **a);
/* NULL: a step of it still hangs. */
const struct sasl_exchange *smtpd_auth_exchange(const struct smtpd_auth *a);
const char *smtpd_auth_mechanism(const struct smtpd_auth *a);

#endif
