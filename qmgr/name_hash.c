/*
 * A number for a name, so that the queue finds addresses without reading files.
 */
#include <ctype.h>
#include <string.h>

#include "lib/arena.h"
#include "qmgr/summary.h"

/* FNV-1a */
#define START 0xcbf29ce484222325ULL
#define PRIME 0x100000001b3ULL

static uint64_t
add_octet(uint64_t h, unsigned c)
{
	return (h ^ (uint8_t)c) * PRIME;
}

/* Lower case, single spaces. How letters beyond ASCII fold is or_charset.c's
 * affair; without them names are still told apart well enough. */
static uint64_t
add_text(uint64_t h, const char *s)
{
	bool space = false, any = false;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x80)
			continue;
		if (c == ' ') {
			space = any;
			continue;
		}
		if (space)
			h = add_octet(h, ' ');
		space = false;
		any = true;
		h = add_octet(h, (unsigned)tolower(c));
	}
	return add_octet(h, 0);
}

static bool
counts(const struct mhs_or *ora, const struct mhs_or_attr *at)
{
	if (at->type == MHS_OR_UNKNOWN || at->form == MHS_OR_RAW)
		return false;
	/* of several forms, the best; DDAs of one type are not forms */
	return at->type == MHS_OR_DDA ? at->form == MHS_OR_PRINTABLE
				      : mhs_or_get(ora, at->type) == at;
}

static uint64_t
of_address(const struct mhs_or *ora)
{
	struct arena *tmp = NULL;
	uint64_t h = START;

	for (size_t i = 0; i < ora->n_attrs; i++) {
		const struct mhs_or_attr *at = &ora->attrs[i];
		const char *s = at->value;

		if (!counts(ora, at))
			continue;
		if (at->form == MHS_OR_TELETEX) {
			tmp = tmp != NULL ? tmp : arena_new();
			s = mhs_or_attr_utf8(tmp, at);
		}
		h = add_octet(h, (unsigned)at->type);
		if (at->type == MHS_OR_DDA)
			h = add_text(h, at->dda_type);
		h = add_text(h, s);
	}
	if (tmp != NULL)
		arena_free(&tmp);
	return h;
}

uint64_t
q_name_hash(const struct mhs_name *name)
{
	uint64_t h = START;

	if (name->mailbox != NULL)
		h = add_text(h, name->mailbox);
	else if (name->ora != NULL)
		h = of_address(name->ora);
	return h != 0 ? h : 1;
}

uint32_t
q_name_key(uint64_t hash)
{
	uint32_t low = (uint32_t)hash;

	return low != 0 ? low : 1;
}
