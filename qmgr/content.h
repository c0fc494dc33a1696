/*
 * Files of large contents, SPOOL/contents/<number>: written while the message
 * comes in, made durable by a thread of its own, so that a large message does
 * not hold up the group commit of small ones.
 */
#ifndef QMGR_CONTENT_H
#define QMGR_CONTENT_H

#include "lib/err.h"
#include "qmgr/writer.h"

struct q_contents;
struct q_contents *q_contents_open(const char *directory, uint64_t first_number,
    const struct q_io *io, struct err *e);
/* Waits until no sync is under way. */
void q_contents_drain(struct q_contents *c);
/* Ends the thread after what waits. */
void q_contents_close(struct q_contents **c);

/* A new empty file: its descriptor, or negative. */
int q_content_create(struct q_contents *c, uint64_t *number, struct err *e);
/* Appends at `offset`; starts the way to the disk of what is complete. */
int q_content_write(struct q_contents *c, int fd, const void *p, size_t n,
    uint64_t offset, struct err *e);
void q_content_unlink(struct q_contents *c, uint64_t number);

/* From any thread: makes the file and its name durable, closes it, and then
 * calls done in the thread. The struct is the caller's until then. */
struct q_content_sync {
	struct q_content_sync *next;
	int fd;
	void (*done)(struct q_content_sync *s, int result, const struct err *e);
};
void q_content_sync(struct q_contents *c, struct q_content_sync *s);

#endif
