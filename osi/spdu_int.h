/* The tables of spdu_table.c, for spdu.c. */
#ifndef OSI_SPDU_INT_H
#define OSI_SPDU_INT_H

#include "osi/spdu.h"

enum spdu_value { SPDU_VALUE_OCTETS, SPDU_VALUE_DIGITS };

struct spdu_par_def {
	const char *name;
	uint8_t pgi; /* 0: none */
	uint8_t code;
	enum spdu_value value;
	uint16_t min, max; /* octets of the value */
};

#define SPDU_BIT(par) (UINT64_C(1) << (par))

struct spdu_def {
	const char *name;
	uint8_t si;
	uint8_t category;
	uint64_t allowed;   /* parameters, as bits */
	uint64_t mandatory; /* a subset of those */
};

extern const struct spdu_par_def spdu_par_defs[SPDU_PARS];
extern const struct spdu_def spdu_defs[SPDU_TYPES];

#endif
