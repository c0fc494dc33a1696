#include "smtp/datetime.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "lib/err.h"

#define DATE_TIME 19 /* octets of "2026-11-22T07:30:00" */
#define OFFSET 6     /* of "+01:30" */

/* Text like the pattern, where "d" is any digit; a letter has no case. */
static bool
looks_like(const char *s, const char *pattern)
{
	for (; *pattern != '\0'; s++, pattern++)
		if (*pattern == 'd' ? *s < '0' || *s > '9'
				    : *s != *pattern && *s != (*pattern | 32))
			return false;
	return true;
}

static int
number(const char *s, size_t digits)
{
	int n = 0;

	while (digits-- > 0)
		n = n * 10 + (*s++ - '0');
	return n;
}

static bool
in_range(const struct tm *tm)
{
	static const int days[] = {
	    31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = tm->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return year >= 1900 && tm->tm_mon >= 0 && tm->tm_mon < 12 &&
	    tm->tm_mday >= 1 && tm->tm_mday <= days[tm->tm_mon] &&
	    (leap || tm->tm_mon != 1 || tm->tm_mday < 29) && tm->tm_hour < 24 &&
	    tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* "Z", "+hh:mm" or "-hh:mm" at the end: seconds east. */
static int
parse_offset(const char *s, size_t n, int *out)
{
	*out = 0;
	if (n == 1 && looks_like(s, "Z"))
		return 0;
	if (n != OFFSET ||
	    (!looks_like(s, "+dd:dd") && !looks_like(s, "-dd:dd")) ||
	    number(s + 1, 2) > 23 || number(s + 4, 2) > 59)
		return ERR_SYNTAX;
	*out = number(s + 1, 2) * 3600 + number(s + 4, 2) * 60;
	if (*s == '-')
		*out = -*out;
	return 0;
}

int
smtp_datetime_parse(const char *s, size_t n, int64_t *out)
{
	struct tm tm = {0};
	int east;

	if (n <= DATE_TIME || !looks_like(s, "dddd-dd-ddTdd:dd:dd") ||
	    parse_offset(s + DATE_TIME, n - DATE_TIME, &east) < 0)
		return ERR_SYNTAX;
	tm.tm_year = number(s, 4) - 1900;
	tm.tm_mon = number(s + 5, 2) - 1;
	tm.tm_mday = number(s + 8, 2);
	tm.tm_hour = number(s + 11, 2);
	tm.tm_min = number(s + 14, 2);
	tm.tm_sec = number(s + 17, 2);
	if (!in_range(&tm))
		return ERR_SYNTAX;
	*out = (int64_t)timegm(&tm) - east;
	return 0;
}
