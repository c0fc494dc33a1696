/*
 * MIME types and the X.400 body parts that carry them (RFC 2157 5.2, RFC 2158,
 * RFC 1494): object identifiers, one table for both directions.
 */
#ifndef MIXER_MIME_TYPES_H
#define MIXER_MIME_TYPES_H

#define MIXER_OID_MIME_BP "1.3.6.1.7.1.2.1.1"
#define MIXER_OID_MIME_BP_PARAMS "1.3.6.1.7.1.2.2.1"
#define MIXER_OID_MIME_FTBP "1.3.6.1.7.1.2.1.5"
#define MIXER_OID_EMA_UNKNOWN "2.16.840.1.113694.2.2.1.1"
/* multipart-message heading extension, RFC 2157 6.6; and RFC 1495's */
#define MIXER_OID_MULTIPART "1.3.6.1.7.1.1.3"
#define MIXER_OID_MULTIPART_OLD "1.3.6.1.7.1.1.2"

struct mixer_mime_type {
	const char *type;     /* "image/gif" */
	const char *ftbp;     /* application-reference, or NULL */
	const char *extended; /* externally-defined body part, or NULL */
};

/* By MIME type (any case); by application-reference; by body part. */
const struct mixer_mime_type *mixer_mime_by_type(const char *type);
const struct mixer_mime_type *mixer_mime_by_ftbp(const char *oid);
const struct mixer_mime_type *mixer_mime_by_extended(const char *oid);

#endif
