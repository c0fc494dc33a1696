#include "smtp/priority.h"

#include <string.h>

#define LEVELS_MAX 6

/* Rising; what is above the last counts as it. */
struct assignment {
	const char *name;
	size_t n;
	struct {
		int priority;
		enum smtp_precedence level;
	} v[LEVELS_MAX];
};

/* RFC 6710 appendices A, B and C */
#define STANAG4406                                                            \
	{                                                                     \
		{-4, SMTP_DEFERRED}, {-2, SMTP_ROUTINE}, {0, SMTP_PRIORITY},  \
		    {2, SMTP_IMMEDIATE}, {4, SMTP_FLASH}, {6, SMTP_OVERRIDE}, \
	}
static const struct assignment assignments[] = {
    [SMTP_PROFILE_NONE] = {"", 6, STANAG4406},
    [SMTP_PROFILE_MIXER] = {"MIXER", 3,
	{{-4, SMTP_DEFERRED}, {0, SMTP_PRIORITY}, {4, SMTP_FLASH}}},
    [SMTP_PROFILE_STANAG4406] = {"STANAG4406", 6, STANAG4406},
    [SMTP_PROFILE_NSEP] = {"NSEP", 5,
	{{-2, SMTP_ROUTINE}, {0, SMTP_PRIORITY}, {2, SMTP_IMMEDIATE},
	    {4, SMTP_FLASH}, {6, SMTP_OVERRIDE}}},
};
#define PROFILES (sizeof(assignments) / sizeof(assignments[0]))

bool
smtp_priority_parse(const char *s, size_t n, int *out)
{
	bool minus = n == 2 && s[0] == '-' && s[1] != '0';
	char digit = n == 1 ? s[0] : minus ? s[1] : '\0';

	if (digit < '0' || digit > '9')
		return false;
	*out = minus ? '0' - digit : digit - '0';
	return true;
}

/* White space and comments (RFC 5322 3.2.2), which may be nested. */
static size_t
skip_cfws(const char *s, size_t n)
{
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '\\' && depth > 0 && i + 1 < n)
			i++;
		else if (s[i] == '(')
			depth++;
		else if (s[i] == ')' && depth > 0)
			depth--;
		else if (depth == 0 && s[i] != ' ' && s[i] != '\t')
			break;
	}
	return depth == 0 ? i : 0;
}

bool
smtp_priority_field(const char *s, size_t n, int *out)
{
	size_t skip = skip_cfws(s, n), value = 0;

	s += skip;
	n -= skip;
	while (
	    value < n && value < 2 && strchr("-0123456789", s[value]) != NULL)
		value++;
	return smtp_priority_parse(s, value, out) &&
	    skip_cfws(s + value, n - value) == n - value;
}

enum smtp_precedence
smtp_priority_level(enum smtp_priority_profile p, int priority)
{
	const struct assignment *a = &assignments[p];
	size_t i = 0;

	while (i + 1 < a->n && a->v[i].priority < priority)
		i++;
	return a->v[i].level;
}

const char *
smtp_priority_profile_name(enum smtp_priority_profile p)
{
	return assignments[p].name;
}

int
smtp_priority_profile_parse(const char *name)
{
	if (strcmp(name, "none") == 0)
		return SMTP_PROFILE_NONE;
	for (size_t i = 1; i < PROFILES; i++)
		if (strcmp(assignments[i].name, name) == 0)
			return (int)i;
	return -1;
}
