/*
 * Any BER as a tree for a person: one line an element, with its octet offset,
 * tag, length and value as far as the tag tells what it is. It knows no
 * protocol; its use is to see what a capture or a refused PDU really holds.
 */
#ifndef ASN1_DUMP_H
#define ASN1_DUMP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

/* Appends the elements at p[0..n-1], one after the other, as text to `out`.
 * Where octets are no BER it has printed what came before, then adds a line
 * "error at octet N: reason", and returns the negative code with the offset
 * in *e; 0 when all octets were read. An OCTET STRING (or an implicitly tagged
 * one) whose octets are themselves one constructed element is shown as that
 * element, indented. Control characters never reach the output. */
int ber_dump(const uint8_t *p, size_t n, struct buf *out, struct err *e);

/* The name of a known OBJECT IDENTIFIER in dotted form, or NULL. */
const char *ber_oid_name(const char *dotted);

#endif
