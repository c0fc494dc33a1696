/*
 * The identity table: who may authenticate, by what, and whom they may speak
 * for. It is an XML file, checked against conf/identities.rng, that holds no
 * password: of each it has what RFC 5802 3 calls StoredKey, ServerKey, salt and
 * iteration count, which SCRAM uses as they are, and which a password that
 * comes in plain is compared to by PBKDF2.
 *
 * A table never changes once it is read; it is counted by those who hold it, so
 * that one that is in use outlives a newer one. Names of users are compared
 * octet by octet; mail addresses, and names in certificates, without regard to
 * the case of ASCII.
 */
#ifndef LIB_IDENTITY_H
#define LIB_IDENTITY_H

#include <stdbool.h>

#include "lib/conf.h"
#include "lib/err.h"

#define IDENTITY_NAME_MAX 128      /* octets of a user's name */
#define IDENTITY_PASSWORD_MAX 1024 /* octets of a password */
#define IDENTITY_USERS_MAX 100000
#define IDENTITY_FILE_MAX (64 << 20)
#define IDENTITY_SALT_MAX 64
#define IDENTITY_KEY_MAX 32
#define IDENTITY_ITERATIONS_MIN 4096 /* RFC 5802 5.1, RFC 7677 4 */
#define IDENTITY_ITERATIONS_MAX 1000000
#define IDENTITY_ITERATIONS 15000 /* where nobody says otherwise */

enum identity_hash { IDENTITY_SHA1, IDENTITY_SHA256 };
#define IDENTITY_HASHES 2

struct identity_key {
	unsigned iterations; /* 0: there is none */
	size_t salt_n;
	uint8_t salt[IDENTITY_SALT_MAX];
	uint8_t stored_key[IDENTITY_KEY_MAX], server_key[IDENTITY_KEY_MAX];
};

struct identity {
	const char *name;
	bool disabled;
	struct identity_key keys[IDENTITY_HASHES];
	const struct conf_node *node;
};

/* --- keys (identity_key.c) --- */

/* "SCRAM-SHA-1", "SCRAM-SHA-256"; octets of its keys. */
const char *identity_mechanism(enum identity_hash h);
size_t identity_hash_size(enum identity_hash h);
/* The key of a password with this salt. ERR_LIMIT when the salt, the password
 * or the number of iterations is none that a table may have. */
int identity_key_make(enum identity_hash h, const char *password, size_t n,
    const uint8_t *salt, size_t salt_n, unsigned iterations,
    struct identity_key *out, struct err *e);
/* What a key shows of itself: whoever tries names sees it of all. */
struct identity_shape {
	unsigned iterations;
	size_t salt_n;
};
#define IDENTITY_SECRET 32
/* A key of this shape that no password is known for, always the same for the
 * same secret (of IDENTITY_SECRET octets), mechanism and name (RFC 5802 9). */
void identity_key_fake(enum identity_hash h, const struct identity_shape *like,
    const uint8_t *secret, const char *name, struct identity_key *out);
/* Is it the password of the strongest key? Compared in constant time. Who is
 * NULL, or has no key, costs the work of one of `hash` and shape `nobody`, and
 * is false. */
bool identity_key_is(const struct identity *u, enum identity_hash hash,
    const struct identity_shape *nobody, const char *password, size_t n);

/* --- tables --- */

struct identity_table;

/* Reads and checks it; ERR_CONFIG with file and line of the first thing wrong,
 * after all complaints (conf_load()). NULL then. */
struct identity_table *identity_table_load(const char *path, const char *schema,
    conf_complain_fn *complain, void *arg, struct err *e);
/* Counted; the last free ends it. Not for two threads at a time. */
struct identity_table *identity_table_ref(struct identity_table *t);
void identity_table_free(struct identity_table **t);
size_t identity_table_size(const struct identity_table *t);

/* NULL: nobody. */
const struct identity *identity_find(
    const struct identity_table *t, const char *name);
/* Is it their password? `u` may be NULL: as much work as for most users, and
 * false. */
bool identity_password_is(const struct identity_table *t,
    const struct identity *u, const char *password, size_t n);
/* What a name that has no key of this mechanism shows for one: a salt that
 * differs between names and mechanisms, stays the same as long as the table's
 * secret does, and has the length and iterations that are most frequent in the
 * table. The secret is the attribute of <identities>, or without that comes from
 * the one key of the table whose digest is the lowest, so that a change to
 * another user's leaves it as it is. */
void identity_table_fake(const struct identity_table *t, enum identity_hash h,
    const char *name, struct identity_key *out);
/* Whose the certificate's name is; whose the Kerberos principal is
 * ("alice@EXAMPLE.ORG"). */
const struct identity *identity_by_certificate(
    const struct identity_table *t, const char *name);
const struct identity *identity_by_principal(
    const struct identity_table *t, const char *name);
/* May send mail as this mailbox: one of its addresses, or of a domain that is
 * all its own ("*@example.org"). */
bool identity_may_send_as(const struct identity *u, const char *mailbox);
/* May take this authorization identity: its own, or one that it acts for. */
bool identity_may_act_as(const struct identity *u, const char *name);

/* --- a table that is read again when its file changed --- */

struct identity_store;

/* Keeps copies. Reads it: NULL and ERR_CONFIG when it is wrong. */
struct identity_store *identity_store_new(
    const char *path, const char *schema, struct err *e);
/* Waits for a file that is being read: seconds, if it is big. */
void identity_store_free(struct identity_store **s);
/* The table as it stands, for as long as the caller needs it without giving
 * control away (else identity_table_ref()). */
struct identity_table *identity_store_table(const struct identity_store *s);
/* Looks at the file: one that changed is read in a thread, while the table
 * stays as it is; a later look exchanges it. A file that has become wrong leaves
 * the table as it was: *e has the reason, once for each change, and else the
 * code 0. For who has one loop: twice a second is enough. */
void identity_store_look(struct identity_store *s, struct err *e);

#endif
