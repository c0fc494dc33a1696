#include "ops/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "asn1/dump.h"
#include "mhs/or_charset.h"
#include "mixer/ipm_print.h"

static const struct {
	const char *name;
	decode_fn *fn;
} readers[] = {
    {"tpkt", decode_tpkt}, {"session", decode_session}, {"p1", decode_p1},
    {"bind", decode_bind}, {"ipm", decode_ipm}, {"rose", decode_rose},
    {"ber", decode_ber}, /* understands all that is BER: the last */
};

#define N_READERS (sizeof(readers) / sizeof(readers[0]))

/* No other reader's input begins like a TPKT with a TPDU of class 0: where that
 * is broken, its reader tells best. */
static bool
is_tpkt(const uint8_t *p, size_t n)
{
	static const char codes[] = {
	    0x07, 0x08, 0x0d, 0x0e, 0x0f}; /* ER DR CC CR DT */

	return n >= 7 && p[0] == 3 && p[1] == 0 && p[4] >= 2 &&
	    memchr(codes, p[5] >> 4, sizeof(codes)) != NULL;
}

/* pcap in either byte order, of micro- or nanoseconds; pcapng. */
static bool
is_capture(const uint8_t *p, size_t n)
{
	static const uint8_t magic[][4] = {{0xd4, 0xc3, 0xb2, 0xa1},
	    {0xa1, 0xb2, 0xc3, 0xd4}, {0x4d, 0x3c, 0xb2, 0xa1},
	    {0xa1, 0xb2, 0x3c, 0x4d}, {0x0a, 0x0d, 0x0d, 0x0a}};

	for (size_t i = 0; n >= 4 && i < sizeof(magic) / sizeof(*magic); i++)
		if (memcmp(p, magic[i], 4) == 0)
			return true;
	return false;
}

int
decode_any(struct arena *a, const char *as, const uint8_t *p, size_t n,
    struct buf *out, struct err *e)
{
	size_t before = out->len;
	int rc = err_set(e, "decode", ERR_NOT_FOUND,
	    "\"%s\" is nothing we can read", as != NULL ? as : "");

	if (is_capture(p, n))
		return err_at(e, "decode", ERR_UNSUPPORTED, 0,
		    "this is a capture (pcap); one direction of a connection "
		    "is wanted: tshark -r FILE -q -z follow,tcp,raw,0, or "
		    "tcpflow -r FILE");
	if (as == NULL && is_tpkt(p, n))
		as = "tpkt";
	for (size_t i = 0; i < N_READERS; i++) {
		if (as != NULL ? strcmp(as, readers[i].name) != 0
			       : readers[i].fn == decode_session)
			continue; /* nothing tells a TSDU from other octets */
		out->len = before;
		rc = readers[i].fn(a, p, n, out, e);
		if (rc >= 0)
			return 0;
	}
	return rc;
}

bool
decode_knows(const char *as)
{
	for (size_t i = 0; i < N_READERS; i++)
		if (strcmp(as, readers[i].name) == 0)
			return true;
	return false;
}

int
decode_ipm(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	(void)a;
	return mixer_ipm_print(p, n, out, e);
}

int
decode_ber(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	(void)a;
	return ber_dump(p, n, out, e);
}

/* --- printing --- */

static void
indent(struct buf *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_puts(out, "  ");
}

/* One line of text as it may be shown: no octet moves the cursor. */
static void
print_shown(struct buf *out, const char *p, size_t n)
{
	while (n > 0) {
		size_t good = mhs_utf8_check(p, n);

		buf_append(out, p, good);
		p += good;
		n -= good;
		if (n > 0) {
			buf_printf(out, "\\x%02x", (unsigned char)*p);
			p++;
			n--;
		}
	}
}

void
print_line(
    struct buf *out, unsigned depth, const char *name, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	indent(out, depth);
	buf_puts(out, name);
	buf_puts(out, *name != '\0' && *text != '\0' ? ": " : "");
	print_shown(out, text, strlen(text));
	buf_putc(out, '\n');
}

void
print_block(struct buf *out, unsigned depth, const struct buf *text)
{
	const char *p = (const char *)text->data, *end = p + text->len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl != NULL ? (size_t)(nl - p) : (size_t)(end - p);

		for (unsigned i = 0; i < depth; i++)
			buf_puts(out, "  ");
		buf_append(out, p, n);
		buf_putc(out, '\n');
		p += n + 1;
	}
}

void
print_text(struct buf *out, unsigned depth, const char *p, size_t n, size_t max)
{
	size_t left = n < max ? n : max;

	while (left > 0) {
		const char *nl = memchr(p, '\n', left);
		size_t line = nl != NULL ? (size_t)(nl - p) : left;
		size_t shown =
		    line > 0 && p[line - 1] == '\r' ? line - 1 : line;

		indent(out, depth);
		buf_puts(out, "| ");
		print_shown(out, p, shown);
		buf_putc(out, '\n');
		line += nl != NULL;
		p += line;
		left -= line;
	}
	if (n > max)
		print_line(out, depth, "", "... %zu more octets", n - max);
}

void
print_octets(struct buf *out, unsigned depth, const char *name,
    const uint8_t *p, size_t n)
{
	char hex[3 * 32 + 1] = "";
	size_t shown = n < 32 ? n : 32;

	for (size_t i = 0; i < shown; i++)
		snprintf(hex + 3 * i, 4, " %02x", p[i]);
	print_line(out, depth, name, "%zu octets:%s%s", n, hex,
	    n > shown ? " ..." : "");
}
