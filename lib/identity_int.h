/*
 * Inside the identity table: which shape of keys is most frequent, and digests
 * of keys, for what names that have none show instead (RFC 5802 9). Private to
 * lib/identity*.c.
 */
#ifndef LIB_IDENTITY_INT_H
#define LIB_IDENTITY_INT_H

#include "lib/identity.h"

/* Counts keys by hash and shape; for at most `size` keys at a time. */
struct identity_tally;
struct identity_tally *identity_tally_new(size_t size);
void identity_tally_free(struct identity_tally **t);
void identity_tally_clear(struct identity_tally *t);
/* False, and nothing is counted: there is no key. */
bool identity_tally_add(struct identity_tally *t, enum identity_hash hash,
    const struct identity_key *key);
/* Of what there is most; of as many, the fewest iterations. Without any, what
 * keys have where nobody says otherwise, and *hash as it was. */
void identity_tally_most(struct identity_tally *t, enum identity_hash *hash,
    struct identity_shape *out);

/* SHA-256 of its salt, StoredKey and ServerKey. */
void identity_key_digest(
    const struct identity_key *key, uint8_t out[IDENTITY_SECRET]);

#endif
