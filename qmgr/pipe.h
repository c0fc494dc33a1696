/*
 * A framed socket: one end of the channel protocol, with descriptors going
 * along. Used by qmgr for each child, and by each child for qmgr.
 *
 * Output is collected and written once per turn of the loop, so that many
 * small frames cost one system call.
 */
#ifndef QMGR_PIPE_H
#define QMGR_PIPE_H

#include "lib/loop.h"
#include "qmgr/proto.h"

struct q_pipe;
struct q_pipe_ops {
	/* One frame. The arena is the frame's; fields unpacked into it are
	 * good during the call. Whatever leaves in->bad set ends the pipe. */
	void (*frame)(
	    void *arg, enum q_frame type, struct q_in *in, struct arena *a);
	/* The other side is gone, or sent nonsense (e set). Nothing more
	 * comes; the pipe is still the owner's to free. */
	void (*gone)(void *arg, const struct err *e);
};

/* The socket is the pipe's. */
struct q_pipe *q_pipe_new(
    struct loop *l, int fd, const struct q_pipe_ops *ops, void *arg);
/* Does not flush. May be called inside the callbacks. */
void q_pipe_free(struct q_pipe **p);
/* Begins a frame; the caller appends the fields and calls q_pipe_end(). */
struct buf *q_pipe_begin(struct q_pipe *p, enum q_frame type);
void q_pipe_end(struct q_pipe *p);
/* The frame under way takes this descriptor along (it is duplicated). */
void q_pipe_attach(struct q_pipe *p, int fd);
/* The descriptor that came for this frame, now the caller's; -1: none. */
int q_pipe_take_fd(struct q_pipe *p);
/* Writes what waits, blocking up to `ms`. For the end of a process. False when
 * the other side may not have got all. */
bool q_pipe_flush(struct q_pipe *p, msec_t ms);

#endif
