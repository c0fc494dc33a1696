/*
 * Why a message was not delivered: X.411 reason and diagnostic codes (X.411
 * 8.3.1.2.1.12) and the RFC 3463 status codes they stand for (RFC 2156 and
 * RFC 3461 practice), as one table.
 */
#ifndef MHS_DIAG_H
#define MHS_DIAG_H

#include <stdint.h>

enum mhs_reason { /* NonDeliveryReasonCode */
	MHS_TRANSFER_FAILURE = 0,
	MHS_UNABLE_TO_TRANSFER = 1,
	MHS_CONVERSION_NOT_PERFORMED = 2,
	MHS_PHYSICAL_RENDITION_NOT_PERFORMED = 3,
	MHS_PHYSICAL_DELIVERY_NOT_PERFORMED = 4,
	MHS_RESTRICTED_DELIVERY = 5,
	MHS_DIRECTORY_OPERATION_UNSUCCESSFUL = 6,
	MHS_DEFERRED_DELIVERY_NOT_PERFORMED = 7,
	MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON = 8,
};

enum mhs_diagnostic { /* NonDeliveryDiagnosticCode; the ones we make */
	MHS_DIAG_ABSENT = -1,
	MHS_UNRECOGNISED_OR_NAME = 0,
	MHS_AMBIGUOUS_OR_NAME = 1,
	MHS_MTS_CONGESTION = 2,
	MHS_LOOP_DETECTED = 3,
	MHS_RECIPIENT_UNAVAILABLE = 4,
	MHS_MAXIMUM_TIME_EXPIRED = 5,
	MHS_EITS_UNSUPPORTED = 6,
	MHS_CONTENT_TOO_LONG = 7,
	MHS_IMPRACTICAL_TO_CONVERT = 8,
	MHS_IMPLICIT_CONVERSION_PROHIBITED = 9,
	MHS_IMPLICIT_CONVERSION_NOT_SUBSCRIBED = 10,
	MHS_INVALID_ARGUMENTS = 11,
	MHS_CONTENT_SYNTAX_ERROR = 12,
	MHS_SIZE_CONSTRAINT_VIOLATION = 13,
	MHS_PROTOCOL_VIOLATION = 14,
	MHS_CONTENT_TYPE_NOT_SUPPORTED = 15,
	MHS_TOO_MANY_RECIPIENTS = 16,
	MHS_NO_BILATERAL_AGREEMENT = 17,
	MHS_CRITICAL_FUNCTION_UNSUPPORTED = 18,
	MHS_CONVERSION_WITH_LOSS_PROHIBITED = 19,
	MHS_LINE_TOO_LONG = 20,
	MHS_RECIPIENT_REASSIGNMENT_PROHIBITED = 26,
	MHS_REDIRECTION_LOOP_DETECTED = 27,
	MHS_DL_EXPANSION_PROHIBITED = 28,
	MHS_NO_DL_SUBMIT_PERMISSION = 29,
	MHS_DL_EXPANSION_FAILURE = 30,
	MHS_NEW_ADDRESS_UNKNOWN = 43,
	MHS_SECURE_MESSAGING_ERROR = 46,
	MHS_UNABLE_TO_DOWNGRADE = 47,
	MHS_UNABLE_TO_COMPLETE_TRANSFER = 48,
	MHS_TRANSFER_ATTEMPTS_LIMIT_REACHED = 49,
};

/* Standard names: "unable-to-transfer", "unrecognised-OR-name"; a number out
 * of the tables gives "reason-99" (static per thread). */
const char *mhs_reason_name(int32_t reason);
const char *mhs_diagnostic_name(int32_t diagnostic);

/* RFC 3463 "5.1.1" for a pair (RFC 2156 5.3.8.2; codes younger than it by
 * their meaning). A diagnostic that is not in the table counts as absent. */
const char *mhs_diag_to_status(int32_t reason, int32_t diagnostic);
/* The pair for a status code ("5.1.1", "4.4.7") by RFC 2156 5.1.8.4; an
 * unknown detail counts as x.n.0, what is no status code as unable-to-transfer
 * without diagnostic. Text after the code is not looked at. */
void mhs_diag_from_status(
    const char *status, int32_t *reason, int32_t *diagnostic);
/* One sentence for a person, from a status code's meaning (RFC 3463); never
 * NULL. */
const char *mhs_status_text(const char *status);

#endif
