/*
 * Received fields (RFC 5321 4.4): finding those of a message while its header
 * streams by, and reading the host and time out of one. Bounded: of a field no
 * more than SMTP_RECEIVED_MAX octets are kept.
 */
#ifndef SMTP_RECEIVED_H
#define SMTP_RECEIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMTP_RECEIVED_MAX 1000

struct smtp_header_scan {
	enum {
		SCAN_LINE_START,
		SCAN_NAME,  /* octets of "Received:" matched so far: `at` */
		SCAN_SPACE, /* between "Received" and its colon */
		SCAN_VALUE, /* inside a Received field */
		SCAN_OTHER, /* inside another field */
		SCAN_BODY,  /* the header section is over */
	} state;
	size_t at;
	bool in_received; /* a folded line would belong to one */
	char value[SMTP_RECEIVED_MAX + 1]; /* unfolded, no line ends */
	size_t n;
};

/* Takes content as it comes (lines end with CR LF). Calls `field` with the
 * unfolded value of each Received field, from the top of the message down. */
void smtp_header_scan(struct smtp_header_scan *h, const uint8_t *p, size_t n,
    void (*field)(void *arg, const char *value, size_t n), void *arg);

/* The host after "by" in a Received field, into out; "" when there is none. */
void smtp_received_by(const char *value, char *out, size_t size);
/* The time after the last ";", in Unix seconds; 0 when it cannot be read. */
int64_t smtp_received_time(const char *value);

/* RFC 5322 3.3 date-time: 0, or -1 when it is none. Obsolete zone names are
 * taken as UTC. */
int smtp_date_parse(const char *s, int64_t *out);
/* "Sat, 21 Nov 2026 23:52:12 +0000" */
#define SMTP_DATE_TEXT 40
char *smtp_date_format(int64_t wall, char out[SMTP_DATE_TEXT]);

#endif
