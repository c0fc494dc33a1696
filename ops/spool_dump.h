/*
 * isthmus spool dump: one message of the spool, with all that is on disk of
 * it. Reads files only; no qmgr is asked.
 */
#ifndef OPS_SPOOL_DUMP_H
#define OPS_SPOOL_DUMP_H

#include "qmgr/spool.h"

/* As text for a person, or as one JSON object. */
int spool_dump(
    const char *spool, q_id id, bool json, struct buf *out, struct err *e);

/* A JSON string, quotes included; octets that are no text are escaped one by
 * one (U+0080 to U+00FF stand for themselves as octets). */
void spool_json_text(const void *p, size_t n, struct buf *out);

#endif
