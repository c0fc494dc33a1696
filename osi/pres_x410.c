#include "osi/pres_x410.h"

#include "osi/osi_codec.h"

#define LAYER "presentation"

static const struct {
	const char *name;
	uint32_t tag; /* of the APDU of RTSE */
	bool mode;    /* a mode-selector precedes */
} ppdus[] = {
    [PRES_X410_CP] = {"CP", 16, true},
    [PRES_X410_CPA] = {"CPA", 17, true},
    [PRES_X410_CPR] = {"CPR", 18, false},
    [PRES_X410_ARU] = {"ARU", 22, false},
};

static const struct ber_limits limits = {
    .max_size = OSI_PDU_MAX, .max_depth = OSI_PDU_DEPTH};

static bool
is_set(const uint8_t *p, size_t n, struct ber_tlv *set)
{
	struct ber_cursor c = ber_cursor(p, n);

	return ber_check(p, n, &limits, NULL) == (int64_t)n &&
	    ber_next(&c, set, NULL) == 1 &&
	    BER_IS(set->tag, BER_UNIVERSAL, BER_SET) && set->tag.constructed;
}

bool
pres_x410_refusal(const uint8_t *p, size_t n)
{
	struct ber_tlv set;

	return is_set(p, n, &set);
}

bool
pres_x410_connect(const uint8_t *p, size_t n)
{
	struct ber_tlv set, selector, mode;
	int64_t v;

	return is_set(p, n, &set) &&
	    ber_find(&set, BER_CONTEXT, 0, &selector, NULL) == 1 &&
	    ber_find(&selector, BER_CONTEXT, 0, &mode, NULL) == 1 &&
	    ber_integer(&mode, &v, NULL) == 0 && v == 0;
}

int
pres_x410_decode(struct arena *a, enum pres_x410_ppdu type, const uint8_t *p,
    size_t n, struct pres_values *out, struct err *e)
{
	struct ber_cursor c = ber_cursor(p, n);
	struct pres_value *v = ARENA_NEW(a, struct pres_value);
	struct ber_tlv t;
	struct buf octets = {0};

	*out = (struct pres_values){0};
	if (ber_next(&c, &t, NULL) != 1)
		return err_at(e, LAYER, ERR_SYNTAX, 0,
		    "%s: it is no whole element", ppdus[type].name);
	if (ppdus[type].mode && ber_find(&t, BER_CONTEXT, 1, &t, NULL) != 1)
		return err_at(e, LAYER, ERR_SYNTAX, n,
		    "%s without x410-mode-parameters", ppdus[type].name);
	buf_append(&octets, t.value, t.length);
	ber_wrap(&octets, 0, BER_CONTEXT, ppdus[type].tag);
	*v = (struct pres_value){
	    0, arena_memdup(a, octets.data, octets.len), octets.len};
	buf_free(&octets);
	*out = (struct pres_values){v, 1};
	return 0;
}

/* The components that our user gave. */
static int
put_components(enum pres_x410_ppdu type, const struct pres_value *v,
    struct buf *out, struct err *e)
{
	struct ber_cursor c = ber_cursor(v->p, v->n);
	struct ber_tlv t;

	if (v->context_id != 0 || ber_next(&c, &t, e) != 1 ||
	    !BER_IS(t.tag, BER_CONTEXT, ppdus[type].tag) ||
	    !t.tag.constructed || t.size != v->n)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "%s of X.410 mode carries one value with tag [%u]",
		    ppdus[type].name, ppdus[type].tag);
	buf_append(out, t.value, t.length);
	return 0;
}

static void
put_mode(struct buf *out)
{
	size_t from = out->len;

	ber_put_integer(out, BER_CONTEXT, 0, 0);
	ber_wrap(out, from, BER_CONTEXT, 0);
}

int
pres_x410_encode(enum pres_x410_ppdu type, const struct pres_values *v,
    struct buf *out, struct err *e)
{
	size_t set = out->len, parameters;
	int rc;

	if (v->n > 1)
		return err_set(
		    e, LAYER, ERR_PROTOCOL, "%zu values in X.410 mode", v->n);
	if (ppdus[type].mode)
		put_mode(out);
	parameters = out->len;
	if (v->n == 1 && (rc = put_components(type, v->v, out, e)) < 0)
		return rc;
	if (ppdus[type].mode)
		ber_wrap(out, parameters, BER_CONTEXT, 1);
	ber_wrap(out, set, BER_UNIVERSAL, BER_SET);
	return 0;
}
