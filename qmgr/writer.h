/*
 * The writer of queue files: appends records (qmgr/record.h) to a preallocated
 * file, in a thread of its own; whatever waits when a sync ends shares the next
 * one. Segments and journals are written by this.
 *
 * Measured on ext4: a commit into a file of written zeros or into a re-used
 * file takes 0.11 ms, into fallocate()d room 0.14 to 0.19 ms (each sync
 * converts extents), into a growing file 0.17 to 0.27 ms. So files are
 * written full of zeros, or taken from `recycled` when one is there, which
 * saves writing everything twice.
 *
 * A write or sync that failed is never tried again in the same file: its pages
 * may be marked clean and lost. The file is cut back to what is durable and
 * closed, the records of that batch fail with ERR_TEMPORARY, and the next
 * batch begins a new file.
 */
#ifndef QMGR_WRITER_H
#define QMGR_WRITER_H

#include <sys/types.h>

#include "qmgr/record.h"

struct statvfs;

/* The system calls that can fail in interesting ways; tests put their own.
 * One that is NULL is the system's. */
struct q_io {
	ssize_t (*pwrite)(int fd, const void *p, size_t n, off_t offset);
	int (*fdatasync)(int fd);
	int (*fsync)(int fd); /* of directories too */
	int (*open)(const char *path, int flags, mode_t mode);
	int (*ftruncate)(int fd, off_t n);
	int (*rename)(const char *from, const char *to);
	int (*unlink)(const char *path);
	int (*statvfs)(const char *path, struct statvfs *v);
};
extern const struct q_io q_io_system;
/* `io` (or NULL) with the gaps filled. */
struct q_io q_io_complete(const struct q_io *io);

/* One record to append; the caller's, untouched until `done`. */
struct q_append {
	struct q_append *next; /* the writer's */
	/* type, parent, content_file, lengths and checksums are the caller's;
	 * id, salt, durable are filled in */
	struct q_header h;
	const uint8_t *body, *content;
};

struct q_writer_params {
	const char *directory;
	const char *recycled; /* directory of files to re-use, or NULL */
	/* Directory of RESERVED files that are kept for a time when there is
	 * no room for a new one, and are filled up when there is; or NULL. */
	const char *reserve;
	const char *suffix;    /* ".seg" */
	uint64_t file_size;    /* octets */
	uint64_t first_number; /* no file gets a lower one */
	uint64_t instance;     /* of this process, for the file's header */
	const struct q_io *io; /* NULL: q_io_system */
	/* These run in the writer's thread. The batch is linked by `next`;
	 * result 0 or ERR_TEMPORARY. `finished`: nothing more comes in this
	 * file; `records` and `all` are those that were reported good. */
	void (*done)(
	    void *arg, struct q_append *batch, int result, const struct err *e);
	void (*finished)(void *arg, const struct q_segment_news *news);
	void *arg;
};

struct q_writer;
/* No file is made before the first append. */
struct q_writer *q_writer_open(const struct q_writer_params *p, struct err *e);
/* From any thread. A snapshot opens a new file, which gets its name only once
 * it is durable; it must be the only one on its way. */
void q_writer_append(struct q_writer *w, struct q_append *a);
/* Writes what waits, finishes the file, ends the thread. */
void q_writer_close(struct q_writer **w);

/* Unique numbers for files, ascending with the time (10 ms units since 1970),
 * never below *next; sets *next to the one after. */
uint64_t q_number_take(uint64_t *next);
/* "DIRECTORY/0123456789abcdef.seg" */
#define Q_NUMBER_TEXT 17
void q_number_text(uint64_t number, char out[Q_NUMBER_TEXT]);
/* The number in a file name with that suffix; false: another name. */
bool q_number_parse(const char *name, const char *suffix, uint64_t *out);
#define Q_RESERVED 2
/* Makes the entries of a directory durable. */
int q_sync_directory(const char *path, struct err *e);
/* The same with io's calls. */
int q_io_sync_directory(const struct q_io *io, const char *path, struct err *e);

#endif
