/*
 * What the files of mixer/ share and nobody else includes: the context of one
 * conversion, text encodings (RFC 2156 3.3, 3.4), dates, identifiers, and the
 * passes over heading, body and envelope in each direction.
 *
 * Everything returned lives in the context's arena. Functions that return a
 * pointer never return NULL unless they say so.
 */
#ifndef MIXER_INTERNAL_H
#define MIXER_INTERNAL_H

#include "mixer/ipm.h"
#include "mixer/mixer.h"

/* One conversion under way. */
struct mixer_conv {
	struct arena *a;
	const struct mixer_config *c;
	struct mixer_losses *losses; /* may be NULL */
	int64_t now;
	unsigned depth; /* nesting of the message being converted */
	unsigned parts; /* body parts so far, of all levels */
	uint64_t seed;  /* hash of the message: makes what we name unique */
	struct err *e;
};

/* Sets GMime up, once per process; every entry point calls it. */
void mixer_init(void);

void mixer_lose(struct mixer_conv *cv, const char *what, const char *why_fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* ERR_* with e->detail = an enum mhs_diagnostic. */
int mixer_fail(struct mixer_conv *cv, int code, int32_t diagnostic,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* --- text.c: repertoires and encodings --- */

bool mixer_is_printable(const char *s, size_t n); /* PrintableString */
bool mixer_is_ascii(const uint8_t *p, size_t n);
/* RFC 2156 3.4. decode leaves what is no encoding as it is. */
const char *mixer_ps_encode(struct arena *a, const char *ascii);
const char *mixer_ps_decode(struct arena *a, const char *ps);
/* T.61 -> UTF-8; designations of ISO 8859-1 (ESC 2/D 4/1) are honoured. */
const char *mixer_t61_decode(struct arena *a, const uint8_t *p, size_t n);
/* UTF-8 -> T.61, at most `max` octets, never in the middle of a character.
 * *exact is false when a character became '?' or the end was cut. */
struct octets mixer_t61_encode(
    struct arena *a, const char *utf8, size_t max, bool *exact);
/* Text in `charset` as UTF-8 (n octets and NUL); NULL when it does not convert. */
char *mixer_to_utf8(struct arena *a, const char *charset, const uint8_t *p,
    size_t n, size_t *out_n);
char *mixer_from_utf8(struct arena *a, const char *charset, const char *utf8,
    size_t n, size_t *out_n);
/* Drops control characters (CR, LF included), so that no value can start a
 * field of its own. */
const char *mixer_one_line(struct arena *a, const char *s);
/* Local part as an atom or quoted-string; and back. */
const char *mixer_quote_local(struct arena *a, const char *s);
const char *mixer_unquote(struct arena *a, const char *s);

/* --- date.c --- */

struct mixer_date {
	int64_t t;  /* Unix seconds, UTC */
	int offset; /* minutes east of UTC, kept as specified */
};
/* False when it cannot be read. */
bool mixer_date_from_822(const char *s, struct mixer_date *out);
bool mixer_date_from_utc(const char *s, struct mixer_date *out);
bool mixer_date_from_generalized(const char *s, struct mixer_date *out);
/* "Thu, 30 May 1991 18:24:55 +0100", "9105301824550100" ... */
const char *mixer_date_822(struct arena *a, const struct mixer_date *d);
const char *mixer_date_utc(struct arena *a, const struct mixer_date *d);
const char *mixer_date_generalized(struct arena *a, const struct mixer_date *d);
const char *mixer_time_822(struct arena *a, int64_t t);

/* --- id.c: identifiers (RFC 2156 4.6.3, 4.7.3) --- */

/* A msg-id without or with its angle brackets. *exact: nothing cut. */
struct ipm_id *mixer_msgid_to_ipm(
    struct mixer_conv *cv, const char *msgid, bool *exact);
/* "<...>", or a quoted phrase where `phrase_ok` and the id is no msg-id. */
const char *mixer_ipm_to_msgid(
    struct mixer_conv *cv, const struct ipm_id *id, bool phrase_ok);
/* FNV-1a of the message being converted, for cv->seed. */
uint64_t mixer_hash(const uint8_t *p, size_t n);
/* The MTS identifier for a Message-ID (may be NULL). */
struct mhs_mts_id mixer_mts_id(struct mixer_conv *cv, const char *msgid);
/* EBNF.global-id; EBNF.mts-msg-id with its brackets, and back (false: no). */
const char *mixer_global_id(struct arena *a, const struct mhs_domain *d);
bool mixer_global_id_parse(
    struct arena *a, const char *s, struct mhs_domain *out);
const char *mixer_mts_id_bracketed(
    struct arena *a, const struct mhs_mts_id *id);
bool mixer_mts_id_parse(struct arena *a, const char *s, struct mhs_mts_id *out);

/* --- eits.c: encoded information types --- */

struct mixer_eits {
	uint32_t builtin;  /* bit n of the BIT STRING is 1 << n */
	const char **oids; /* dotted */
	size_t n_oids;
};
void mixer_eits_add_oid(struct arena *a, struct mixer_eits *t, const char *oid);
/* [APPLICATION 5] element. */
struct octets mixer_eits_encode(struct arena *a, const struct mixer_eits *t);
int mixer_eits_decode(struct arena *a, const uint8_t *p, size_t n,
    struct mixer_eits *out, struct err *e);
/* EBNF.encoded-info and back. */
const char *mixer_eits_text(struct arena *a, const struct mixer_eits *t);
void mixer_eits_parse(struct arena *a, const char *s, struct mixer_eits *out);
/* What the body parts of an IPM are, forwarded ones included. */
void mixer_eits_of_ipm(
    struct arena *a, const struct ipm *ipm, struct mixer_eits *t);
#define MIXER_OID_DSN_HEADER_LIST "1.3.6.1.7.1.3.3"
#define MIXER_OID_DSN_FIELD_LIST "1.3.6.1.7.1.3.4"
#define MIXER_OID_EIT_MIXER "1.3.6.1.7.1.3.5"

/* --- field.c: the fields of an RFC 822 header --- */

struct mixer_field {
	const char *name;  /* as written */
	const char *value; /* unfolded, trimmed; octets as they came */
};
struct mixer_header {
	struct mixer_field *v;
	size_t n;
	size_t body; /* octet where the body starts */
	bool bad;    /* a line that is no field ended the header */
};
int mixer_header_parse(struct mixer_conv *cv, const uint8_t *p, size_t n,
    struct mixer_header *out);
const char *mixer_header_get(const struct mixer_header *h, const char *name);
/* Appends "Name: value" folded at 76 columns where there is white space. */
void mixer_field_put(struct buf *out, const char *name, const char *value);

/* --- the passes --- */

/* X.400 -> 822: appends fields. `parent` gives what the envelope knows. */
int mixer_heading_to_822(
    struct mixer_conv *cv, const struct ipm *ipm, struct buf *out);
/* Content-* fields, blank line, body. */
int mixer_body_to_822(
    struct mixer_conv *cv, const struct ipm *ipm, struct buf *out);
/* A whole message: fields of the heading, MIME body. */
int mixer_ipm_to_822(
    struct mixer_conv *cv, const struct ipm *ipm, struct buf *out);
int mixer_ipn_to_822(
    struct mixer_conv *cv, const struct ipn *ipn, struct buf *out);

/* P22 -> P2 octets. */
int mixer_downgrade(
    struct mixer_conv *cv, const uint8_t *p, size_t n, struct buf *out);

/* 822 -> X.400. */
struct ipm *mixer_ipm_from_822(
    struct mixer_conv *cv, const uint8_t *p, size_t n);
int mixer_heading_to_400(
    struct mixer_conv *cv, const struct mixer_header *h, struct ipm *ipm);
/* p[0..n-1] is the whole message, its body starts at `body`. */
int mixer_body_to_400(struct mixer_conv *cv, const uint8_t *p, size_t n,
    size_t body, struct ipm *ipm);

/* --- trace.c --- */

const char *mixer_trace_text(struct mixer_conv *cv, const struct mhs_trace *t);
/* Our own Received field, then the envelope's trace, most recent first. */
void mixer_trace_put(
    struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out);
/* How many MIXER conversions towards X.400 (or the Internet) there were. */
unsigned mixer_trace_conversions(
    struct mixer_conv *cv, const struct mhs_envelope *env);
unsigned mixer_header_conversions(const struct mixer_header *h);
/* Builds env's trace from Date, Received and X400-Received. */
int mixer_trace_to_400(struct mixer_conv *cv, const struct mixer_header *h,
    struct mhs_envelope *env);
/* Adds the element that says that we converted. */
void mixer_trace_conversion(
    struct mixer_conv *cv, struct mhs_envelope *env, struct octets eits);

/* --- envelope_822.c, envelope_400.c --- */

/* X400-* and the other fields that the envelope gives. */
void mixer_envelope_fields(
    struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out);
struct mhs_envelope *mixer_envelope_to_822(
    struct mixer_conv *cv, const struct mhs_envelope *env);
/* NULL with an error: a recipient without an O/R address ... */
struct mhs_envelope *mixer_envelope_to_400(struct mixer_conv *cv,
    const struct mhs_envelope *env, const struct mixer_header *h,
    const struct ipm *ipm);
/* DLExpansionHistory or redirection history as field values, oldest first. */
const char **mixer_dl_history(
    struct mixer_conv *cv, const struct mhs_ext *x, size_t *n);
/* "P2-1988 (22)": EBNF.mts-content-type. */
const char *mixer_content_type_text(
    struct arena *a, enum mhs_content c, const char *oid);
/* The text of a content-correlator extension, or NULL. */
const char *mixer_correlator(struct arena *a, const struct mhs_exts *x);

/* --- mime_out.c: writing MIME --- */

void mixer_base64(struct buf *out, const uint8_t *p, size_t n);
void mixer_qp(struct buf *out, const uint8_t *p, size_t n);
/* Lines ended by CRLF, whatever they were. */
void mixer_crlf(struct buf *out, const uint8_t *p, size_t n);
/* A boundary that does not occur in `body`. */
const char *mixer_boundary(struct mixer_conv *cv, const struct buf *body);
/* RFC 2047 for unstructured text and phrases; ASCII stays as it is. */
const char *mixer_2047_text(struct arena *a, const char *utf8);
const char *mixer_2047_phrase(struct arena *a, const char *utf8);
const char *mixer_2047_decode(struct arena *a, const char *value);
/* `; name=value`, quoted or by RFC 2231 as it needs. */
void mixer_param_put(struct buf *out, const char *name, const char *utf8);
/* O/R descriptor -> mailbox with phrase and comments. */
const char *mixer_desc_mailbox(
    struct mixer_conv *cv, const struct ipm_or_desc *d);

#endif
