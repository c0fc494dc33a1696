#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/identity_int.h"
#include "lib/log.h"

#define SALT 16 /* where no key says otherwise */

struct shape {
	enum identity_hash hash;
	struct identity_shape is;
};

struct identity_tally {
	struct shape *v;
	size_t n, size;
};

struct identity_tally *
identity_tally_new(size_t size)
{
	struct identity_tally *t = xcalloc(1, sizeof(*t));

	t->v = xcalloc(size + 1, sizeof(*t->v));
	t->size = size;
	return t;
}

void
identity_tally_free(struct identity_tally **tp)
{
	struct identity_tally *t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	free(t->v);
	free(t);
}

void
identity_tally_clear(struct identity_tally *t)
{
	t->n = 0;
}

bool
identity_tally_add(struct identity_tally *t, enum identity_hash hash,
    const struct identity_key *key)
{
	if (key->iterations == 0)
		return false;
	INVARIANT(t->n < t->size);
	t->v[t->n++] = (struct shape){hash, {key->iterations, key->salt_n}};
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct shape *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->is.iterations != y->is.iterations)
		return x->is.iterations < y->is.iterations ? -1 : 1;
	return (x->is.salt_n > y->is.salt_n) - (x->is.salt_n < y->is.salt_n);
}

void
identity_tally_most(struct identity_tally *t, enum identity_hash *hash,
    struct identity_shape *out)
{
	size_t most = 0, run = 0;

	*out = (struct identity_shape){IDENTITY_ITERATIONS, SALT};
	qsort(t->v, t->n, sizeof(*t->v), compare);
	for (size_t i = 0; i < t->n; i++) {
		bool same = i > 0 && compare(&t->v[i - 1], &t->v[i]) == 0;

		run = same ? run + 1 : 1;
		if (run <= most)
			continue;
		most = run;
		*out = t->v[i].is;
		if (hash != NULL)
			*hash = t->v[i].hash;
	}
}

void
identity_key_digest(
    const struct identity_key *key, uint8_t out[IDENTITY_SECRET])
{
	uint8_t all[IDENTITY_SALT_MAX + 2 * IDENTITY_KEY_MAX];
	uint8_t *p = all;

	memcpy(p, key->salt, sizeof(key->salt));
	memcpy(p += sizeof(key->salt), key->stored_key, IDENTITY_KEY_MAX);
	memcpy(p + IDENTITY_KEY_MAX, key->server_key, IDENTITY_KEY_MAX);
	if (EVP_Digest(all, sizeof(all), out, NULL, EVP_sha256(), NULL) != 1)
		log_die("identity: out of memory");
	OPENSSL_cleanse(all, sizeof(all));
}
