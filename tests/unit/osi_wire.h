/*
 * Two ends in memory: octets carried between two transport engines, in pieces
 * of any size, and octets of recorded connections.
 */
#ifndef TESTS_OSI_WIRE_H
#define TESTS_OSI_WIRE_H

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "asn1/ber.h"
#include "osi/cotp.h"
#include "tests/unit/unit.h"

#define WIRE_WHOLE SIZE_MAX

/* One octet at a time, a few, and all there is. */
static const size_t wire_chunks[] = {1, 7, WIRE_WHOLE};
#define WIRE_CHUNKS (sizeof(wire_chunks) / sizeof(*wire_chunks))

static inline bool
wire_carry(struct cotp *from, struct cotp *to, size_t chunk)
{
	struct buf *out = cotp_output(from);
	bool any = out->len > 0;

	while (out->len > 0) {
		size_t n = out->len < chunk ? out->len : chunk;
		uint8_t *copy = malloc(n);

		/* exactly n octets: a reader beyond them is caught */
		memcpy(copy, out->data, n);
		buf_consume(out, n);
		cotp_input(to, copy, n);
		free(copy);
	}
	return any;
}

/* Until both are silent. */
static inline void
wire_run(struct cotp *a, struct cotp *b, size_t chunk)
{
	bool any;

	do {
		any = wire_carry(a, b, chunk);
		any |= wire_carry(b, a, chunk);
	} while (any);
}

static inline int
wire_nibble(int c)
{
	return c <= '9' ? c - '0' : tolower(c) - 'a' + 10;
}

static inline void
wire_hex(struct buf *out, const char *hex)
{
	int high = -1;

	for (; *hex != '\0'; hex++) {
		if (!isxdigit((unsigned char)*hex))
			continue;
		if (high < 0) {
			high = wire_nibble(*hex);
			continue;
		}
		buf_putc(out, (uint8_t)(high << 4 | wire_nibble(*hex)));
		high = -1;
	}
}

/* tests/vectors/NAME.hex */
static inline void
wire_vector(struct buf *out, const char *name)
{
	char path[256], line[4096];
	struct buf text = {0};
	FILE *f;

	snprintf(path, sizeof(path), "tests/vectors/%s.hex", name);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (fgets(line, sizeof(line), f) != NULL)
		buf_puts(&text, line);
	fclose(f);
	wire_hex(out, buf_cstr(&text));
	buf_free(&text);
}

/* SEQUENCEs in one another. */
static inline void
wire_nested(struct buf *b, size_t depth, bool indefinite)
{
	struct buf whole = {0};

	if (indefinite) {
		for (size_t i = 0; i < depth; i++)
			buf_append(&whole, "\x30\x80", 2);
		for (size_t i = 0; i < 2 * depth; i++)
			buf_putc(&whole, 0);
	} else {
		for (size_t i = 0; i < depth; i++)
			ber_wrap(&whole, 0, BER_UNIVERSAL, BER_SEQUENCE);
	}
	buf_append(b, whole.data, whole.len);
	buf_free(&whole);
}

#endif
