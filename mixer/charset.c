#include "mixer/charset.h"

#include <string.h>
#include <strings.h>

#define ESC 0x1b
#define SO 0x0e
#define SI 0x0f
/* G0 = ASCII, C1 = high controls; G1 by its final octet; LS1R */
#define ISO_8859(final) "\x1b(B\x1b-" final "\x1b!A\x1b~"

static const struct mixer_charset table[] = {
    {"us-ascii", {1, 6}, ""},
    {"iso-8859-1", {1, 6, 100}, ISO_8859("A")},
    {"iso-8859-2", {1, 6, 101}, ISO_8859("B")},
    {"iso-8859-3", {1, 6, 109}, ISO_8859("C")},
    {"iso-8859-4", {1, 6, 110}, ISO_8859("D")},
    {"iso-8859-5", {1, 6, 144}, ISO_8859("L")},
    {"iso-8859-6", {1, 6, 127}, ISO_8859("G")},
    {"iso-8859-7", {1, 6, 126}, ISO_8859("F")},
    {"iso-8859-8", {1, 6, 138}, ISO_8859("H")},
    {"iso-8859-9", {1, 6, 148}, ISO_8859("M")},
    {"utf-8", {196}, "\x1b%G"},
};
#define N (sizeof(table) / sizeof(table[0]))

const struct mixer_charset *
mixer_charset_by_name(const char *name)
{
	for (size_t i = 0; i < N; i++)
		if (strcasecmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

/* Is `set` one that says nothing about the repertoire of a row? */
static bool
neutral(int32_t set)
{
	return set == 1 || set == 2 || set == 6 || set == 77;
}

static int32_t
special(const int32_t *sets, size_t n)
{
	int32_t r = 0;

	for (size_t i = 0; i < n; i++)
		if (sets[i] != 0 && !neutral(sets[i]))
			r = r == 0 ? sets[i] : -1;
	return r;
}

const struct mixer_charset *
mixer_charset_by_sets(const struct ipm_general_text *t)
{
	int32_t s = special(t->sets, t->n_sets);

	for (size_t i = 0; i < N; i++)
		if (special(table[i].sets, 4) == s)
			return &table[i];
	return NULL;
}

bool
mixer_charset_strip(struct octets text, struct buf *out)
{
	bool body = false; /* text was seen */

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c == SO || c == SI)
			return false;
		if (c != ESC) {
			body = true;
			buf_putc(out, c);
			continue;
		}
		if (body)
			return false;
		while (i + 1 < text.n && text.p[i + 1] >= 0x20 &&
		    text.p[i + 1] <= 0x2f)
			i++;
		i++; /* the final octet */
	}
	return true;
}
