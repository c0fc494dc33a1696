#include "mixer/internal.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

bool
mixer_date_from_822(const char *s, struct mixer_date *out)
{
	GDateTime *d;

	if (s == NULL)
		return false;
	d = g_mime_utils_header_decode_date(s);
	if (d == NULL)
		return false;
	out->t = g_date_time_to_unix(d);
	out->offset = (int)(g_date_time_get_utc_offset(d) / 60000000);
	g_date_time_unref(d);
	return true;
}

/* `n` digits at *s as a number; -1 when they are not there. */
static int
digits(const char **s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++, ++*s) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (**s - '0');
	}
	return v;
}

static bool
offset(const char **s, int *out)
{
	int sign, h, m = 0;

	*out = 0;
	if (**s == 'Z')
		++*s;
	if (**s != '+' && **s != '-')
		return **s == '\0';
	sign = *(*s)++ == '-' ? -1 : 1;
	h = digits(s, 2);
	if (**s != '\0')
		m = digits(s, 2);
	if (h < 0 || h > 14 || m < 0 || m > 59 || **s != '\0')
		return false;
	*out = sign * (h * 60 + m);
	return true;
}

/* The rest of a time from the month on: MMDDhhmm[ss][.f][zone]. */
static bool
rest(const char *s, int year, struct mixer_date *out)
{
	struct tm tm = {.tm_year = year - 1900};

	tm.tm_mon = digits(&s, 2) - 1;
	tm.tm_mday = digits(&s, 2);
	tm.tm_hour = digits(&s, 2);
	tm.tm_min = *s >= '0' && *s <= '9' ? digits(&s, 2) : 0;
	tm.tm_sec = *s >= '0' && *s <= '9' ? digits(&s, 2) : 0;
	if (*s == '.' || *s == ',')
		for (s++; *s >= '0' && *s <= '9'; s++)
			;
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 ||
	    tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 23 ||
	    tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 ||
	    tm.tm_sec > 60 || !offset(&s, &out->offset))
		return false;
	out->t = timegm(&tm) - (int64_t)out->offset * 60;
	return true;
}

bool
mixer_date_from_utc(const char *s, struct mixer_date *out)
{
	int yy = digits(&s, 2);

	/* RFC 2156 3.3.5: two digits are 1980 to 2079 */
	return yy >= 0 && rest(s, yy + (yy < 80 ? 2000 : 1900), out);
}

bool
mixer_date_from_generalized(const char *s, struct mixer_date *out)
{
	int year = digits(&s, 4);

	return year >= 1900 && rest(s, year, out);
}

static struct tm
local_tm(const struct mixer_date *d)
{
	time_t t = (time_t)(d->t + (int64_t)d->offset * 60);
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	return tm;
}

static const char *
zone(struct arena *a, int offset_min, bool z)
{
	int m = abs(offset_min);

	if (z && m == 0)
		return "Z";
	return arena_printf(
	    a, "%c%02d%02d", offset_min < 0 ? '-' : '+', m / 60, m % 60);
}

const char *
mixer_date_822(struct arena *a, const struct mixer_date *d)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = local_tm(d);

	return arena_printf(a, "%.3s, %02d %.3s %04d %02d:%02d:%02d %s",
	    days + (size_t)tm.tm_wday * 3, tm.tm_mday,
	    months + (size_t)tm.tm_mon * 3, tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, zone(a, d->offset, false));
}

const char *
mixer_date_utc(struct arena *a, const struct mixer_date *d)
{
	struct tm tm = local_tm(d);

	return arena_printf(a, "%02d%02d%02d%02d%02d%02d%s", tm.tm_year % 100,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    zone(a, d->offset, true));
}

const char *
mixer_date_generalized(struct arena *a, const struct mixer_date *d)
{
	struct tm tm = local_tm(d);

	return arena_printf(a, "%04d%02d%02d%02d%02d%02d%s", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    zone(a, d->offset, true));
}

const char *
mixer_time_822(struct arena *a, int64_t t)
{
	return mixer_date_822(a, &(struct mixer_date){.t = t});
}
