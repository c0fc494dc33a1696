#include "osi/pres_codec.h"

#include <string.h>

#include "osi/osi_codec.h"
#include "osi/pres_x410.h"

#include <Pres-Abort.h>
#include <Pres-CP-normal.h>
#include <Pres-CP.h>
#include <Pres-CPA-normal.h>
#include <Pres-CPA.h>
#include <Pres-CPR-normal.h>
#include <Pres-Context-definition.h>
#include <Pres-Context-list.h>
#include <Pres-Mode-selector.h>
#include <Pres-PDV-list.h>
#include <Pres-PDV-lists.h>
#include <Pres-Result-list.h>
#include <Pres-Result.h>
#include <Pres-User-data.h>

#define LAYER "presentation"
#define MODE_NORMAL 1

/* --- decoding --- */

static int
selector(const OCTET_STRING_t *s, struct osi_sel *out, const char *what,
    struct err *e)
{
	memset(out, 0, sizeof(*out));
	if (s == NULL)
		return 0;
	if (s->size > OSI_SEL_MAX)
		return err_set(e, LAYER, ERR_LIMIT, "%s selector of %d octets",
		    what, s->size);
	out->present = true;
	out->n = (uint8_t)s->size;
	if (s->size > 0)
		memcpy(out->v, s->buf, (size_t)s->size);
	return 0;
}

static int
context_id(long v, int32_t *out, struct err *e)
{
	if (v < 1 || v > INT32_MAX)
		return err_set(e, LAYER, ERR_SYNTAX,
		    "context identifier %ld out of range", v);
	*out = (int32_t)v;
	return 0;
}

static int
is_ber(struct arena *a, const Pres_Syntax_name_t *oid, bool *out, struct err *e)
{
	const char *text = osi_oid_text(a, oid, e);

	if (text == NULL)
		return ERR_SYNTAX;
	*out = strcmp(text, PRES_BER) == 0;
	return 0;
}

static int
value(struct arena *a, const Pres_PDV_list_t *in, struct pres_value *out,
    struct err *e)
{
	struct octets v = {0};
	bool ber = true;
	int rc;

	if (context_id(in->identifier, &out->context_id, e) < 0)
		return ERR_SYNTAX;
	if (in->transfer_syntax != NULL &&
	    is_ber(a, in->transfer_syntax, &ber, e) < 0)
		return ERR_SYNTAX;
	if (!ber)
		return err_set(e, LAYER, ERR_UNSUPPORTED,
		    "user data in a transfer syntax that is not BER");
	if (in->values.present == Pres_PDV_values_PR_single_ASN1_type) {
		rc = osi_any(
		    a, &in->values.choice.single_ASN1_type, LAYER, &v, e);
		out->p = v.p;
		out->n = v.n;
		return rc;
	}
	if (in->values.present == Pres_PDV_values_PR_octet_aligned) {
		const OCTET_STRING_t *s = &in->values.choice.octet_aligned;
		v = (struct octets){s->buf, (size_t)s->size};
	} else if (osi_bits_octets(&in->values.choice.arbitrary, &v, e) < 0) {
		return ERR_SYNTAX;
	}
	out->p = arena_memdup(a, v.p, v.n);
	out->n = v.n;
	return 0;
}

static int
values(struct arena *a, const Pres_User_data_t *in, struct pres_values *out,
    struct err *e)
{
	const Pres_PDV_lists_t *lists;
	struct pres_value *v;

	*out = (struct pres_values){0};
	if (in == NULL)
		return 0;
	if (in->present != Pres_User_data_PR_fully_encoded)
		return err_set(e, LAYER, ERR_UNSUPPORTED,
		    "simply encoded user data without a default context");
	lists = &in->choice.fully_encoded;
	if (lists->list.count > PRES_VALUES_MAX)
		return err_set(
		    e, LAYER, ERR_LIMIT, "%d PDV-lists", lists->list.count);
	v = arena_alloc(a, sizeof(*v) * (size_t)lists->list.count);
	for (int i = 0; i < lists->list.count; i++) {
		int rc = value(a, lists->list.array[i], &v[i], e);

		if (rc < 0)
			return rc;
	}
	*out = (struct pres_values){v, (size_t)lists->list.count};
	return 0;
}

int
pres_user_data_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_values *out, struct err *e)
{
	Pres_User_data_t *u =
	    osi_decode(a, &asn_DEF_Pres_User_data, p, n, LAYER, e);

	return u == NULL ? ERR_SYNTAX : values(a, u, out, e);
}

static int
proposal(struct arena *a, const Pres_Context_definition_t *in,
    struct pres_proposal *out, struct err *e)
{
	if (context_id(in->identifier, &out->id, e) < 0)
		return ERR_SYNTAX;
	out->abstract_syntax = osi_oid_text(a, &in->abstract_syntax, e);
	if (out->abstract_syntax == NULL)
		return ERR_SYNTAX;
	for (int i = 0; i < in->transfer_syntaxes.list.count; i++) {
		bool ber;

		if (is_ber(a, in->transfer_syntaxes.list.array[i], &ber, e) < 0)
			return ERR_SYNTAX;
		out->ber |= ber;
	}
	return 0;
}

static int
proposals(struct arena *a, const Pres_Context_list_t *in, struct pres_cp *out,
    struct err *e)
{
	struct pres_proposal *v;

	if (in == NULL)
		return 0;
	if (in->list.count > PRES_CONTEXTS_MAX)
		return err_set(e, LAYER, ERR_LIMIT,
		    "%d presentation contexts proposed", in->list.count);
	v = arena_alloc(a, sizeof(*v) * (size_t)in->list.count);
	for (int i = 0; i < in->list.count; i++)
		if (proposal(a, in->list.array[i], &v[i], e) < 0)
			return ERR_SYNTAX;
	out->contexts = v;
	out->n_contexts = (size_t)in->list.count;
	return 0;
}

int
pres_cp_decode(struct arena *a, const uint8_t *p, size_t n, struct pres_cp *out,
    struct err *e)
{
	const Pres_CP_t *cp;
	const Pres_CP_normal_t *m;
	int rc;

	memset(out, 0, sizeof(*out));
	out->x410_mode = pres_x410_connect(p, n);
	if (out->x410_mode)
		return pres_x410_decode(a, PRES_X410_CP, p, n, &out->values, e);
	cp = osi_decode(a, &asn_DEF_Pres_CP, p, n, LAYER, e);
	if (cp == NULL)
		return ERR_SYNTAX;
	m = cp->normal_mode;
	if (cp->mode_selector.mode_value != MODE_NORMAL || m == NULL)
		return err_set(e, LAYER, ERR_SYNTAX, "CP without parameters");
	if ((rc = selector(m->calling_selector, &out->calling, "calling", e)) <
		0 ||
	    (rc = selector(m->called_selector, &out->called, "called", e)) <
		0 ||
	    (rc = proposals(a, m->context_definition_list, out, e)) < 0)
		return rc;
	return values(a, m->user_data, &out->values, e);
}

static int
result(struct arena *a, const Pres_Result_t *in, struct pres_context *out,
    struct err *e)
{
	bool ber = true;

	if (in->result < PRES_ACCEPTANCE ||
	    in->result > PRES_PROVIDER_REJECTION)
		return err_set(e, LAYER, ERR_SYNTAX,
		    "context result %ld out of range", in->result);
	if (in->transfer_syntax != NULL &&
	    is_ber(a, in->transfer_syntax, &ber, e) < 0)
		return ERR_SYNTAX;
	out->result = (enum pres_result)in->result;
	if (in->provider_reason != NULL && *in->provider_reason >= 0 &&
	    *in->provider_reason <= PRES_LOCAL_LIMIT)
		out->reason = (enum pres_provider_reason) * in->provider_reason;
	if (out->result == PRES_ACCEPTANCE && !ber)
		return err_set(e, LAYER, ERR_UNSUPPORTED,
		    "peer chose a transfer syntax that was not proposed");
	return 0;
}

static int
results(struct arena *a, const Pres_Result_list_t *in, struct pres_answer *out,
    struct err *e)
{
	struct pres_context *v;
	int rc;

	if (in == NULL)
		return 0;
	if (in->list.count > PRES_CONTEXTS_MAX)
		return err_set(e, LAYER, ERR_LIMIT,
		    "%d presentation contexts answered", in->list.count);
	v = arena_alloc(a, sizeof(*v) * (size_t)in->list.count);
	for (int i = 0; i < in->list.count; i++)
		if ((rc = result(a, in->list.array[i], &v[i], e)) < 0)
			return rc;
	out->results = v;
	out->n_results = (size_t)in->list.count;
	return 0;
}

int
pres_cpa_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_answer *out, struct err *e)
{
	const Pres_CPA_t *c;
	const Pres_CPA_normal_t *m;
	int rc;

	*out = (struct pres_answer){.provider_reason = PRES_REFUSE_NONE,
	    .x410_mode = pres_x410_connect(p, n)};
	if (out->x410_mode)
		return pres_x410_decode(
		    a, PRES_X410_CPA, p, n, &out->values, e);
	c = osi_decode(a, &asn_DEF_Pres_CPA, p, n, LAYER, e);
	if (c == NULL)
		return ERR_SYNTAX;
	m = c->normal_mode;
	if (c->mode_selector.mode_value != MODE_NORMAL || m == NULL)
		return err_set(e, LAYER, ERR_SYNTAX, "CPA not in normal mode");
	if ((rc = selector(m->responding_selector, &out->responding,
		 "responding", e)) < 0 ||
	    (rc = results(a, m->context_result_list, out, e)) < 0)
		return rc;
	return values(a, m->user_data, &out->values, e);
}

int
pres_cpr_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_answer *out, struct err *e)
{
	const Pres_CPR_normal_t *m;
	int rc;

	*out = (struct pres_answer){.provider_reason = PRES_REFUSE_NONE,
	    .x410_mode = pres_x410_refusal(p, n)};
	if (out->x410_mode)
		return pres_x410_decode(
		    a, PRES_X410_CPR, p, n, &out->values, e);
	m = osi_decode(a, &asn_DEF_Pres_CPR_normal, p, n, LAYER, e);
	if (m == NULL)
		return ERR_SYNTAX;
	if ((rc = selector(m->responding_selector, &out->responding,
		 "responding", e)) < 0 ||
	    (rc = results(a, m->context_result_list, out, e)) < 0)
		return rc;
	if (m->provider_reason != NULL)
		out->provider_reason = *m->provider_reason >= 0 &&
			*m->provider_reason <= PRES_REFUSE_NO_PSAP
		    ? (int)*m->provider_reason
		    : PRES_REFUSE_NOT_SPECIFIED;
	return values(a, m->user_data, &out->values, e);
}

int
pres_abort_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_abort *out, struct err *e)
{
	const Pres_Abort_t *c;
	const Pres_ARP_t *arp;

	*out = (struct pres_abort){
	    .event = -1, .x410_mode = pres_x410_refusal(p, n)};
	if (out->x410_mode)
		return pres_x410_decode(
		    a, PRES_X410_ARU, p, n, &out->values, e);
	c = osi_decode(a, &asn_DEF_Pres_Abort, p, n, LAYER, e);
	if (c == NULL)
		return ERR_SYNTAX;
	if (c->present == Pres_Abort_PR_user)
		return values(a, c->choice.user.user_data, &out->values, e);
	arp = &c->choice.provider;
	out->provider = true;
	if (arp->provider_reason != NULL && *arp->provider_reason >= 0 &&
	    *arp->provider_reason <= PRES_ABORT_INVALID_PARAMETER)
		out->reason = (int)*arp->provider_reason;
	if (arp->event_identifier != NULL && *arp->event_identifier >= 0 &&
	    *arp->event_identifier < 64)
		out->event = (int)*arp->event_identifier;
	return 0;
}

/* --- encoding --- */

static void
put_selector(struct buf *out, uint32_t number, const struct osi_sel *s)
{
	if (s->present)
		ber_put(out, BER_CONTEXT, number, s->v, s->n);
}

static int
put_oid(struct buf *out, enum ber_class cls, uint32_t number, const char *oid,
    struct err *e)
{
	struct buf content = {0};
	int rc = ber_oid_put(&content, oid, e);

	if (rc >= 0)
		ber_put(out, cls, number, content.data, content.len);
	buf_free(&content);
	return rc;
}

static void
put_mode(struct buf *out)
{
	size_t from = out->len;

	ber_put_integer(out, BER_CONTEXT, 0, MODE_NORMAL);
	ber_wrap(out, from, BER_CONTEXT, 0);
}

static int
put_proposals(const struct pres_cp *c, struct buf *out, struct err *e)
{
	size_t list = out->len;

	for (size_t i = 0; i < c->n_contexts; i++) {
		size_t item = out->len, syntaxes;

		ber_put_integer(
		    out, BER_UNIVERSAL, BER_INTEGER, c->contexts[i].id);
		if (put_oid(out, BER_UNIVERSAL, BER_OID,
			c->contexts[i].abstract_syntax, e) < 0)
			return ERR_CONFIG;
		syntaxes = out->len;
		if (put_oid(out, BER_UNIVERSAL, BER_OID, PRES_BER, e) < 0)
			return ERR_CONFIG;
		ber_wrap(out, syntaxes, BER_UNIVERSAL, BER_SEQUENCE);
		ber_wrap(out, item, BER_UNIVERSAL, BER_SEQUENCE);
	}
	ber_wrap(out, list, BER_CONTEXT, 4);
	return 0;
}

static int
put_results(const struct pres_answer *c, struct buf *out, struct err *e)
{
	size_t list = out->len;

	if (c->n_results == 0)
		return 0;
	for (size_t i = 0; i < c->n_results; i++) {
		const struct pres_context *r = &c->results[i];
		size_t item = out->len;

		ber_put_integer(out, BER_CONTEXT, 0, r->result);
		if (r->result == PRES_ACCEPTANCE &&
		    put_oid(out, BER_CONTEXT, 1, PRES_BER, e) < 0)
			return ERR_CONFIG;
		if (r->result == PRES_PROVIDER_REJECTION)
			ber_put_integer(out, BER_CONTEXT, 2, r->reason);
		ber_wrap(out, item, BER_UNIVERSAL, BER_SEQUENCE);
	}
	ber_wrap(out, list, BER_CONTEXT, 5);
	return 0;
}

void
pres_user_data_encode(const struct pres_values *v, struct buf *out)
{
	size_t all = out->len;

	for (size_t i = 0; i < v->n; i++) {
		size_t list = out->len, single;

		ber_put_integer(
		    out, BER_UNIVERSAL, BER_INTEGER, v->v[i].context_id);
		single = out->len;
		buf_append(out, v->v[i].p, v->v[i].n);
		ber_wrap(out, single, BER_CONTEXT, 0);
		ber_wrap(out, list, BER_UNIVERSAL, BER_SEQUENCE);
	}
	if (v->n > 0)
		ber_wrap(out, all, BER_APPLICATION, 1);
}

int
pres_cp_encode(const struct pres_cp *c, struct buf *out, struct err *e)
{
	size_t set = out->len, mode;
	int rc;

	put_mode(out);
	mode = out->len;
	put_selector(out, 1, &c->calling);
	put_selector(out, 2, &c->called);
	if ((rc = put_proposals(c, out, e)) < 0)
		return rc;
	pres_user_data_encode(&c->values, out);
	ber_wrap(out, mode, BER_CONTEXT, 2);
	ber_wrap(out, set, BER_UNIVERSAL, BER_SET);
	return 0;
}

int
pres_cpa_encode(const struct pres_answer *c, struct buf *out, struct err *e)
{
	size_t set = out->len, mode;
	int rc;

	put_mode(out);
	mode = out->len;
	put_selector(out, 3, &c->responding);
	if ((rc = put_results(c, out, e)) < 0)
		return rc;
	pres_user_data_encode(&c->values, out);
	ber_wrap(out, mode, BER_CONTEXT, 2);
	ber_wrap(out, set, BER_UNIVERSAL, BER_SET);
	return 0;
}

int
pres_cpr_encode(const struct pres_answer *c, struct buf *out, struct err *e)
{
	size_t from = out->len;
	int rc;

	put_selector(out, 3, &c->responding);
	if ((rc = put_results(c, out, e)) < 0)
		return rc;
	if (c->provider_reason != PRES_REFUSE_NONE)
		ber_put_integer(out, BER_CONTEXT, 10, c->provider_reason);
	pres_user_data_encode(&c->values, out);
	ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
	return 0;
}

/* Contexts may not be settled on both sides yet, so the ARU repeats which
 * ones its user data uses (X.226 Presentation-context-identifier-list). */
static void
put_context_ids(const struct pres_values *v, struct buf *out)
{
	size_t list = out->len;

	for (size_t i = 0; i < v->n; i++) {
		size_t item = out->len;

		ber_put_integer(
		    out, BER_UNIVERSAL, BER_INTEGER, v->v[i].context_id);
		ber_put(out, BER_UNIVERSAL, BER_OID, "\x51\x01", 2);
		ber_wrap(out, item, BER_UNIVERSAL, BER_SEQUENCE);
	}
	if (v->n > 0)
		ber_wrap(out, list, BER_CONTEXT, 0);
}

void
pres_aru_encode(const struct pres_values *v, struct buf *out)
{
	size_t from = out->len;

	put_context_ids(v, out);
	pres_user_data_encode(v, out);
	ber_wrap(out, from, BER_CONTEXT, 0);
}

void
pres_arp_encode(int reason, int event, struct buf *out)
{
	size_t from = out->len;

	ber_put_integer(out, BER_CONTEXT, 0, reason);
	if (event >= 0)
		ber_put_integer(out, BER_CONTEXT, 1, event);
	ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
}

static void
put_indefinite(struct buf *out, uint8_t identifier)
{
	buf_putc(out, identifier);
	buf_putc(out, 0x80);
}

void
pres_pdv_header(int32_t context, uint64_t total, struct buf *out)
{
	struct buf id = {0};
	uint64_t value, list;

	ber_put_integer(&id, BER_UNIVERSAL, BER_INTEGER, context);
	if (total == 0) {
		put_indefinite(out, 0x61);
		put_indefinite(out, 0x30);
		buf_append(out, id.data, id.len);
		put_indefinite(out, 0xa0);
	} else {
		value = id.len + ber_header_size(0, total) + total;
		list = ber_header_size(BER_SEQUENCE, value) + value;
		ber_put_header(out, BER_APPLICATION, true, 1, list);
		ber_put_header(out, BER_UNIVERSAL, true, BER_SEQUENCE, value);
		buf_append(out, id.data, id.len);
		ber_put_header(out, BER_CONTEXT, true, 0, total);
	}
	buf_free(&id);
}

void
pres_pdv_trailer(struct buf *out)
{
	static const uint8_t eoc[6] = {0};

	buf_append(out, eoc, sizeof(eoc));
}
