/* The standard extensions of X.411 (1999) and X.420, and which of them a
 * relay must understand. */
#include "p1/envelope_codec.h"

#include <string.h>

static const char *const names[] = {
    [1] = "recipient-reassignment-prohibited",
    [2] = "originator-requested-alternate-recipient",
    [3] = "dl-expansion-prohibited",
    [4] = "conversion-with-loss-prohibited",
    [5] = "latest-delivery-time",
    [6] = "requested-delivery-method",
    [7] = "physical-forwarding-prohibited",
    [8] = "physical-forwarding-address-request",
    [9] = "physical-delivery-modes",
    [10] = "registered-mail-type",
    [11] = "recipient-number-for-advice",
    [12] = "physical-rendition-attributes",
    [13] = "originator-return-address",
    [14] = "physical-delivery-report-request",
    [15] = "originator-certificate",
    [16] = "message-token",
    [17] = "content-confidentiality-algorithm-identifier",
    [18] = "content-integrity-check",
    [19] = "message-origin-authentication-check",
    [20] = "message-security-label",
    [21] = "proof-of-submission-request",
    [22] = "proof-of-delivery-request",
    [23] = "content-correlator",
    [24] = "probe-origin-authentication-check",
    [25] = "redirection-history",
    [26] = "dl-expansion-history",
    [27] = "physical-forwarding-address",
    [28] = "recipient-certificate",
    [29] = "proof-of-delivery",
    [30] = "originator-and-DL-expansion-history",
    [31] = "reporting-DL-name",
    [32] = "reporting-MTA-certificate",
    [33] = "report-origin-authentication-check",
    [34] = "originating-MTA-certificate",
    [35] = "proof-of-submission",
    [36] = "forwarding-request",
    [37] = "trace-information",
    [38] = "internal-trace-information",
    [39] = "reporting-MTA-name",
    [40] = "multiple-originator-certificates",
    [41] = "blind-copy-recipients",
    [42] = "dl-exempted-recipients",
    [43] = "body-part-encryption-token",
    [44] = "forwarded-content-token",
    [45] = "certificate-selectors",
    [46] = "certificate-selectors-override",
};

static const struct {
	const char *oid, *name;
} private_names[] = {
    {"1.3.26.0.4406.0.8.0", "priority-level-qualifier"},
};

static const char *
private_name(const char *oid)
{
	for (size_t i = 0; i < sizeof(private_names) / sizeof(private_names[0]);
	     i++)
		if (strcmp(private_names[i].oid, oid) == 0)
			return private_names[i].name;
	return NULL;
}

const char *
p1_ext_name(int32_t type)
{
	if (type < 0 || type >= (int32_t)(sizeof(names) / sizeof(names[0])))
		return NULL;
	return names[type];
}

const struct mhs_ext *
p1_critical_unknown(const struct mhs_exts *x, uint8_t criticality)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct mhs_ext *v = &x->v[i];
		bool known = v->oid != NULL ? private_name(v->oid) != NULL
					    : p1_ext_name(v->type) != NULL;

		if ((v->criticality & criticality) != 0 && !known)
			return v;
	}
	return NULL;
}

const char *
p1_ext_text(struct arena *a, const struct mhs_ext *x)
{
	const char *name =
	    x->oid != NULL ? private_name(x->oid) : p1_ext_name(x->type);

	if (x->oid != NULL)
		return name == NULL ? arena_printf(a, "extension %s", x->oid)
				    : arena_printf(a, "%s (%s)", name, x->oid);
	return name == NULL ? arena_printf(a, "standard extension %d", x->type)
			    : arena_printf(a, "%s (%d)", name, x->type);
}
