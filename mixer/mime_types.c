#include "mixer/mime_types.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* The first row with a value is the one generated. */
static const struct mixer_mime_type table[] = {
    {"application/octet-stream", MIXER_OID_EMA_UNKNOWN, NULL},
    {"application/octet-stream", "1.2.840.1.113694.2.2.1.1", NULL},
    {"image/gif", "2.16.840.1.113694.2.2.1.4", "1.3.6.1.7.1.2.1.4"},
    {"image/jpeg", "2.16.840.1.113694.2.2.1.6", "1.3.6.1.7.1.2.1.3"},
    {"application/postscript", NULL, "1.3.6.1.7.1.2.1.2"},
    {"application/msword", "1.2.840.113556.4.2", NULL},
};
#define N (sizeof(table) / sizeof(table[0]))

const struct mixer_mime_type *
mixer_mime_by_type(const char *type)
{
	for (size_t i = 0; i < N; i++)
		if (strcasecmp(table[i].type, type) == 0)
			return &table[i];
	return NULL;
}

const struct mixer_mime_type *
mixer_mime_by_ftbp(const char *oid)
{
	for (size_t i = 0; i < N; i++)
		if (table[i].ftbp != NULL && strcmp(table[i].ftbp, oid) == 0)
			return &table[i];
	return NULL;
}

const struct mixer_mime_type *
mixer_mime_by_extended(const char *oid)
{
	for (size_t i = 0; i < N; i++)
		if (table[i].extended != NULL &&
		    strcmp(table[i].extended, oid) == 0)
			return &table[i];
	return NULL;
}
