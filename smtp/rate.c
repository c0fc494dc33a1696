#include "smtp/rate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"

#define PLACES 4096 /* a power of two */
#define TRIES 8     /* places that an address may have */
#define MINUTE 60000

/* Tokens are kept in units of 1/MINUTE, so that each millisecond brings whole
 * ones. */
struct bucket {
	uint64_t key; /* of the address; 0: free */
	uint64_t tokens;
	msec_t at;
};

struct smtp_rates {
	unsigned per_client, all;
	struct bucket total;
	struct bucket clients[PLACES];
};

struct smtp_rates *
smtp_rates_new(unsigned per_client, unsigned all)
{
	struct smtp_rates *r = xcalloc(1, sizeof(*r));

	r->per_client = per_client;
	r->all = all;
	return r;
}

void
smtp_rates_free(struct smtp_rates **r)
{
	free(*r);
	*r = NULL;
}

/* FNV-1a; never 0 */
static uint64_t
key_of(const char *address)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *address != '\0'; address++)
		h = (h ^ (uint8_t)*address) * 0x100000001b3ULL;
	return h | 1;
}

static void
start(struct bucket *b, uint64_t key, unsigned rate, msec_t now)
{
	*b = (struct bucket){key, (uint64_t)rate * MINUTE, now};
}

static void
refill(struct bucket *b, unsigned rate, msec_t now)
{
	uint64_t most = (uint64_t)rate * MINUTE;
	uint64_t more = now > b->at ? (uint64_t)(now - b->at) : 0;

	more = more < MINUTE ? more * rate : most;
	b->tokens = most - b->tokens < more ? most : b->tokens + more;
	b->at = now;
}

static struct bucket *
find(struct smtp_rates *r, uint64_t key, msec_t now)
{
	struct bucket *oldest = NULL, *b;

	for (uint64_t i = 0; i < TRIES; i++) {
		b = &r->clients[((key >> 1) + i) & (PLACES - 1)];
		if (b->key == key) {
			refill(b, r->per_client, now);
			return b;
		}
		if (oldest == NULL || b->key == 0 ||
		    (oldest->key != 0 && b->at < oldest->at))
			oldest = b;
	}
	start(oldest, key, r->per_client, now);
	return oldest;
}

bool
smtp_rates_take(struct smtp_rates *r, const char *address, msec_t now)
{
	struct bucket *client = NULL;

	if (r->all > 0 && r->total.key == 0)
		start(&r->total, 1, r->all, now);
	refill(&r->total, r->all, now);
	if (r->per_client > 0)
		client = find(r, key_of(address), now);
	if ((r->all > 0 && r->total.tokens < MINUTE) ||
	    (client != NULL && client->tokens < MINUTE))
		return false;
	if (r->all > 0)
		r->total.tokens -= MINUTE;
	if (client != NULL)
		client->tokens -= MINUTE;
	return true;
}
