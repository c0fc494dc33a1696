#include "mixer/internal.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#define ESC 0x1b

bool
mixer_is_printable(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z') ||
			(c != '\0' && strchr(" '()+,-./:=?", c) != NULL)))
			return false;
	}
	return true;
}

bool
mixer_is_ascii(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 0x80)
			return false;
	return true;
}

/* RFC 2156 3.4: the abbreviations. */
static const struct {
	char c;
	char code;
} ps_codes[] = {
    {'@', 'a'},
    {'%', 'p'},
    {'!', 'b'},
    {'"', 'q'},
    {'_', 'u'},
    {'(', 'l'},
    {')', 'r'},
};
#define N_PS_CODES (sizeof(ps_codes) / sizeof(ps_codes[0]))

static void
ps_encode_char(struct buf *b, char c)
{
	for (size_t i = 0; i < N_PS_CODES; i++)
		if (ps_codes[i].c == c) {
			buf_printf(b, "(%c)", ps_codes[i].code);
			return;
		}
	if (mixer_is_printable(&c, 1))
		buf_putc(b, (uint8_t)c);
	else
		buf_printf(b, "(%03u)", (unsigned)(uint8_t)c & 0x7f);
}

static const char *
buf_take(struct arena *a, struct buf *b)
{
	char *s = arena_strndup(a, (const char *)b->data, b->len);

	buf_free(b);
	return s;
}

const char *
mixer_ps_encode(struct arena *a, const char *ascii)
{
	struct buf b = {0};

	for (; *ascii != '\0'; ascii++)
		ps_encode_char(&b, *ascii);
	return buf_take(a, &b);
}

static bool
ps_3digit(const char *s, char *c)
{
	unsigned v = 0;

	for (int i = 1; i <= 3; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s[i] - '0');
	}
	*c = (char)v;
	return s[4] == ')' && v > 0 && v < 128;
}

/* The character that s ("(a)...") stands for, and how long it is; 0: none. */
static size_t
ps_decode_char(const char *s, char *c)
{
	if (s[0] != '(' || s[1] == '\0')
		return 0;
	for (size_t i = 0; s[2] == ')' && i < N_PS_CODES; i++)
		if ((s[1] | 0x20) == ps_codes[i].code) {
			*c = ps_codes[i].c;
			return 3;
		}
	return ps_3digit(s, c) ? 5 : 0;
}

const char *
mixer_ps_decode(struct arena *a, const char *ps)
{
	struct buf b = {0};

	while (*ps != '\0') {
		char c;
		size_t n = ps_decode_char(ps, &c);

		buf_putc(&b, (uint8_t)(n > 0 ? c : *ps));
		ps += n > 0 ? n : 1;
	}
	return buf_take(a, &b);
}

/* Converts through iconv; returns false at what does not convert, unless
 * `subst` stands in for it (one input character is skipped). */
static bool
convert(const char *to, const char *from, bool utf8_in, const char *p, size_t n,
    struct buf *out, const char *subst, bool *exact)
{
	iconv_t cd = iconv_open(to, from);
	char *in = (char *)(uintptr_t)p;
	bool ok = cd != (iconv_t)-1;

	while (ok && n > 0) {
		char tmp[512], *o = tmp;
		size_t room = sizeof(tmp), r = iconv(cd, &in, &n, &o, &room);

		buf_append(out, tmp, sizeof(tmp) - room);
		if (r != (size_t)-1 || errno == E2BIG)
			continue;
		if (subst == NULL) {
			ok = false;
			break;
		}
		*exact = false;
		buf_puts(out, subst);
		do {
			in++;
			n--;
		} while (utf8_in && n > 0 && ((uint8_t)*in & 0xc0) == 0x80);
	}
	if (ok) {
		char tmp[64], *o = tmp;
		size_t room = sizeof(tmp);

		/* flushes what a state-dependent charset holds back */
		if (iconv(cd, NULL, NULL, &o, &room) != (size_t)-1)
			buf_append(out, tmp, sizeof(tmp) - room);
	}
	if (cd != (iconv_t)-1)
		iconv_close(cd);
	return ok;
}

char *
mixer_to_utf8(struct arena *a, const char *charset, const uint8_t *p, size_t n,
    size_t *out_n)
{
	struct buf b = {0};
	char *s = NULL;

	if (convert(
		"UTF-8", charset, false, (const char *)p, n, &b, NULL, NULL)) {
		s = arena_strndup(a, (const char *)b.data, b.len);
		*out_n = b.len;
	}
	buf_free(&b);
	return s;
}

char *
mixer_from_utf8(struct arena *a, const char *charset, const char *utf8,
    size_t n, size_t *out_n)
{
	struct buf b = {0};
	char *s = NULL;

	if (convert(charset, "UTF-8", true, utf8, n, &b, NULL, NULL)) {
		s = arena_strndup(a, (const char *)b.data, b.len);
		*out_n = b.len;
	}
	buf_free(&b);
	return s;
}

/* The escape sequence at p: its length, and which set it puts in G1. */
static size_t
t61_escape(const uint8_t *p, size_t n, bool *latin1)
{
	size_t i = 1;

	while (i < n && p[i] >= 0x20 && p[i] <= 0x2f)
		i++;
	if (i >= n)
		return n;
	if (i == 2 && (p[1] == 0x2d || p[1] == 0x29))
		*latin1 = p[1] == 0x2d && p[2] == 0x41;
	return i + 1;
}

const char *
mixer_t61_decode(struct arena *a, const uint8_t *p, size_t n)
{
	struct buf b = {0};
	bool latin1 = false, exact = true;

	while (n > 0) {
		size_t run = 0;

		if (*p == ESC) {
			run = t61_escape(p, n, &latin1);
		} else {
			while (run < n && p[run] != ESC)
				run++;
			convert("UTF-8", latin1 ? "ISO-8859-1" : "T.61-8BIT",
			    false, (const char *)p, run, &b, "?", &exact);
		}
		p += run;
		n -= run;
	}
	return buf_take(a, &b);
}

/* Length of the UTF-8 character at s (1 for what is none). */
static size_t
utf8_len(const char *s)
{
	size_t n = 1;

	while (((uint8_t)s[0] & 0x80) != 0 && n < 4 &&
	    ((uint8_t)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

struct octets
mixer_t61_encode(struct arena *a, const char *utf8, size_t max, bool *exact)
{
	/* RFC 2157 appendix C: designate ISO-IR-103 before its first use */
	static const uint8_t designate[] = {ESC, 0x29, 0x76};
	struct buf b = {0};
	bool designated = false;
	struct octets r;

	*exact = true;
	while (*utf8 != '\0') {
		struct buf one = {0};
		size_t n = utf8_len(utf8), before = b.len;

		convert("T.61-8BIT", "UTF-8", true, utf8, n, &one, "?", exact);
		if (!designated && !mixer_is_ascii(one.data, one.len))
			buf_append(&b, designate, sizeof(designate));
		designated |= !mixer_is_ascii(one.data, one.len);
		buf_append(&b, one.data, one.len);
		buf_free(&one);
		if (b.len > max) {
			b.len = before;
			*exact = false;
			break;
		}
		utf8 += n;
	}
	r = (struct octets){arena_memdup(a, b.data, b.len), b.len};
	buf_free(&b);
	return r;
}

const char *
mixer_one_line(struct arena *a, const char *s)
{
	char *r = arena_strdup(a, s), *w = r;

	for (; *s != '\0'; s++)
		if ((uint8_t)*s >= 0x20 && *s != 0x7f)
			*w++ = *s;
		else if (*s == '\t' || *s == '\n')
			*w++ = ' ';
	*w = '\0';
	return r;
}

static bool
is_dot_atom(const char *s)
{
	bool dot = true;

	for (; *s != '\0'; s++) {
		if ((uint8_t)*s <= ' ' || *s == 0x7f ||
		    strchr("()<>@,;:\\\"[]", *s) != NULL)
			return false;
		if (*s == '.' && (dot || s[1] == '\0'))
			return false;
		dot = *s == '.';
	}
	return !dot;
}

const char *
mixer_quote_local(struct arena *a, const char *s)
{
	struct buf b = {0};

	if (is_dot_atom(s))
		return arena_strdup(a, s);
	buf_putc(&b, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(&b, '\\');
		buf_putc(&b, (uint8_t)*s);
	}
	buf_putc(&b, '"');
	return buf_take(a, &b);
}

const char *
mixer_unquote(struct arena *a, const char *s)
{
	struct buf b = {0};
	bool quoted = false;

	for (; *s != '\0'; s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (*s == '\\' && quoted && s[1] != '\0')
			buf_putc(&b, (uint8_t) * ++s);
		else
			buf_putc(&b, (uint8_t)*s);
	}
	return buf_take(a, &b);
}
