#include "mhs/or_charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#define ESC 0x1b
#define REPLACEMENT "\xef\xbf\xbd"
#define NO_ICONV ((iconv_t)-1)

/* ISO 2022 designations that change what follows (ISO-IR registry). T.61 is
 * in force at the start of each string. */
static const struct escape {
	const char *seq; /* after ESC */
	const char *charset;
} escapes[] = {
    {"%G", "UTF-8"},
    {"%@", "T.61-8BIT"},
    {"-A", "ISO-8859-1"},
    {"-B", "ISO-8859-2"},
    {"-C", "ISO-8859-3"},
    {"-D", "ISO-8859-4"},
    {"-L", "ISO-8859-5"},
    {"-G", "ISO-8859-6"},
    {"-F", "ISO-8859-7"},
    {"-H", "ISO-8859-8"},
    {"-M", "ISO-8859-9"},
    {"-V", "ISO-8859-10"},
    {"-b", "ISO-8859-15"},
    /* G0 sets: ASCII and the primary set of T.61 change nothing for us */
    {"(B", NULL},
    {"(@", NULL},
    {"(u", NULL},
    /* the supplementary set of T.61 as G1 */
    {")v", "T.61-8BIT"},
};

bool
mhs_printable_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') ||
	    (c != '\0' && strchr(" '()+,-./:=?", c) != NULL);
}

bool
mhs_printable(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!mhs_printable_char((unsigned char)p[i]))
			return false;
	return true;
}

/* --- UTF-8 --- */

size_t
mhs_utf8_read(const char *s, size_t n, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *p = (const uint8_t *)s;
	size_t size;
	uint32_t c;

	if (p[0] < 0x80) {
		*out = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	size = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (size > n)
		return 0;
	c = p[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[size] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return size;
}

size_t
mhs_utf8_check(const char *p, size_t n)
{
	size_t i = 0, size;
	uint32_t c;

	while (i < n) {
		size = mhs_utf8_read(p + i, n - i, &c);
		if (size == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return i;
		i += size;
	}
	return n;
}

uint32_t
mhs_fold(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if (c >= 0xc0 && c <= 0xde && c != 0xd7)
		return c + 32;
	if (c == 0x178)
		return 0xff;
	/* Latin Extended-A: pairs, upper case even or odd by stretches */
	if ((c >= 0x100 && c < 0x130) || (c >= 0x132 && c < 0x138) ||
	    (c >= 0x14a && c < 0x178))
		return c | 1;
	if ((c >= 0x139 && c < 0x149) || (c >= 0x179 && c < 0x17f))
		return (c & 1) != 0 ? c + 1 : c;
	if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2)
		return c + 32;
	if (c >= 0x410 && c <= 0x42f)
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c >= 0x460 && c < 0x482)
		return c | 1;
	return c;
}

/* --- comparing --- */

/* Text read as it compares: folded, spaces collapsed. */
struct reader {
	const char *p, *end;
	bool started;
};

static struct reader
reader(const char *p, size_t n)
{
	return (struct reader){.p = p, .end = p + n};
}

/* The next character, or 0 at the end. */
static uint32_t
next(struct reader *r)
{
	bool space = false;
	uint32_t c;
	size_t n;

	while (r->p < r->end && *r->p == ' ') {
		space = true;
		r->p++;
	}
	if (r->p == r->end)
		return 0;
	if (space && r->started)
		return ' ';
	r->started = true;
	n = mhs_utf8_read(r->p, (size_t)(r->end - r->p), &c);
	if (n == 0) {
		n = 1;
		c = 0x110000u + (unsigned char)*r->p;
	}
	r->p += n;
	return mhs_fold(c);
}

bool
mhs_text_equal(const char *x, size_t xn, const char *y, size_t yn)
{
	struct reader rx = reader(x, xn), ry = reader(y, yn);
	uint32_t cx, cy;

	do {
		cx = next(&rx);
		cy = next(&ry);
	} while (cx == cy && cx != 0);
	return cx == cy;
}

/* --- T.61 --- */

/* Octets that mean the same in T.61, ASCII and UTF-8. */
static bool
plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < 0x20 || c > 0x7e || strchr("#$\\^`{}~", c) != NULL)
			return false;
	}
	return true;
}

/* An octet that its character set does not have. */
static void
put_foreign(struct buf *out, uint8_t c)
{
	if (c < 0x80) {
		buf_putc(out, c);
	} else if (c >= 0xa0) {
		buf_putc(out, 0xc0 | c >> 6);
		buf_putc(out, 0x80 | (c & 0x3f));
	} else {
		buf_puts(out, REPLACEMENT);
	}
}

/* A run without escapes. */
static void
convert(struct buf *out, const char *charset, const char *p, size_t n)
{
	char *in = (char *)(uintptr_t)p, *to;
	iconv_t cd = iconv_open("UTF-8", charset);
	size_t left = n, room;

	while (left > 0) {
		/* no character of these sets is longer than four octets */
		room = left * 4 + 8;
		to = (char *)buf_reserve(out, room);
		if (cd != NO_ICONV) {
			size_t had = room;

			iconv(cd, &in, &left, &to, &room);
			buf_grow(out, had - room);
		}
		if (left > 0) {
			put_foreign(out, (uint8_t)*in++);
			left--;
		}
	}
	/* a diacritic waiting for its letter comes out here */
	to = (char *)buf_reserve(out, 16);
	room = 16;
	if (cd != NO_ICONV) {
		iconv(cd, NULL, NULL, &to, &room);
		buf_grow(out, 16 - room);
		iconv_close(cd);
	}
}

/* The row for the escape sequence at p (behind ESC), or NULL. */
static const struct escape *
escape_find(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
		if (n >= strlen(escapes[i].seq) &&
		    memcmp(p, escapes[i].seq, strlen(escapes[i].seq)) == 0)
			return &escapes[i];
	return NULL;
}

/* The length of an escape sequence of any kind (ISO 2022: intermediate octets
 * 2x, one final octet). */
static size_t
escape_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] & 0xf0) == 0x20)
		i++;
	return i < n ? i + 1 : i;
}

static void
t61_decode(struct buf *out, const char *p, size_t n)
{
	const char *charset = "T.61-8BIT", *end = p + n, *esc;
	const struct escape *x;

	while (p < end) {
		esc = memchr(p, ESC, (size_t)(end - p));
		if (esc == NULL)
			esc = end;
		if (esc > p)
			convert(out, charset, p, (size_t)(esc - p));
		if (esc == end)
			return;
		p = esc + 1;
		x = escape_find(p, (size_t)(end - p));
		if (x != NULL && x->charset != NULL)
			charset = x->charset;
		p += escape_length(p, (size_t)(end - p));
	}
}

char *
mhs_t61_to_utf8(struct arena *a, const char *p, size_t n)
{
	struct buf b = {0};
	char *s;

	if (plain(p, n))
		return arena_strndup(a, p, n);
	t61_decode(&b, p, n);
	s = arena_strndup(a, (const char *)b.data, b.len);
	buf_free(&b);
	return s;
}

bool
mhs_utf8_to_t61(struct arena *a, const char *p, size_t n, struct octets *out)
{
	char *in = (char *)(uintptr_t)p, *to, *base;
	size_t left = n, room = 2 * n + 8;
	iconv_t cd;
	bool good;

	if (plain(p, n)) {
		*out =
		    (struct octets){(const uint8_t *)arena_strndup(a, p, n), n};
		return true;
	}
	if ((cd = iconv_open("T.61-8BIT", "UTF-8")) == NO_ICONV)
		return false;
	to = base = arena_alloc(a, room + 1);
	good = iconv(cd, &in, &left, &to, &room) != (size_t)-1 &&
	    iconv(cd, NULL, NULL, &to, &room) != (size_t)-1;
	iconv_close(cd);
	*out = (struct octets){(const uint8_t *)base, (size_t)(to - base)};
	return good && left == 0;
}
