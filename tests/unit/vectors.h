/*
 * The recorded streams of tests/vectors/ for unit tests: octets written in
 * hexadecimal, read relative to the top of the tree, where `make` runs.
 */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/buf.h"

static const char *const vectors[] = {
    "p1-88-message",
    "p1-88-ndr",
    "p1-88-ndr-2",
    "p1-88-probe",
    "p1-88-probe-2",
    "p1-88-x410mode",
    "p1-84",
    "bind-badpw",
    "isode-rtse-twa-echo",
    "isode-rtse-twa-echo-2",
    "isode-rtse-twa-echo-3",
    "isode-rtse-twa-echo-4",
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* Appends the octets; whatever is no hexadecimal digit is passed over. */
static inline void
unhex(const char *hex, struct buf *out)
{
	char two[3] = {0};
	int k = 0;

	for (; *hex != '\0'; hex++) {
		if (!isxdigit((unsigned char)*hex))
			continue;
		two[k++] = *hex;
		if (k == 2) {
			buf_putc(out, (uint8_t)strtoul(two, NULL, 16));
			k = 0;
		}
	}
}

/* `side` is "initiator" or "responder". */
static inline void
vector_load(const char *name, const char *side, struct buf *out)
{
	char path[256], line[65537];
	FILE *f;

	snprintf(path, sizeof(path), "tests/vectors/%s.%s.hex", name, side);
	f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		abort();
	}
	while (fgets(line, sizeof(line), f) != NULL)
		unhex(line, out);
	fclose(f);
}

#endif
