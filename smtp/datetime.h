/*
 * The times of SMTP parameters (RFC 3339 5.6 date-time): those of HOLDUNTIL
 * (RFC 4865) and RRVS (RFC 7293 3.1). Pure; Unix seconds.
 */
#ifndef SMTP_DATETIME_H
#define SMTP_DATETIME_H

#include <stddef.h>
#include <stdint.h>

/* All of s: 0, or ERR_SYNTAX. A fraction of a second is no part of it. */
int smtp_datetime_parse(const char *s, size_t n, int64_t *out);

#endif
