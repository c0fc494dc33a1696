#include "lib/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"

#define LINE_MAX_OCTETS 2048

static struct {
	char program[32];
	enum log_level min;
	bool to_syslog;
} conf = {"isthmus", LOG_LEVEL_INFO, false};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const int syslog_levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};

struct line {
	char text[LINE_MAX_OCTETS];
	size_t n;
};

void
log_init(const char *program, enum log_level min, bool to_syslog)
{
	snprintf(conf.program, sizeof(conf.program), "%s", program);
	conf.min = min;
	conf.to_syslog = to_syslog;
	if (to_syslog)
		openlog(conf.program, LOG_PID, LOG_MAIL);
}

void
log_set_level(enum log_level min)
{
	conf.min = min;
}

bool
log_enabled(enum log_level level)
{
	return level >= conf.min;
}

int
log_level_parse(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (strcmp(name, level_names[i]) == 0)
			return i;
	return -1;
}

static void
put(struct line *l, char c)
{
	if (l->n < sizeof(l->text) - 2)
		l->text[l->n++] = c;
}

static void
put_text(struct line *l, const char *s)
{
	while (*s != '\0')
		put(l, *s++);
}

static bool
is_plain(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s >= 0x7f || *s == '"' || *s == '\\' ||
		    *s == '=')
			return false;
	return true;
}

static void
put_value(struct line *l, const char *s)
{
	static const char hex[] = "0123456789abcdef";

	if (is_plain(s)) {
		put_text(l, s);
		return;
	}
	put(l, '"');
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\') {
			put(l, '\\');
			put(l, (char)c);
		} else if (c < ' ' || c >= 0x7f) {
			put_text(l, "\\x");
			put(l, hex[c >> 4]);
			put(l, hex[c & 15]);
		} else {
			put(l, (char)c);
		}
	}
	put(l, '"');
}

static void
put_pairs(struct line *l, va_list ap)
{
	const char *key, *value;

	while ((key = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		if (value == NULL)
			continue;
		put(l, ' ');
		put_text(l, key);
		put(l, '=');
		put_value(l, value);
	}
}

static void
begin(struct line *l, enum log_level level, const char *event)
{
	struct timespec ts;
	struct tm tm;
	char head[96];

	l->n = 0;
	if (!conf.to_syslog) {
		clock_gettime(CLOCK_REALTIME, &ts);
		gmtime_r(&ts.tv_sec, &tm);
		snprintf(head, sizeof(head),
		    "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %-5s %s[%d]: ",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000,
		    level_names[level], conf.program, (int)getpid());
		put_text(l, head);
	}
	put_text(l, event);
}

static void
end(struct line *l, enum log_level level)
{
	ssize_t ignored;

	if (conf.to_syslog) {
		l->text[l->n] = '\0';
		syslog(syslog_levels[level], "%s", l->text);
		return;
	}
	/* one write per line, so that lines of several processes never mix */
	l->text[l->n++] = '\n';
	ignored = write(STDERR_FILENO, l->text, l->n);
	(void)ignored;
}

void
log_event(enum log_level level, const char *event, ...)
{
	struct line l;
	va_list ap;

	if (!log_enabled(level))
		return;
	begin(&l, level, event);
	va_start(ap, event);
	put_pairs(&l, ap);
	va_end(ap);
	end(&l, level);
}

void
log_err(enum log_level level, const char *event, const struct err *e, ...)
{
	struct line l;
	va_list ap;

	if (!log_enabled(level))
		return;
	begin(&l, level, event);
	va_start(ap, e);
	put_pairs(&l, ap);
	va_end(ap);
	if (e->layer != NULL) {
		put_text(&l, " layer=");
		put_value(&l, e->layer);
	}
	put_text(&l, " code=");
	put_text(&l, err_code_name(e->code));
	if (e->offset != ERR_NO_OFFSET) {
		put_text(&l, " octet=");
		put_text(&l, log_u64(e->offset));
	}
	put_text(&l, " reason=");
	put_value(&l, e->text);
	end(&l, level);
}

void
log_text(enum log_level level, const char *event, const char *fmt, ...)
{
	char text[LINE_MAX_OCTETS];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_event(level, event, "text", text, NULL);
}

void
log_die(const char *fmt, ...)
{
	struct line l;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	begin(&l, LOG_LEVEL_ERROR, "fatal");
	put_text(&l, " reason=");
	put_value(&l, text);
	end(&l, LOG_LEVEL_ERROR);
	abort();
}

const char *
log_u64(unsigned long long v)
{
	static _Thread_local char ring[10][24];
	static _Thread_local unsigned next;
	char *s = ring[next++ % 10];

	snprintf(s, sizeof(ring[0]), "%llu", v);
	return s;
}
