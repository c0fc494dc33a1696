#include "smtp/submission.h"

#include <string.h>
#include <strings.h>

static void
end_header(struct smtp_fixup *f, const struct smtp_fixup_ops *ops, void *arg)
{
	f->state = FIXUP_BODY;
	ops->missing(arg, !f->date, !f->message_id);
}

/* The line is no field: it is the body's, and an empty line is owed to it. */
static void
end_at_text(struct smtp_fixup *f, const struct smtp_fixup_ops *ops, void *arg)
{
	end_header(f, ops, arg);
	ops->write(arg, "\r\n", 2);
	if (f->n > 0)
		ops->write(arg, f->name, f->n);
}

static bool
is_name(const struct smtp_fixup *f, const char *name)
{
	size_t n = f->n;

	while (n > 0 && (f->name[n - 1] == ' ' || f->name[n - 1] == '\t'))
		n--;
	return n == strlen(name) && strncasecmp(f->name, name, n) == 0;
}

/* One octet of what may be a field's name. Returns octets used. */
static size_t
name_octet(struct smtp_fixup *f, const struct smtp_fixup_ops *ops, void *arg,
    uint8_t c)
{
	if (c == ':' && f->n > 0) {
		f->date |= is_name(f, "Date");
		f->message_id |= is_name(f, "Message-ID");
		ops->write(arg, f->name, f->n);
		f->state = FIXUP_VALUE;
		return 0;
	}
	if (((c <= 32 || c > 126) && c != ' ' && c != '\t') || c == ':' ||
	    f->n == sizeof(f->name)) {
		end_at_text(f, ops, arg);
		return 0;
	}
	f->name[f->n++] = (char)c;
	return 1;
}

static size_t
line_start(struct smtp_fixup *f, const struct smtp_fixup_ops *ops, void *arg,
    uint8_t c)
{
	f->n = 0;
	if (c == '\r')
		end_header(f, ops, arg);
	else
		f->state = c == ' ' || c == '\t' ? FIXUP_VALUE : FIXUP_NAME;
	return 0;
}

static size_t
value(struct smtp_fixup *f, const struct smtp_fixup_ops *ops, void *arg,
    const uint8_t *p, size_t n)
{
	const uint8_t *lf = memchr(p, '\n', n);
	size_t used = lf != NULL ? (size_t)(lf - p) + 1 : n;

	ops->write(arg, p, used);
	if (lf != NULL)
		f->state = FIXUP_LINE_START;
	return used;
}

void
smtp_fixup(struct smtp_fixup *f, const struct smtp_fixup_ops *ops, void *arg,
    const uint8_t *p, size_t n)
{
	for (size_t used; n > 0; p += used, n -= used)
		switch (f->state) {
		case FIXUP_LINE_START:
			used = line_start(f, ops, arg, *p);
			break;
		case FIXUP_NAME: used = name_octet(f, ops, arg, *p); break;
		case FIXUP_VALUE: used = value(f, ops, arg, p, n); break;
		default:
			ops->write(arg, p, n);
			used = n;
			break;
		}
}

void
smtp_fixup_end(
    struct smtp_fixup *f, const struct smtp_fixup_ops *ops, void *arg)
{
	if (f->state == FIXUP_NAME)
		end_at_text(f, ops, arg);
	else if (f->state != FIXUP_BODY)
		end_header(f, ops, arg);
}
