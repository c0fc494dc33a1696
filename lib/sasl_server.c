/*
 * The server's side of an exchange: which mechanisms a link may use, and the
 * steps. What Cyrus asks in the midst of them (who is that name, is that the
 * password, may they act as that one) is answered from the identity table that
 * the exchange holds.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "lib/base64.h"
#include "lib/log.h"
#include "lib/sasl_int.h"
#include "lib/tls.h"

/* after sasl.h, which it needs */
#include <sasl/saslplug.h>

#define CALLBACKS 6

struct sasl_exchange {
	struct sasl_service *service;
	struct identity_table *identities; /* NULL: none */
	sasl_conn_t *conn;
	sasl_callback_t callbacks[CALLBACKS];
	struct sasl_binding binding;
	char mechanism[SASL_MECHANISM_MAX + 1];
	char external[IDENTITY_NAME_MAX + 1]; /* "": none */
	char principal[512];                  /* as GSSAPI gave it */
	char claim[IDENTITY_NAME_MAX + 1];
	const char *user;
	unsigned steps;
};

/* --- the offer --- */

/* Whose a name of the peer's good certificate is. */
static const struct identity *
external_identity(struct sasl_service *s, const struct tls_peer *tls)
{
	struct identity_table *t = sasl_service_identities(s);
	const struct identity *u = NULL;

	if (t == NULL || tls == NULL || !tls->verified)
		return NULL;
	u = identity_by_certificate(t, tls->subject);
	for (size_t i = 0; u == NULL && i < tls->n_names; i++)
		u = identity_by_certificate(t, tls->names[i]);
	return u;
}

static bool
is_plaintext(const char *word, size_t n)
{
	return sasl_word_is(word, n, "PLAIN") || sasl_word_is(word, n, "LOGIN");
}

static bool
is_plus(const char *word, size_t n)
{
	return n > 5 && sasl_word_is(word + n - 5, 5, "-PLUS");
}

/* What a mechanism cannot do without. */
static enum sasl_offer
offer(struct sasl_service *s, const struct sasl_link *link, const char *word,
    size_t n)
{
	bool bound = link->tls != NULL && link->tls->binding_n > 0;
	char base[SASL_MECHANISM_MAX + 1];

	if (n > SASL_MECHANISM_MAX)
		return SASL_NOT_OFFERED;
	if (is_plaintext(word, n) && link->tls == NULL && !s->plaintext)
		return SASL_OFFERED_UNDER_TLS;
	if (is_plus(word, n) && !bound)
		return SASL_NOT_OFFERED;
	if (sasl_word_is(word, n, "EXTERNAL"))
		return external_identity(s, link->tls) != NULL
		    ? SASL_OFFERED
		    : SASL_NOT_OFFERED;
	if (sasl_word_is(word, n, "GSSAPI") && s->keytab == NULL)
		return SASL_NOT_OFFERED;
	if (strncasecmp(word, "SCRAM-", n < 6 ? n : 6) == 0 &&
	    s->backend == SASL_BACKEND_SASLAUTHD)
		return SASL_NOT_OFFERED;
	n -= is_plus(word, n) ? 5 : 0;
	memcpy(base, word, n);
	base[n] = '\0';
	return sasl_library_has(base) ? SASL_OFFERED : SASL_NOT_OFFERED;
}

const char *
sasl_mechanisms(struct sasl_service *s, const struct sasl_link *link,
    char out[SASL_LIST_MAX])
{
	const char *list = s->mechanisms, *word;
	size_t n, at = 0;

	out[0] = '\0';
	while ((n = sasl_next_word(&list, &word)) > 0) {
		if (offer(s, link, word, n) != SASL_OFFERED ||
		    at + n + 2 > SASL_LIST_MAX)
			continue;
		if (at > 0)
			out[at++] = ' ';
		memcpy(out + at, word, n);
		at += n;
		out[at] = '\0';
	}
	return out;
}

enum sasl_offer
sasl_offers(
    struct sasl_service *s, const struct sasl_link *link, const char *mechanism)
{
	const char *list = s->mechanisms, *word;
	size_t n;

	while ((n = sasl_next_word(&list, &word)) > 0)
		if (sasl_word_is(word, n, mechanism))
			return offer(s, link, word, n);
	return SASL_NOT_OFFERED;
}

/* --- what Cyrus asks --- */

static bool
copy_name(const char *name, size_t n, char *out, size_t size)
{
	if (n >= size || memchr(name, '\0', n) != NULL)
		return false;
	memcpy(out, name, n);
	out[n] = '\0';
	return true;
}

/* Cyrus cuts the realm off where it is Kerberos' own. */
static const struct identity *
by_principal(const struct sasl_exchange *x, const char *name)
{
	const char *realm = x->service->realm;
	char full[sizeof(x->principal) * 2];

	if (strchr(name, '@') != NULL)
		return identity_by_principal(x->identities, name);
	if (*realm == '\0')
		return NULL;
	snprintf(full, sizeof(full), "%s@%s", name, realm);
	return identity_by_principal(x->identities, full);
}

/* A Kerberos name becomes the user's whose it is; others are as they are. The
 * authorization identity that GSSAPI's client leaves out is that name again. */
static int
on_canon_user(sasl_conn_t *conn, void *context, const char *in, unsigned n,
    unsigned flags, const char *realm, char *out, unsigned max, unsigned *len)
{
	struct sasl_exchange *x = context;
	const struct identity *u = NULL;
	char name[sizeof(x->principal)];

	(void)conn;
	(void)realm;
	if (!copy_name(in, n, name, sizeof(name)) || *name == '\0')
		return SASL_BADPROT;
	if (strcasecmp(x->mechanism, "GSSAPI") == 0 && x->identities != NULL) {
		if (flags & SASL_CU_AUTHID)
			snprintf(
			    x->principal, sizeof(x->principal), "%s", name);
		if (strcmp(name, x->principal) == 0) {
			u = by_principal(x, name);
			if (u == NULL)
				return SASL_NOUSER;
			snprintf(name, sizeof(name), "%s", u->name);
		}
	}
	if (strlen(name) > IDENTITY_NAME_MAX || strlen(name) >= max)
		return SASL_BUFOVER;
	if (flags & SASL_CU_AUTHID)
		snprintf(x->claim, sizeof(x->claim), "%s", name);
	*len = (unsigned)strlen(name);
	memcpy(out, name, *len + 1);
	return SASL_OK;
}

static int
on_check_password(sasl_conn_t *conn, void *context, const char *user,
    const char *password, unsigned n, struct propctx *properties)
{
	const struct sasl_exchange *x = context;

	(void)conn;
	(void)properties;
	return identity_password_is(x->identities,
		   identity_find(x->identities, user), password, n)
	    ? SASL_OK
	    : SASL_BADAUTH;
}

/* Who is known to the table acts as it says; others act as themselves. */
static int
on_authorize(sasl_conn_t *conn, void *context, const char *wanted,
    unsigned wanted_n, const char *proved, unsigned proved_n,
    const char *def_realm, unsigned def_realm_n, struct propctx *properties)
{
	const struct sasl_exchange *x = context;
	const struct identity *u = NULL, *other;
	char name[IDENTITY_NAME_MAX + 1], as[IDENTITY_NAME_MAX + 1];

	(void)conn;
	(void)def_realm;
	(void)def_realm_n;
	(void)properties;
	if (!copy_name(proved, proved_n, name, sizeof(name)) ||
	    !copy_name(wanted, wanted_n, as, sizeof(as)))
		return SASL_NOAUTHZ;
	if (x->identities != NULL)
		u = identity_find(x->identities, name);
	if (u == NULL)
		return x->service->backend != SASL_BACKEND_IDENTITIES &&
			strcmp(name, as) == 0
		    ? SASL_OK
		    : SASL_NOAUTHZ;
	other = identity_find(x->identities, as);
	if (u->disabled || other == NULL || other->disabled)
		return SASL_DISABLED;
	return identity_may_act_as(u, as) ? SASL_OK : SASL_NOAUTHZ;
}

/* --- stored keys, as a plug-in of Cyrus --- */

void
sasl_exchange_secret(const struct sasl_exchange *x, enum identity_hash h,
    const char *user, char out[SASL_SECRET_TEXT])
{
	const struct identity *u = identity_find(x->identities, user);
	struct identity_key key;
	struct buf b = {0};
	size_t size = identity_hash_size(h);

	if (u != NULL && u->keys[h].iterations > 0)
		key = u->keys[h];
	else
		identity_table_fake(x->identities, h, user, &key);
	buf_printf(&b, "%s$%u:", identity_mechanism(h), key.iterations);
	base64_encode(&b, key.salt, key.salt_n);
	buf_putc(&b, '$');
	base64_encode(&b, key.stored_key, size);
	buf_putc(&b, ':');
	base64_encode(&b, key.server_key, size);
	INVARIANT(b.len < SASL_SECRET_TEXT);
	memcpy(out, b.data, b.len);
	out[b.len] = '\0';
	OPENSSL_cleanse(b.data, b.len);
	buf_free(&b);
}

static int
set_secrets(sasl_server_params_t *params, const struct sasl_exchange *x,
    const char *property, const char *user)
{
	char text[SASL_SECRET_TEXT];
	int rc = SASL_OK;

	for (size_t h = 0; rc == SASL_OK && h < IDENTITY_HASHES; h++) {
		sasl_exchange_secret(x, (enum identity_hash)h, user, text);
		rc = params->utils->prop_set(
		    params->propctx, h == 0 ? property : NULL, text, -1);
	}
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

/* A star in front of a name asks for the property of whom is to be proved;
 * without, of whom they want to act as (propctx, in Cyrus' saslplug.h). */
static int
on_lookup(void *global, sasl_server_params_t *params, unsigned flags,
    const char *user, unsigned user_n)
{
	const struct propval *v = params->utils->prop_get(params->propctx);
	sasl_callback_ft fn = NULL;
	void *context = NULL;
	char name[IDENTITY_NAME_MAX + 1];
	const struct sasl_exchange *x;

	(void)global;
	if (params->utils->getcallback(params->utils->conn,
		SASL_CB_PROXY_POLICY, &fn, &context) != SASL_OK ||
	    fn != SASL_CALLBACK_FN(on_authorize))
		return SASL_OK;
	x = context;
	if (x->identities == NULL ||
	    !copy_name(user, user_n, name, sizeof(name)))
		return SASL_OK;
	for (; v != NULL && v->name != NULL; v++)
		if (!(flags & SASL_AUXPROP_AUTHZID) && v->values == NULL &&
		    strcmp(v->name, "*authPassword") == 0)
			return set_secrets(params, x, v->name, name);
	return SASL_OK;
}

static int
auxprop_init(const sasl_utils_t *utils, int max_version, int *version,
    sasl_auxprop_plug_t **plug, const char *name)
{
	/* Cyrus keeps the pointer, and changes nothing */
	static char ours[] = "isthmus";
	static sasl_auxprop_plug_t plugin = {
	    .auxprop_lookup = on_lookup, .name = ours};

	(void)utils;
	(void)name;
	if (max_version < SASL_AUXPROP_PLUG_VERSION)
		return SASL_BADVERS;
	*version = SASL_AUXPROP_PLUG_VERSION;
	*plug = &plugin;
	return SASL_OK;
}

int
sasl_library_add_auxprop(void)
{
	return sasl_auxprop_add_plugin("isthmus", auxprop_init);
}

/* --- the exchange --- */

static void
fill_callbacks(struct sasl_exchange *x)
{
	sasl_callback_t *c = x->callbacks;

	*c++ = (sasl_callback_t){
	    SASL_CB_GETOPT, SASL_CALLBACK_FN(sasl_get_option), x->service};
	*c++ = (sasl_callback_t){
	    SASL_CB_PROXY_POLICY, SASL_CALLBACK_FN(on_authorize), x};
	*c++ = (sasl_callback_t){
	    SASL_CB_CANON_USER, SASL_CALLBACK_FN(on_canon_user), x};
	if (x->service->backend == SASL_BACKEND_IDENTITIES)
		*c++ = (sasl_callback_t){SASL_CB_SERVER_USERDB_CHECKPASS,
		    SASL_CALLBACK_FN(on_check_password), x};
	*c = (sasl_callback_t){SASL_CB_LIST_END, NULL, NULL};
}

/* No security layers: TLS is one. */
static int
set_properties(struct sasl_exchange *x, const struct sasl_link *link)
{
	sasl_security_properties_t p = {
	    .security_flags = SASL_SEC_NOANONYMOUS |
		(link->tls != NULL || x->service->plaintext
			? 0u
			: SASL_SEC_NOPLAINTEXT),
	};
	int rc = sasl_setprop(x->conn, SASL_SEC_PROPS, &p);

	if (rc == SASL_OK && link->tls != NULL)
		rc = sasl_lend_tls(x->conn, link->tls, &x->binding);
	if (rc == SASL_OK && *x->external != '\0')
		rc = sasl_setprop(x->conn, SASL_AUTH_EXTERNAL, x->external);
	return rc;
}

struct sasl_exchange *
sasl_exchange_new(
    struct sasl_service *s, const struct sasl_link *link, struct err *e)
{
	struct sasl_exchange *x = xcalloc(1, sizeof(*x));
	const struct identity *u = external_identity(s, link->tls);
	struct identity_table *t = sasl_service_identities(s);
	int rc;

	x->service = s;
	if (t != NULL)
		x->identities = identity_table_ref(t);
	if (u != NULL)
		snprintf(x->external, sizeof(x->external), "%s", u->name);
	fill_callbacks(x);
	rc = sasl_server_new(link->protocol, link->host, NULL, NULL, NULL,
	    x->callbacks, 0, &x->conn);
	if (rc == SASL_OK)
		rc = set_properties(x, link);
	if (rc == SASL_OK)
		return x;
	err_set(e, "sasl", ERR_SYSTEM, "Cyrus SASL: %s",
	    sasl_errstring(rc, NULL, NULL));
	sasl_exchange_free(&x);
	return NULL;
}

void
sasl_exchange_free(struct sasl_exchange **xp)
{
	struct sasl_exchange *x = *xp;

	if (x == NULL)
		return;
	*xp = NULL;
	if (x->conn != NULL)
		sasl_dispose(&x->conn);
	identity_table_free(&x->identities);
	free(x);
}

static const struct {
	int cyrus;
	enum sasl_result ours;
} results[] = {
    {SASL_OK, SASL_RESULT_DONE},
    {SASL_CONTINUE, SASL_RESULT_CHALLENGE},
    {SASL_BADPROT, SASL_RESULT_SYNTAX},
    {SASL_BUFOVER, SASL_RESULT_SYNTAX},
    {SASL_TRYAGAIN, SASL_RESULT_TEMPORARY},
    {SASL_UNAVAIL, SASL_RESULT_TEMPORARY},
    {SASL_NOMEM, SASL_RESULT_TEMPORARY},
    {SASL_FAIL, SASL_RESULT_TEMPORARY},
    {SASL_TOOWEAK, SASL_RESULT_TOO_WEAK},
    {SASL_ENCRYPT, SASL_RESULT_TOO_WEAK},
    {SASL_TRANS, SASL_RESULT_EXPIRED},
    {SASL_EXPIRED, SASL_RESULT_EXPIRED},
};

static enum sasl_result
result_of(int rc)
{
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (results[i].cyrus == rc)
			return results[i].ours;
	return SASL_RESULT_REFUSED;
}

static enum sasl_result
finish(struct sasl_exchange *x, int rc, const char *out, unsigned n,
    struct octets *challenge, struct err *e)
{
	const void *user = NULL;

	*challenge = (struct octets){(const uint8_t *)out, n};
	if (rc == SASL_OK &&
	    (sasl_getprop(x->conn, SASL_USERNAME, &user) != SASL_OK ||
		user == NULL || *(const char *)user == '\0' ||
		strlen(user) > IDENTITY_NAME_MAX))
		rc = SASL_NOAUTHZ;
	if (rc == SASL_OK)
		x->user = user;
	else if (rc != SASL_CONTINUE)
		err_set(e, "sasl", ERR_REFUSED, "%s", sasl_errdetail(x->conn));
	if (rc == SASL_CONTINUE && n > SASL_OCTETS_MAX) {
		err_set(e, "sasl", ERR_LIMIT, "a challenge of %u octets", n);
		return SASL_RESULT_REFUSED;
	}
	return result_of(rc);
}

static enum sasl_result
too_much(size_t n, struct err *e)
{
	err_set(e, "sasl", ERR_LIMIT,
	    "a response of %zu octets, or more steps than %d", n,
	    SASL_STEPS_MAX);
	return SASL_RESULT_SYNTAX;
}

enum sasl_result
sasl_exchange_start(struct sasl_exchange *x, const char *mechanism,
    const uint8_t *response, size_t n, struct octets *challenge, struct err *e)
{
	const char *out = NULL;
	unsigned out_n = 0;
	int rc;

	INVARIANT(x->steps == 0);
	x->steps = 1;
	*challenge = (struct octets){0};
	if (n > SASL_OCTETS_MAX ||
	    !copy_name(mechanism, strlen(mechanism), x->mechanism,
		sizeof(x->mechanism)))
		return too_much(n, e);
	rc = sasl_server_start(x->conn, mechanism, (const char *)response,
	    (unsigned)n, &out, &out_n);
	return finish(x, rc, out, out_n, challenge, e);
}

enum sasl_result
sasl_exchange_step(struct sasl_exchange *x, const uint8_t *response, size_t n,
    struct octets *challenge, struct err *e)
{
	const char *out = NULL;
	unsigned out_n = 0;
	int rc;

	*challenge = (struct octets){0};
	if (n > SASL_OCTETS_MAX || ++x->steps > SASL_STEPS_MAX)
		return too_much(n, e);
	/* NULL would mean that there is none */
	rc = sasl_server_step(x->conn,
	    response != NULL ? (const char *)response : "", (unsigned)n, &out,
	    &out_n);
	return finish(x, rc, out, out_n, challenge, e);
}

const char *
sasl_exchange_user(const struct sasl_exchange *x)
{
	return x->user;
}

const char *
sasl_exchange_mechanism(const struct sasl_exchange *x)
{
	return x->mechanism;
}

const char *
sasl_exchange_claim(const struct sasl_exchange *x)
{
	return x->claim;
}
