/*
 * The structs of the message model described as tables of fields, so that
 * packing, unpacking and printing are each one walk and none can forget a
 * field. A field has a tag of its own in the packed form: never reuse or
 * renumber one, add new ones at the end with the next number.
 */
#ifndef MHS_FIELDS_H
#define MHS_FIELDS_H

#include "mhs/envelope.h"

enum mhs_field_kind {
	MHS_FIELD_BOOL,
	MHS_FIELD_U8,
	MHS_FIELD_CHAR,
	MHS_FIELD_ENUM, /* int-sized, between min and max */
	MHS_FIELD_I32,
	MHS_FIELD_I64,
	MHS_FIELD_U64,
	MHS_FIELD_ID,          /* the same, written as 16 hexadecimal digits */
	MHS_FIELD_TEXT,        /* const char *, or NULL */
	MHS_FIELD_OCTETS,      /* pointer and size_t at `count` */
	MHS_FIELD_OCTETS_LIST, /* array of pointers; sizes at `sizes` */
	MHS_FIELD_STRUCT,      /* a struct in place */
	MHS_FIELD_POINTER,     /* a pointer to a struct, or NULL */
	MHS_FIELD_LIST,        /* pointer to an array of structs */
};

/* How a value is shown, where its kind does not say it. */
enum mhs_field_show {
	MHS_SHOW_PLAIN,
	MHS_SHOW_TIME,
	MHS_SHOW_WORDS, /* an enum: its words, from min on */
	MHS_SHOW_CONTENT,
	MHS_SHOW_REASON,
	MHS_SHOW_DIAGNOSTIC,
	MHS_SHOW_NOTIFY,
	MHS_SHOW_CRITICALITY,
	MHS_SHOW_OTHER_ACTIONS,
	MHS_SHOW_NAME,
	MHS_SHOW_DOMAIN,
	MHS_SHOW_MTS_ID,
	MHS_SHOW_INLINE, /* a struct or list whose lines are not indented */
};

struct mhs_record;

struct mhs_field {
	uint8_t tag;
	uint8_t kind;         /* enum mhs_field_kind */
	uint8_t show;         /* enum mhs_field_show */
	bool always;          /* shown also when it is 0 */
	bool absent_is_minus; /* -1 is what "absent" looks like */
	uint16_t offset;
	uint16_t count, sizes; /* offsets of size_t and size_t * */
	uint16_t size;         /* octets of the member itself */
	int32_t min, max;      /* ENUM: values that are allowed */
	uint32_t most;         /* lists: elements that are allowed */
	const struct mhs_record *sub;
	const char *const *words;
	const char *name; /* as shown */
};

struct mhs_record {
	const struct mhs_field *fields;
	size_t n;
	size_t size; /* of the struct */
};

extern const struct mhs_record mhs_envelope_record;

#endif
