/*
 * Reading PPDUs (X.226 8): tables of the parameters that each one has, walked
 * over the octets as they came, so that an error can say which octet of which
 * parameter is wrong and which of the standard's abort reasons that is.
 *
 * Not by asn1c: parameters that are unknown in a CP have to be passed over
 * (X.226 8.5), and its errors know neither octet nor reason.
 */
#include "osi/pres_read.h"

#include <string.h>

#include "osi/pres_x410.h"

#define LAYER "presentation"
#define MODE_NORMAL 1

/* Named bits: bit 0 is the highest of the result. Those that have no name
 * yet are passed over (X.226 8.5). */
static int
bits(struct reading *r, const struct ber_tlv *t, uint16_t *out)
{
	struct octets o;

	if (t->tag.constructed || t->length == 0 || t->value[0] > 7)
		return pres_read_invalid(r, t, "is no BIT STRING");
	o = (struct octets){t->value + 1, t->length - 1};
	*out = o.n > 0 ? (uint16_t)(o.p[0] << 8) : 0;
	if (o.n > 1)
		*out |= o.p[1];
	return 0;
}

static int
version(struct reading *r, const struct ber_tlv *t, bool *other)
{
	uint16_t v;

	if (bits(r, t, &v) < 0)
		return ERR_SYNTAX;
	*other = (v & PRES_VERSION_1) == 0;
	return 0;
}

static int
selector(struct reading *r, const struct ber_tlv *t, struct osi_sel *out)
{
	struct octets o;

	if (pres_read_string(r, t, &o) < 0)
		return ERR_SYNTAX;
	if (o.n > OSI_SEL_MAX)
		return pres_read_bad(r, t->start, ERR_LIMIT,
		    PRES_ABORT_INVALID_PARAMETER, "selector of %zu octets",
		    o.n);
	out->present = true;
	out->n = (uint8_t)o.n;
	if (o.n > 0)
		memcpy(out->v, o.p, o.n);
	return 0;
}

/* The normal-mode-parameters of CP and CPA. */
static int
normal_mode(struct reading *r, size_t n, struct ber_tlv *out)
{
	struct ber_tlv set, selector_, mode;
	int64_t v;

	if (pres_read_outermost(r, n, &set) < 0)
		return r->e != NULL ? r->e->code : ERR_SYNTAX;
	if (!BER_IS(set.tag, BER_UNIVERSAL, BER_SET) || !set.tag.constructed)
		return pres_read_unrecognized(r);
	r->parameter = "mode-selector";
	if (ber_find(&set, BER_CONTEXT, 0, &selector_, NULL) != 1)
		return pres_read_invalid(r, &set, "is missing");
	if (ber_find(&selector_, BER_CONTEXT, 0, &mode, NULL) != 1 ||
	    ber_integer(&mode, &v, NULL) < 0)
		return pres_read_invalid(r, &selector_, "has no mode-value");
	if (v != MODE_NORMAL)
		return pres_read_invalid(r, &mode, "is of no known mode");
	r->parameter = "normal-mode-parameters";
	if (ber_find(&set, BER_CONTEXT, 2, out, NULL) != 1 ||
	    !out->tag.constructed)
		return pres_read_invalid(r, &set, "is missing");
	r->parameter = NULL;
	return 0;
}

/* The next of a list of contexts, when there have been n; 0 at its end. */
static int
next_context(struct reading *r, struct ber_cursor *c, size_t n,
    const char *many, const char *none, struct ber_tlv *t)
{
	if (ber_next(c, t, NULL) != 1)
		return 0;
	if (n == PRES_PROPOSALS_MAX)
		return pres_read_bad(r, t->start, ERR_LIMIT,
		    PRES_ABORT_INVALID_PARAMETER, "more than %d %s",
		    PRES_PROPOSALS_MAX, many);
	if (!BER_IS(t->tag, BER_UNIVERSAL, BER_SEQUENCE))
		return pres_read_invalid(r, t, none);
	return 1;
}

/* --- CP --- */

#define CP_FIELD(r) ((struct pres_cp *)(r)->out)

static int
cp_version(struct reading *r, const struct ber_tlv *t)
{
	return version(r, t, &CP_FIELD(r)->other_version);
}

static int
cp_calling(struct reading *r, const struct ber_tlv *t)
{
	return selector(r, t, &CP_FIELD(r)->calling);
}

static int
cp_called(struct reading *r, const struct ber_tlv *t)
{
	return selector(r, t, &CP_FIELD(r)->called);
}

/* Even ones are the responder's (X.226 8.2.1). */
static int
proposed_id(struct reading *r, const struct ber_tlv *t, int32_t *out)
{
	if (pres_read_context_id(r, t, out) < 0)
		return ERR_SYNTAX;
	if (*out % 2 == 0)
		return pres_read_bad(r, t->start, ERR_SYNTAX,
		    PRES_ABORT_INVALID_PARAMETER,
		    "context %d: an initiator's is odd", *out);
	return 0;
}

static int
proposal(
    struct reading *r, const struct ber_tlv *item, struct pres_proposal *out)
{
	struct ber_cursor c = ber_children(item), names;
	struct ber_tlv t;
	const char *syntax;

	if (pres_read_child(r, &c, item, BER_INTEGER, &t) < 0 ||
	    proposed_id(r, &t, &out->id) < 0 ||
	    pres_read_child(r, &c, item, BER_OID, &t) < 0 ||
	    pres_read_syntax_name(r, &t, &out->abstract_syntax) < 0 ||
	    pres_read_child(r, &c, item, BER_SEQUENCE, &t) < 0)
		return ERR_SYNTAX;
	names = ber_children(&t);
	while (ber_next(&names, &t, NULL) == 1) {
		if (!BER_IS(t.tag, BER_UNIVERSAL, BER_OID) ||
		    pres_read_syntax_name(r, &t, &syntax) < 0)
			return pres_read_invalid(
			    r, &t, "is no transfer syntax");
		out->ber |= strcmp(syntax, PRES_BER) == 0;
	}
	return pres_read_at_end(r, &c);
}

static int
cp_contexts(struct reading *r, const struct ber_tlv *list)
{
	struct ber_cursor c = ber_children(list);
	struct pres_proposal *v;
	struct ber_tlv t;
	size_t n = 0;
	int rc;

	if (pres_read_constructed(r, list) < 0)
		return ERR_SYNTAX;
	v = arena_alloc(r->a, PRES_PROPOSALS_MAX * sizeof(*v));
	while ((rc = next_context(r, &c, n, "contexts",
		    "is no definition of a context", &t)) == 1) {
		if (proposal(r, &t, &v[n]) < 0)
			return ERR_SYNTAX;
		for (size_t i = 0; i < n; i++)
			if (v[i].id == v[n].id)
				return pres_read_bad(r, t.start, ERR_SYNTAX,
				    PRES_ABORT_INVALID_PARAMETER,
				    "context %d proposed twice", v[n].id);
		n++;
	}
	if (rc < 0)
		return rc;
	CP_FIELD(r)->contexts = v;
	CP_FIELD(r)->n_contexts = n;
	return 0;
}

static int
cp_default(struct reading *r, const struct ber_tlv *t)
{
	struct pres_cp *cp = CP_FIELD(r);
	struct ber_cursor c = ber_children(t);
	struct ber_tlv abstract, transfer;
	const char *syntax;

	if (pres_read_constructed(r, t) < 0)
		return ERR_SYNTAX;
	if (ber_next(&c, &abstract, NULL) != 1 ||
	    !BER_IS(abstract.tag, BER_CONTEXT, 0) ||
	    ber_next(&c, &transfer, NULL) != 1 ||
	    !BER_IS(transfer.tag, BER_CONTEXT, 1))
		return pres_read_invalid(r, t, "has not its two names");
	if (pres_read_syntax_name(r, &abstract, &cp->default_context) < 0 ||
	    pres_read_syntax_name(r, &transfer, &syntax) < 0)
		return ERR_SYNTAX;
	cp->default_ber = strcmp(syntax, PRES_BER) == 0;
	return pres_read_at_end(r, &c);
}

static int
cp_requirements(struct reading *r, const struct ber_tlv *t)
{
	return bits(r, t, &CP_FIELD(r)->requirements);
}

static int
any_bits(struct reading *r, const struct ber_tlv *t)
{
	uint16_t v;

	return bits(r, t, &v);
}

static int
any_context(struct reading *r, const struct ber_tlv *t)
{
	int32_t id;

	return pres_read_context_id(r, t, &id);
}

static int
cp_user_data(struct reading *r, const struct ber_tlv *t)
{
	return pres_read_user_data(r, t, &CP_FIELD(r)->values);
}

#define USER_DATA(fn)                               \
	{BER_APPLICATION, 0, fn, "user data"},      \
	{                                           \
		BER_APPLICATION, 1, fn, "user data" \
	}

static const struct parameter cp_parameters[] = {
    {BER_CONTEXT, 0, cp_version, "protocol-version"},
    {BER_CONTEXT, 1, cp_calling, "calling-presentation-selector"},
    {BER_CONTEXT, 2, cp_called, "called-presentation-selector"},
    {BER_CONTEXT, 4, cp_contexts, "presentation-context-definition-list"},
    {BER_CONTEXT, 6, cp_default, "default-context-name"},
    {BER_CONTEXT, 8, cp_requirements, "presentation-requirements"},
    {BER_CONTEXT, 9, any_bits, "user-session-requirements"},
    {BER_CONTEXT, 11, any_bits, "protocol-options"},
    {BER_CONTEXT, 12, any_context, "initiators-nominated-context"},
    {BER_CONTEXT, 14, NULL, "extensions"},
    USER_DATA(cp_user_data),
};

int
pres_cp_decode(struct arena *a, const uint8_t *p, size_t n, struct pres_cp *out,
    struct err *e)
{
	struct reading r = {a, p, "CP", NULL, out, e};
	struct ber_tlv m;
	int rc;

	memset(out, 0, sizeof(*out));
	out->x410_mode = pres_x410_connect(p, n);
	if (out->x410_mode)
		return pres_x410_decode(a, PRES_X410_CP, p, n, &out->values, e);
	rc = normal_mode(&r, n, &m);
	return rc < 0 ? rc : WALK(&r, &m, cp_parameters, true);
}

/* --- CPA and CPR --- */

#define ANSWER(r) ((struct pres_answer *)(r)->out)

static int
answer_version(struct reading *r, const struct ber_tlv *t)
{
	return version(r, t, &ANSWER(r)->other_version);
}

static int
answer_selector(struct reading *r, const struct ber_tlv *t)
{
	return selector(r, t, &ANSWER(r)->responding);
}

static int
result_syntax(
    struct reading *r, const struct ber_tlv *t, const struct pres_context *c)
{
	const char *syntax;

	if (pres_read_syntax_name(r, t, &syntax) < 0)
		return ERR_SYNTAX;
	if (c->result == PRES_ACCEPTANCE && strcmp(syntax, PRES_BER) != 0)
		return pres_read_bad(r, t->start, ERR_UNSUPPORTED,
		    PRES_ABORT_INVALID_PARAMETER,
		    "transfer syntax %s was not proposed", syntax);
	return 0;
}

static int
result(struct reading *r, const struct ber_tlv *item, struct pres_context *out)
{
	struct ber_cursor c = ber_children(item);
	struct ber_tlv t;
	int64_t v;
	int rc;

	if (ber_next(&c, &t, NULL) != 1 || !BER_IS(t.tag, BER_CONTEXT, 0))
		return pres_read_invalid(r, item, "has no result");
	if (pres_read_number(
		r, &t, PRES_ACCEPTANCE, PRES_PROVIDER_REJECTION, &v) < 0)
		return ERR_SYNTAX;
	out->result = (enum pres_result)v;
	while (ber_next(&c, &t, NULL) == 1) {
		if (BER_IS(t.tag, BER_CONTEXT, 1)) {
			if ((rc = result_syntax(r, &t, out)) < 0)
				return rc;
		} else if (BER_IS(t.tag, BER_CONTEXT, 2)) {
			if (pres_read_number(r, &t, 0, INT32_MAX, &v) < 0)
				return ERR_SYNTAX;
			if (v <= PRES_LOCAL_LIMIT)
				out->reason = (enum pres_provider_reason)v;
		} else {
			return pres_read_invalid(
			    r, &t, "is no field of a result");
		}
	}
	return 0;
}

static int
answer_results(struct reading *r, const struct ber_tlv *list)
{
	struct ber_cursor c = ber_children(list);
	struct pres_context *v;
	struct ber_tlv t;
	size_t n = 0;
	int rc;

	if (pres_read_constructed(r, list) < 0)
		return ERR_SYNTAX;
	v = arena_alloc(r->a, PRES_PROPOSALS_MAX * sizeof(*v));
	while (
	    (rc = next_context(r, &c, n, "results", "is no result", &t)) == 1) {
		if ((rc = result(r, &t, &v[n])) < 0)
			return rc;
		n++;
	}
	if (rc < 0)
		return rc;
	ANSWER(r)->results = v;
	ANSWER(r)->n_results = n;
	return 0;
}

static int
answer_requirements(struct reading *r, const struct ber_tlv *t)
{
	return bits(r, t, &ANSWER(r)->requirements);
}

static int
answer_default(struct reading *r, const struct ber_tlv *t)
{
	int64_t v;

	if (pres_read_number(
		r, t, PRES_ACCEPTANCE, PRES_PROVIDER_REJECTION, &v) < 0)
		return ERR_SYNTAX;
	ANSWER(r)->has_default_result = true;
	ANSWER(r)->default_result = (enum pres_result)v;
	return 0;
}

static int
answer_reason(struct reading *r, const struct ber_tlv *t)
{
	int64_t v;

	if (pres_read_number(r, t, 0, INT32_MAX, &v) < 0)
		return ERR_SYNTAX;
	ANSWER(r)->provider_reason =
	    v <= PRES_REFUSE_NO_PSAP ? (int)v : PRES_REFUSE_NOT_SPECIFIED;
	return 0;
}

static int
answer_user_data(struct reading *r, const struct ber_tlv *t)
{
	return pres_read_user_data(r, t, &ANSWER(r)->values);
}

static const struct parameter cpa_parameters[] = {
    {BER_CONTEXT, 0, answer_version, "protocol-version"},
    {BER_CONTEXT, 3, answer_selector, "responding-presentation-selector"},
    {BER_CONTEXT, 5, answer_results,
	"presentation-context-definition-result-list"},
    {BER_CONTEXT, 8, answer_requirements, "presentation-requirements"},
    {BER_CONTEXT, 9, any_bits, "user-session-requirements"},
    {BER_CONTEXT, 11, any_bits, "protocol-options"},
    {BER_CONTEXT, 13, any_context, "responders-nominated-context"},
    USER_DATA(answer_user_data),
};

static const struct parameter cpr_parameters[] = {
    {BER_CONTEXT, 0, answer_version, "protocol-version"},
    {BER_CONTEXT, 3, answer_selector, "responding-presentation-selector"},
    {BER_CONTEXT, 5, answer_results,
	"presentation-context-definition-result-list"},
    {BER_CONTEXT, 7, answer_default, "default-context-result"},
    {BER_CONTEXT, 10, answer_reason, "provider-reason"},
    USER_DATA(answer_user_data),
};

int
pres_cpa_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_answer *out, struct err *e)
{
	struct reading r = {a, p, "CPA", NULL, out, e};
	struct ber_tlv m;
	int rc;

	*out = (struct pres_answer){.provider_reason = PRES_REFUSE_NONE,
	    .x410_mode = pres_x410_connect(p, n)};
	if (out->x410_mode)
		return pres_x410_decode(
		    a, PRES_X410_CPA, p, n, &out->values, e);
	rc = normal_mode(&r, n, &m);
	return rc < 0 ? rc : WALK(&r, &m, cpa_parameters, true);
}

int
pres_cpr_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_answer *out, struct err *e)
{
	struct reading r = {a, p, "CPR", NULL, out, e};
	struct ber_tlv t;
	int rc;

	*out = (struct pres_answer){.provider_reason = PRES_REFUSE_NONE,
	    .x410_mode = pres_x410_refusal(p, n)};
	if (out->x410_mode)
		return pres_x410_decode(
		    a, PRES_X410_CPR, p, n, &out->values, e);
	rc = pres_read_outermost(&r, n, &t);
	if (rc >= 0 &&
	    (!BER_IS(t.tag, BER_UNIVERSAL, BER_SEQUENCE) || !t.tag.constructed))
		rc = pres_read_unrecognized(&r);
	return rc < 0 ? rc : WALK(&r, &t, cpr_parameters, false);
}

/* --- ARU and ARP --- */

#define ABORT(r) ((struct pres_abort *)(r)->out)

static int
aru_contexts(struct reading *r, const struct ber_tlv *list)
{
	struct ber_cursor c = ber_children(list), item;
	struct ber_tlv t, field;
	const char *syntax;
	int32_t id;

	if (pres_read_constructed(r, list) < 0)
		return ERR_SYNTAX;
	while (ber_next(&c, &t, NULL) == 1) {
		item = ber_children(&t);
		if (pres_read_child(r, &item, &t, BER_INTEGER, &field) < 0 ||
		    pres_read_context_id(r, &field, &id) < 0 ||
		    pres_read_child(r, &item, &t, BER_OID, &field) < 0 ||
		    pres_read_syntax_name(r, &field, &syntax) < 0 ||
		    pres_read_at_end(r, &item) < 0)
			return ERR_SYNTAX;
	}
	return 0;
}

static int
aru_user_data(struct reading *r, const struct ber_tlv *t)
{
	return pres_read_user_data(r, t, &ABORT(r)->values);
}

static int
arp_reason(struct reading *r, const struct ber_tlv *t)
{
	int64_t v;

	if (pres_read_number(r, t, 0, INT32_MAX, &v) < 0)
		return ERR_SYNTAX;
	if (v <= PRES_ABORT_INVALID_PARAMETER)
		ABORT(r)->reason = (int)v;
	return 0;
}

static int
arp_event(struct reading *r, const struct ber_tlv *t)
{
	int64_t v;

	if (pres_read_number(r, t, 0, INT32_MAX, &v) < 0)
		return ERR_SYNTAX;
	ABORT(r)->event = v < PRES_EVENTS ? (int)v : -1;
	return 0;
}

static const struct parameter aru_parameters[] = {
    {BER_CONTEXT, 0, aru_contexts, "presentation-context-identifier-list"},
    USER_DATA(aru_user_data),
};

static const struct parameter arp_parameters[] = {
    {BER_CONTEXT, 0, arp_reason, "provider-reason"},
    {BER_CONTEXT, 1, arp_event, "event-identifier"},
};

int
pres_abort_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_abort *out, struct err *e)
{
	struct reading r = {a, p, "ARU", NULL, out, e};
	struct ber_tlv t;
	int rc;

	*out = (struct pres_abort){
	    .event = -1, .x410_mode = pres_x410_refusal(p, n)};
	if (out->x410_mode)
		return pres_x410_decode(
		    a, PRES_X410_ARU, p, n, &out->values, e);
	if ((rc = pres_read_outermost(&r, n, &t)) < 0)
		return rc;
	out->provider = BER_IS(t.tag, BER_UNIVERSAL, BER_SEQUENCE);
	if (!t.tag.constructed ||
	    (!out->provider && !BER_IS(t.tag, BER_CONTEXT, 0)))
		return pres_read_unrecognized(&r);
	if (!out->provider)
		return WALK(&r, &t, aru_parameters, false);
	r.ppdu = "ARP";
	return WALK(&r, &t, arp_parameters, true);
}

/* --- user data alone --- */

int
pres_user_data_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_values *out, struct err *e)
{
	struct reading r = {a, p, "user data", NULL, out, e};
	struct ber_tlv t;
	int rc;

	*out = (struct pres_values){0};
	if ((rc = pres_read_outermost(&r, n, &t)) < 0)
		return rc;
	if (t.tag.cls != BER_APPLICATION || t.tag.number > 1)
		return pres_read_unrecognized(&r);
	return pres_read_user_data(&r, &t, out);
}
