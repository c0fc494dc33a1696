#include "mhs/diag.h"

#include <stdio.h>
#include <string.h>

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

/* --- names (X.411 NonDeliveryReasonCode, NonDeliveryDiagnosticCode) --- */

static const char *const reason_names[] = {
    [MHS_TRANSFER_FAILURE] = "transfer-failure",
    [MHS_UNABLE_TO_TRANSFER] = "unable-to-transfer",
    [MHS_CONVERSION_NOT_PERFORMED] = "conversion-not-performed",
    [MHS_PHYSICAL_RENDITION_NOT_PERFORMED] = "physical-rendition-not-performed",
    [MHS_PHYSICAL_DELIVERY_NOT_PERFORMED] = "physical-delivery-not-performed",
    [MHS_RESTRICTED_DELIVERY] = "restricted-delivery",
    [MHS_DIRECTORY_OPERATION_UNSUCCESSFUL] = "directory-operation-unsuccessful",
    [MHS_DEFERRED_DELIVERY_NOT_PERFORMED] = "deferred-delivery-not-performed",
    [MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON] =
	"transfer-failure-for-security-reason",
};

static const char *const diagnostic_names[] = {
    "unrecognised-OR-name",
    "ambiguous-OR-name",
    "mts-congestion",
    "loop-detected",
    "recipient-unavailable",
    "maximum-time-expired",
    "encoded-information-types-unsupported",
    "content-too-long",
    "conversion-impractical",
    "implicit-conversion-prohibited",
    "implicit-conversion-not-subscribed",
    "invalid-arguments",
    "content-syntax-error",
    "size-constraint-violation",
    "protocol-violation",
    "content-type-not-supported",
    "too-many-recipients",
    "no-bilateral-agreement",
    "unsupported-critical-function",
    "conversion-with-loss-prohibited",
    "line-too-long",
    "page-split",
    "pictorial-symbol-loss",
    "punctuation-symbol-loss",
    "alphabetic-character-loss",
    "multiple-information-loss",
    "recipient-reassignment-prohibited",
    "redirection-loop-detected",
    "dl-expansion-prohibited",
    "no-dl-submit-permission",
    "dl-expansion-failure",
    "physical-rendition-attributes-not-supported",
    "undeliverable-mail-physical-delivery-address-incorrect",
    "undeliverable-mail-physical-delivery-office-incorrect-or-invalid",
    "undeliverable-mail-physical-delivery-address-incomplete",
    "undeliverable-mail-recipient-unknown",
    "undeliverable-mail-recipient-deceased",
    "undeliverable-mail-organization-expired",
    "undeliverable-mail-recipient-refused-to-accept",
    "undeliverable-mail-recipient-did-not-claim",
    "undeliverable-mail-recipient-changed-address-permanently",
    "undeliverable-mail-recipient-changed-address-temporarily",
    "undeliverable-mail-recipient-changed-temporary-address",
    "undeliverable-mail-new-address-unknown",
    "undeliverable-mail-recipient-did-not-want-forwarding",
    "undeliverable-mail-originator-prohibited-forwarding",
    "secure-messaging-error",
    "unable-to-downgrade",
    "unable-to-complete-transfer",
    "transfer-attempts-limit-reached",
};

static const char *
name_of(const char *const *names, size_t n, int32_t code, const char *what)
{
	static _Thread_local char other[40];

	if (code >= 0 && (size_t)code < n)
		return names[code];
	snprintf(other, sizeof(other), "%s-%d", what, (int)code);
	return other;
}

const char *
mhs_reason_name(int32_t reason)
{
	return name_of(reason_names, COUNT(reason_names), reason, "reason");
}

const char *
mhs_diagnostic_name(int32_t diagnostic)
{
	if (diagnostic == MHS_DIAG_ABSENT)
		return "none";
	return name_of(diagnostic_names, COUNT(diagnostic_names), diagnostic,
	    "diagnostic");
}

/* --- X.411 to RFC 3463 (RFC 2156 5.3.8.2) --- */

static const struct {
	int32_t diagnostic;
	const char *status;
} to_status[] = {
    {0, "5.1.1"},
    {1, "5.1.4"},
    {2, "4.3.1"},
    {3, "5.4.6"},
    {4, "4.2.1"},
    {5, "4.4.7"},
    {6, "5.6.1"},
    {7, "5.2.3"},
    {8, "5.6.3"},
    {9, "5.6.3"},
    {10, "5.6.3"},
    {11, "5.5.2"},
    {12, "5.5.2"},
    {13, "5.5.2"},
    {14, "5.5.0"},
    {15, "5.6.1"},
    {16, "5.5.3"},
    {17, "5.4.4"},
    {18, "5.3.3"},
    {19, "5.6.2"},
    {20, "5.6.0"},
    {21, "5.6.0"},
    {22, "5.6.2"},
    {23, "5.6.2"},
    {24, "5.6.2"},
    {25, "5.6.2"},
    {26, "5.4.0"},
    {27, "5.4.6"},
    {28, "5.7.2"},
    {29, "5.7.1"},
    {30, "4.2.4"},
    {31, "5.6.0"},
    {43, "5.1.6"},
    {46, "5.7.0"},
    {47, "5.3.3"},
    {48, "5.3.4"},
    {49, "4.4.7"},
};

static const char *const reason_status[] = {"4.4.0", "5.0.0", "5.6.3", "5.6.0",
    "5.1.0", "5.7.1", "5.4.3", "5.3.3", "5.7.0"};

const char *
mhs_diag_to_status(int32_t reason, int32_t diagnostic)
{
	for (size_t i = 0; i < COUNT(to_status); i++)
		if (to_status[i].diagnostic == diagnostic)
			return to_status[i].status;
	if (diagnostic >= 32 && diagnostic <= 45)
		return "5.1.0"; /* the post office's troubles */
	if (reason >= 0 && (size_t)reason < COUNT(reason_status))
		return reason_status[reason];
	return "5.0.0";
}

/* --- RFC 3463 to X.411 (RFC 2156 5.1.8.4), and the codes' meanings --- */

static const struct {
	const char *subject; /* what follows the class: "1.1" */
	int32_t reason, diagnostic;
	const char *text;
} statuses[] = {
    {"0.0", 1, -1, "undefined status"},
    {"1.0", 1, -1, "address problem"},
    {"1.1", 1, 0, "no such mailbox"},
    {"1.2", 1, 0, "no such system"},
    {"1.3", 1, 0, "the address is not valid"},
    {"1.4", 1, 1, "the address is ambiguous"},
    {"1.5", 1, -1, "the address is valid"},
    {"1.6", 1, 43, "the mailbox has moved"},
    {"1.7", 1, 11, "the sender's address is not valid"},
    {"1.8", 1, 11, "the sender's system does not exist"},
    {"1.10", 1, 0, "the domain accepts no mail"},
    {"2.0", 1, -1, "mailbox problem"},
    {"2.1", 1, 4, "the mailbox is disabled"},
    {"2.2", 1, 4, "the mailbox is full"},
    {"2.3", 1, 7, "the message is too long for the mailbox"},
    {"2.4", 1, 30, "the mailing list could not be expanded"},
    {"3.0", 0, -1, "mail system problem"},
    {"3.1", 1, 2, "the mail system is full"},
    {"3.2", 1, 2, "the system accepts no messages now"},
    {"3.3", 1, 18, "the system lacks a function that the message needs"},
    {"3.4", 1, 7, "the message is too big for the system"},
    {"3.5", 1, -1, "the system is not configured correctly"},
    {"4.0", 0, -1, "network or routing problem"},
    {"4.1", 0, -1, "the host does not answer"},
    {"4.2", 0, -1, "the connection broke"},
    {"4.3", 6, -1, "the directory did not answer"},
    {"4.4", 0, -1, "no route"},
    {"4.5", 1, 2, "the network is congested"},
    {"4.6", 1, 3, "the message was in a loop"},
    {"4.7", 1, 5, "the time for delivery is over"},
    {"5.0", 1, -1, "protocol problem"},
    {"5.1", 1, 14, "invalid command"},
    {"5.2", 1, 14, "syntax error"},
    {"5.3", 1, 16, "too many recipients"},
    {"5.4", 1, 14, "invalid arguments of a command"},
    {"5.5", 1, 18, "wrong protocol version"},
    {"6.0", 2, -1, "content problem"},
    {"6.1", 1, 6, "the content type is not supported"},
    {"6.2", 1, 9, "a conversion is needed but prohibited"},
    {"6.3", 2, 8, "a conversion is needed but not supported"},
    {"6.4", 2, 19, "a conversion would lose information"},
    {"6.5", 2, 8, "the conversion failed"},
    {"7.0", 8, -1, "security problem"},
    {"7.1", 5, -1, "delivery is not authorized"},
    {"7.2", 1, 28, "expansion of the list is prohibited"},
    {"7.3", 8, -1, "security conversion is needed but not possible"},
    {"7.4", 8, -1, "security features are not supported"},
    {"7.5", 8, 46, "cryptographic failure"},
    {"7.6", 8, 46, "the cryptographic algorithm is not supported"},
    {"7.7", 8, 46, "the message's integrity is broken"},
};

/* The row for "5.1.1" (class ignored), falling back to its subject's ".0",
 * then to the first. */
static size_t
find_status(const char *status)
{
	const char *subject = strchr(status, '.');
	size_t i;

	if (subject == NULL)
		return 0;
	subject++;
	for (i = 0; i < COUNT(statuses); i++)
		if (strcmp(statuses[i].subject, subject) == 0)
			return i;
	for (i = 0; i < COUNT(statuses); i++)
		if (statuses[i].subject[0] == subject[0] &&
		    strcmp(statuses[i].subject + 1, ".0") == 0)
			return i;
	return 0;
}

void
mhs_diag_from_status(const char *status, int32_t *reason, int32_t *diagnostic)
{
	size_t i = find_status(status);

	*reason = statuses[i].reason;
	*diagnostic = statuses[i].diagnostic;
}

const char *
mhs_status_text(const char *status)
{
	return statuses[find_status(status)].text;
}
