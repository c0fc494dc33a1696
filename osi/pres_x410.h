/*
 * The PPDUs of X.410 (1984) mode (X.226 8.2): a SET that holds the components
 * of an APDU of RTSE, without the tag of that APDU. PConnect, PAccept, PRefuse
 * and AbortInformation of X.410 (1984) are the same octets.
 *
 * CP and CPA: SET {[0] mode-selector {[0] 0}, [1] the components}; CPR and
 * ARU: the components at once. Here the value has the tag of RTSE, as our user
 * gives and gets it (pres.h). Decoding copies into the arena; errors are
 * ERR_SYNTAX with the offset in the PPDU.
 */
#ifndef OSI_PRES_X410_H
#define OSI_PRES_X410_H

#include "osi/pres_codec.h"

enum pres_x410_ppdu {
	PRES_X410_CP,  /* RTORQ [16] */
	PRES_X410_CPA, /* RTOAC [17] */
	PRES_X410_CPR, /* RTORJ [18] */
	PRES_X410_ARU, /* RTAB [22] */
};

/* Is this CP or CPA of X.410 mode? CPR or ARU? False for what is malformed. */
bool pres_x410_connect(const uint8_t *p, size_t n);
bool pres_x410_refusal(const uint8_t *p, size_t n);
/* The one value of the PPDU, which pres_x410_connect() or _refusal() knew. */
int pres_x410_decode(struct arena *a, enum pres_x410_ppdu type,
    const uint8_t *p, size_t n, struct pres_values *out, struct err *e);
/* No value: no components. ERR_PROTOCOL when there are several, or one with
 * another tag than the PPDU has. */
int pres_x410_encode(enum pres_x410_ppdu type, const struct pres_values *v,
    struct buf *out, struct err *e);

#endif
