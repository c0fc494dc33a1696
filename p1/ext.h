/*
 * The standard extensions of X.411 (1999) 8.2.1.1.1, 12.2.1: what they are
 * called, where they belong, and the values that the switch acts on.
 *
 * The model keeps every extension as it came (struct mhs_ext), so that a relay
 * passes it on bit for bit; here its value is checked, read, written and
 * shown. All of it works on one arena; what a reader returns lives there.
 */
#ifndef P1_EXT_H
#define P1_EXT_H

#include "lib/buf.h"
#include "mhs/envelope.h"

/* The numbers of Annex A of X.411. */
enum p1_ext {
	P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED = 1, /* ENUMERATED as a flag */
	P1_EXT_ORIGINATOR_ALTERNATE = 2, /* ORAddressAndOrDirectoryName */
	P1_EXT_DL_EXPANSION_PROHIBITED = 3,
	P1_EXT_CONVERSION_WITH_LOSS_PROHIBITED = 4,
	P1_EXT_LATEST_DELIVERY_TIME = 5, /* UTCTime */
	P1_EXT_DELIVERY_METHOD = 6,
	P1_EXT_PHYSICAL_FORWARDING_PROHIBITED = 7,
	P1_EXT_PHYSICAL_FORWARDING_ADDRESS_REQUEST = 8,
	P1_EXT_PHYSICAL_DELIVERY_MODES = 9,
	P1_EXT_REGISTERED_MAIL_TYPE = 10,
	P1_EXT_NUMBER_FOR_ADVICE = 11,
	P1_EXT_RENDITION_ATTRIBUTES = 12,
	P1_EXT_RETURN_ADDRESS = 13,
	P1_EXT_PHYSICAL_DELIVERY_REPORT_REQUEST = 14,
	P1_EXT_ORIGINATOR_CERTIFICATE = 15,
	P1_EXT_MESSAGE_TOKEN = 16,
	P1_EXT_CONFIDENTIALITY_ALGORITHM = 17,
	P1_EXT_CONTENT_INTEGRITY_CHECK = 18,
	P1_EXT_ORIGIN_CHECK = 19,
	P1_EXT_SECURITY_LABEL = 20,
	P1_EXT_PROOF_OF_SUBMISSION_REQUEST = 21,
	P1_EXT_PROOF_OF_DELIVERY_REQUEST = 22,
	P1_EXT_CONTENT_CORRELATOR = 23,
	P1_EXT_PROBE_ORIGIN_CHECK = 24,
	P1_EXT_REDIRECTION_HISTORY = 25,
	P1_EXT_DL_HISTORY = 26,
	P1_EXT_FORWARDING_ADDRESS = 27,
	P1_EXT_RECIPIENT_CERTIFICATE = 28,
	P1_EXT_PROOF_OF_DELIVERY = 29,
	P1_EXT_ORIGINATOR_AND_DL_HISTORY = 30,
	P1_EXT_REPORTING_DL_NAME = 31,
	P1_EXT_REPORTING_MTA_CERTIFICATE = 32,
	P1_EXT_REPORT_ORIGIN_CHECK = 33,
	P1_EXT_ORIGINATING_MTA_CERTIFICATE = 34,
	P1_EXT_PROOF_OF_SUBMISSION = 35,
	P1_EXT_FORWARDING_REQUEST = 36,
	P1_EXT_TRACE = 37,
	P1_EXT_INTERNAL_TRACE = 38,
	P1_EXT_REPORTING_MTA_NAME = 39,
	P1_EXT_MULTIPLE_CERTIFICATES = 40,
	P1_EXT_BLIND_COPY = 41,
	P1_EXT_DL_EXEMPTED = 42,
	P1_EXT_ENCRYPTION_TOKEN = 43,
	P1_EXT_FORWARDED_TOKEN = 44,
	P1_EXT_CERTIFICATE_SELECTORS = 45,
	P1_EXT_CERTIFICATE_SELECTORS_OVERRIDE = 46,
};

/* "dl-expansion-history"; NULL: no standard one. */
const char *p1_ext_name(int32_t type);
/* 0, or when the value of a standard extension is not what X.411 says:
 * ERR_SYNTAX for its structure, ERR_LIMIT for one of its bounds. Private and
 * unknown ones are always good. */
int p1_ext_check(const struct mhs_ext *x, struct err *e);
/* The value as text, indented lines below the name; TLVs where it is not a
 * standard one. */
void p1_ext_print(const struct mhs_ext *x, unsigned indent, struct buf *out);

/* Readers: false when there is none (or its value is bad: then the extension
 * counts as absent here; p1_ext_check() has told before). */
bool p1_ext_flag(const struct mhs_exts *x, enum p1_ext type);
bool p1_ext_time(const struct mhs_exts *x, enum p1_ext type, int64_t *out);
bool p1_ext_or_name(struct arena *a, const struct mhs_exts *x, enum p1_ext type,
    struct mhs_name *out);
/* O/R names, of dl-exempted-recipients (42); their number, or 0. */
size_t p1_ext_names(struct arena *a, const struct mhs_exts *x, enum p1_ext type,
    struct mhs_name **out);
/* MTA that reports (39): domain and name. */
bool p1_ext_reporting_mta(struct arena *a, const struct mhs_exts *x,
    struct mhs_domain *domain, const char **mta);

enum p1_redirection_reason { /* X.411 RedirectionReason */
	P1_RECIPIENT_ASSIGNED_ALTERNATE = 0,
	P1_ORIGINATOR_REQUESTED_ALTERNATE = 1,
	P1_RECIPIENT_MD_ASSIGNED_ALTERNATE = 2,
	P1_DIRECTORY_LOOK_UP = 3,
	P1_ALIAS = 4,
};

/* One element of redirection-history (25, oldest first), of
 * dl-expansion-history (26) or originator-and-DL-expansion-history (30). */
struct p1_history {
	struct mhs_name name; /* intended recipient; the list; originator */
	int64_t time;
	enum p1_redirection_reason reason; /* redirection-history */
};
/* Elements, or 0. */
size_t p1_ext_history(struct arena *a, const struct mhs_exts *x,
    enum p1_ext type, struct p1_history **out);

/* Writers: replace the extension of that type, or add it with the criticality
 * that the standard recommends. They copy the array of `x` into `a`. ERR_LIMIT
 * when there is no room, ERR_SYNTAX for a name that P1 cannot carry. */
int p1_ext_set_history(struct arena *a, struct mhs_exts *x, enum p1_ext type,
    const struct p1_history *v, size_t n, struct err *e);
int p1_ext_set_or_name(struct arena *a, struct mhs_exts *x, enum p1_ext type,
    const struct mhs_name *name, struct err *e);
int p1_ext_set_time(struct arena *a, struct mhs_exts *x, enum p1_ext type,
    int64_t t, struct err *e);
int p1_ext_set_flag(
    struct arena *a, struct mhs_exts *x, enum p1_ext type, struct err *e);
int p1_ext_set_reporting_mta(struct arena *a, struct mhs_exts *x,
    const struct mhs_domain *domain, const char *mta, struct err *e);
void p1_ext_remove(struct arena *a, struct mhs_exts *x, enum p1_ext type);

#endif
