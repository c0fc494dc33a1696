/*
 * A few fields of a message's header, found while it streams by: MT-Priority
 * (RFC 6758) and TLS-Required (RFC 8689). A value is unfolded; of one that is
 * longer than any good one the beginning is kept, and that shows.
 */
#ifndef SMTP_FIELDS_H
#define SMTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMTP_FIELD_NAME_MAX 16
#define SMTP_FIELD_VALUE_MAX 200

enum smtp_field {
	SMTP_FIELD_MT_PRIORITY,
	SMTP_FIELD_TLS_REQUIRED,
	SMTP_FIELDS,
};

/* Zeroed at the beginning of each content. */
struct smtp_fields {
	enum {
		FIELDS_LINE_START,
		FIELDS_NAME,
		FIELDS_VALUE,
		FIELDS_BODY,
	} state;
	char name[SMTP_FIELD_NAME_MAX];
	size_t name_n;
	enum smtp_field at; /* whose value it is; SMTP_FIELDS: another's */
	struct {
		unsigned times; /* it came */
		size_t n;
		char value[SMTP_FIELD_VALUE_MAX];
	} v[SMTP_FIELDS];
};

void smtp_fields_scan(struct smtp_fields *f, const uint8_t *p, size_t n);

#endif
