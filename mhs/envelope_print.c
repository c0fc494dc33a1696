#include <inttypes.h>
#include <string.h>

#include "lib/clock.h"
#include "mhs/diag.h"
#include "mhs/fields.h"

#define OCTETS_SHOWN 64

struct printer {
	struct arena *a;
	struct buf *out;
	unsigned indent;
};

static void
begin(struct printer *p, const char *name)
{
	buf_printf(p->out, "%*s%s:", (int)p->indent * 2, "", name);
}

static void
line(struct printer *p, const char *name, const char *value)
{
	begin(p, name);
	buf_putc(p->out, ' ');
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c < 0x20 || c == 0x7f)
			buf_printf(p->out, "\\x%02x", c);
		else
			buf_putc(p->out, c);
	}
	buf_putc(p->out, '\n');
}

static void
number_line(struct printer *p, const char *name, int64_t v)
{
	line(p, name, arena_printf(p->a, "%" PRId64, v));
}

static void
octets_line(struct printer *p, const char *name, const uint8_t *v, size_t n)
{
	begin(p, name);
	buf_putc(p->out, ' ');
	for (size_t i = 0; i < n && i < OCTETS_SHOWN; i++)
		buf_printf(p->out, "%02x", v[i]);
	buf_printf(
	    p->out, "%s (%zu octets)\n", n > OCTETS_SHOWN ? "..." : "", n);
}

/* Bits as words: "success,failure". */
static const char *
bits(struct arena *a, unsigned v, const char *const words[], size_t n)
{
	const char *s = "";

	for (size_t i = 0; i < n; i++)
		if ((v & 1u << i) != 0)
			s = arena_printf(
			    a, "%s%s%s", s, *s != '\0' ? "," : "", words[i]);
	if (v >> n != 0)
		s = arena_printf(
		    a, "%s%s0x%x", s, *s != '\0' ? "," : "", v >> n << n);
	return s;
}

static void
bits_line(struct printer *p, const struct mhs_field *f, unsigned v)
{
	static const char *const notify[] = {
	    "never", "success", "failure", "delay"};
	static const char *const critical[] = {
	    "submission", "transfer", "delivery"};
	static const char *const others[] = {"redirected", "dl-operation"};
	const char *s;

	if (f->show == MHS_SHOW_NOTIFY)
		s = bits(p->a, v, notify, 4);
	else if (f->show == MHS_SHOW_CRITICALITY)
		s = bits(p->a, v, critical, 3);
	else
		s = bits(p->a, v, others, 2);
	line(p, f->name, s);
}

static void
time_line(struct printer *p, const char *name, int64_t v)
{
	char text[CLOCK_TEXT];

	line(p, name, clock_format(v, text));
}

static void
show_number(struct printer *p, const struct mhs_field *f, int64_t v)
{
	if ((v == 0 && !f->always) || (v == -1 && f->absent_is_minus))
		return;
	switch (f->show) {
	case MHS_SHOW_TIME: time_line(p, f->name, v); return;
	case MHS_SHOW_WORDS:
		if (v < f->min || v > f->max)
			break;
		line(p, f->name, f->words[v - f->min]);
		return;
	case MHS_SHOW_CONTENT:
		line(p, f->name, mhs_content_name((enum mhs_content)v));
		return;
	case MHS_SHOW_REASON:
		line(p, f->name, mhs_reason_name((int32_t)v));
		return;
	case MHS_SHOW_DIAGNOSTIC:
		line(p, f->name, mhs_diagnostic_name((int32_t)v));
		return;
	case MHS_SHOW_NOTIFY:
	case MHS_SHOW_CRITICALITY:
	case MHS_SHOW_OTHER_ACTIONS: bits_line(p, f, (unsigned)v); return;
	default: break;
	}
	number_line(p, f->name, v);
}

static const char *
name_of(struct printer *p, const struct mhs_name *n)
{
	const char *ora = n->ora != NULL ? mhs_or_slash(p->a, n->ora) : NULL;

	if (n->mailbox == NULL)
		return ora;
	if (ora == NULL)
		return mhs_name_text(p->a, n);
	return arena_printf(p->a, "%s (%s)", mhs_name_text(p->a, n), ora);
}

static void
name_line(struct printer *p, const char *name, const struct mhs_name *n)
{
	const char *s = name_of(p, n);

	if (s == NULL)
		return;
	line(p, name, s);
	if (n->ora != NULL && n->ora->directory_name != NULL)
		octets_line(p, arena_printf(p->a, "%s directory-name", name),
		    n->ora->directory_name, n->ora->directory_name_n);
}

static void
domain_line(struct printer *p, const char *name, const struct mhs_domain *d)
{
	if (d->country != NULL || d->admd != NULL || d->prmd != NULL)
		line(p, name, mhs_domain_text(p->a, d));
}

static void
mts_id_line(struct printer *p, const char *name, const struct mhs_mts_id *i)
{
	const struct mhs_domain *d = &i->domain;

	if (d->country != NULL || d->admd != NULL || d->prmd != NULL ||
	    i->local != NULL)
		line(p, name, mhs_mts_id_text(p->a, i));
}

static void print_record(
    struct printer *p, const struct mhs_record *r, const uint8_t *base);

static void
show_struct(struct printer *p, const struct mhs_field *f, const uint8_t *at)
{
	switch (f->show) {
	case MHS_SHOW_NAME:
		name_line(p, f->name, (const struct mhs_name *)at);
		return;
	case MHS_SHOW_DOMAIN:
		domain_line(p, f->name, (const struct mhs_domain *)at);
		return;
	case MHS_SHOW_MTS_ID:
		mts_id_line(p, f->name, (const struct mhs_mts_id *)at);
		return;
	default: print_record(p, f->sub, at); return;
	}
}

static void
nested(struct printer *p, const char *name, const struct mhs_record *r,
    const uint8_t *at)
{
	begin(p, name);
	buf_putc(p->out, '\n');
	p->indent++;
	print_record(p, r, at);
	p->indent--;
}

static void
show_list(struct printer *p, const struct mhs_field *f, const uint8_t *base)
{
	const uint8_t *v = *(const uint8_t *const *)(base + f->offset);
	size_t n = *(const size_t *)(base + f->count);

	for (size_t i = 0; i < n; i++)
		nested(p, arena_printf(p->a, "%s %zu", f->name, i + 1), f->sub,
		    v + i * f->sub->size);
}

static void
show_octets_list(
    struct printer *p, const struct mhs_field *f, const uint8_t *base)
{
	const uint8_t *const *v =
	    *(const uint8_t *const *const *)(base + f->offset);
	const size_t *sizes = *(const size_t *const *)(base + f->sizes);
	size_t n = *(const size_t *)(base + f->count);

	for (size_t i = 0; i < n; i++)
		octets_line(p, arena_printf(p->a, "%s %zu", f->name, i + 1),
		    v[i], sizes[i]);
}

static void
show_char(struct printer *p, const char *name, unsigned char c)
{
	char text[2] = {(char)c, '\0'};

	if (c != '\0')
		line(p, name, text);
}

/* Reason and diagnostic, which only reported recipients have, are of those that
 * were not delivered to: in others their 0 is no value. */
static bool
is_moot(const struct mhs_field *f, const uint8_t *base)
{
	const struct mhs_report_recipient *r = (const void *)base;

	return (f->show == MHS_SHOW_REASON || f->show == MHS_SHOW_DIAGNOSTIC) &&
	    r->type == MHS_DELIVERED;
}

static void
print_field(struct printer *p, const struct mhs_field *f, const uint8_t *base)
{
	const uint8_t *at = base + f->offset;
	const void *pointer;

	if (is_moot(f, base))
		return;
	switch (f->kind) {
	case MHS_FIELD_BOOL:
		if (*(const bool *)at)
			line(p, f->name, "yes");
		return;
	case MHS_FIELD_U8: show_number(p, f, *at); return;
	case MHS_FIELD_CHAR: show_char(p, f->name, *at); return;
	case MHS_FIELD_ENUM: show_number(p, f, *(const int *)at); return;
	case MHS_FIELD_I32: show_number(p, f, *(const int32_t *)at); return;
	case MHS_FIELD_I64: show_number(p, f, *(const int64_t *)at); return;
	case MHS_FIELD_ID:
		if (*(const uint64_t *)at != 0)
			line(p, f->name,
			    arena_printf(
				p->a, "%016" PRIx64, *(const uint64_t *)at));
		return;
	case MHS_FIELD_U64:
		if (*(const uint64_t *)at != 0)
			line(p, f->name,
			    arena_printf(
				p->a, "%" PRIu64, *(const uint64_t *)at));
		return;
	case MHS_FIELD_TEXT:
		pointer = *(const void *const *)at;
		if (pointer != NULL)
			line(p, f->name, pointer);
		return;
	case MHS_FIELD_OCTETS:
		pointer = *(const void *const *)at;
		if (pointer != NULL)
			octets_line(p, f->name, pointer,
			    *(const size_t *)(base + f->count));
		return;
	case MHS_FIELD_OCTETS_LIST: show_octets_list(p, f, base); return;
	case MHS_FIELD_STRUCT: show_struct(p, f, at); return;
	case MHS_FIELD_POINTER:
		pointer = *(const void *const *)at;
		if (pointer != NULL)
			nested(p, f->name, f->sub, pointer);
		return;
	case MHS_FIELD_LIST: show_list(p, f, base); return;
	}
}

static void
print_record(struct printer *p, const struct mhs_record *r, const uint8_t *base)
{
	for (size_t i = 0; i < r->n; i++)
		print_field(p, &r->fields[i], base);
}

void
mhs_envelope_print(const struct mhs_envelope *env, struct buf *out)
{
	struct printer p = {.a = arena_new(), .out = out};

	print_record(&p, &mhs_envelope_record, (const uint8_t *)env);
	arena_free(&p.a);
}
