#include "qmgr/level.h"

#include <string.h>

static const char *const names[Q_LEVELS] = {
    [Q_LEVEL_DEFERRED] = "deferred",
    [Q_LEVEL_ROUTINE] = "routine",
    [Q_LEVEL_PRIORITY] = "priority",
    [Q_LEVEL_IMMEDIATE] = "immediate",
    [Q_LEVEL_FLASH] = "flash",
    [Q_LEVEL_OVERRIDE] = "override",
};

static const enum q_level low_of[] = {
    [MHS_NON_URGENT] = Q_LEVEL_DEFERRED,
    [MHS_NORMAL] = Q_LEVEL_PRIORITY,
    [MHS_URGENT] = Q_LEVEL_FLASH,
};

static const enum mhs_priority priority_of[Q_LEVELS] = {
    [Q_LEVEL_DEFERRED] = MHS_NON_URGENT,
    [Q_LEVEL_ROUTINE] = MHS_NON_URGENT,
    [Q_LEVEL_PRIORITY] = MHS_NORMAL,
    [Q_LEVEL_IMMEDIATE] = MHS_NORMAL,
    [Q_LEVEL_FLASH] = MHS_URGENT,
    [Q_LEVEL_OVERRIDE] = MHS_URGENT,
};

/* Anything but ENUMERATED 1 is no "high": a value that nobody defined must not
 * overtake. */
static bool
is_high(const struct mhs_exts *exts)
{
	static const uint8_t high[] = {0x0a, 0x01, 0x01};

	for (size_t i = 0; i < exts->n; i++) {
		const struct mhs_ext *x = &exts->v[i];

		if (x->oid != NULL &&
		    strcmp(x->oid, Q_LEVEL_QUALIFIER_OID) == 0)
			return x->n == sizeof(high) &&
			    memcmp(x->value, high, sizeof(high)) == 0;
	}
	return false;
}

enum q_level
q_level_make(enum mhs_priority priority, bool high)
{
	return low_of[priority] + (high ? 1u : 0u);
}

enum q_level
q_level_of(const struct mhs_envelope *env)
{
	return q_level_make(env->priority, is_high(&env->exts));
}

enum mhs_priority
q_level_priority(enum q_level level)
{
	return priority_of[level];
}

const char *
q_level_name(enum q_level level)
{
	return names[level];
}

int
q_level_parse(const char *name)
{
	for (int i = 0; i < Q_LEVELS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}
