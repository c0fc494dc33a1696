#include "osi/pres_codec.h"

#include "asn1/ber.h"

#define MODE_NORMAL 1

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
	if (c->n_contexts > 0)
		ber_wrap(out, list, BER_CONTEXT, 4);
	return 0;
}

static int
put_default(const struct pres_cp *c, struct buf *out, struct err *e)
{
	size_t from = out->len;

	if (c->default_context == NULL)
		return 0;
	if (put_oid(out, BER_CONTEXT, 0, c->default_context, e) < 0 ||
	    put_oid(out, BER_CONTEXT, 1, PRES_BER, e) < 0)
		return ERR_CONFIG;
	ber_wrap(out, from, BER_CONTEXT, 6);
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

static void
simply_encode(const struct pres_values *v, struct buf *out)
{
	struct buf all = {0};

	for (size_t i = 0; i < v->n; i++)
		buf_append(&all, v->v[i].p, v->v[i].n);
	if (v->n > 0)
		ber_put(out, BER_APPLICATION, 0, all.data, all.len);
	buf_free(&all);
}

void
pres_user_data_encode(const struct pres_values *v, bool simple, struct buf *out)
{
	size_t all = out->len;

	if (simple) {
		simply_encode(v, out);
		return;
	}
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
	if ((rc = put_proposals(c, out, e)) < 0 ||
	    (rc = put_default(c, out, e)) < 0)
		return rc;
	pres_user_data_encode(&c->values, c->simple, out);
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
	pres_user_data_encode(&c->values, c->simple, out);
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
	if (c->has_default_result)
		ber_put_integer(out, BER_CONTEXT, 7, c->default_result);
	if (c->provider_reason != PRES_REFUSE_NONE)
		ber_put_integer(out, BER_CONTEXT, 10, c->provider_reason);
	pres_user_data_encode(&c->values, c->simple, out);
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
	pres_user_data_encode(v, false, out);
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

void
pres_simple_header(uint64_t total, struct buf *out)
{
	if (total == 0)
		put_indefinite(out, 0x60);
	else
		ber_put_header(out, BER_APPLICATION, false, 0, total);
}

void
pres_simple_trailer(struct buf *out)
{
	static const uint8_t eoc[2] = {0};

	buf_append(out, eoc, sizeof(eoc));
}
