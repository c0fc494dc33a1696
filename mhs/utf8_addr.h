/*
 * Addresses of the "utf-8" type in delivery status notifications and ORCPT
 * (RFC 6533 3): three ways to write one, which differ in what stands as
 * "\x{HEXPOINT}". Text is UTF-8; nothing is validated beyond what the
 * encoding needs, so that any octets of an ORCPT come through.
 */
#ifndef MHS_UTF8_ADDR_H
#define MHS_UTF8_ADDR_H

#include "lib/buf.h"

/* Appends the address, which may already have "\x{...}" in it, for an ORCPT
 * parameter: utf-8-addr-unitext with `eight` (the peer has SMTPUTF8), else
 * utf-8-addr-xtext, which is ASCII. */
void mhs_utf8_addr_append(struct buf *out, const char *address, bool eight);

/* Appends it as utf-8-address: no encoding left, as in
 * message/global-delivery-status. An escape that is none, or that stands for
 * a control character, stays as it is. */
void mhs_utf8_addr_plain(struct buf *out, const char *address);

/* The code point of the UTF-8 at s (n octets); *used says of how many octets.
 * Octets that are no UTF-8: -1, one octet. */
int32_t mhs_utf8_next(const char *s, size_t n, size_t *used);

/* Are all n octets UTF-8 (RFC 3629)? */
bool mhs_utf8_valid(const char *s, size_t n);

#endif
