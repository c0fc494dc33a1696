/*
 * How many connections come in a minute, of each client address and in all. A
 * bucket of tokens each, which holds a minute's; the table has a fixed size, and
 * of addresses that meet in one place the one that was quiet longest is
 * forgotten. Times are milliseconds that only grow.
 */
#ifndef SMTP_RATE_H
#define SMTP_RATE_H

#include <stdbool.h>

#include "lib/clock.h"

struct smtp_rates;

/* Connections a minute; 0: any number. */
struct smtp_rates *smtp_rates_new(unsigned per_client, unsigned all);
void smtp_rates_free(struct smtp_rates **r);
/* One more comes; false: that is too many, and it is not counted. */
bool smtp_rates_take(struct smtp_rates *r, const char *address, msec_t now);

#endif
