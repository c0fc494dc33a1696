/*
 * Distribution lists (X.411 14.3.10; X.402 7.13): one recipient that stands
 * for others. A list is configured; who may send to it, who gets it, and who
 * hears of what fails, is said there.
 *
 * Pure functions: the list channel (list_main.c) submits what they make, and
 * submit() asks them about probes. Names in a list belong to the
 * configuration; what is made lives in the arena given, and points into the
 * envelope that it was made from.
 */
#ifndef QMGR_LIST_H
#define QMGR_LIST_H

#include "mhs/envelope.h"

/* The most lists that one message may have passed. */
#define Q_LIST_DEPTH_MAX 64

/* Who hears of what becomes of the members' copies. */
enum q_list_reports {
	Q_LIST_REPORTS_ORIGINATOR, /* passed on, back along the lists */
	Q_LIST_REPORTS_OWNER,
	Q_LIST_REPORTS_NONE,
};

/* Who may send to a list: by one of these. */
struct q_list_permit {
	const struct mhs_or *prefix; /* O/R addresses below this */
	const char *mailbox;
	const char *domain; /* "a.example", ".a.example", "*" */
	bool member;        /* whoever is on the list */
};

struct q_list {
	struct mhs_name name; /* has an O/R address, may have a mailbox */
	struct mhs_name owner;
	enum q_list_reports reports;
	struct q_list_permit *permits; /* none: everybody may */
	size_t n_permits;
	struct mhs_name *members;
	size_t n_members;
};

enum q_list_verdict {
	Q_LIST_GOOD,
	Q_LIST_LOOP,    /* it was expanded here before: nothing to be done, and
	              * nobody to be told (X.402 7.13) */
	Q_LIST_REFUSED, /* the diagnostic says why */
};

/* May this message or probe be expanded for recipient `r`? `*diagnostic` is
 * one of X.411's when it is refused; the reason is unable-to-transfer. */
enum q_list_verdict q_list_judge(struct arena *a, const struct q_list *l,
    const struct mhs_envelope *env, const struct mhs_recipient *r,
    int32_t *diagnostic);

/* The message for the members, without those that its originator exempts: there
 * may be no recipient left. Its content is the same. NULL when the names
 * of its history cannot be carried (dl-expansion-failure). */
struct mhs_envelope *q_list_expand(struct arena *a, const struct q_list *l,
    const struct mhs_envelope *env, const struct mhs_recipient *r, int64_t now,
    struct err *e);

/* A report about members' copies, sent on by the list's policy: back to where
 * the message came from, or to the owner. NULL when nobody is to have it; *why
 * says why. */
struct mhs_envelope *q_list_report(struct arena *a, const struct q_list *l,
    const struct mhs_envelope *report, const char **why, struct err *e);

#endif
