/*
 * The store: message records on disk (put, commit, read, scan).
 *
 * Records are appended to preallocated segments, each written by one process;
 * a commit thread shares one fdatasync among all records that wait. A record is
 * {header, packed envelope, content}; contents above a threshold have a
 * file of their own. The id of a record says where it is: segment number and
 * place within it. Layout and crash argument: docs/QUEUE.md.
 */
#ifndef QMGR_SPOOL_H
#define QMGR_SPOOL_H

#include "lib/loop.h"
#include "mhs/envelope.h"

struct q_io;
struct q_segment_news;

typedef uint64_t q_id; /* 0: none; as text "%016llx" */

#define Q_ID_TEXT 20
const char *q_id_text(q_id id, char out[Q_ID_TEXT]);
int q_id_parse(const char *text, q_id *out);

struct q_spool_params {
	const char *directory;
	uint64_t segment_size;           /* octets */
	uint64_t content_file_threshold; /* octets */
	uint64_t low_water;    /* least free octets on the file system: below it
	                     * q_put_begin() gives ERR_TEMPORARY */
	uint64_t first_number; /* files get no lower numbers (from qmgr) */
	uint64_t instance;     /* of the writing process (from qmgr) */
	const struct q_io *io; /* NULL: the system's; tests put theirs */
};

/* Makes the directories of a spool that are not there yet (mode 0700). */
int q_spool_create(const char *directory, struct err *e);

struct q_spool;
/* Opens (qmgr creates the directories first). `loop` is where commit
 * callbacks run. A spool that only reads passes NULL for it. */
struct q_spool *q_spool_open(
    const struct q_spool_params *p, struct loop *loop, struct err *e);
/* Waits for commits under way; their callbacks run before it returns. */
void q_spool_close(struct q_spool **s);
/* fn runs in the loop when a segment is finished, after the callbacks of its
 * last records. */
void q_spool_on_finished(struct q_spool *s,
    void (*fn)(void *arg, const struct q_segment_news *news), void *arg);
const char *q_spool_directory(const struct q_spool *s);
/* 0, or ERR_TEMPORARY when new mail is to be refused: less room than
 * low_water, a read-only file system, or writes that fail (qmgr/health.h). */
int q_spool_room(struct q_spool *s, struct err *e);

/* --- writing --- */

struct q_put;
/* Starts a record; content is appended in pieces; nothing is visible or
 * durable before the commit. Many may be under way at once. The envelope is
 * given at commit, because its content_length and recipients are known then.
 */
struct q_put *q_put_begin(struct q_spool *s, struct err *e);
int q_put_content(struct q_put *p, const void *data, size_t n, struct err *e);
uint64_t q_put_length(const struct q_put *p); /* octets so far */
/* The number of the file that the content went to, 0: none. */
uint64_t q_put_content_file(const struct q_put *p);
/* Hands the record to the commit thread; `done` runs in the loop once it is
 * durable (result 0, id) or has failed (negative, e). Frees p. */
typedef void q_commit_fn(void *arg, int result, q_id id, const struct err *e);
void q_put_commit(struct q_put *p, const struct mhs_envelope *env,
    q_commit_fn *done, void *arg);
void q_put_abort(struct q_put **p);

/* --- reading --- */

/* A record opened for reading: the envelope in its arena, and the content
 * mapped (valid until q_record_close()). */
struct q_record {
	q_id id;
	struct arena *arena;
	struct mhs_envelope *env;
	const uint8_t *content;
	uint64_t content_n;
	void *map; /* private */
	size_t map_n, passed;
};
/* ERR_NOT_FOUND, ERR_SYNTAX (corrupt: CRC or format), ERR_SYSTEM. */
int q_record_open(
    struct q_spool *s, q_id id, struct q_record **out, struct err *e);
void q_record_close(struct q_record **r);
/* The content's octets before `upto` were used and are not needed soon: their
 * memory may go. They can still be read, and then come from the file again. Cheap;
 * without it a large content that was sent counts as memory of the process. */
void q_record_passed(struct q_record *r, uint64_t upto);

#endif
