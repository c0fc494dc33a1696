/*
 * What the files of the store (x400p1_keep*.c) share: names, locks, room.
 */
#ifndef P1_X400P1_KEEP_OWN_H
#define P1_X400P1_KEEP_OWN_H

#include "p1/x400p1_keep.h"

#define X_KEEP_NAME 256
/* Suffixes of files that have no part in the limits for what is cut off: */
#define X_KEEP_DONE "done" /* it was accepted */
#define X_KEEP_TWO "two"   /* the name is two transfers' */
#define X_KEEP_BUSY "busy" /* it is being committed */

struct x_keep {
	struct x_keep_params params;
	int dir;
};

/* One file, open and locked. */
struct x_keep_file {
	int fd;
	char peer[X_KEEP_NAME], name[X_KEEP_NAME];
};

/* PEER-DIGEST.SUFFIX, the digest being that of the key's octets. */
void x_keep_name(
    const char *peer, const struct buf *key, const char *suffix, char *out);
/* Opens and locks it; `create`: makes it when it is not there. False: not
 * there, or locked by someone else. */
bool x_keep_lock(struct x_keep *k, const char *peer, const char *name,
    bool create, struct x_keep_file *out);
/* Unlocks it; `remove`: it goes. */
void x_keep_unlock(struct x_keep *k, struct x_keep_file *f, bool remove);
/* Room for so many more octets, and `file` (0 or 1) more files, of this peer's?
 * Its own oldest ones that nobody uses go for it. */
bool x_keep_room(
    struct x_keep *k, const char *peer, unsigned file, uint64_t octets);
/* All of the octets, or ERR_SYSTEM. */
int x_keep_write(int fd, const void *p, size_t n, uint64_t at);
/* The octets read, which are n unless the file ends; -1 on error. */
int64_t x_keep_read_at(int fd, void *p, size_t n, uint64_t at);
/* A file that is not what we wrote: a log line. */
void x_keep_corrupt(const struct x_keep_file *f, const char *why);
void x_keep_failed(const struct x_keep_file *f, const char *doing);

/* The start of each file: a mark of its kind, its key, a checksum. */
void x_keep_header(const char mark[4], const struct buf *key, struct buf *out);

#endif
