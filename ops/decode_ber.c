/*
 * Any BER as TLVs, one a line: octet, tag, length, value. Reads as far as the
 * octets make sense, so that what stands before a fault is seen.
 */
#include <stdio.h>
#include <string.h>

#include "mhs/or_charset.h"
#include "ops/decode.h"

#define VALUE_MAX 4096 /* octets of one value that are kept to be shown */

struct dump {
	struct arena *a;
	struct buf *out;
	uint64_t base; /* octet of the element under way */
	struct ber_scan *scan;
	struct ber_tag tag; /* of the innermost primitive */
	struct buf value;
	uint64_t value_n;
};

static const char *
universal_name(uint32_t number)
{
	static const char *const names[] = {
	    [BER_BOOLEAN] = "BOOLEAN",
	    [BER_INTEGER] = "INTEGER",
	    [BER_BIT_STRING] = "BIT STRING",
	    [BER_OCTET_STRING] = "OCTET STRING",
	    [BER_NULL] = "NULL",
	    [BER_OID] = "OBJECT IDENTIFIER",
	    [BER_OBJECT_DESCRIPTOR] = "ObjectDescriptor",
	    [BER_EXTERNAL] = "EXTERNAL",
	    [BER_ENUMERATED] = "ENUMERATED",
	    [BER_UTF8_STRING] = "UTF8String",
	    [BER_SEQUENCE] = "SEQUENCE",
	    [BER_SET] = "SET",
	    [BER_NUMERIC_STRING] = "NumericString",
	    [BER_PRINTABLE_STRING] = "PrintableString",
	    [BER_TELETEX_STRING] = "TeletexString",
	    [BER_VIDEOTEX_STRING] = "VideotexString",
	    [BER_IA5_STRING] = "IA5String",
	    [BER_UTC_TIME] = "UTCTime",
	    [BER_GENERALIZED_TIME] = "GeneralizedTime",
	    [BER_GRAPHIC_STRING] = "GraphicString",
	    [BER_VISIBLE_STRING] = "VisibleString",
	    [BER_GENERAL_STRING] = "GeneralString",
	    [BER_UNIVERSAL_STRING] = "UniversalString",
	    [BER_BMP_STRING] = "BMPString",
	};

	return number < sizeof(names) / sizeof(names[0]) ? names[number] : NULL;
}

static void
print_tag(struct buf *out, const struct ber_tag *t)
{
	static const char *const classes[] = {
	    "UNIVERSAL ", "APPLICATION ", "", "PRIVATE "};
	const char *name =
	    t->cls == BER_UNIVERSAL ? universal_name(t->number) : NULL;

	if (name != NULL)
		buf_puts(out, name);
	else
		buf_printf(out, "[%s%u]", classes[t->cls & 3], t->number);
}

static int
on_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct dump *d = arg;
	uint64_t at = d->base + ber_scan_offset(d->scan) - o->raw_n;

	(void)e;
	buf_printf(d->out, "%6llu ", (unsigned long long)at);
	for (unsigned i = 0; i < depth; i++)
		buf_puts(d->out, "  ");
	print_tag(d->out, &o->tag);
	if (o->length == BER_INDEFINITE)
		buf_puts(d->out, " indefinite");
	else if (o->tag.constructed || o->length > 0)
		buf_printf(d->out, " (%llu)", (unsigned long long)o->length);
	if (o->tag.constructed)
		buf_putc(d->out, '\n');
	d->tag = o->tag;
	d->value_n = 0;
	buf_clear(&d->value);
	return 0;
}

static int
on_data(void *arg, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	struct dump *d = arg;
	size_t room = VALUE_MAX - d->value.len;

	(void)depth;
	(void)e;
	buf_append(&d->value, p, n < room ? n : room);
	d->value_n += n;
	return 0;
}

/* A value that reads as text is shown as text. */
static bool
is_text(const struct dump *d)
{
	size_t n = d->value.len;

	return n > 0 && d->value_n == n &&
	    mhs_utf8_check((const char *)d->value.data, n) == n;
}

static void
print_value(struct dump *d)
{
	struct ber_tlv t = {
	    .tag = d->tag, .value = d->value.data, .length = d->value.len};
	bool universal = d->tag.cls == BER_UNIVERSAL;
	const char *oid;
	int64_t v;

	if (d->value.len == 0)
		return;
	if (universal &&
	    (d->tag.number == BER_INTEGER || d->tag.number == BER_ENUMERATED) &&
	    ber_integer(&t, &v, NULL) >= 0) {
		buf_printf(d->out, " %lld", (long long)v);
		return;
	}
	if (universal && d->tag.number == BER_OID) {
		oid = ber_oid_text(d->a, d->value.data, d->value.len, NULL);
		if (oid != NULL) {
			buf_printf(d->out, " %s", oid);
			return;
		}
	}
	if (is_text(d)) {
		buf_puts(d->out, " \"");
		buf_append(d->out, d->value.data, d->value.len);
		buf_putc(d->out, '"');
		return;
	}
	for (size_t i = 0; i < d->value.len && i < 32; i++)
		buf_printf(d->out, " %02x", d->value.data[i]);
	if (d->value_n > 32)
		buf_puts(d->out, " ...");
}

static int
on_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	struct dump *d = arg;

	(void)depth;
	(void)indefinite;
	(void)e;
	/* a constructed element had its line when it was opened */
	if (!d->tag.constructed) {
		print_value(d);
		buf_putc(d->out, '\n');
	}
	d->tag.constructed = true;
	return 0;
}

static int
dump_all(struct dump *d, const uint8_t *p, size_t n, struct err *e)
{
	int64_t used;

	for (size_t at = 0; at < n; at += (size_t)used) {
		ber_scan_reset(d->scan);
		d->base = at;
		used = ber_scan_feed(d->scan, p + at, n - at, e);
		if (used < 0) {
			if (e != NULL && e->offset != ERR_NO_OFFSET)
				e->offset += at;
			return (int)used;
		}
		if (!ber_scan_done(d->scan))
			return err_at(e, "ber", ERR_SYNTAX, n,
			    "the octets end inside an element");
	}
	return 0;
}

int
decode_ber(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	static const struct ber_scan_ops ops = {on_open, on_data, on_close};
	struct dump d = {.a = a, .out = out};
	int rc;

	d.scan = ber_scan_new(NULL, &ops, &d);
	rc = dump_all(&d, p, n, e);
	if (rc < 0 && out->len > 0 && out->data[out->len - 1] != '\n')
		buf_putc(out, '\n');
	ber_scan_free(&d.scan);
	buf_free(&d.value);
	return rc;
}
