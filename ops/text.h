/*
 * Text from outside, made safe for a terminal or for JSON. It is taken for
 * UTF-8; what is no UTF-8 is shown as U+FFFD, and a control character (C0, DEL,
 * C1) can neither move the cursor nor end a line. Pure.
 */
#ifndef OPS_TEXT_H
#define OPS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "qmgr/control_row.h"

/* Control characters become "?". */
void text_safe(struct buf *out, const char *s);
/* The same, but ends of lines and tabs stay: for texts of many lines. */
void text_safe_lines(struct buf *out, const char *p, size_t n);
/* A JSON string, with its quotes; NULL: null. */
void text_json(struct buf *out, const char *s);
/* "name":value of each field, separated by commas, without braces. */
void text_json_row(struct buf *out, const struct q_row *row);

/* "12s", "5m", "3h", "2d": the two digits that matter. */
#define TEXT_AGE 24
const char *text_age(int64_t seconds, char out[TEXT_AGE]);
/* "2026-11-22T08:00:00Z" */
#define TEXT_TIME 32
const char *text_time(int64_t wall, char out[TEXT_TIME]);
/* "12.5 MiB" */
#define TEXT_SIZE 24
const char *text_size(uint64_t octets, char out[TEXT_SIZE]);

#endif
