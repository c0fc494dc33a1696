/* The syntax of the standard extensions: structure and bounds by asn1c, what
 * asn1c does not know by functions of ours. */
#include "p1/asn_codec.h"
#include "p1/ext_table.h"
#include "p1/or_codec.h"
#include "p1/trace_codec.h"

#include <Ext-AlgorithmIdentifier.h>
#include <Ext-AsymmetricToken.h>
#include <Ext-BodyPartTokens.h>
#include <Ext-CertificateSelectors.h>
#include <Ext-Certificates.h>
#include <Ext-DLExpansionHistory.h>
#include <Ext-DeliveryMethods.h>
#include <Ext-DeliveryModes.h>
#include <Ext-ExtendedCertificates.h>
#include <Ext-Flag.h>
#include <Ext-ForwardedContentTokens.h>
#include <Ext-Names.h>
#include <Ext-NumberForAdvice.h>
#include <Ext-ORName.h>
#include <Ext-Oid.h>
#include <Ext-Option.h>
#include <Ext-OriginatorHistory.h>
#include <Ext-RedirectionHistory.h>
#include <Ext-ReportingMTA.h>
#include <Ext-SecurityLabel.h>
#include <Ext-SequenceNumber.h>
#include <Ext-Signature.h>
#include <Ext-Time.h>
#include <Ext-Token.h>
#include <Ipms-Recipients.h>

#include <string.h>

#define CORRELATOR_MAX 512           /* ub-content-correlator-length */
#define MTA_NAME_MAX 128             /* ub-mta-name-length is 32: be lenient */
#define ASYMMETRIC_TOKEN "2.6.3.6.0" /* id-tok-asymmetricToken */

typedef int check_fn(struct p1_in *in, const struct ber_tlv *t);

/* --- what asn1c does not know --- */

static int
check_flag(struct p1_in *in, const struct ber_tlv *t)
{
	int64_t v;

	return p1_get_int(in, t, 0, 1, &v);
}

/* An OR-name, or an OR-address in its place, is not empty. */
static int
check_or(struct p1_in *in, const struct ber_tlv *t)
{
	struct mhs_name name = {0};
	int r = p1_get_or(in, t, &name);

	if (r >= 0 && name.ora->n_attrs == 0 &&
	    name.ora->directory_name == NULL)
		return p1_bad(in, t, "an empty name");
	return r;
}

static int
check_address(struct p1_in *in, const struct ber_tlv *t)
{
	if (!BER_IS(t->tag, BER_UNIVERSAL, BER_SEQUENCE))
		return p1_bad(in, t, "not an OR-address");
	return check_or(in, t);
}

static int
check_time(struct p1_in *in, const struct ber_tlv *t)
{
	int64_t v;

	return p1_get_time(in, t, &v);
}

/* X.411 8.2.1.1.1.16: bits 0 to 6 exclude each other. */
static int
check_modes(struct p1_in *in, const struct ber_tlv *t)
{
	uint8_t bits;
	int r = p1_get_bits(in, t, &bits);

	bits &= 0xfe;
	if (r >= 0 && (bits & (bits - 1)) != 0)
		return p1_bad(in, t, "delivery modes that exclude each other");
	return r;
}

static int
check_oid(struct p1_in *in, const struct ber_tlv *t)
{
	return ber_oid_text(in->a, t->value, t->length, in->e) != NULL
	    ? 0
	    : ERR_SYNTAX;
}

static int
check_redirections(struct p1_in *in, const struct ber_tlv *t)
{
	struct p1_history *v;
	size_t n;

	return p1_get_history(in, t, true, &v, &n);
}

static int
check_expansions(struct p1_in *in, const struct ber_tlv *t)
{
	struct p1_history *v;
	size_t n;

	return p1_get_history(in, t, false, &v, &n);
}

static int
check_trace(struct p1_in *in, const struct ber_tlv *t)
{
	struct p1_traces traces = {0};

	if (!BER_IS(t->tag, BER_APPLICATION, 9))
		return p1_bad(in, t, "not trace information");
	return p1_get_trace(in, t, false, &traces);
}

static int
check_internal_trace(struct p1_in *in, const struct ber_tlv *t)
{
	struct p1_traces traces = {0};

	if (!BER_IS(t->tag, BER_UNIVERSAL, BER_SEQUENCE))
		return p1_bad(in, t, "not internal trace information");
	return p1_get_trace(in, t, true, &traces);
}

static int
check_reporting_mta(struct p1_in *in, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	struct mhs_domain domain;
	struct ber_tlv part;
	const char *mta;
	int r;

	if (ber_next(&c, &part, in->e) != 1)
		return p1_bad(in, t, "no domain");
	r = p1_get_domain(in, &part, &domain);
	if (r >= 0 && ber_next(&c, &part, in->e) != 1)
		return p1_bad(in, t, "no MTA name");
	return r < 0 ? r : p1_get_text(in, &part, MTA_NAME_MAX, true, &mta);
}

static int
check_names(struct p1_in *in, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv name;
	int r;

	while ((r = ber_next(&c, &name, in->e)) == 1)
		if ((r = check_or(in, &name)) < 0)
			return r;
	return r;
}

static int
check_syntax(
    struct p1_in *in, asn_TYPE_descriptor_t *td, const struct ber_tlv *t)
{
	return p1_asn_decode(in->a, td, t->start, t->size, in->e) != NULL
	    ? 0
	    : ERR_SYNTAX;
}

/* Tokens of other types are between their users. */
static int
check_token(struct p1_in *in, const struct ber_tlv *t)
{
	struct ber_tlv type, wrapped, token;
	struct ber_cursor c;
	const char *oid;

	if (ber_find(t, BER_CONTEXT, 0, &type, in->e) != 1 ||
	    ber_find(t, BER_CONTEXT, 1, &wrapped, in->e) != 1)
		return p1_bad(in, t, "no token");
	oid = ber_oid_text(in->a, type.value, type.length, in->e);
	if (oid == NULL)
		return p1_bad(in, t, "bad object identifier");
	c = ber_children(&wrapped);
	if (strcmp(oid, ASYMMETRIC_TOKEN) != 0)
		return 0;
	if (ber_next(&c, &token, in->e) != 1)
		return p1_bad(in, t, "an empty token");
	return check_syntax(in, &asn_DEF_Ext_AsymmetricToken, &token);
}

/* --- bounds --- */

/* What of an element is between two numbers. */
enum measure {
	MEASURE_NONE,
	MEASURE_VALUE,    /* of an INTEGER */
	MEASURE_ELEMENTS, /* of a list */
	MEASURE_OCTETS,   /* of a string */
};

struct bound {
	enum measure measure;
	int64_t min, max;
};

static int
measure(
    struct p1_in *in, const struct ber_tlv *t, enum measure what, int64_t *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv el;
	int r = 0;

	*out = (int64_t)t->length;
	if (what == MEASURE_VALUE)
		return ber_integer(t, out, in->e);
	if (what == MEASURE_OCTETS)
		return 0;
	for (*out = 0; (r = ber_next(&c, &el, in->e)) == 1; ++*out)
		;
	return r;
}

/* X.411 Annex B; asn1c 0.9.28 loses the constraints of named types. */
static int
check_bound(
    struct p1_in *in, const struct ber_tlv *t, const struct bound *bound)
{
	int64_t n;
	int r;

	if (bound->measure == MEASURE_NONE)
		return 0;
	r = measure(in, t, bound->measure, &n);
	if (r < 0)
		return r;
	if (n < bound->min || n > bound->max)
		return err_at(in->e, "p1", ERR_LIMIT,
		    (uint64_t)(t->start - in->base),
		    "%lld is not between %lld and %lld", (long long)n,
		    (long long)bound->min, (long long)bound->max);
	return 0;
}

/* SEQUENCE OF INTEGER */
static int
check_methods(struct p1_in *in, const struct ber_tlv *t)
{
	static const struct bound option = {MEASURE_VALUE, 0, 256};
	struct ber_cursor c = ber_children(t);
	struct ber_tlv v;
	int r;

	while ((r = ber_next(&c, &v, in->e)) == 1)
		if ((r = check_bound(in, &v, &option)) < 0)
			return r;
	return r;
}

static int
check_label(struct p1_in *in, const struct ber_tlv *t)
{
	static const struct {
		uint32_t tag;
		struct bound bound;
	} parts[] = {
	    {BER_INTEGER, {MEASURE_VALUE, 0, 256}},
	    {BER_PRINTABLE_STRING, {MEASURE_OCTETS, 1, 128}},
	    {BER_SET, {MEASURE_ELEMENTS, 1, 64}},
	};
	struct ber_tlv v;
	int r = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && r >= 0; i++)
		if (ber_find(t, BER_UNIVERSAL, parts[i].tag, &v, in->e) == 1)
			r = check_bound(in, &v, &parts[i].bound);
	return r;
}

/* --- the syntaxes --- */

static const struct {
	asn_TYPE_descriptor_t *td; /* NULL: the function knows it all */
	check_fn *check;           /* NULL: asn1c knows it all */
	struct bound bound;
} syntaxes[P1_SYNTAXES] = {
    [P1_SYNTAX_FLAG] = {&asn_DEF_Ext_Flag, check_flag},
    [P1_SYNTAX_OR_NAME] = {&asn_DEF_Ext_ORName, check_or},
    [P1_SYNTAX_OR_ADDRESS] = {NULL, check_address},
    [P1_SYNTAX_TIME] = {&asn_DEF_Ext_Time, check_time},
    [P1_SYNTAX_METHODS] = {&asn_DEF_Ext_DeliveryMethods, check_methods},
    [P1_SYNTAX_MODES] = {&asn_DEF_Ext_DeliveryModes, check_modes,
	{MEASURE_OCTETS, 1, 3}},
    [P1_SYNTAX_OPTION] = {&asn_DEF_Ext_Option, NULL, {MEASURE_VALUE, 0, 256}},
    [P1_SYNTAX_NUMBER_FOR_ADVICE] = {&asn_DEF_Ext_NumberForAdvice, NULL,
	{MEASURE_OCTETS, 1, 32}},
    [P1_SYNTAX_OID] = {&asn_DEF_Ext_Oid, check_oid},
    [P1_SYNTAX_CERTIFICATES] = {&asn_DEF_Ext_Certificates},
    [P1_SYNTAX_TOKEN] = {&asn_DEF_Ext_Token, check_token},
    [P1_SYNTAX_ALGORITHM] = {&asn_DEF_Ext_AlgorithmIdentifier},
    [P1_SYNTAX_SIGNATURE] = {&asn_DEF_Ext_Signature},
    [P1_SYNTAX_LABEL] = {&asn_DEF_Ext_SecurityLabel, check_label},
    /* The first edition has ANY here, the later ones IA5String or OCTET
     * STRING: what is not longer than these may be will do. */
    [P1_SYNTAX_CORRELATOR] = {NULL, NULL, {MEASURE_OCTETS, 0, 512}},
    [P1_SYNTAX_REDIRECTIONS] = {&asn_DEF_Ext_RedirectionHistory,
	check_redirections, {MEASURE_ELEMENTS, 1, 512}},
    [P1_SYNTAX_EXPANSIONS] = {&asn_DEF_Ext_DLExpansionHistory, check_expansions,
	{MEASURE_ELEMENTS, 1, 512}},
    [P1_SYNTAX_ORIGINATOR_HISTORY] = {&asn_DEF_Ext_OriginatorHistory,
	check_expansions, {MEASURE_ELEMENTS, 2, 513}},
    [P1_SYNTAX_SEQUENCE_NUMBER] = {&asn_DEF_Ext_SequenceNumber, NULL,
	{MEASURE_VALUE, 0, INT32_MAX}},
    [P1_SYNTAX_TRACE] = {NULL, check_trace, {MEASURE_ELEMENTS, 1, 512}},
    [P1_SYNTAX_INTERNAL_TRACE] = {NULL, check_internal_trace,
	{MEASURE_ELEMENTS, 1, 512}},
    [P1_SYNTAX_REPORTING_MTA] = {&asn_DEF_Ext_ReportingMTA,
	check_reporting_mta},
    [P1_SYNTAX_EXTENDED_CERTIFICATES] = {&asn_DEF_Ext_ExtendedCertificates,
	NULL, {MEASURE_ELEMENTS, 1, 64}},
    [P1_SYNTAX_BLIND_COPY] = {&asn_DEF_Ipms_Recipients},
    [P1_SYNTAX_NAMES] = {&asn_DEF_Ext_Names, check_names},
    [P1_SYNTAX_BODY_PART_TOKENS] = {&asn_DEF_Ext_BodyPartTokens},
    [P1_SYNTAX_FORWARDED_TOKENS] = {&asn_DEF_Ext_ForwardedContentTokens},
    [P1_SYNTAX_SELECTORS] = {&asn_DEF_Ext_CertificateSelectors},
};

static int
check_element(
    struct p1_in *in, enum p1_ext_syntax syntax, const struct ber_tlv *t)
{
	int r = 0;

	if (syntaxes[syntax].td != NULL)
		r = check_syntax(in, syntaxes[syntax].td, t);
	if (r >= 0)
		r = check_bound(in, t, &syntaxes[syntax].bound);
	if (r >= 0 && syntaxes[syntax].check != NULL)
		r = syntaxes[syntax].check(in, t);
	return r < 0 ? r : 0;
}

static int
check_value(struct arena *a, const struct p1_ext_row *row,
    const struct mhs_ext *x, struct err *e)
{
	struct octets flat;
	struct ber_cursor c;
	struct ber_tlv t;
	struct p1_in in;
	int r;

	if (x->n == 0)
		return err_set(e, "p1", ERR_SYNTAX, "no value");
	r = p1_normalise(a, x->value, x->n, x->n, &flat, e);
	if (r < 0)
		return r;
	in = (struct p1_in){a, flat.p, e};
	c = ber_cursor(flat.p, flat.n);
	r = ber_next(&c, &t, e);
	if (r != 1)
		return r < 0 ? r : ERR_SYNTAX;
	return check_element(&in, (enum p1_ext_syntax)row->syntax, &t);
}

int
p1_ext_check(const struct mhs_ext *x, struct err *e)
{
	const struct p1_ext_row *row = p1_ext_row_of(x);
	struct err own = ERR_INIT;
	struct arena *a;
	int r;

	if (row == NULL)
		return 0;
	if (e == NULL)
		e = &own;
	a = arena_new();
	r = check_value(a, row, x, e);
	arena_free(&a);
	if (r < 0)
		err_prefix(e, "%s", row->name);
	return r;
}
