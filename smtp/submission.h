/*
 * What a submission server adds to a message that lacks it (RFC 6409 8): Date
 * and Message-ID. The content streams through; the fields go in where its
 * header section ends, which is at an empty line, at the first line that is no
 * field, or at the end of the content. At most SMTP_FIXUP_NAME_MAX octets are
 * held back.
 */
#ifndef SMTP_SUBMISSION_H
#define SMTP_SUBMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMTP_FIXUP_NAME_MAX 77

struct smtp_fixup_ops {
	/* Content, with what was added. */
	void (*write)(void *arg, const void *p, size_t n);
	/* The header section ends here: write() what is missing. */
	void (*missing)(void *arg, bool date, bool message_id);
};

/* Zeroed at the beginning of each content. */
struct smtp_fixup {
	enum {
		FIXUP_LINE_START,
		FIXUP_NAME,  /* of a field; held in `name` */
		FIXUP_VALUE, /* up to the end of its line */
		FIXUP_BODY,
	} state;
	bool date, message_id; /* seen */
	char name[SMTP_FIXUP_NAME_MAX];
	size_t n;
};

void smtp_fixup(struct smtp_fixup *f, const struct smtp_fixup_ops *ops,
    void *arg, const uint8_t *p, size_t n);
/* The content is complete. */
void smtp_fixup_end(
    struct smtp_fixup *f, const struct smtp_fixup_ops *ops, void *arg);

#endif
