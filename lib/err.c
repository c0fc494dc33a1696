#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
err_clear(struct err *e)
{
	if (e != NULL)
		*e = (struct err)ERR_INIT;
}

static int
set(struct err *e, const char *layer, int code, uint64_t offset,
    const char *fmt, va_list ap)
{
	if (e == NULL)
		return code;
	e->code = code;
	e->layer = layer;
	e->detail = 0;
	e->offset = offset;
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	return code;
}

int
err_set(struct err *e, const char *layer, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, layer, code, ERR_NO_OFFSET, fmt, ap);
	va_end(ap);
	return code;
}

int
err_at(struct err *e, const char *layer, int code, uint64_t offset,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, layer, code, offset, fmt, ap);
	va_end(ap);
	return code;
}

int
err_sys(struct err *e, const char *layer, const char *fmt, ...)
{
	int saved = errno;
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	set(e, layer, ERR_SYSTEM, ERR_NO_OFFSET, fmt, ap);
	va_end(ap);
	if (e != NULL) {
		e->detail = saved;
		n = strlen(e->text);
		snprintf(
		    e->text + n, sizeof(e->text) - n, ": %s", strerror(saved));
	}
	errno = saved;
	return ERR_SYSTEM;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	size_t n;
	va_list ap;

	if (e == NULL)
		return ERR_SYNTAX;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", old);
	return e->code;
}

const char *
err_code_name(int code)
{
	switch (code) {
	case ERR_OK: return "ok";
	case ERR_SYNTAX: return "syntax";
	case ERR_LIMIT: return "limit";
	case ERR_PROTOCOL: return "protocol";
	case ERR_REFUSED: return "refused";
	case ERR_NOT_FOUND: return "not-found";
	case ERR_SYSTEM: return "system";
	case ERR_UNSUPPORTED: return "unsupported";
	case ERR_TEMPORARY: return "temporary";
	case ERR_MEMORY: return "memory";
	case ERR_CONFIG: return "configuration";
	}
	return "unknown";
}
