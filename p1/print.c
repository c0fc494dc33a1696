#include "p1/print.h"

#include <string.h>

#include "p1/apdu.h"
#include "p1/envelope_codec.h"
#include "p1/ext.h"
#include "p1/field_codec.h"

#define VALUE_SHOWN_MAX 64 /* octets of an extension's value in hexadecimal */

/* --- encoded information types --- */

/* BuiltInEncodedInformationTypes, X.411 8.5.6 */
static const char *const builtin_eits[] = {"unknown", "telex", "ia5-text",
    "g3-facsimile", "g4-class-1", "teletex", "videotex", "voice", "sfd",
    "mixed-mode"};
#define BUILTINS (sizeof(builtin_eits) / sizeof(builtin_eits[0]))

static void
add_word(struct buf *b, const char *word)
{
	if (b->len > 0)
		buf_puts(b, ", ");
	buf_puts(b, word);
}

static void
add_builtin(struct arena *a, const struct ber_tlv *t, struct buf *b)
{
	struct octets bits;

	if (ber_string(a, t, &bits, NULL) < 0)
		return;
	for (size_t i = 0; i < BUILTINS && 1 + i / 8 < bits.n; i++)
		if (bits.p[1 + i / 8] & 0x80 >> i % 8)
			add_word(b, builtin_eits[i]);
}

static void
add_extended(struct arena *a, const struct ber_tlv *set, struct buf *b)
{
	struct ber_cursor c = ber_children(set);
	struct ber_tlv t;
	const char *oid;

	while (ber_next(&c, &t, NULL) == 1) {
		oid = ber_oid_text(a, t.value, t.length, NULL);
		add_word(b, oid != NULL ? oid : "?");
	}
}

const char *
p1_eits_text(struct arena *a, const uint8_t *p, size_t n)
{
	struct ber_cursor c = ber_cursor(p, n);
	struct ber_tlv set, t;
	struct buf b = {0};
	const char *text;

	if (ber_next(&c, &set, NULL) == 1) {
		if (ber_find(&set, BER_CONTEXT, 0, &t, NULL) == 1)
			add_builtin(a, &t, &b);
		if (ber_find(&set, BER_CONTEXT, 4, &t, NULL) == 1)
			add_extended(a, &t, &b);
	}
	text =
	    b.len > 0 ? arena_strndup(a, (const char *)b.data, b.len) : "none";
	buf_free(&b);
	return text;
}

static void
put_eits(struct arena *a, struct buf *out, const char *name, const uint8_t *p,
    size_t n)
{
	if (p != NULL)
		buf_printf(out, "%s: %s\n", name, p1_eits_text(a, p, n));
}

/* --- extensions --- */

static void
put_octets(struct buf *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && i < VALUE_SHOWN_MAX; i++)
		buf_printf(out, "%02x", p[i]);
	buf_puts(out, n > VALUE_SHOWN_MAX ? "...\n" : "\n");
}

/* Fields that the model keeps as they came; of a report's content one has a
 * name (X.411 12.2.1.3.2). */
static void
put_field(struct buf *out, const char *of, const struct mhs_ext *x)
{
	bool additional = strcmp(of, "report") == 0 && x->n > 0 &&
	    (x->value[0] & 0xdf) == 0x82;

	buf_printf(out, "%s %s: ", of,
	    additional ? "additional-information" : "unknown field");
	put_octets(out, x->value, x->n);
}

static const char *
criticality(uint8_t bits)
{
	static const char *const names[] = {"", " for submission",
	    " for transfer", " for submission, transfer", " for delivery",
	    " for submission, delivery", " for transfer, delivery",
	    " for submission, transfer, delivery"};

	return names[bits & 7];
}

static void
put_exts(
    struct arena *a, struct buf *out, const char *of, const struct mhs_exts *x)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct mhs_ext *v = &x->v[i];

		if (v->type == P1_EXT_FIELD && v->oid == NULL) {
			put_field(out, of, v);
			continue;
		}
		buf_printf(out, "%s extension %s:%s%s\n", of, p1_ext_text(a, v),
		    v->criticality != 0 ? " critical" : "",
		    criticality(v->criticality));
		p1_ext_print(v, 1, out);
	}
}

static void
put_report(struct arena *a, struct buf *out, const struct mhs_report *rep)
{
	put_eits(a, out, "report original-encoded-information-types",
	    rep->original_eits, rep->original_eits_n);
	put_exts(a, out, "report", &rep->exts);
	for (size_t i = 0; i < rep->n_recipients; i++) {
		const struct mhs_report_recipient *rr = &rep->recipients[i];
		const char *of =
		    arena_printf(a, "reported-recipient %zu", i + 1);

		put_eits(a, out,
		    arena_printf(
			a, "%s converted-encoded-information-types", of),
		    rr->converted_eits, rr->converted_eits_n);
		put_exts(a, out, of, &rr->exts);
	}
}

static void
put_all(struct arena *a, struct buf *out, const struct mhs_envelope *env)
{
	buf_printf(out, "P1 MTS-APDU: %s\n", mhs_kind_name(env->kind));
	mhs_envelope_print(env, out);
	put_eits(a, out, "original-encoded-information-types",
	    env->original_eits, env->original_eits_n);
	for (size_t i = 0; i < env->n_trace; i++)
		put_eits(a, out,
		    arena_printf(a,
			"trace %zu converted-encoded-information-types", i + 1),
		    env->trace[i].converted_eits,
		    env->trace[i].converted_eits_n);
	put_exts(a, out, "message", &env->exts);
	for (size_t i = 0; i < env->n_recipients; i++)
		put_exts(a, out, arena_printf(a, "recipient %zu", i + 1),
		    &env->recipients[i].exts);
	if (env->report != NULL)
		put_report(a, out, env->report);
}

/* --- the APDU --- */

static int
on_content(void *arg, const uint8_t *p, size_t n, struct err *e)
{
	(void)e;
	buf_append(arg, p, n);
	return 0;
}

static void
free_envelope(void *arg)
{
	struct arena *a = arg;

	arena_free(&a);
}

int
p1_print(struct arena *a, const uint8_t *p, size_t n, struct buf *out,
    struct p1_printed *what, struct err *e)
{
	static const struct p1_apdu_ops ops = {.content = on_content};
	struct buf content = {0};
	struct p1_apdu *s = p1_apdu_new(0, &ops, &content);
	int r;

	p1_apdu_limit_depth(s, P1_APDU_DEPTH_MOST);
	r = p1_apdu_feed(s, p, n, e);

	if (r >= 0)
		r = p1_apdu_end(s, e);
	if (r >= 0) {
		what->env = p1_apdu_envelope(s);
		put_all(a, out, what->env);
		arena_on_free(a, free_envelope, p1_apdu_take(s));
		what->content = (struct octets){
		    arena_memdup(a, content.data, content.len), content.len};
	}
	p1_apdu_free(&s);
	buf_free(&content);
	return r < 0 ? r : 0;
}
