#include "smtp/received.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char field_name[] = "received";

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char days[7][4] = {
    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* --- finding the fields --- */

struct sink {
	void (*field)(void *arg, const char *value, size_t n);
	void *arg;
};

static void
end_field(struct smtp_header_scan *h, const struct sink *to)
{
	if (!h->in_received)
		return;
	while (h->n > 0 && (h->value[h->n - 1] == ' '))
		h->n--;
	h->value[h->n] = '\0';
	h->in_received = false;
	to->field(to->arg, h->value, h->n);
}

static void
line_start(struct smtp_header_scan *h, uint8_t c, const struct sink *to)
{
	if (c == ' ' || c == '\t') {
		h->state = h->in_received ? SCAN_VALUE : SCAN_OTHER;
		return;
	}
	end_field(h, to);
	if (c == '\r') {
		h->state = SCAN_BODY;
		return;
	}
	h->at = (c | 32) == 'r' ? 1 : 0;
	h->state = h->at > 0 ? SCAN_NAME : SCAN_OTHER;
}

static void
begin_value(struct smtp_header_scan *h)
{
	h->in_received = true;
	h->n = 0;
	h->state = SCAN_VALUE;
}

static void
name(struct smtp_header_scan *h, uint8_t c)
{
	if (field_name[h->at] != '\0' && (c | 32) == field_name[h->at])
		h->at++;
	else if (field_name[h->at] == '\0' && c == ':')
		begin_value(h);
	else if (field_name[h->at] == '\0' && (c == ' ' || c == '\t'))
		h->state = SCAN_SPACE;
	else
		h->state = SCAN_OTHER;
}

/* White space of all kinds, line ends too, becomes one space. */
static void
value(struct smtp_header_scan *h, uint8_t c)
{
	bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';

	if (space && (h->n == 0 || h->value[h->n - 1] == ' '))
		return;
	if (h->n < SMTP_RECEIVED_MAX)
		h->value[h->n++] = space ? ' '
		    : c >= 32 && c < 127 ? (char)c
					 : '?';
}

void
smtp_header_scan(struct smtp_header_scan *h, const uint8_t *p, size_t n,
    void (*field)(void *arg, const char *value, size_t n), void *arg)
{
	struct sink to = {field, arg};

	for (size_t i = 0; i < n && h->state != SCAN_BODY; i++) {
		switch (h->state) {
		case SCAN_LINE_START: line_start(h, p[i], &to); break;
		case SCAN_NAME: name(h, p[i]); break;
		case SCAN_SPACE:
			if (p[i] == ':')
				begin_value(h);
			else if (p[i] != ' ' && p[i] != '\t')
				h->state = SCAN_OTHER;
			break;
		case SCAN_VALUE: value(h, p[i]); break;
		case SCAN_OTHER:
		case SCAN_BODY: break;
		}
		if (p[i] == '\n')
			h->state = SCAN_LINE_START;
	}
}

/* --- reading one --- */

void
smtp_received_by(const char *text, char *out, size_t size)
{
	const char *p = text;
	size_t n = 0;

	while (p != NULL && strncasecmp(p, "by ", 3) != 0) {
		p = strchr(p, ' ');
		p = p != NULL ? p + 1 : NULL;
	}
	if (p != NULL) {
		p += 3;
		n = strcspn(p, " ;()");
	}
	if (n >= size)
		n = 0;
	memcpy(out, p != NULL ? p : "", n);
	out[n] = '\0';
}

/* "+0130": seconds east; zone names: 0. */
static long
zone_offset(const char *zone)
{
	int hours, minutes;

	if ((zone[0] != '+' && zone[0] != '-') ||
	    sscanf(zone + 1, "%2d%2d", &hours, &minutes) != 2)
		return 0;
	return (hours * 3600L + minutes * 60L) * (zone[0] == '-' ? -1 : 1);
}

int
smtp_date_parse(const char *s, int64_t *out)
{
	const char *comma = strchr(s, ',');
	struct tm tm = {0};
	char month[4], zone[8] = "";
	int used = 0;

	if (comma != NULL)
		s = comma + 1;
	if (sscanf(s, " %2d %3s %4d %2d:%2d%n", &tm.tm_mday, month, &tm.tm_year,
		&tm.tm_hour, &tm.tm_min, &used) != 5)
		return -1;
	s += used;
	if (*s == ':' && sscanf(s, ":%2d%n", &tm.tm_sec, &used) == 1)
		s += used;
	(void)sscanf(s, " %7s", zone);
	for (tm.tm_mon = 0; tm.tm_mon < 12; tm.tm_mon++)
		if (strcasecmp(month, months[tm.tm_mon]) == 0)
			break;
	if (tm.tm_mon == 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 ||
	    tm.tm_year < 0 || tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0)
		return -1;
	/* RFC 5322 4.3: two and three digits */
	if (tm.tm_year < 50)
		tm.tm_year += 2000;
	else if (tm.tm_year < 1000)
		tm.tm_year += 1900;
	if (tm.tm_year < 1900)
		return -1;
	tm.tm_year -= 1900;
	*out = (int64_t)timegm(&tm) - zone_offset(zone);
	return 0;
}

int64_t
smtp_received_time(const char *text)
{
	const char *semicolon = strrchr(text, ';');
	int64_t t;

	if (semicolon == NULL || smtp_date_parse(semicolon + 1, &t) < 0)
		return 0;
	return t;
}

char *
smtp_date_format(int64_t wall, char out[SMTP_DATE_TEXT])
{
	time_t t = (time_t)wall;
	struct tm tm;

	gmtime_r(&t, &tm);
	snprintf(out, SMTP_DATE_TEXT, "%s, %d %s %d %02d:%02d:%02d +0000",
	    days[tm.tm_wday % 7], tm.tm_mday, months[tm.tm_mon % 12],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return out;
}
