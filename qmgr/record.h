/*
 * The format of what the queue writes: files of records, each with a header
 * that says where it is, and checksums over all of it. Segments (messages) and
 * journals (changes of state) have the same format.
 *
 * A file is a run of records, each starting at a multiple of Q_PLACE octets;
 * the rest of the file is zeros or, in a re-used segment, older records that
 * name another file. Integers are big-endian. The header:
 *
 *    0 magic "ISQ1"        4 version 1   5 type   6 zero (2)
 *    8 id: file number << 24 | offset / Q_PLACE
 *   16 parent: id of the record that this is a version of, or 0; MOVED: the id
 *      that the record had where it was first written
 *   24 length of the body (envelope; journal: the entries)
 *   28 salt of the file
 *   32 length of the content (8)
 *   40 number of the content file, 0: content follows the body (8)
 *   48 place up to which the file was durable when this was written (4)
 *   52 CRC-32C of the content
 *   56 CRC-32C of the body
 *   60 CRC-32C of octets 0..59
 *
 * The salt is chosen for each file; a content that looks like a record does
 * not know it. `durable` tells a torn tail from damage: octets before the
 * durable place of a later record had reached the disk, so if they are wrong
 * now they were spoilt; octets after the last one belong to a write that nobody
 * was told of. Argument: docs/QUEUE.md.
 */
#ifndef QMGR_RECORD_H
#define QMGR_RECORD_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/err.h"

#define Q_PLACE 64 /* granularity of places, octets */
#define Q_PLACE_BITS 24
#define Q_HEADER 64
#define Q_FILE_MAX ((uint64_t)Q_PLACE << Q_PLACE_BITS)
#define Q_BODY_MAX (64u << 20) /* an envelope of 32767 long recipients */

enum q_record_type {
	Q_RECORD_FILE = 1,    /* the first of each file; body: q_file_info */
	Q_RECORD_MESSAGE = 2, /* body: envelope; content here or in a file */
	Q_RECORD_JOURNAL = 3, /* body: entries (qmgr/journal.h) */
	Q_RECORD_END = 4,     /* the file is finished, all before is durable */
	/* Journal: content = entries that stand for all earlier files. */
	Q_RECORD_SNAPSHOT = 5,
	Q_RECORD_MOVED = 6, /* a MESSAGE that the compactor copied */
};

struct q_header {
	enum q_record_type type;
	uint64_t id, parent;
	uint32_t body_n;
	uint32_t salt;
	uint64_t content_n;
	uint64_t content_file;
	uint32_t durable; /* place */
	uint32_t content_crc, body_crc;
};

uint64_t q_id_make(uint64_t number, uint64_t offset);
uint64_t q_id_number(uint64_t id); /* of the file */
uint64_t q_id_offset(uint64_t id); /* in it, octets */

/* Octets that a record takes in its file, padding included. */
uint64_t q_record_size(const struct q_header *h);
void q_header_pack(const struct q_header *h, uint8_t out[Q_HEADER]);
/* 0, or ERR_SYNTAX: no header (magic, checksum, lengths out of range). */
int q_header_unpack(
    struct q_header *h, const uint8_t p[Q_HEADER], struct err *e);
/* Do body and inline content (body_n + content_n octets at p) have the
 * header's checksums? */
int q_record_check(const struct q_header *h, const uint8_t *p, struct err *e);

/* Body of the first record. */
struct q_file_info {
	uint64_t instance; /* of the process that wrote it */
	int64_t created;   /* wall seconds */
};
#define Q_FILE_INFO 16
void q_file_info_pack(const struct q_file_info *i, uint8_t out[Q_FILE_INFO]);
int q_file_info_unpack(
    struct q_file_info *i, const uint8_t *p, size_t n, struct err *e);

struct q_scan_ops {
	/* A good record other than FILE and END; `p` is its body. */
	void (*record)(void *arg, const struct q_header *h, const uint8_t *p);
	/* Octets that were durable once and are no good record now; `h` is
	 * the header if that can still be read, else NULL. */
	void (*corrupt)(void *arg, const struct q_header *h, uint64_t offset,
	    uint64_t n, const char *why);
};

struct q_scan_end {
	struct q_file_info info; /* zero when it cannot be read */
	bool finished;           /* an END record closes it */
	uint64_t end;            /* offset after the last good record; of a
				  * finished file without the END */
	uint64_t records;        /* given to ops->record */
	uint64_t corrupt;        /* calls of ops->corrupt */
	uint64_t torn;           /* records begun and dropped at the tail */
};

/* Places (low bits of ids) of records in one segment; zero to begin with. */
struct q_places {
	uint32_t *v;
	size_t n, cap;
};
void q_places_add(struct q_places *p, uint64_t id);
void q_places_free(struct q_places *p);

/* Of a segment that nobody appends to any more. Places are the low bits of
 * ids, ascending in `all`; arrays are the teller's. */
struct q_segment_news {
	uint64_t number;
	uint64_t records;  /* good ones in it */
	uint64_t size;     /* octets of the file; 0: not known */
	uint64_t end;      /* offset after the last record */
	const uint32_t *v; /* loader: those that are finished */
	size_t n;
	const uint32_t *moved; /* loader: those that a copy stands for */
	size_t n_moved;
	const uint32_t *all; /* every record */
	size_t n_all;
};

/* The id by which the queue knows the record: its place, unless it was
 * moved. */
uint64_t q_header_origin(const struct q_header *h);

/* The 16 hexadecimal digits, lower case, of an id or a file's number; what
 * follows them is not looked at. */
bool q_hex_parse(const char *text, uint64_t *out);

/* Goes over a whole file (n octets, mapped or read). Never fails: what is not
 * good is either torn or corrupt. */
void q_scan(const uint8_t *p, uint64_t n, uint64_t number,
    const struct q_scan_ops *ops, void *arg, struct q_scan_end *end);

#endif
