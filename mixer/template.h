/*
 * The text of reports for people, from a file that the operator can change.
 *
 * The file is UTF-8. A line "[kind]" or "[kind.language]" begins a section,
 * whose lines follow up to the next; lines before the first section that begin
 * with "#" are comments. Kinds: intro, delivered, relayed, expanded, delayed,
 * failed (once for each recipient), closing; `language` is a tag of RFC 5646.
 * "${name}" stands for a variable; a line with one that has no value here is
 * left out. What the file has no section for comes from the text built in.
 */
#ifndef MIXER_TEMPLATE_H
#define MIXER_TEMPLATE_H

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"

#define MIXER_TEMPLATE_MAX 65536 /* octets of the file */

enum mixer_kind {
	MIXER_TEXT_INTRO,
	MIXER_TEXT_DELIVERED,
	MIXER_TEXT_RELAYED,
	MIXER_TEXT_EXPANDED,
	MIXER_TEXT_DELAYED,
	MIXER_TEXT_FAILED,
	MIXER_TEXT_CLOSING,
	N_MIXER_TEXT
};

enum mixer_var {
	MIXER_VAR_SUBJECT,     /* of the message reported on */
	MIXER_VAR_SENT,        /* when */
	MIXER_VAR_RECIPIENT,   /* as the sender wrote it */
	MIXER_VAR_TIME,        /* of delivery */
	MIXER_VAR_UNTIL,       /* it is tried */
	MIXER_VAR_STATUS,      /* "5.1.1" */
	MIXER_VAR_STATUS_TEXT, /* in English */
	MIXER_VAR_REASON,      /* of X.411 */
	MIXER_VAR_DIAGNOSTIC,
	MIXER_VAR_DETAIL,   /* what the other system said */
	MIXER_VAR_REMOTE,   /* that system */
	MIXER_VAR_RETURNED, /* "follows:", "had these fields:" ... */
	MIXER_VAR_HOST,     /* our name */
	MIXER_VAR_POSTMASTER,
	N_MIXER_VAR
};

struct mixer_template;

/* The arena owns it. ERR_SYNTAX or ERR_LIMIT with the line in the text. */
int mixer_template_parse(struct arena *a, const char *text, size_t n,
    struct mixer_template **out, struct err *e);
/* The same from a file; ERR_SYSTEM besides. */
int mixer_template_load(struct arena *a, const char *path,
    struct mixer_template **out, struct err *e);

/* Appends a section, lines with CR LF. `t` NULL: the text built in.
 * `languages` is a list as in Accept-Language (order counts, weights do not),
 * or NULL. A variable's value may have several lines ("\n" between): its line
 * of the template then comes once for each. */
void mixer_template_put(const struct mixer_template *t, enum mixer_kind kind,
    const char *languages, const char *const vars[N_MIXER_VAR],
    struct buf *out);

#endif
