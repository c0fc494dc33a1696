/*
 * text/plain charsets and general-text repertoires (RFC 2157 6.2): one table
 * for both directions.
 */
#ifndef MIXER_CHARSET_H
#define MIXER_CHARSET_H

#include "mixer/ipm.h"

struct mixer_charset {
	const char *name;      /* MIME */
	int32_t sets[4];       /* ISO registrations to write; 0 ends */
	const char *designate; /* escape sequences in front */
};

/* By MIME name (any case), or NULL. */
const struct mixer_charset *mixer_charset_by_name(const char *name);
/* By registrations read: the C0 set (1) does not count. NULL: not known. */
const struct mixer_charset *mixer_charset_by_sets(
    const struct ipm_general_text *t);
/* The text without its escape sequences; false when it shifts between sets, so
 * that taking them out would change it. */
bool mixer_charset_strip(struct octets text, struct buf *out);

#endif
