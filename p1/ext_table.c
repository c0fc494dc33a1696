#include "p1/ext_table.h"

#include <string.h>

#include "p1/envelope_codec.h"
#include "p1/judge.h"

#define M P1_IN_MESSAGE
#define P P1_IN_PROBE
#define R P1_IN_RECIPIENT
#define PR P1_IN_PROBE_RECIPIENT
#define REP P1_IN_REPORT
#define RC P1_IN_REPORT_CONTENT
#define RR P1_IN_REPORTED
#define D MHS_CRITICAL_DELIVERY
#define S MHS_CRITICAL_SUBMISSION
#define WORDS(w) .words = (w), .n_words = sizeof(w) / sizeof((w)[0])

static const char *const prohibited[] = {"allowed", "prohibited"};
static const char *const requested[] = {"not-requested", "requested"};
static const char *const methods[] = {"any-delivery-method", "mhs-delivery",
    "physical-delivery", "telex-delivery", "teletex-delivery",
    "g3-facsimile-delivery", "g4-facsimile-delivery", "ia5-terminal-delivery",
    "videotex-delivery", "telephone-delivery"};
static const char *const modes[] = {"ordinary-mail", "special-delivery",
    "express-mail", "counter-collection",
    "counter-collection-with-telephone-advice",
    "counter-collection-with-telex-advice",
    "counter-collection-with-teletex-advice", "bureau-fax-delivery"};
static const char *const registered[] = {"non-registered-mail",
    "registered-mail", "registered-mail-to-addressee-in-person"};
static const char *const physical_reports[] = {
    "return-of-undeliverable-mail-by-PDS", "return-of-notification-by-PDS",
    "return-of-notification-by-MHS", "return-of-notification-by-MHS-and-PDS"};
static const char *const redirection_reasons[] = {
    "recipient-assigned-alternate-recipient",
    "originator-requested-alternate-recipient",
    "recipient-MD-assigned-alternate-recipient", "directory-look-up", "alias"};

/* Where the delivery method leaves a choice, an MTA of ours has none of
 * physical delivery; the words say what the recipient's side must know. */
static const struct p1_ext_row rows[] = {
    [1] = {"recipient-reassignment-prohibited", P1_SYNTAX_FLAG, M | P, D,
	WORDS(prohibited)},
    [2] = {"originator-requested-alternate-recipient", P1_SYNTAX_OR_NAME,
	R | PR},
    [3] = {"dl-expansion-prohibited", P1_SYNTAX_FLAG, M | P, D,
	WORDS(prohibited)},
    [4] = {"conversion-with-loss-prohibited", P1_SYNTAX_FLAG, M | P, D,
	WORDS(prohibited)},
    [5] = {"latest-delivery-time", P1_SYNTAX_TIME, M, D},
    [6] = {"requested-delivery-method", P1_SYNTAX_METHODS, R | PR,
	WORDS(methods)},
    [7] = {"physical-forwarding-prohibited", P1_SYNTAX_FLAG, R, D,
	P1_CAN_PHYSICAL, WORDS(prohibited)},
    [8] = {"physical-forwarding-address-request", P1_SYNTAX_FLAG, R, D,
	P1_CAN_PHYSICAL, WORDS(requested)},
    [9] = {"physical-delivery-modes", P1_SYNTAX_MODES, R, D, P1_CAN_PHYSICAL,
	WORDS(modes)},
    [10] = {"registered-mail-type", P1_SYNTAX_OPTION, R, D, P1_CAN_PHYSICAL,
	WORDS(registered)},
    [11] = {"recipient-number-for-advice", P1_SYNTAX_NUMBER_FOR_ADVICE, R, D,
	P1_CAN_PHYSICAL},
    [12] = {"physical-rendition-attributes", P1_SYNTAX_OID, R | PR, D,
	P1_CAN_PHYSICAL},
    [13] = {"originator-return-address", P1_SYNTAX_OR_ADDRESS, M},
    [14] = {"physical-delivery-report-request", P1_SYNTAX_OPTION, R, D,
	P1_CAN_PHYSICAL, WORDS(physical_reports)},
    [15] = {"originator-certificate", P1_SYNTAX_CERTIFICATES, M | P, 0,
	P1_CAN_SECURITY},
    [16] = {"message-token", P1_SYNTAX_TOKEN, R, D, P1_CAN_SECURITY},
    [17] = {"content-confidentiality-algorithm-identifier", P1_SYNTAX_ALGORITHM,
	M, D, P1_CAN_SECURITY},
    [18] = {"content-integrity-check", P1_SYNTAX_SIGNATURE, R, D,
	P1_CAN_SECURITY},
    [19] = {"message-origin-authentication-check", P1_SYNTAX_SIGNATURE, M, D,
	P1_CAN_SECURITY},
    [20] = {"message-security-label", P1_SYNTAX_LABEL, M | P | REP, D,
	P1_CAN_SECURITY},
    [21] = {"proof-of-submission-request", P1_SYNTAX_FLAG, 0, S,
	WORDS(requested)},
    [22] = {"proof-of-delivery-request", P1_SYNTAX_FLAG, R, D, P1_CAN_PROVE,
	WORDS(requested)},
    [23] = {"content-correlator", P1_SYNTAX_CORRELATOR, M | P | RC},
    [24] = {"probe-origin-authentication-check", P1_SYNTAX_SIGNATURE, P, D,
	P1_CAN_SECURITY},
    [25] = {"redirection-history", P1_SYNTAX_REDIRECTIONS, R | PR | REP | RR,
	WORDS(redirection_reasons)},
    [26] = {"dl-expansion-history", P1_SYNTAX_EXPANSIONS, M},
    [27] = {"physical-forwarding-address", P1_SYNTAX_OR_NAME, RR},
    [28] = {"recipient-certificate", P1_SYNTAX_CERTIFICATES, R | RR, 0,
	P1_CAN_SECURITY},
    [29] = {"proof-of-delivery", P1_SYNTAX_SIGNATURE, RR},
    [30] = {"originator-and-DL-expansion-history", P1_SYNTAX_ORIGINATOR_HISTORY,
	REP},
    [31] = {"reporting-DL-name", P1_SYNTAX_OR_NAME, REP},
    [32] = {"reporting-MTA-certificate", P1_SYNTAX_CERTIFICATES, REP, D,
	P1_CAN_SECURITY},
    [33] = {"report-origin-authentication-check", P1_SYNTAX_SIGNATURE, REP, D,
	P1_CAN_SECURITY},
    [34] = {"originating-MTA-certificate", P1_SYNTAX_CERTIFICATES},
    [35] = {"proof-of-submission", P1_SYNTAX_SIGNATURE},
    [36] = {"forwarding-request", P1_SYNTAX_SEQUENCE_NUMBER},
    [37] = {"trace-information", P1_SYNTAX_TRACE},
    [38] = {"internal-trace-information", P1_SYNTAX_INTERNAL_TRACE,
	M | P | REP},
    [39] = {"reporting-MTA-name", P1_SYNTAX_REPORTING_MTA, REP},
    [40] = {"multiple-originator-certificates", P1_SYNTAX_EXTENDED_CERTIFICATES,
	M, 0, P1_CAN_SECURITY},
    [41] = {"blind-copy-recipients", P1_SYNTAX_BLIND_COPY, R},
    [42] = {"dl-exempted-recipients", P1_SYNTAX_NAMES, M},
    [43] = {"body-part-encryption-token", P1_SYNTAX_BODY_PART_TOKENS, R, 0,
	P1_CAN_SECURITY},
    [44] = {"forwarded-content-token", P1_SYNTAX_FORWARDED_TOKENS, R, 0,
	P1_CAN_SECURITY},
    [45] = {"certificate-selectors", P1_SYNTAX_SELECTORS, M, 0,
	P1_CAN_SECURITY},
    [46] = {"certificate-selectors-override", P1_SYNTAX_SELECTORS, R, 0,
	P1_CAN_SECURITY},
};

static const struct {
	const char *oid, *name;
} private_names[] = {
    {"1.3.26.0.4406.0.8.0", "priority-level-qualifier"},
};

const char *
p1_ext_private_name(const char *oid)
{
	for (size_t i = 0; i < sizeof(private_names) / sizeof(private_names[0]);
	     i++)
		if (strcmp(private_names[i].oid, oid) == 0)
			return private_names[i].name;
	return NULL;
}

const struct p1_ext_row *
p1_ext_row(int32_t type)
{
	if (type < 1 || type >= (int32_t)(sizeof(rows) / sizeof(rows[0])))
		return NULL;
	return &rows[type];
}

const struct p1_ext_row *
p1_ext_row_of(const struct mhs_ext *x)
{
	return x->oid != NULL ? NULL : p1_ext_row(x->type);
}

const char *
p1_ext_name(int32_t type)
{
	const struct p1_ext_row *row = p1_ext_row(type);

	return row != NULL ? row->name : NULL;
}

const char *
p1_ext_text(struct arena *a, const struct mhs_ext *x)
{
	const char *name =
	    x->oid != NULL ? p1_ext_private_name(x->oid) : p1_ext_name(x->type);

	if (x->oid != NULL)
		return name == NULL ? arena_printf(a, "extension %s", x->oid)
				    : arena_printf(a, "%s (%s)", name, x->oid);
	return name == NULL ? arena_printf(a, "unknown extension %d", x->type)
			    : arena_printf(a, "%s (%d)", name, x->type);
}
