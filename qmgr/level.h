/*
 * The six levels that the queue is served by, named as the military
 * precedences are (STANAG 4406, ACP 123): the three priorities of X.411
 * (8.2.1.1.1.8), each divided by the private extension
 * priority-level-qualifier (1.3.26.0.4406.0.8.0, low or high). A message
 * without the qualifier is the lower one of its priority. Pure functions.
 */
#ifndef QMGR_LEVEL_H
#define QMGR_LEVEL_H

#include "mhs/envelope.h"

/* Rises with urgency. */
enum q_level {
	Q_LEVEL_DEFERRED,  /* non-urgent, low */
	Q_LEVEL_ROUTINE,   /* non-urgent, high */
	Q_LEVEL_PRIORITY,  /* normal, low */
	Q_LEVEL_IMMEDIATE, /* normal, high */
	Q_LEVEL_FLASH,     /* urgent, low */
	Q_LEVEL_OVERRIDE,  /* urgent, high */
};
#define Q_LEVELS 6

#define Q_LEVEL_QUALIFIER_OID "1.3.26.0.4406.0.8.0"

enum q_level q_level_of(const struct mhs_envelope *env);
enum q_level q_level_make(enum mhs_priority priority, bool high);
enum mhs_priority q_level_priority(enum q_level level);
/* "deferred" to "override". */
const char *q_level_name(enum q_level level);
/* -1: no such name. */
int q_level_parse(const char *name);

#endif
