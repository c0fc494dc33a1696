#include "mixer/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OID_GENERAL_TEXT_CS "1.0.10021.7.1.0"

/* BuiltInEncodedInformationTypes: RFC 2156 5.3.3.1's names by bit. */
static const struct {
	unsigned bit;
	const char *name;
} builtins[] = {
    {0, "Undefined"},
    {1, "Telex"},
    {2, "IA5-Text"},
    {3, "G3-Fax"},
    {4, "TIF0"},
    {5, "Teletex"},
    {6, "Videotex"},
    {7, "Voice"},
    {8, "SFD"},
    {9, "TIF1"},
};
#define N_BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

/* The bit that a basic body part stands for. */
static const struct {
	int32_t part;
	unsigned bit;
} part_bits[] = {
    {IPM_IA5_TEXT, 2},
    {IPM_VOICE, 7},
    {IPM_G3_FACSIMILE, 3},
    {IPM_G4_CLASS1, 4},
    {IPM_TELETEX, 5},
    {IPM_VIDEOTEX, 6},
    {IPM_NATIONALLY_DEFINED, 0},
    {IPM_ENCRYPTED, 0},
    {IPM_MIXED_MODE, 9},
    {IPM_BILATERALLY_DEFINED, 0},
};

void
mixer_eits_add_oid(struct arena *a, struct mixer_eits *t, const char *oid)
{
	for (size_t i = 0; i < t->n_oids; i++)
		if (strcmp(t->oids[i], oid) == 0)
			return;
	*(const char **)arena_push(a, &t->oids, &t->n_oids, sizeof(oid)) = oid;
}

/* Always there, if need be empty: X.411 of 1988 had it mandatory. */
static void
put_builtin(struct buf *b, uint32_t bits)
{
	uint8_t v[3] = {0};
	unsigned n = 0; /* bits up to the last one set */

	for (unsigned i = 0; i < 16; i++)
		if (bits & (1u << i)) {
			v[1 + i / 8] |= (uint8_t)(0x80 >> (i % 8));
			n = i + 1;
		}
	v[0] = (uint8_t)((8 - n % 8) % 8);
	ber_put(b, BER_CONTEXT, 0, v, 1 + (n + 7) / 8);
}

struct octets
mixer_eits_encode(struct arena *a, const struct mixer_eits *t)
{
	struct buf b = {0}, oid = {0};
	struct octets o;
	size_t from;

	put_builtin(&b, t->builtin);
	from = b.len;
	for (size_t i = 0; i < t->n_oids; i++) {
		buf_clear(&oid);
		if (ber_oid_put(&oid, t->oids[i], NULL) == 0)
			ber_put(&b, BER_UNIVERSAL, BER_OID, oid.data, oid.len);
	}
	if (b.len > from)
		ber_wrap(&b, from, BER_CONTEXT, 4);
	ber_wrap(&b, 0, BER_APPLICATION, 5);
	o = (struct octets){arena_memdup(a, b.data, b.len), b.len};
	buf_free(&b);
	buf_free(&oid);
	return o;
}

int
mixer_eits_decode(struct arena *a, const uint8_t *p, size_t n,
    struct mixer_eits *out, struct err *e)
{
	struct ber_cursor c = ber_cursor(p, n);
	struct ber_tlv t, x, oid;
	const char *text;
	int r;

	*out = (struct mixer_eits){0};
	if (p == NULL || n == 0)
		return 0;
	if ((r = ber_next(&c, &t, e)) != 1 || !t.tag.constructed)
		return r < 0 ? r : ERR_SYNTAX;
	if (ber_find(&t, BER_CONTEXT, 0, &x, e) == 1)
		for (size_t i = 0; i < 16 && 1 + i / 8 < x.length; i++)
			if (x.value[1 + i / 8] & (0x80 >> (i % 8)))
				out->builtin |= 1u << i;
	if (ber_find(&t, BER_CONTEXT, 4, &x, e) != 1)
		return 0;
	c = ber_children(&x);
	while (
	    out->n_oids < MIXER_PARTS_MAX && (r = ber_next(&c, &oid, e)) == 1) {
		text = ber_oid_text(a, oid.value, oid.length, e);
		if (text == NULL)
			return ERR_SYNTAX;
		mixer_eits_add_oid(a, out, text);
	}
	return r < 0 ? r : 0;
}

const char *
mixer_eits_text(struct arena *a, const struct mixer_eits *t)
{
	const char *s = "";

	for (size_t i = 0; i < N_BUILTINS; i++)
		if (t->builtin & (1u << builtins[i].bit))
			s = arena_printf(a, "%s%s%s", s, *s != '\0' ? ", " : "",
			    builtins[i].name);
	for (size_t i = 0; i < t->n_oids; i++) {
		/* EBNF.object-identifier: (2) (6) (1) */
		const char *p = t->oids[i];

		s = arena_printf(a, "%s%s", s, *s != '\0' ? ", " : "");
		for (; *p != '\0'; p += *p == '.') {
			size_t n = strcspn(p, ".");

			s = arena_printf(a, "%s%s(%.*s)", s,
			    p != t->oids[i] ? " " : "", (int)n, p);
			p += n;
		}
	}
	return s;
}

/* "(2) (6) mhs(1)" as "2.6.1". */
static const char *
oid_from_text(struct arena *a, const char *s, size_t n)
{
	struct buf b = {0};
	const char *r;

	for (size_t i = 0; i < n; i++) {
		if (s[i] != '(')
			continue;
		if (b.len > 0)
			buf_putc(&b, '.');
		for (i++; i < n && s[i] != ')'; i++)
			if (s[i] >= '0' && s[i] <= '9')
				buf_putc(&b, (uint8_t)s[i]);
	}
	r = arena_strndup(a, (const char *)b.data, b.len);
	buf_free(&b);
	return r;
}

void
mixer_eits_parse(struct arena *a, const char *s, struct mixer_eits *out)
{
	*out = (struct mixer_eits){0};
	while (*s != '\0' && out->n_oids < MIXER_PARTS_MAX) {
		size_t n = strcspn(s, ","), sp = strspn(s, " ");
		size_t i = 0, len;

		len = n > sp ? n - sp : 0;
		while (len > 0 && s[sp + len - 1] == ' ')
			len--;
		while (i < N_BUILTINS &&
		    (strlen(builtins[i].name) != len ||
			strncasecmp(builtins[i].name, s + sp, len) != 0))
			i++;
		if (i < N_BUILTINS)
			out->builtin |= 1u << builtins[i].bit;
		else if (memchr(s + sp, '(', len) != NULL)
			mixer_eits_add_oid(
			    a, out, oid_from_text(a, s + sp, len));
		s += n + (s[n] == ',');
	}
}

static void
add_general_text(
    struct arena *a, const struct ipm_part *p, struct mixer_eits *t)
{
	struct ipm_general_text g;

	if (!ipm_general_text_get(a, p, &g))
		return;
	for (size_t i = 0; i < g.n_sets; i++)
		mixer_eits_add_oid(a, t,
		    arena_printf(a, OID_GENERAL_TEXT_CS ".%d", (int)g.sets[i]));
}

static void
add_part(struct arena *a, const struct ipm_part *p, struct mixer_eits *t)
{
	if (p->type == IPM_MESSAGE && p->message != NULL) {
		mixer_eits_of_ipm(a, p->message, t);
	} else if (p->oid != NULL &&
	    strcmp(p->oid, IPM_OID_GENERAL_TEXT) == 0) {
		add_general_text(a, p, t);
	} else if (p->oid != NULL &&
	    strcmp(p->oid, IPM_OID_FILE_TRANSFER) == 0) {
		struct ipm_ftbp f;

		/* X.420: the EIT of a file transfer body part is its
		 * application reference */
		if (ipm_ftbp_get(a, p, &f) && f.application != NULL)
			mixer_eits_add_oid(a, t, f.application);
		else
			mixer_eits_add_oid(a, t, p->oid);
	} else if (p->oid != NULL) {
		mixer_eits_add_oid(a, t, p->oid);
	}
	for (size_t i = 0; i < sizeof(part_bits) / sizeof(part_bits[0]); i++)
		if (part_bits[i].part == p->type)
			t->builtin |= 1u << part_bits[i].bit;
}

void
mixer_eits_of_ipm(struct arena *a, const struct ipm *ipm, struct mixer_eits *t)
{
	for (size_t i = 0; i < ipm->n_parts; i++)
		add_part(a, &ipm->parts[i], t);
}
