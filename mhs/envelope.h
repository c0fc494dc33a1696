/*
 * The message model: envelope, recipients, trace, report; neutral between
 * X.400 and Internet mail. Every way in makes one of these, the queue keeps
 * it, every way out reads it.
 *
 * X.411 names keep their spelling. Times are Unix seconds (UTC), 0: absent.
 * Text is UTF-8. Everything lives in one arena, that of the message.
 */
#ifndef MHS_ENVELOPE_H
#define MHS_ENVELOPE_H

#include "mhs/or.h"

/* An originator or recipient, in either world, or in both once mapped. */
struct mhs_name {
	struct mhs_or *ora;  /* NULL: not known as an O/R name */
	const char *mailbox; /* local@domain without brackets; "" is the null
	                      * reverse-path <>; NULL: not known as a mailbox */
};

/* "joe@a.example", "<>" for the null reverse-path, or "/S=.../C=XX/": the
 * mailbox when there is one; "" when there is nothing. */
const char *mhs_name_text(struct arena *a, const struct mhs_name *n);

/* The same user: by O/R address when both have one, else by mailbox. */
bool mhs_name_equal(const struct mhs_name *x, const struct mhs_name *y);

/* GlobalDomainIdentifier (X.411 8.5.15 Figure 2). */
struct mhs_domain {
	const char *country; /* "XX" or X.121 digits; "" none */
	const char *admd;    /* " " is a value of its own */
	const char *prmd;    /* NULL: none */
};

/* "/PRMD=p/ADMD=a/C=xx/" (RFC 2156, global-id) */
const char *mhs_domain_text(struct arena *a, const struct mhs_domain *d);
/* Names compare without regard to case and to spaces at the ends; an absent
 * part equals an empty one. */
bool mhs_domain_equal(const struct mhs_domain *x, const struct mhs_domain *y);
/* The same for MTA names; NULL equals "". */
bool mhs_mta_equal(const char *x, const char *y);

/* MTSIdentifier: who gave it, and the local part (IA5, up to 32). */
struct mhs_mts_id {
	struct mhs_domain domain;
	const char *local;
};
/* "/PRMD=p/ADMD=a/C=xx/;local" as RFC 2156 writes it. */
const char *mhs_mts_id_text(struct arena *a, const struct mhs_mts_id *id);

/* One extension field of X.411, kept as it came. */
struct mhs_ext {
	int32_t type;         /* standard-extension number; -1: private */
	const char *oid;      /* private-extension: dotted, else NULL */
	uint8_t criticality;  /* bits: 1 submission, 2 transfer, 4 delivery */
	const uint8_t *value; /* complete BER element, normalised */
	size_t n;
};
#define MHS_CRITICAL_SUBMISSION 1
#define MHS_CRITICAL_TRANSFER 2
#define MHS_CRITICAL_DELIVERY 4

struct mhs_exts {
	struct mhs_ext *v;
	size_t n;
};
const struct mhs_ext *mhs_ext_find(const struct mhs_exts *x, int32_t type);

enum mhs_action { /* RoutingAction */
	MHS_RELAYED = 0,
	MHS_REROUTED = 1,
};

/* One trace-information element (X.411 12.2.1.1.1.3). `internal` elements
 * are those of extension 38 (MTA by MTA inside a domain). */
struct mhs_trace {
	bool internal;
	struct mhs_domain domain; /* global-domain-identifier */
	const char *mta;          /* internal: mta-name */
	int64_t arrival;
	enum mhs_action action;
	int64_t deferred;            /* 0: none */
	struct mhs_domain attempted; /* country == NULL: none */
	const char *attempted_mta;
	uint8_t other_actions;         /* bits: 1 redirected, 2 dl-operation */
	const uint8_t *converted_eits; /* BER value as it came, or NULL */
	size_t converted_eits_n;
	/* From the Internet side: one Received line's text; then domain is
	 * empty and only `arrival` and `mta` (by-host) are set besides. */
	const char *received;
};

enum mhs_kind { MHS_MESSAGE, MHS_PROBE, MHS_REPORT };
const char *mhs_kind_name(enum mhs_kind k); /* "message", "probe", "report" */

enum mhs_priority { /* the X.411 code points */
	MHS_NORMAL = 0,
	MHS_NON_URGENT = 1,
	MHS_URGENT = 2,
};

enum mhs_content {                    /* what the content octets are */
	MHS_CONTENT_UNIDENTIFIED = 0, /* X.411 built-in 0 */
	MHS_CONTENT_EXTERNAL = 1,     /* built-in 1: OID in content_oid */
	MHS_CONTENT_P2 = 2,           /* interpersonal-messaging-1984 */
	MHS_CONTENT_P22 = 22,         /* interpersonal-messaging-1988 */
	MHS_CONTENT_EDI = 35,
	MHS_CONTENT_P772 = 772,   /* by content_oid 1.3.26.0.4406.0.4.1 */
	MHS_CONTENT_RFC822 = 822, /* ours: an Internet message */
	/* built-in numbers of X.411 above 512 (it has given none) are this
	 * much higher here, where they meet none of ours */
	MHS_CONTENT_BUILTIN = 65536,
	MHS_CONTENT_NONE = -1, /* probe, or report without content */
};
#define MHS_OID_P772 "1.3.26.0.4406.0.4.1"
const char *mhs_content_name(enum mhs_content c); /* "P22", "RFC822" ... */

/* What the originator (or an MTA) asked to be told. */
enum mhs_report_request { /* X.411 originator-(requested-)report */
	MHS_REPORT_NONE = 0,
	MHS_REPORT_NDR = 1, /* non-delivery only */
	MHS_REPORT_DR = 2,  /* delivery and non-delivery */
};

/* RFC 3461 NOTIFY as it came; 0: not given. */
#define MHS_NOTIFY_NEVER 1
#define MHS_NOTIFY_SUCCESS 2
#define MHS_NOTIFY_FAILURE 4
#define MHS_NOTIFY_DELAY 8

struct mhs_recipient {
	struct mhs_name name;
	int32_t number;   /* originally-specified-recipient-number, from 1 */
	bool responsible; /* responsibility flag: this MTA must deal with it */
	enum mhs_report_request originator_report;
	enum mhs_report_request mta_report; /* originating-MTA-report-request */
	bool audit;                         /* mta_report: audited, not basic */
	int32_t explicit_conversion;        /* -1: none */
	struct mhs_exts exts;               /* per-recipient extensions */
	/* Internet side */
	uint8_t notify;
	const char *orcpt; /* "rfc822;joe@x" as it came, decoded, or NULL */
	int64_t rrvs;      /* RFC 7293: the mailbox has had one owner since; 0:
	                    * not asked */
	char rrvs_mode;    /* where that cannot be checked: 'C' go on, 'R'
	                    * refuse */
	/* Set by submit(): the plan */
	const char *peer; /* name of the peer that the route gave */
};

/* MHS_DELAYED: RFC 3464 only, X.411 has no such report. */
enum mhs_report_type { MHS_DELIVERED, MHS_NOT_DELIVERED, MHS_DELAYED };

/* What a report says of one recipient of its subject. */
struct mhs_report_recipient {
	struct mhs_name actual;   /* actual-recipient-name */
	struct mhs_name intended; /* originally intended; both NULL: same */
	int32_t number;
	enum mhs_report_type type;
	/* delivered; delayed: until when it is tried */
	int64_t delivery_time;
	bool relayed;      /* into a system that reports no delivery */
	int32_t user_type; /* type-of-MTS-user, -1: absent */
	/* not delivered */
	int32_t reason;     /* non-delivery-reason-code */
	int32_t diagnostic; /* non-delivery-diagnostic-code, -1: absent */
	const char *supplementary; /* supplementary-information, or NULL */
	bool mta_report_only;      /* only for the originating MTA */
	/* per-recipient-indicators as they came; 0: ours, made anew */
	uint8_t indicators;
	int64_t last_trace_arrival;    /* last-trace-information arrival */
	const uint8_t *converted_eits; /* BER, or NULL */
	size_t converted_eits_n;
	struct mhs_exts exts;
	/* Internet side (RFC 3464) */
	const char *status;     /* "5.1.1" */
	const char *diag_text;  /* "smtp; 550 ..." Diagnostic-Code, or NULL */
	const char *remote_mta; /* "dns; host", or NULL */
	const char *orcpt;
};

struct mhs_report {
	struct mhs_mts_id subject;       /* of the message reported on */
	const char *subject_envid;       /* RFC 3461 ENVID, or NULL */
	const char *content_identifier;  /* of the subject, or NULL */
	struct mhs_trace *subject_trace; /* subject-intermediate-trace */
	size_t n_subject_trace;
	enum mhs_content content_type; /* of the subject, NONE: absent */
	const char *content_oid;
	const uint8_t *original_eits; /* BER, or NULL */
	size_t original_eits_n;
	bool content_returned;     /* the envelope's content is the subject's */
	const char *reporting_mta; /* our name for RFC 3464 Reporting-MTA */
	int64_t arrival;           /* of the subject here */
	int64_t deliver_by;        /* of the subject; 0: none */
	struct mhs_exts exts;      /* report-content extensions */
	struct mhs_report_recipient *recipients;
	size_t n_recipients;
};

struct mhs_envelope {
	enum mhs_kind kind;
	struct mhs_mts_id id;
	struct mhs_name originator; /* of a report: unused */
	enum mhs_content content_type;
	const char *content_oid;      /* EXTERNAL, P772: dotted */
	const uint8_t *original_eits; /* original-encoded-information-types:
	                               * BER element, or NULL */
	size_t original_eits_n;
	const char *content_identifier; /* PrintableString, up to 16 */
	enum mhs_priority priority;
	/* per-message-indicators; set means what the name says */
	bool disclosure_of_other_recipients;
	bool implicit_conversion_prohibited;
	bool alternate_recipient_allowed;
	bool content_return_request;
	bool reserved_bit; /* bit 4, carried */
	/* 1994 and later, carried: bits 5 and 6 are the type of notification */
	bool bit5_notification, bit6_service, bit7_service_message;
	int64_t deferred_delivery; /* 0: none */
	const uint8_t **bilateral; /* per-domain-bilateral-information, raw */
	size_t *bilateral_n, n_bilateral;
	uint64_t content_length;    /* octets of content; probe: as announced */
	bool content_length_absent; /* probe: it was not announced */
	struct mhs_trace *trace;    /* oldest first; external and internal */
	size_t n_trace;
	struct mhs_exts exts; /* per-message extensions (trace ones excepted) */
	struct mhs_recipient *recipients;
	size_t n_recipients;
	struct mhs_report *report; /* kind == MHS_REPORT: recipients[0] is the
	                            * report destination */
	/* Internet side */
	const char *envid;  /* RFC 3461 ENVID, decoded, or NULL */
	char ret;           /* 'F', 'H', or 0 */
	bool body_8bitmime; /* BODY=8BITMIME */
	bool body_binary;   /* BODY=BINARYMIME (RFC 3030) */
	bool smtputf8;
	bool requiretls;       /* RFC 8689 */
	bool tls_optional;     /* the same: "TLS-Required: No" */
	bool has_mt_priority;  /* RFC 6710 */
	int mt_priority;       /* -9..9 */
	int64_t deliver_by;    /* RFC 2852, as a wall time; 0: none */
	char deliver_by_mode;  /* 'R' return then, 'N' notify then */
	bool deliver_by_trace; /* 'T' */
	const char *mtrk; /* RFC 3885: certifier [":" timeout] as it came */
	const char *submitter;   /* RFC 4954 AUTH=, decoded; "" is <> */
	const char *source_user; /* who authenticated to us, or NULL */
	/* Where it came from, for logs, audit and loop control */
	const char *source_peer;    /* peer name or client "host[addr]" */
	const char *source_channel; /* "smtpd", "x400p1", "mixer", "report" */
	int64_t arrival;            /* when we took responsibility */
	uint64_t parent; /* a version or report: queue id of the original */
	/* What this was made of (qmgr/settled.h): queue id of a message, 0:
	 * none; which of its recipients, four octets each; and what it is to
	 * them */
	uint64_t settles;
	uint8_t settled_as;
	const uint8_t *settled;
	size_t settled_n;
};

struct mhs_envelope *mhs_envelope_new(struct arena *a, enum mhs_kind kind);
struct mhs_recipient *mhs_recipient_add(
    struct arena *a, struct mhs_envelope *env);
struct mhs_trace *mhs_trace_add(struct arena *a, struct mhs_envelope *env);
struct mhs_envelope *mhs_envelope_dup(
    struct arena *a, const struct mhs_envelope *env);

/* The packed form in the queue's records: versioned, self-delimiting, bounded
 * on the way back in (a record from disk is input too). It is tagged fields,
 * so that a later version may add some, which an earlier one skips; octets
 * after its end are not looked at. Unpacking copies: nothing in the result
 * points into p. NULL with the octet in *e: ERR_SYNTAX, ERR_LIMIT, or
 * ERR_UNSUPPORTED for a version that this one cannot read. */
void mhs_envelope_pack(const struct mhs_envelope *env, struct buf *out);
struct mhs_envelope *mhs_envelope_unpack(
    struct arena *a, const uint8_t *p, size_t n, struct err *e);

/* The envelope as text for a person: one attribute a line, what is absent or
 * has its default left out; what belongs to one recipient, trace element or
 * extension is indented below it. Control characters are shown as "\x0a". */
void mhs_envelope_print(const struct mhs_envelope *env, struct buf *out);

#define MHS_RECIPIENTS_MAX 32767 /* X.411 ub-recipients */
#define MHS_TRACE_MAX 512        /* ub-transfers */

#endif
