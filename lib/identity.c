/*
 * The table: read by conf_load(), and then three sorted lists of names.
 */
#include "lib/identity_int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "lib/base64.h"
#include "lib/log.h"

/* One name and whose it is. */
struct entry {
	const char *name;
	const struct identity *user;
	const struct conf_node *node;
};

/* Names of one kind, sorted. */
struct index {
	struct entry *v;
	size_t n;
	int (*compare)(const char *a, const char *b);
};

struct identity_table {
	unsigned holders;
	struct arena *arena;
	struct identity *users;
	size_t n_users;
	struct index names, certificates, principals;
	/* of keys for names that have none */
	uint8_t secret[IDENTITY_SECRET];
	struct identity_shape like[IDENTITY_HASHES], nobody;
	enum identity_hash nobody_hash;
};

/* --- indexes --- */

static int
compare_exact(const void *a, const void *b)
{
	return strcmp(
	    ((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int
compare_caseless(const void *a, const void *b)
{
	return strcasecmp(
	    ((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void
index_add(struct identity_table *t, struct index *x, const char *name,
    const struct identity *user, const struct conf_node *node)
{
	struct entry *e = arena_push(t->arena, &x->v, &x->n, sizeof(*x->v));

	*e = (struct entry){name, user, node};
}

/* Sorts; what stands there twice is refused, with the later line. */
static int
index_close(
    struct index *x, int (*compare)(const char *, const char *), struct err *e)
{
	x->compare = compare;
	if (x->n == 0)
		return 0;
	qsort(x->v, x->n, sizeof(*x->v),
	    compare == strcmp ? compare_exact : compare_caseless);
	for (size_t i = 1; i < x->n; i++) {
		const struct conf_node *a = x->v[i - 1].node, *b = x->v[i].node;

		if (compare(x->v[i - 1].name, x->v[i].name) == 0)
			return conf_error(a->line > b->line ? a : b, e,
			    "\"%.100s\" stands in line %u already",
			    x->v[i].name,
			    a->line > b->line ? b->line : a->line);
	}
	return 0;
}

static const struct identity *
index_find(const struct index *x, const char *name)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t at = low + (high - low) / 2;
		int d = x->compare(name, x->v[at].name);

		if (d == 0)
			return x->v[at].user;
		if (d < 0)
			high = at;
		else
			low = at + 1;
	}
	return NULL;
}

/* --- reading --- */

/* An attribute of octets; `size` of them, or with exact=false at most. */
static ssize_t
read_octets(const struct conf_node *n, const char *attr, uint8_t *out,
    size_t size, bool exact, struct err *e)
{
	const char *text = conf_str(n, attr, "");
	ssize_t got = base64_decode(text, strlen(text), out, size);

	if (got <= 0 || (exact && (size_t)got != size))
		return conf_error(n, e, "%s: no base64 of %s%zu octets", attr,
		    exact ? "" : "1 to ", size);
	return got;
}

static int
read_key(struct identity *u, const struct conf_node *n, struct err *e)
{
	const char *mechanism = conf_str(n, "mechanism", "");
	enum identity_hash h =
	    strcmp(mechanism, identity_mechanism(IDENTITY_SHA1)) == 0
	    ? IDENTITY_SHA1
	    : IDENTITY_SHA256;
	struct identity_key *key = &u->keys[h];
	size_t size = identity_hash_size(h);
	int64_t iterations;
	ssize_t salt;

	if (key->iterations > 0)
		return conf_error(n, e, "a second one of %s", mechanism);
	if (conf_int(n, "iterations", 0, IDENTITY_ITERATIONS_MIN,
		IDENTITY_ITERATIONS_MAX, &iterations, e) < 0)
		return ERR_CONFIG;
	salt = read_octets(n, "salt", key->salt, sizeof(key->salt), false, e);
	if (salt < 0 ||
	    read_octets(n, "stored-key", key->stored_key, size, true, e) < 0 ||
	    read_octets(n, "server-key", key->server_key, size, true, e) < 0)
		return ERR_CONFIG;
	key->salt_n = (size_t)salt;
	key->iterations = (unsigned)iterations;
	return 0;
}

static int
read_user(struct identity_table *t, struct identity *u,
    const struct conf_node *n, struct err *e)
{
	u->node = n;
	u->name = conf_str(n, "name", "");
	if (*u->name == '\0' || strlen(u->name) > IDENTITY_NAME_MAX)
		return conf_error(n, e, "name: 1 to %d octets are allowed",
		    IDENTITY_NAME_MAX);
	if (conf_bool(n, "disabled", false, &u->disabled, e) < 0)
		return ERR_CONFIG;
	index_add(t, &t->names, u->name, u, n);
	for (size_t i = 0; i < n->n_children; i++) {
		const struct conf_node *c = n->children[i];

		if (strcmp(c->name, "scram") == 0 && read_key(u, c, e) < 0)
			return ERR_CONFIG;
		if (strcmp(c->name, "certificate") == 0)
			index_add(
			    t, &t->certificates, conf_str(c, "name", ""), u, c);
		if (strcmp(c->name, "principal") == 0)
			index_add(
			    t, &t->principals, conf_str(c, "name", ""), u, c);
	}
	return 0;
}

/* Whom somebody acts for must be there. */
static int
check_acting(const struct identity_table *t, struct err *e)
{
	for (size_t i = 0; i < t->n_users; i++) {
		const struct conf_node *u = t->users[i].node, *n;

		for (n = conf_child(u, "act-as"); n != NULL;
		     n = conf_next(u, "act-as", n)) {
			const char *name = conf_str(n, "user", "");

			if (identity_find(t, name) == NULL)
				return conf_error(
				    n, e, "there is no user \"%.100s\"", name);
		}
	}
	return 0;
}

/* Of what there is most: keys of each mechanism, and strongest keys. */
static void
read_shapes(struct identity_table *t)
{
	struct identity_tally *tally = identity_tally_new(t->n_users);

	for (size_t h = 0; h < IDENTITY_HASHES; h++) {
		identity_tally_clear(tally);
		for (size_t i = 0; i < t->n_users; i++)
			identity_tally_add(
			    tally, (enum identity_hash)h, &t->users[i].keys[h]);
		identity_tally_most(tally, NULL, &t->like[h]);
	}
	identity_tally_clear(tally);
	for (size_t i = 0; i < t->n_users; i++)
		for (size_t h = IDENTITY_HASHES; h-- > 0;)
			if (identity_tally_add(tally, (enum identity_hash)h,
				&t->users[i].keys[h]))
				break;
	t->nobody_hash = IDENTITY_SHA256;
	identity_tally_most(tally, &t->nobody_hash, &t->nobody);
	identity_tally_free(&tally);
}

static int
read_secret(
    struct identity_table *t, const struct conf_node *root, struct err *e)
{
	uint8_t digest[IDENTITY_SECRET];
	bool first = true;

	if (conf_str(root, "secret", NULL) != NULL)
		return read_octets(root, "secret", t->secret, sizeof(t->secret),
			   true, e) < 0
		    ? ERR_CONFIG
		    : 0;
	for (size_t i = 0; i < t->n_users; i++)
		for (size_t h = 0; h < IDENTITY_HASHES; h++) {
			if (t->users[i].keys[h].iterations == 0)
				continue;
			identity_key_digest(&t->users[i].keys[h], digest);
			if (first ||
			    memcmp(digest, t->secret, sizeof(digest)) < 0)
				memcpy(t->secret, digest, sizeof(digest));
			first = false;
		}
	return 0;
}

static int
read_users(
    struct identity_table *t, const struct conf_node *root, struct err *e)
{
	size_t i = 0;

	if (root->n_children > IDENTITY_USERS_MAX)
		return conf_error(
		    root, e, "more than %d users", IDENTITY_USERS_MAX);
	t->users = arena_alloc(t->arena, root->n_children * sizeof(*t->users));
	for (; i < root->n_children; i++)
		if (read_user(t, &t->users[i], root->children[i], e) < 0)
			return ERR_CONFIG;
	t->n_users = i;
	if (index_close(&t->names, strcmp, e) < 0 ||
	    index_close(&t->certificates, strcasecmp, e) < 0 ||
	    index_close(&t->principals, strcmp, e) < 0)
		return ERR_CONFIG;
	read_shapes(t);
	return read_secret(t, root, e) < 0 ? ERR_CONFIG : check_acting(t, e);
}

/* Before libxml2 holds all of it. */
static int
check_size(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return err_sys(e, "identity", "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > IDENTITY_FILE_MAX)
		return err_set(e, "identity", ERR_CONFIG,
		    "%s: no file, or of more than %d octets", path,
		    IDENTITY_FILE_MAX);
	return 0;
}

/* The first of what conf_load() complains of, for those who want one line. */
struct first {
	conf_complain_fn *complain; /* whoever wants all, or NULL */
	void *arg;
	struct err *e;
	unsigned n;
};

static void
on_complaint(void *arg, const char *file, unsigned line, const char *text)
{
	struct first *f = arg;

	if (f->n++ == 0)
		err_set(f->e, "identity", ERR_CONFIG, "%s:%u: %s", file, line,
		    text);
	if (f->complain != NULL)
		f->complain(f->arg, file, line, text);
}

static int
load(struct identity_table *t, const char *path, const char *schema,
    struct first *f, struct err *e)
{
	struct err why = ERR_INIT;
	struct conf_node *root =
	    conf_load(t->arena, path, schema, on_complaint, f, &why);

	if (root != NULL)
		return read_users(t, root, e);
	return f->n > 0 ? ERR_CONFIG
			: err_set(e, "identity", why.code, "%s", why.text);
}

struct identity_table *
identity_table_load(const char *path, const char *schema,
    conf_complain_fn *complain, void *arg, struct err *e)
{
	struct first first = {complain, arg, e, 0};
	struct identity_table *t;

	if (check_size(path, e) < 0)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->holders = 1;
	t->arena = arena_new();
	if (load(t, path, schema, &first, e) < 0)
		identity_table_free(&t);
	return t;
}

struct identity_table *
identity_table_ref(struct identity_table *t)
{
	INVARIANT(t->holders > 0);
	t->holders++;
	return t;
}

void
identity_table_free(struct identity_table **tp)
{
	struct identity_table *t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	INVARIANT(t->holders > 0);
	if (--t->holders > 0)
		return;
	arena_free(&t->arena);
	free(t);
}

size_t
identity_table_size(const struct identity_table *t)
{
	return t->n_users;
}

/* --- questions --- */

const struct identity *
identity_find(const struct identity_table *t, const char *name)
{
	return index_find(&t->names, name);
}

bool
identity_password_is(const struct identity_table *t, const struct identity *u,
    const char *password, size_t n)
{
	return identity_key_is(u, t->nobody_hash, &t->nobody, password, n);
}

void
identity_table_fake(const struct identity_table *t, enum identity_hash h,
    const char *name, struct identity_key *out)
{
	identity_key_fake(h, &t->like[h], t->secret, name, out);
}

const struct identity *
identity_by_certificate(const struct identity_table *t, const char *name)
{
	return index_find(&t->certificates, name);
}

const struct identity *
identity_by_principal(const struct identity_table *t, const char *name)
{
	return index_find(&t->principals, name);
}

static bool
address_fits(const char *pattern, const char *mailbox)
{
	const char *at = strrchr(mailbox, '@');

	if (pattern[0] == '*' && pattern[1] == '@')
		return at != NULL && strcasecmp(pattern + 1, at) == 0;
	return strcasecmp(pattern, mailbox) == 0;
}

bool
identity_may_send_as(const struct identity *u, const char *mailbox)
{
	const struct conf_node *n = conf_child(u->node, "address");

	for (; n != NULL; n = conf_next(u->node, "address", n))
		if (address_fits(conf_str(n, "mailbox", ""), mailbox))
			return true;
	return false;
}

bool
identity_may_act_as(const struct identity *u, const char *name)
{
	const struct conf_node *n = conf_child(u->node, "act-as");

	if (strcmp(u->name, name) == 0)
		return true;
	for (; n != NULL; n = conf_next(u->node, "act-as", n))
		if (strcmp(conf_str(n, "user", ""), name) == 0)
			return true;
	return false;
}
