/*
 * Our model of an interpersonal message and notification (X.420; the same
 * structure carries P2, P22 and P772).
 *
 * What we do not know stays as the octets that it came in: body parts,
 * heading extensions and recipient extensions keep their BER, so that a decoded
 * IPM goes out again octet for octet (after normalisation). Text strings are
 * in their own repertoire: T.61 as octets, PrintableString and UTCTime as C
 * strings. Everything lives in the arena it was made in.
 */
#ifndef MIXER_IPM_H
#define MIXER_IPM_H

#include "asn1/ber.h"
#include "mhs/or.h"

/* IPMIdentifier (X.420 7.1.1). */
struct ipm_id {
	const struct mhs_or *user; /* NULL: omitted */
	struct octets user_raw;    /* the ORName element; encoder prefers it */
	const char *relative;      /* user-relative-identifier */
};
struct ipm_ids {
	struct ipm_id *v;
	size_t n;
};

/* IPMSExtension: heading, recipient or notification extension. */
struct ipm_ext {
	const char *oid;     /* dotted */
	struct octets value; /* complete element; p == NULL: default NULL */
};
struct ipm_exts {
	struct ipm_ext *v;
	size_t n;
};

/* ORDescriptor, and what a RecipientSpecifier adds to it. */
struct ipm_or_desc {
	const struct mhs_or *formal_name; /* NULL: omitted */
	struct octets formal_raw;         /* encoder prefers it */
	struct octets free_form_name;     /* T.61; p == NULL: omitted */
	const char *telephone;            /* or NULL */
	int notification_requests;        /* bits: 1 rn, 2 nrn, 4 ipm-return,
	                                   * 8 an, 16 suppress-an; -1 omitted */
	int reply_requested;              /* 0, 1; -1 omitted */
	struct ipm_exts exts;
};
struct ipm_or_descs {
	struct ipm_or_desc *v;
	size_t n;
	bool present; /* an empty list differs from none */
};

enum ipm_part_type { /* context tags of BodyPart (X.420 7.3) */
	IPM_IA5_TEXT = 0,
	IPM_VOICE = 2,
	IPM_G3_FACSIMILE = 3,
	IPM_G4_CLASS1 = 4,
	IPM_TELETEX = 5,
	IPM_VIDEOTEX = 6,
	IPM_NATIONALLY_DEFINED = 7,
	IPM_ENCRYPTED = 8,
	IPM_MESSAGE = 9,
	IPM_MIXED_MODE = 11,
	IPM_BILATERALLY_DEFINED = 14,
	IPM_EXTERNALLY_DEFINED = 15,
};

struct ipm;
struct ipm_part {
	int32_t type;      /* the context tag, also one not in the enum */
	struct octets raw; /* the element as it came: the encoder writes it;
	                    * p == NULL: built from the fields below */
	/* ia5-text, bilaterally-defined: the octets */
	struct octets data;
	/* message */
	struct ipm *message;
	struct octets message_params; /* SET element, or p == NULL */
	/* externally-defined */
	const char *oid;        /* direct reference of data */
	const char *params_oid; /* of parameters, or NULL */
	struct octets params;   /* element inside parameters */
	struct octets value;    /* element inside data (single-ASN1-type) */
	bool octet_aligned;     /* value is bare octets (EXTERNAL [1]) */
};

struct ipm {
	struct ipm_id this_ipm;
	struct ipm_or_desc *originator; /* or NULL */
	struct ipm_or_descs authorizing, primary, copy, blind_copy, reply;
	struct ipm_id *replied_to; /* or NULL */
	struct ipm_ids obsoleted, related;
	bool has_obsoleted, has_related;
	struct octets subject;                /* T.61; p == NULL: omitted */
	const char *expiry_time, *reply_time; /* UTCTime text, or NULL */
	int importance;     /* 0 low, 1 normal, 2 high; -1 omitted */
	int sensitivity;    /* 1 personal, 2 private, 3 company; -1 omitted */
	int auto_forwarded; /* 0, 1; -1 omitted */
	struct ipm_exts exts;
	bool has_exts;
	struct ipm_part *parts;
	size_t n_parts;
};

/* IPN (X.420 8). */
struct ipn {
	struct ipm_id subject_ipm;
	struct ipm_or_desc *originator, *preferred_recipient;
	struct octets conversion_eits; /* [3] element, or p == NULL */
	struct ipm_exts exts;
	bool receipt; /* else non-receipt (or other, when neither is known) */
	int non_receipt_reason, discard_reason; /* -1 omitted */
	const char *auto_forward_comment;       /* or NULL */
	struct ipm *returned_ipm;               /* or NULL */
	const char *receipt_time;               /* UTCTime text */
	int acknowledgment_mode;                /* 0 manual, 1 automatic; -1 */
	const char *suppl_receipt_info;         /* or NULL */
	struct ipm_exts choice_exts;            /* nrn- or rn-extensions */
	bool other; /* other-notification-type: in choice_exts */
};

/* InformationObject. */
struct ipm_object {
	struct ipm *ipm; /* one of the two */
	struct ipn *ipn;
};

/* Decodes P2, P22 or P772 content. Normalises first; depth, size and number of
 * parts are bounded (mixer.h). Negative with e->offset in the content. */
int ipm_decode(struct arena *a, const uint8_t *p, size_t n,
    struct ipm_object *out, struct err *e);
/* Appends the InformationObject ([0] IPM, [1] IPN). */
int ipm_encode(struct arena *a, const struct ipm_object *o, struct buf *out,
    struct err *e);

struct ipm *ipm_new(struct arena *a);
const struct ipm_ext *ipm_ext_find(const struct ipm_exts *x, const char *oid);

/* --- body part contents (part_codec.c) --- */

/* Fills in the fields of a part from part->raw. Depth counts messages. */
int ipm_part_decode(struct arena *a, struct ipm_part *part, unsigned depth,
    unsigned *budget, struct err *e);
int ipm_part_encode(struct arena *a, const struct ipm_part *part,
    unsigned depth, struct buf *out, struct err *e);
/* The IPM without the outer tag: SEQUENCE { heading, body }. */
int ipm_body_decode(struct arena *a, const struct ber_tlv *t, unsigned depth,
    unsigned *budget, struct ipm **out, struct err *e);
int ipm_body_encode(struct arena *a, const struct ipm *ipm, unsigned depth,
    enum ber_class cls, uint32_t number, struct buf *out, struct err *e);

#define IPM_OID_GENERAL_TEXT "2.6.1.4.11"
#define IPM_OID_GENERAL_TEXT_PARAMS "2.6.1.11.11"
#define IPM_OID_FILE_TRANSFER "2.6.1.4.12"
#define IPM_OID_FILE_TRANSFER_PARAMS "2.6.1.11.12"

/* General text: sorted registration numbers and the GeneralString octets. */
#define IPM_CHARSETS_MAX 16
struct ipm_general_text {
	int32_t sets[IPM_CHARSETS_MAX];
	size_t n_sets;
	struct octets text;
};
bool ipm_general_text_get(
    struct arena *a, const struct ipm_part *part, struct ipm_general_text *out);
void ipm_general_text_put(
    struct arena *a, const struct ipm_general_text *t, struct ipm_part *part);

/* File transfer body part, the EMA MAWG subset (RFC 2157 2.3). Strings are
 * GraphicString octets taken as ASCII or UTF-8; NULL when omitted. */
struct ipm_ftbp {
	const char *application; /* OID of application-reference, or NULL */
	const char *content_id;  /* message-reference's relative identifier */
	const char *description; /* first user-visible-string */
	const char *filename;
	const char *created, *modified, *read; /* GeneralizedTime text */
	int64_t size;                          /* -1: none */
	const char **fields; /* rfc-822-field extension: "Name: value" */
	size_t n_fields;
	struct octets data; /* FileTransferData, in one piece */
	bool mappable;      /* no compression, one binary data element */
};
bool ipm_ftbp_get(
    struct arena *a, const struct ipm_part *part, struct ipm_ftbp *out);
void ipm_ftbp_put(
    struct arena *a, const struct ipm_ftbp *f, struct ipm_part *part);

/* RFC822FieldList (RFC 2156 5.1.2), whatever carries it. */
#define IPM_OID_RFC822_FIELDS "1.3.6.1.7.1.3.2"
struct octets ipm_fields_encode(struct arena *a, const char **fields, size_t n);
const char **ipm_fields_decode(
    struct arena *a, struct octets element, size_t *n);

#endif
