/*
 * What the files of the control socket (qmgr's side) share.
 *
 * A client sends one request and gets one answer. What takes long is done in
 * slices of SLICE milliseconds, between which the loop turns; a client that
 * does not read is not written for.
 */
#ifndef QMGR_CONTROL_OWN_H
#define QMGR_CONTROL_OWN_H

#include <sys/types.h>

#include "lib/arena.h"
#include "qmgr/control.h"
#include "qmgr/control_request.h"
#include "qmgr/control_row.h"
#include "qmgr/health.h"
#include "qmgr/operator.h"
#include "qmgr/qmgr_own.h"
#include "qmgr/stopped.h"

#define SLICE 2 /* ms */

struct bufferevent;

enum answer {
	ANSWER_MORE, /* call again */
	ANSWER_WAIT, /* control_wake() says when */
	ANSWER_END,
};

struct work_left; /* what an action waits for; control_act.c's */

struct client {
	struct client *next;
	struct q_control *control;
	struct bufferevent *bev;
	pid_t pid;
	uid_t uid;
	bool may_look, may_act;
	struct loop_timer *timer; /* the request must be there by then; later,
	                           * the next slice */
	struct arena *arena;      /* of the request and its answer */
	struct q_request request;
	struct buf out; /* of this slice */
	enum answer (*answer)(struct client *c);
	bool ending; /* close when all is written */
	/* what the answer keeps between slices */
	struct q_cursor *cursor;
	size_t at, stage;
	void *state;
	struct work_left *work;
};

struct q_control {
	struct qmgr *q;
	char *path;
	struct loop_listener *listener;
	struct client *clients;
	unsigned n_clients;
	int64_t started; /* wall seconds */
	struct q_stopped *stopped;
	struct table notes; /* of sched_peers: struct note */
	struct q_health health;
};

/* The answer goes on. */
void control_wake(struct client *c);
/* The last line: it is complete, or why it is refused. */
void control_refuse(struct client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Is the slice's time over? `begun`: clock_mono() of its beginning. */
bool control_slice_over(msec_t begun);

/* Are the peer and the channel of the filter there? Else it is refused. */
bool control_names_known(struct client *c);

/* control_list.c */
enum answer control_list(struct client *c);
enum answer control_show(struct client *c);
/* control_act.c */
enum answer control_act(struct client *c);
enum answer control_stop(struct client *c);
enum answer control_retry_peer(struct client *c);
/* The client is gone; what it asked for is done nevertheless. */
void control_act_forget(struct work_left **w);
/* control_status.c */
enum answer control_status(struct client *c);
void control_notes_free(struct q_control *c);

/* --- control_queue.c: what is looked up inside the queue --- */

/* Where the record with that id is now. */
q_id control_place(const struct q_queue *q, q_id id);
/* The row of a message; false: there is none. */
bool control_put_message(const struct q_queue *q, q_id id, struct buf *out);
/* Rows of some of its recipients from the number `from` on; where to go on, 0:
 * that was the last. */
size_t control_put_recipients(
    const struct q_queue *q, q_id id, size_t from, struct buf *out);
/* Which recipients of the target are on that channel, to that peer (NULL:
 * any)? false: there is no such message. */
bool control_select(struct arena *a, const struct q_queue *q,
    const struct q_request_target *t, const char *channel, const char *peer,
    struct q_op_target *to);
/* The row of the n'th configured peer; `why`: of its last error, or NULL. */
void control_put_peer(
    const struct q_queue *q, size_t n, const char *why, struct buf *out);
bool control_knows_peer(struct q_queue *q, const char *name);
/* What the notes know of it by. */
const struct sched_peer *control_peer(const struct q_queue *q, size_t n);

#endif
