/*
 * Salted keys of passwords (RFC 5802 3): what is stored of one, and how one is
 * compared to that.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/identity.h"
#include "lib/log.h"

static const struct hash {
	const char *mechanism;
	size_t size;
	const EVP_MD *(*md)(void);
} hashes[] = {
    [IDENTITY_SHA1] = {"SCRAM-SHA-1", 20, EVP_sha1},
    [IDENTITY_SHA256] = {"SCRAM-SHA-256", 32, EVP_sha256},
};

const char *
identity_mechanism(enum identity_hash h)
{
	return hashes[h].mechanism;
}

size_t
identity_hash_size(enum identity_hash h)
{
	return hashes[h].size;
}

static void
hmac(const struct hash *h, const uint8_t *key, size_t key_n, const char *text,
    uint8_t *out)
{
	if (HMAC(h->md(), key, (int)key_n, (const unsigned char *)text,
		strlen(text), out, NULL) == NULL)
		log_die("identity: out of memory");
}

/* StoredKey and ServerKey of a salted password. */
static void
derive(const struct hash *h, const uint8_t *salted, struct identity_key *out)
{
	uint8_t client_key[IDENTITY_KEY_MAX];

	hmac(h, salted, h->size, "Client Key", client_key);
	if (EVP_Digest(
		client_key, h->size, out->stored_key, NULL, h->md(), NULL) != 1)
		log_die("identity: out of memory");
	hmac(h, salted, h->size, "Server Key", out->server_key);
	OPENSSL_cleanse(client_key, sizeof(client_key));
}

int
identity_key_make(enum identity_hash hash, const char *password, size_t n,
    const uint8_t *salt, size_t salt_n, unsigned iterations,
    struct identity_key *out, struct err *e)
{
	const struct hash *h = &hashes[hash];
	uint8_t salted[IDENTITY_KEY_MAX];

	if (n == 0 || n > IDENTITY_PASSWORD_MAX)
		return err_set(e, "identity", ERR_LIMIT,
		    "a password of %zu octets: 1 to %d are allowed", n,
		    IDENTITY_PASSWORD_MAX);
	if (salt_n == 0 || salt_n > sizeof(out->salt))
		return err_set(
		    e, "identity", ERR_LIMIT, "a salt of %zu octets", salt_n);
	if (iterations < IDENTITY_ITERATIONS_MIN ||
	    iterations > IDENTITY_ITERATIONS_MAX)
		return err_set(e, "identity", ERR_LIMIT,
		    "%u iterations: %d to %d are allowed", iterations,
		    IDENTITY_ITERATIONS_MIN, IDENTITY_ITERATIONS_MAX);
	if (PKCS5_PBKDF2_HMAC(password, (int)n, salt, (int)salt_n,
		(int)iterations, h->md(), (int)h->size, salted) != 1)
		log_die("identity: out of memory");
	*out =
	    (struct identity_key){.iterations = iterations, .salt_n = salt_n};
	memcpy(out->salt, salt, salt_n);
	derive(h, salted, out);
	OPENSSL_cleanse(salted, sizeof(salted));
	return 0;
}

/* So many octets of HMAC-SHA-512 under the secret. */
static void
fake_octets(const uint8_t *secret, const char *what, const char *mechanism,
    const char *name, uint8_t *out, size_t n)
{
	uint8_t all[EVP_MAX_MD_SIZE];
	char text[IDENTITY_NAME_MAX + 64];
	int length =
	    snprintf(text, sizeof(text), "%s %s %.128s", what, mechanism, name);

	if (HMAC(EVP_sha512(), secret, IDENTITY_SECRET,
		(const unsigned char *)text, (size_t)length, all, NULL) == NULL)
		log_die("identity: out of memory");
	memcpy(out, all, n);
	OPENSSL_cleanse(all, sizeof(all));
}

void
identity_key_fake(enum identity_hash hash, const struct identity_shape *like,
    const uint8_t *secret, const char *name, struct identity_key *out)
{
	const struct hash *h = &hashes[hash];
	uint8_t seed[IDENTITY_KEY_MAX];

	*out = (struct identity_key){
	    .iterations = like->iterations, .salt_n = like->salt_n};
	fake_octets(
	    secret, "salt", h->mechanism, name, out->salt, like->salt_n);
	fake_octets(secret, "key", h->mechanism, name, seed, h->size);
	derive(h, seed, out);
	OPENSSL_cleanse(seed, sizeof(seed));
}

/* The strongest key that is there. */
static const struct identity_key *
best_key(const struct identity *u, enum identity_hash *hash)
{
	for (size_t i = IDENTITY_HASHES; u != NULL && i-- > 0;)
		if (u->keys[i].iterations > 0) {
			*hash = (enum identity_hash)i;
			return &u->keys[i];
		}
	return NULL;
}

bool
identity_key_is(const struct identity *u, enum identity_hash hash,
    const struct identity_shape *nobody, const char *password, size_t n)
{
	const struct identity_key *key = best_key(u, &hash);
	struct identity_key none = {
	    .iterations = nobody->iterations, .salt_n = nobody->salt_n};
	struct identity_key made;
	bool known = key != NULL && !u->disabled, is;

	if (key == NULL)
		key = &none;
	if (identity_key_make(hash, password, n, key->salt, key->salt_n,
		key->iterations, &made, NULL) != 0)
		return false;
	is = CRYPTO_memcmp(
		 made.stored_key, key->stored_key, hashes[hash].size) == 0;
	OPENSSL_cleanse(&made, sizeof(made));
	return is && known;
}
