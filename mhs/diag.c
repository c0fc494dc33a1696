#include "mhs/diag.h"

#include <stdio.h>

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

static const struct {
	const char *name;
	const char *status; /* RFC 2156 5.3.8.2, for any diagnostic */
} reasons[] = {
    [MHS_TRANSFER_FAILURE] = {"transfer-failure", "4.4.0"},
    [MHS_UNABLE_TO_TRANSFER] = {"unable-to-transfer", "5.0.0"},
    [MHS_CONVERSION_NOT_PERFORMED] = {"conversion-not-performed", "5.6.3"},
    [MHS_PHYSICAL_RENDITION_NOT_PERFORMED] =
	{"physical-rendition-not-performed", "5.6.0"},
    [MHS_PHYSICAL_DELIVERY_NOT_PERFORMED] = {"physical-delivery-not-performed",
	"5.1.0"},
    [MHS_RESTRICTED_DELIVERY] = {"restricted-delivery", "5.7.1"},
    [MHS_DIRECTORY_OPERATION_UNSUCCESSFUL] =
	{"directory-operation-unsuccessful", "5.4.3"},
    [MHS_DEFERRED_DELIVERY_NOT_PERFORMED] = {"deferred-delivery-not-performed",
	"5.3.3"},
    [MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON] =
	{"transfer-failure-for-security-reason", "5.7.0"},
};

/* X.411 names; status codes up to 49 by RFC 2156 5.3.8.2, above by meaning. */
static const struct {
	const char *name;
	const char *status;
} diagnostics[] = {
    [0] = {"unrecognised-OR-name", "5.1.1"},
    [1] = {"ambiguous-OR-name", "5.1.4"},
    [2] = {"mts-congestion", "4.3.1"},
    [3] = {"loop-detected", "5.4.6"},
    [4] = {"recipient-unavailable", "4.2.1"},
    [5] = {"maximum-time-expired", "4.4.7"},
    [6] = {"encoded-information-types-unsupported", "5.6.1"},
    [7] = {"content-too-long", "5.2.3"},
    [8] = {"conversion-impractical", "5.6.3"},
    [9] = {"implicit-conversion-prohibited", "5.6.3"},
    [10] = {"implicit-conversion-not-subscribed", "5.6.3"},
    [11] = {"invalid-arguments", "5.5.2"},
    [12] = {"content-syntax-error", "5.5.2"},
    [13] = {"size-constraint-violation", "5.5.2"},
    [14] = {"protocol-violation", "5.5.0"},
    [15] = {"content-type-not-supported", "5.6.1"},
    [16] = {"too-many-recipients", "5.5.3"},
    [17] = {"no-bilateral-agreement", "5.4.4"},
    [18] = {"unsupported-critical-function", "5.3.3"},
    [19] = {"conversion-with-loss-prohibited", "5.6.2"},
    [20] = {"line-too-long", "5.6.0"},
    [21] = {"page-split", "5.6.0"},
    [22] = {"pictorial-symbol-loss", "5.6.2"},
    [23] = {"punctuation-symbol-loss", "5.6.2"},
    [24] = {"alphabetic-character-loss", "5.6.2"},
    [25] = {"multiple-information-loss", "5.6.2"},
    [26] = {"recipient-reassignment-prohibited", "5.4.0"},
    [27] = {"redirection-loop-detected", "5.4.6"},
    [28] = {"dl-expansion-prohibited", "5.7.2"},
    [29] = {"no-dl-submit-permission", "5.7.1"},
    [30] = {"dl-expansion-failure", "4.2.4"},
    [31] = {"physical-rendition-attributes-not-supported", "5.6.0"},
    [32] = {"undeliverable-mail-physical-delivery-address-incorrect", "5.1.0"},
    [33] = {"undeliverable-mail-physical-delivery-office-incorrect-or-"
	    "invalid",
	"5.1.0"},
    [34] = {"undeliverable-mail-physical-delivery-address-incomplete", "5.1.0"},
    [35] = {"undeliverable-mail-recipient-unknown", "5.1.0"},
    [36] = {"undeliverable-mail-recipient-deceased", "5.1.0"},
    [37] = {"undeliverable-mail-organization-expired", "5.1.0"},
    [38] = {"undeliverable-mail-recipient-refused-to-accept", "5.1.0"},
    [39] = {"undeliverable-mail-recipient-did-not-claim", "5.1.0"},
    [40] = {"undeliverable-mail-recipient-changed-address-permanently",
	"5.1.0"},
    [41] = {"undeliverable-mail-recipient-changed-address-temporarily",
	"5.1.0"},
    [42] = {"undeliverable-mail-recipient-changed-temporary-address", "5.1.0"},
    [43] = {"undeliverable-mail-new-address-unknown", "5.1.6"},
    [44] = {"undeliverable-mail-recipient-did-not-want-forwarding", "5.1.0"},
    [45] = {"undeliverable-mail-originator-prohibited-forwarding", "5.1.0"},
    [46] = {"secure-messaging-error", "5.7.0"},
    [47] = {"unable-to-downgrade", "5.3.3"},
    [48] = {"unable-to-complete-transfer", "5.3.4"},
    [49] = {"transfer-attempts-limit-reached", "4.4.7"},
    [50] = {"incorrect-notification-type", "5.5.2"},
    [51] = {"dl-expansion-prohibited-by-security-policy", "5.7.2"},
    [52] = {"forbidden-alternate-recipient", "5.7.1"},
    [53] = {"security-policy-violation", "5.7.1"},
    [54] = {"security-services-refusal", "5.7.4"},
    [55] = {"unauthorised-dl-member", "5.7.1"},
    [56] = {"unauthorised-dl-name", "5.7.1"},
    [57] = {"unauthorised-originally-intended-recipient-name", "5.7.1"},
    [58] = {"unauthorised-originator-name", "5.7.1"},
    [59] = {"unauthorised-recipient-name", "5.7.1"},
    [60] = {"unreliable-system", "5.7.0"},
    [61] = {"authentication-failure-on-subject-message", "5.7.0"},
    [62] = {"decryption-failed", "5.7.5"},
    [63] = {"decryption-key-unobtainable", "5.7.5"},
    [64] = {"double-envelope-creation-failure", "5.7.5"},
    [65] = {"double-enveloping-message-restoring-failure", "5.7.5"},
    [66] = {"failure-of-proof-of-message", "5.7.0"},
    [67] = {"integrity-failure-on-subject-message", "5.7.7"},
    [68] = {"invalid-security-label", "5.7.0"},
    [69] = {"key-failure", "5.7.5"},
    [70] = {"mandatory-parameter-absence", "5.5.2"},
    [71] = {"operation-security-failure", "5.7.0"},
    [72] = {"repudiation-failure-of-message", "5.7.0"},
    [73] = {"security-context-failure", "5.7.0"},
    [74] = {"token-decryption-failed", "5.7.5"},
    [75] = {"token-error", "5.7.0"},
    [76] = {"unknown-security-label", "5.7.0"},
    [77] = {"unsupported-algorithm-identifier", "5.7.6"},
    [78] = {"unsupported-security-policy", "5.7.0"},
};

/* RFC 2156 5.1.8.4; the sentences tell RFC 3463's meanings. */
static const struct status {
	uint16_t subject, detail;
	int32_t reason, diagnostic;
	const char *text;
} statuses[] = {
    {0, 0, 1, -1, "No details are known"},
    {1, 0, 1, -1, "There is a problem with the address"},
    {1, 1, 1, 0, "The mailbox does not exist"},
    {1, 2, 1, 0, "The destination system does not exist or takes no mail"},
    {1, 3, 1, 0, "The recipient address is not valid"},
    {1, 4, 1, 1, "The address fits more than one recipient"},
    {1, 5, 1, -1, "The recipient address is valid"},
    {1, 6, 1, 43, "The mailbox has moved and left no new address"},
    {1, 7, 1, 11, "The sender address is not valid"},
    {1, 8, 1, 11, "The sender's system does not exist or takes no mail"},
    {1, 10, 1, 0, "The destination domain takes no mail"},
    {2, 0, 1, -1, "There is a problem with the mailbox"},
    {2, 1, 1, 4, "The mailbox is disabled"},
    {2, 2, 1, 4, "The mailbox is full"},
    {2, 3, 1, 7, "The message is longer than the mailbox allows"},
    {2, 4, 1, 30, "A distribution list could not be expanded"},
    {3, 0, 0, -1, "There is a problem with the destination system"},
    {3, 1, 1, 2, "The destination system has no room left"},
    {3, 2, 1, 2, "The destination system is not accepting messages"},
    {3, 3, 1, 18, "The destination system lacks a feature asked for"},
    {3, 4, 1, 7, "The message is too big for the destination system"},
    {3, 5, 1, -1, "The destination system is not configured correctly"},
    {4, 0, 0, -1, "There is a problem with the network or the routing"},
    {4, 1, 0, -1, "The destination system did not answer"},
    {4, 2, 0, -1, "The connection to the destination system broke"},
    {4, 3, 6, -1, "A directory that routing needs did not answer"},
    {4, 4, 0, -1, "There is no route to the destination"},
    {4, 5, 1, 2, "The mail system is congested"},
    {4, 6, 1, 3, "The message was going round in a loop"},
    {4, 7, 1, 5, "The message could not be delivered in time"},
    {5, 0, 1, -1, "The systems disagreed about the protocol"},
    {5, 1, 1, 14, "A command was not valid there"},
    {5, 2, 1, 14, "A command was not understood"},
    {5, 3, 1, 16, "The message has too many recipients"},
    {5, 4, 1, 14, "A command had arguments that are not valid"},
    {5, 5, 1, 18, "The systems speak different protocol versions"},
    {6, 0, 2, -1, "There is a problem with the content of the message"},
    {6, 1, 1, 6, "The destination does not support this kind of content"},
    {6, 2, 1, 9, "The content needs conversion, which is prohibited"},
    {6, 3, 2, 8, "The content needs a conversion that is not possible"},
    {6, 4, 2, -1, "The content was converted and something was lost"},
    {6, 5, 2, 47, "The conversion of the content failed"},
    {7, 0, 1, 46, "Security policy stopped the message"},
    {7, 1, 1, 29, "Delivery is not authorized"},
    {7, 2, 1, 28, "The sender may not use this distribution list"},
    {7, 3, 1, 46, "A security conversion that is needed is not possible"},
    {7, 4, 1, 46, "A security feature that is needed is not supported"},
    {7, 5, 1, 46, "The message could not be decrypted or authenticated"},
    {7, 6, 1, 46, "A cryptographic algorithm is not supported"},
    {7, 7, 1, 46, "The message was altered on its way"},
};

static const char *
unnamed(const char *what, int32_t number)
{
	static _Thread_local char text[4][32];
	static _Thread_local unsigned turn;
	char *s = text[turn++ % 4];

	snprintf(s, sizeof(text[0]), "%s-%d", what, number);
	return s;
}

const char *
mhs_reason_name(int32_t reason)
{
	if (reason >= 0 && (size_t)reason < COUNT(reasons))
		return reasons[reason].name;
	return unnamed("reason", reason);
}

const char *
mhs_diagnostic_name(int32_t diagnostic)
{
	if (diagnostic >= 0 && (size_t)diagnostic < COUNT(diagnostics))
		return diagnostics[diagnostic].name;
	return unnamed("diagnostic", diagnostic);
}

const char *
mhs_diag_to_status(int32_t reason, int32_t diagnostic)
{
	if (diagnostic >= 0 && (size_t)diagnostic < COUNT(diagnostics))
		return diagnostics[diagnostic].status;
	if (reason >= 0 && (size_t)reason < COUNT(reasons))
		return reasons[reason].status;
	return "5.0.0";
}

static const struct status *
status_find(unsigned long subject, unsigned long detail)
{
	for (size_t i = 0; i < COUNT(statuses); i++)
		if (statuses[i].subject == subject &&
		    statuses[i].detail == detail)
			return &statuses[i];
	return NULL;
}

/* The row of "5.1.1", else that of x.n.0, else that of x.0.0. */
static const struct status *
status_row(const char *status)
{
	const struct status *s = NULL;
	unsigned subject, detail;

	if (status != NULL &&
	    sscanf(status, "%*1[245].%3u.%3u", &subject, &detail) == 2) {
		s = status_find(subject, detail);
		if (s == NULL)
			s = status_find(subject, 0);
	}
	return s != NULL ? s : &statuses[0];
}

void
mhs_diag_from_status(const char *status, int32_t *reason, int32_t *diagnostic)
{
	const struct status *s = status_row(status);

	*reason = s->reason;
	*diagnostic = s->diagnostic;
}

const char *
mhs_status_text(const char *status)
{
	return status_row(status)->text;
}
