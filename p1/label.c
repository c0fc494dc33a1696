#include "p1/label.h"

#include <stdlib.h>
#include <string.h>

#include "p1/ext.h"

#define LAYER "p1"
#define CLASSIFICATION_MAX 256 /* ub-integer-options */

struct label {
	const char *policy; /* dotted, "" none */
	int64_t classification;
	bool has_classification, has_categories;
};

struct p1_labels {
	struct label *v;
	size_t n;
	struct octets octets;
};

static const char *const classifications[] = {"unmarked", "unclassified",
    "restricted", "confidential", "secret", "top-secret"};

#define N_CLASSIFICATIONS (sizeof(classifications) / sizeof(*classifications))

/* --- text --- */

static int
parse_classification(const char *text, int64_t *out, struct err *e)
{
	char *end;
	unsigned long n;

	for (size_t i = 0; i < N_CLASSIFICATIONS; i++)
		if (strcmp(text, classifications[i]) == 0) {
			*out = (int64_t)i;
			return 0;
		}
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' ||
	    n > CLASSIFICATION_MAX)
		return err_set(e, LAYER, ERR_CONFIG,
		    "\"%s\" is no security classification", text);
	*out = (int64_t)n;
	return 0;
}

static int
parse_label(char *text, struct label *l, struct buf *out, struct err *e)
{
	char *colon = strrchr(text, ':');
	size_t from = out->len;
	struct buf oid = {0};
	int r;

	if (colon == NULL)
		return err_set(e, LAYER, ERR_CONFIG,
		    "\"%s\" is not POLICY:CLASSIFICATION", text);
	*colon = '\0';
	l->policy = text;
	l->has_classification = true;
	r = parse_classification(colon + 1, &l->classification, e);
	if (r >= 0)
		r = ber_oid_put(&oid, text, e);
	if (r >= 0) {
		ber_put_integer(
		    out, BER_UNIVERSAL, BER_INTEGER, l->classification);
		ber_put(out, BER_UNIVERSAL, BER_OID, oid.data, oid.len);
		ber_wrap(out, from, BER_UNIVERSAL, BER_SET);
	}
	buf_free(&oid);
	return r < 0 ? ERR_CONFIG : 0;
}

struct p1_labels *
p1_labels_parse(struct arena *a, const char *text, struct err *e)
{
	struct p1_labels *l = ARENA_NEW(a, struct p1_labels);
	struct buf octets = {0};
	char *rest = arena_strdup(a, text), *word, *save = NULL;
	int r = 0;

	for (word = strtok_r(rest, " ,\t\n", &save); word != NULL && r >= 0;
	     word = strtok_r(NULL, " ,\t\n", &save)) {
		struct label *new =
		    arena_push(a, &l->v, &l->n, sizeof(struct label));

		r = l->n > P1_LABELS_MAX
		    ? err_set(e, LAYER, ERR_CONFIG, "more than %d labels",
			  P1_LABELS_MAX)
		    : parse_label(word, new, &octets, e);
	}
	if (r >= 0 && l->n == 0)
		r = err_set(e, LAYER, ERR_CONFIG, "no label");
	l->octets = (struct octets){
	    arena_memdup(a, octets.data, octets.len), octets.len};
	buf_free(&octets);
	return r < 0 ? NULL : l;
}

struct octets
p1_labels_octets(const struct p1_labels *l)
{
	return l->octets;
}

/* --- what a peer asks for --- */

static int
read_label(
    struct arena *a, const struct ber_tlv *t, struct label *out, struct err *e)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv field;
	int r;

	*out = (struct label){.policy = ""};
	if (!BER_IS(t->tag, BER_UNIVERSAL, BER_SET))
		return err_set(e, LAYER, ERR_SYNTAX, "not a security-label");
	while ((r = ber_next(&c, &field, e)) == 1) {
		if (BER_IS(field.tag, BER_UNIVERSAL, BER_OID)) {
			out->policy =
			    ber_oid_text(a, field.value, field.length, e);
			if (out->policy == NULL)
				return ERR_SYNTAX;
		} else if (BER_IS(field.tag, BER_UNIVERSAL, BER_INTEGER)) {
			out->has_classification = true;
			if (ber_integer(&field, &out->classification, e) < 0)
				return ERR_SYNTAX;
		} else if (!BER_IS(field.tag, BER_UNIVERSAL,
			       BER_PRINTABLE_STRING)) {
			out->has_categories = true;
		}
	}
	return r;
}

static bool
allowed(const struct p1_labels *l, const struct label *asked)
{
	if (l == NULL || asked->has_categories || !asked->has_classification)
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].policy, asked->policy) == 0 &&
		    l->v[i].classification == asked->classification)
			return true;
	return false;
}

static int
refuse(const struct label *l, struct err *e)
{
	return err_set(e, LAYER, ERR_REFUSED, "label %s:%lld%s is not allowed",
	    l->policy[0] != '\0' ? l->policy : "(no policy)",
	    l->has_classification ? (long long)l->classification : -1LL,
	    l->has_categories ? " with categories" : "");
}

int
p1_labels_allow(
    const struct p1_labels *l, const struct octets *context, struct err *e)
{
	struct ber_cursor c = ber_cursor(context->p, context->n);
	struct arena *a = arena_new();
	struct label label;
	struct ber_tlv t;
	size_t n = 0;
	int r;

	while ((r = ber_next(&c, &t, e)) == 1) {
		r = ++n > P1_LABELS_MAX
		    ? err_set(e, LAYER, ERR_LIMIT, "more than %d labels",
			  P1_LABELS_MAX)
		    : read_label(a, &t, &label, e);
		if (r >= 0 && !allowed(l, &label))
			r = refuse(&label, e);
		if (r < 0)
			break;
	}
	arena_free(&a);
	return r;
}

/* --- what goes over the association --- */

static bool
same_label(const struct label *x, const struct label *y)
{
	return !x->has_categories && x->has_classification &&
	    !y->has_categories && y->has_classification &&
	    x->classification == y->classification &&
	    strcmp(x->policy, y->policy) == 0;
}

static int
find_label(struct arena *a, const struct octets *context,
    const struct label *wanted, struct err *e)
{
	struct ber_cursor c = ber_cursor(context->p, context->n);
	struct label label;
	struct ber_tlv t;
	int r;

	while ((r = ber_next(&c, &t, e)) == 1) {
		r = read_label(a, &t, &label, e);
		if (r < 0)
			return r;
		if (same_label(&label, wanted))
			return 0;
	}
	return r < 0 ? r : refuse(wanted, e);
}

static int
label_within(
    const struct octets *context, const struct mhs_ext *x, struct err *e)
{
	struct ber_cursor c = ber_cursor(x->value, x->n);
	struct arena *a = arena_new();
	struct label label;
	struct ber_tlv t;
	int r = ber_next(&c, &t, e);

	if (r == 0)
		r = err_set(e, LAYER, ERR_SYNTAX, "no security-label");
	if (r > 0)
		r = read_label(a, &t, &label, e);
	if (r >= 0)
		r = find_label(a, context, &label, e);
	arena_free(&a);
	return r;
}

int
p1_label_within(
    const struct octets *context, const struct mhs_exts *x, struct err *e)
{
	int r;

	for (size_t i = 0; context->n > 0 && i < x->n; i++) {
		const struct mhs_ext *label = &x->v[i];

		if (label->oid != NULL || label->type != P1_EXT_SECURITY_LABEL)
			continue;
		r = label_within(context, label, e);
		if (r < 0) {
			err_prefix(e, "message-security-label");
			return r;
		}
	}
	return 0;
}
