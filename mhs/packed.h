/*
 * What envelope_pack.c and envelope_unpack.c agree on (the grammar stands in
 * envelope_pack.c). The version changes only when old readers must refuse;
 * added fields do not change it.
 */
#ifndef MHS_PACKED_H
#define MHS_PACKED_H

#include "mhs/envelope.h"

#define MHS_PACKED_MAGIC "ME"
#define MHS_PACKED_MAGIC_SIZE 2
#define MHS_PACKED_VERSION 1

/* mhs_envelope_unpack() without the limits on lists, for what this process
 * packed itself. */
struct mhs_envelope *mhs_envelope_unpack_own(
    struct arena *a, const uint8_t *p, size_t n, struct err *e);

#endif
