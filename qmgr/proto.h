/*
 * The channel protocol on the wire: frames over a Unix stream socket between
 * qmgr and each of its children.
 *
 * A frame is its length (4 octets, of what follows), its type (1), and its
 * fields (qmgr/wire.h). LISTEN and SERVICE bring a descriptor. Both sides pack
 * and unpack with the functions here; meaning: qmgr/chan.h.
 */
#ifndef QMGR_PROTO_H
#define QMGR_PROTO_H

#include "lib/arena.h"
#include "qmgr/chan.h"
#include "qmgr/record.h"
#include "qmgr/summary.h"
#include "qmgr/wire.h"

#define Q_PROTO_VERSION 3
#define Q_FRAME_MAX (256u << 20)

enum q_frame {
	/* qmgr to child */
	Q_FRAME_CONFIG = 1, /* q_hello, packed tree */
	Q_FRAME_LISTEN,     /* name; descriptor */
	Q_FRAME_SERVICE,    /* name; descriptor */
	Q_FRAME_WORK,       /* q_work */
	Q_FRAME_STOP,
	Q_FRAME_PING, /* answer at once: is it alive? */
	/* child to qmgr */
	Q_FRAME_READY,     /* capacity */
	Q_FRAME_RESULT,    /* q_outcomes */
	Q_FRAME_SUBMITTED, /* summary: a message, or (parent) a version */
	Q_FRAME_SEGMENT,   /* q_segment_news: it is finished */
	Q_FRAME_PONG,
	Q_FRAME_CONNECTIONS, /* q_gauges that changed */
	/* loader to qmgr */
	Q_FRAME_LOADED,    /* summary; octets of what follows that no journal
	                    * has; states as journal entries (may be none) */
	Q_FRAME_LOAD_DONE, /* all is told */
	/* compactor or loader to qmgr */
	Q_FRAME_MOVED, /* q_moved */
	Q_FRAMES
};

/* First of all. */
struct q_hello {
	const char *name;      /* of the channel or listener */
	uint64_t instance;     /* of this process */
	uint64_t first_number; /* of its segments */
	/* loader: 0, scan everything below first_number; else only the
	 * segments that this instance wrote */
	uint64_t scan_instance;
	/* compactor: the places of the records that it is to copy */
	const q_id *moves;
	size_t n_moves;
};

/* A record has a copy now, which stands for it. */
struct q_moved {
	q_id id;     /* by which the queue knows it */
	q_id parent; /* a version: of this; else 0 */
	q_id place;  /* of the copy */
};

/* Connections of a process with a peer. */
struct q_gauge {
	const char *peer;
	unsigned in, out;
};

/* Starts a frame of that type at the end of `out`; the fields follow, then
 * q_frame_end() with what this returned. */
size_t q_frame_begin(struct buf *out, enum q_frame type);
void q_frame_end(struct buf *out, size_t begun);
/* Is a whole frame at the front of the octets? Its type, with *body and *total
 * (octets to consume); 0: not yet; ERR_SYNTAX or ERR_LIMIT: never. */
int q_frame_next(const uint8_t *p, size_t n, struct q_in *body, size_t *total,
    struct err *e);

void q_hello_pack(const struct q_hello *h, struct buf *out);
void q_hello_unpack(struct q_in *in, struct arena *a, struct q_hello *h);
void q_work_pack(const struct q_work *w, struct buf *out);
void q_work_unpack(struct q_in *in, struct arena *a, struct q_work *w);
void q_outcomes_pack(const struct q_outcomes *o, struct buf *out);
void q_outcomes_unpack(struct q_in *in, struct arena *a, struct q_outcomes *o);
void q_segment_pack(const struct q_segment_news *s, struct buf *out);
void q_segment_unpack(
    struct q_in *in, struct arena *a, struct q_segment_news *s);
void q_gauges_pack(const struct q_gauge *v, size_t n, struct buf *out);
/* The array is the arena's. */
const struct q_gauge *q_gauges_unpack(
    struct q_in *in, struct arena *a, size_t *n);
void q_moved_pack(const struct q_moved *m, struct buf *out);
void q_moved_unpack(struct q_in *in, struct q_moved *m);

#endif
