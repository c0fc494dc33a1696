/*
 * Message transfer priorities of the Internet (RFC 6710) and the six levels of
 * the queue: how a priority is written, and which level it means under a
 * Priority Assignment Policy. A number that a policy does not name counts as the
 * next higher one that it does, or as its highest (5). Pure functions.
 */
#ifndef SMTP_PRIORITY_H
#define SMTP_PRIORITY_H

#include <stdbool.h>
#include <stddef.h>

#define SMTP_PRIORITY_MIN -9
#define SMTP_PRIORITY_MAX 9

/* The military precedences, which the queue is served by. */
enum smtp_precedence {
	SMTP_DEFERRED,
	SMTP_ROUTINE,
	SMTP_PRIORITY,
	SMTP_IMMEDIATE,
	SMTP_FLASH,
	SMTP_OVERRIDE,
};

enum smtp_priority_profile {
	SMTP_PROFILE_NONE, /* no name is given; the levels are STANAG4406's */
	SMTP_PROFILE_MIXER,
	SMTP_PROFILE_STANAG4406,
	SMTP_PROFILE_NSEP,
};

/* RFC 6710 7, priority-value: all of s. */
bool smtp_priority_parse(const char *s, size_t n, int *out);
/* The value of an MT-Priority field (RFC 6758 4), with its comments. */
bool smtp_priority_field(const char *s, size_t n, int *out);
enum smtp_precedence smtp_priority_level(
    enum smtp_priority_profile p, int priority);
/* After MT-PRIORITY in the reply to EHLO; "" for none. */
const char *smtp_priority_profile_name(enum smtp_priority_profile p);
/* -1: no such name; "none" is one. */
int smtp_priority_profile_parse(const char *name);

#endif
