/*
 * Recipients that were named twice. The same user, asked for in the same way,
 * gets one delivery: the first stands for all of them, and is asked to report
 * whatever any of them was; the others keep their place and number in the
 * envelope, but are no responsibility of this MTA's. Pure.
 */
#ifndef QMGR_DUPLICATES_H
#define QMGR_DUPLICATES_H

#include "mhs/envelope.h"

/* The envelope's array of recipients must be the caller's own. Names are the
 * same by mhs_name_equal(); with other extensions, another ORCPT or another
 * conversion asked for they are different wishes, and both stay. Returns how
 * many have one to stand for them now. */
size_t q_merge_duplicates(struct mhs_envelope *env);

#endif
