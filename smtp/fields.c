#include "smtp/fields.h"

#include <string.h>
#include <strings.h>

static const char *const names[SMTP_FIELDS] = {
    [SMTP_FIELD_MT_PRIORITY] = "MT-Priority",
    [SMTP_FIELD_TLS_REQUIRED] = "TLS-Required",
};

static void
value(struct smtp_fields *f, uint8_t c)
{
	if (f->at != SMTP_FIELDS && c != '\r' && c != '\n' &&
	    f->v[f->at].n < SMTP_FIELD_VALUE_MAX)
		f->v[f->at].value[f->v[f->at].n++] = (char)c;
}

static void
line_start(struct smtp_fields *f, uint8_t c)
{
	if (c == ' ' || c == '\t') {
		f->state = FIELDS_VALUE;
		value(f, c);
		return;
	}
	f->at = SMTP_FIELDS;
	f->name[0] = (char)c;
	f->name_n = 1;
	f->state = c == '\r' ? FIELDS_BODY : FIELDS_NAME;
}

static void
end_name(struct smtp_fields *f)
{
	size_t n = f->name_n;

	while (n > 0 && (f->name[n - 1] == ' ' || f->name[n - 1] == '\t'))
		n--;
	f->state = FIELDS_VALUE;
	for (unsigned i = 0; i < SMTP_FIELDS; i++)
		if (strlen(names[i]) == n &&
		    strncasecmp(names[i], f->name, n) == 0) {
			f->at = (enum smtp_field)i;
			f->v[i].times++;
			f->v[i].n = 0;
		}
}

static void
name(struct smtp_fields *f, uint8_t c)
{
	if (c == ':')
		end_name(f);
	else if (f->name_n < sizeof(f->name))
		f->name[f->name_n++] = (char)c;
	else
		f->state = FIELDS_VALUE; /* none of ours is as long */
}

void
smtp_fields_scan(struct smtp_fields *f, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && f->state != FIELDS_BODY; i++) {
		switch (f->state) {
		case FIELDS_LINE_START: line_start(f, p[i]); break;
		case FIELDS_NAME: name(f, p[i]); break;
		case FIELDS_VALUE: value(f, p[i]); break;
		case FIELDS_BODY: break;
		}
		if (p[i] == '\n')
			f->state = FIELDS_LINE_START;
	}
}
