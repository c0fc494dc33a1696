/*
 * Transfers that were cut off, on disk: what a receiver has of them, and what a
 * sender needs to go on (X.228 7.8, activity resume).
 *
 * Both are files in <spool>/transfers/, named by the peer and by a digest of
 * what identifies the transfer; a lock (flock) lets one association of one
 * process use a file. Nothing is synced: a file outlives the process, and one
 * that power loss tore has a bad checksum and counts as not there, with a log
 * line. Then the message is sent from its start, as if it had not been kept.
 *
 * The peers' names are those of the configuration, never what came over the
 * wire; a file of one peer is never found for another. Sizes are octets, times
 * wall seconds.
 */
#ifndef P1_X400P1_KEEP_H
#define P1_X400P1_KEEP_H

#include "lib/arena.h"
#include "p1/p1.h"

struct x_keep_params {
	const char *directory;            /* made when it is not there */
	unsigned max, max_per_peer;       /* files */
	uint64_t octets, octets_per_peer; /* in them */
	uint64_t low_water; /* nothing is kept when less is free */
	int64_t max_age;    /* since the last checkpoint */
};

struct x_keep;

/* ERR_SYSTEM: the directory cannot be had. */
struct x_keep *x_keep_open(const struct x_keep_params *p, struct err *e);
void x_keep_close(struct x_keep **k);
/* Removes what is too old, and not in use. */
void x_keep_clean(struct x_keep *k, int64_t now);

/* --- receiver: what struct rtse_keep asks for, per peer --- */

struct x_kept;

/* NULL: there is no room (of the peer's own, the oldest make some), or the
 * transfer is in use elsewhere. An older file of the same transfer is void. */
struct x_kept *x_kept_begin(
    struct x_keep *k, const char *peer, const struct rtse_activity *a);
/* < 0: it is not kept any longer; x_kept_end() is due. */
int x_kept_checkpoint(
    struct x_kept *f, const uint8_t *p, size_t n, uint32_t serial);
/* What was kept up to this checkpoint, and nothing behind it. Of a transfer that
 * is being committed (x_kept_claim()) also while another association has it. */
struct x_kept *x_kept_resume(struct x_keep *k, const char *peer,
    const struct rtse_activity *a, uint32_t serial, uint64_t *octets);
int64_t x_kept_read(struct x_kept *f, uint64_t offset, uint8_t *p, size_t n);
/* The file stays (`again`) or goes; f is freed. */
void x_kept_end(struct x_kept *f, bool again);
/* Instead: it was accepted, and all that stays is the knowledge of it. */
void x_kept_done(struct x_kept *f, const struct rtse_activity *a);
/* The same for one that was cut off, and became ours after that; it had this
 * checkpoint. */
void x_kept_done_late(struct x_keep *k, const char *peer,
    const struct rtse_activity *a, uint32_t serial);
/* Is that known, of one that had this checkpoint? Of each peer's transfers, as
 * many are as it may have files. */
bool x_kept_was_done(struct x_keep *k, const char *peer,
    const struct rtse_activity *a, uint32_t serial);
/* Before a transfer that is kept is committed: may it be? A claim holds until it
 * is given up, or the process dies; it is given up once x_kept_done() or
 * x_kept_done_late() was called, or the commit failed. Who `waited` for one that
 * does not end is told that it is his: twice is better than not at all. */
#define X_CLAIM_WAIT_MS (120 * 1000)
enum x_claimed {
	X_CLAIM_OURS, /* commit it. *out may be NULL all the same. */
	X_CLAIM_DONE, /* it was: accept it */
	X_CLAIM_WAIT, /* it is, for another association: ask again */
};
struct x_claim;
enum x_claimed x_kept_claim(struct x_keep *k, const char *peer,
    const struct rtse_activity *a, uint32_t serial, msec_t waited,
    struct x_claim **out) __attribute__((warn_unused_result));
void x_kept_unclaim(struct x_claim **c);
/* A new one begins under that name: nothing is known of an older one. */
void x_kept_forget(
    struct x_keep *k, const char *peer, const struct rtse_activity *a);

/* --- sender --- */

/* Which work it is of: the record and its recipients must be the same. */
struct x_cut_key {
	const char *peer;
	uint64_t record;
	const uint32_t *recipients;
	size_t n;
};

/* The state of a transfer; its file is locked while it lives. */
struct x_cut;

/* The state that an earlier attempt left, or an empty one. Never NULL: where a
 * file cannot be had, the state is in memory only. */
struct x_cut *x_cut_new(struct x_keep *k, const struct x_cut_key *key);
/* Where to go on; false: from the start. Octets are the state's own. */
bool x_cut_get(const struct x_cut *s, struct p1_resume *out);
enum p1_protocol x_cut_protocol(const struct x_cut *s);
/* A checkpoint was confirmed. The first one of an activity writes the file,
 * later ones some octets of it. */
void x_cut_set(
    struct x_cut *s, const struct p1_resume *at, enum p1_protocol protocol);
/* Is resumed now. False: that was tried often enough with no checkpoint
 * confirmed since; the state is forgotten. */
bool x_cut_try(struct x_cut *s);
/* It was sent, or cannot be resumed: anew next time. */
void x_cut_forget(struct x_cut *s);
/* Frees it; the file stays, unless it was forgotten. */
void x_cut_free(struct x_cut **s);

#endif
