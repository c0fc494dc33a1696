#include "smtp/policy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

struct named_tls {
	const char *name;
	struct tls *tls;
};

struct named_sasl {
	const char *name;
	struct sasl_service *sasl;
};

struct smtp_policies {
	struct arena *arena;
	const struct conf_node *root;
	const char *schema;
	struct smtp_policy *v;
	size_t n;
	struct named_tls *tls;
	size_t n_tls;
	struct named_sasl *sasl;
	size_t n_sasl;
};

/* --- what listeners share --- */

static int
find_tls(struct smtp_policies *p, const struct conf_node *n, struct tls **out,
    struct err *e)
{
	const char *name = conf_str(n, "tls", NULL);
	struct named_tls *t;
	struct err why = ERR_INIT;

	for (size_t i = 0; i < p->n_tls; i++)
		if (strcmp(p->tls[i].name, name) == 0) {
			*out = p->tls[i].tls;
			return 0;
		}
	*out = tls_named(p->root, name, &why);
	if (*out == NULL)
		return conf_error(n, e, "tls: %s", why.text);
	t = arena_push(p->arena, &p->tls, &p->n_tls, sizeof(*p->tls));
	*t = (struct named_tls){name, *out};
	return 0;
}

static int
find_sasl(struct smtp_policies *p, const struct conf_node *n,
    struct sasl_service **out, struct err *e)
{
	const char *name = conf_str(n, "sasl", NULL);
	struct named_sasl *s;
	struct err why = ERR_INIT;

	for (size_t i = 0; i < p->n_sasl; i++)
		if (strcmp(p->sasl[i].name, name) == 0) {
			*out = p->sasl[i].sasl;
			return 0;
		}
	*out = sasl_service_named(p->root, name, p->schema, &why);
	if (*out == NULL)
		return conf_error(n, e, "sasl: %s", why.text);
	s = arena_push(p->arena, &p->sasl, &p->n_sasl, sizeof(*p->sasl));
	*s = (struct named_sasl){name, *out};
	return 0;
}

/* --- one listener --- */

/* Which of the words; the first where the attribute is absent. */
static int
read_word(const struct conf_node *n, const char *attr,
    const char *const words[], size_t dflt, size_t *out, struct err *e)
{
	const char *text = conf_str(n, attr, words[dflt]);

	for (*out = 0; words[*out] != NULL; (*out)++)
		if (strcmp(words[*out], text) == 0)
			return 0;
	return conf_error(
	    n, e, "%s: \"%.40s\" is none of its words", attr, text);
}

static int
read_tls(struct smtp_policies *all, struct smtp_policy *p,
    const struct conf_node *n, struct err *e)
{
	static const char *const modes[] = {
	    "offered", "required", "implicit", NULL};
	size_t mode;

	if (read_word(n, "tls-mode", modes, 0, &mode, e) < 0)
		return ERR_CONFIG;
	if (conf_str(n, "tls", NULL) == NULL)
		return conf_str(n, "tls-mode", NULL) == NULL
		    ? 0
		    : conf_error(n, e, "tls-mode: there is no tls");
	p->implicit_tls = mode == 2;
	p->params.tls_from_start = p->implicit_tls;
	p->params.starttls = !p->implicit_tls;
	p->params.tls_required = mode == 1;
	return find_tls(all, n, &p->tls, e);
}

static int
read_auth(struct smtp_policies *all, struct smtp_policy *p,
    const struct conf_node *n, struct err *e)
{
	static const char *const words[] = {"optional", "required", NULL};
	size_t word;

	if (read_word(n, "auth", words, p->submission, &word, e) < 0)
		return ERR_CONFIG;
	p->params.auth_required = word == 1;
	if (conf_str(n, "sasl", NULL) != NULL)
		return find_sasl(all, n, &p->sasl, e);
	return p->params.auth_required
	    ? conf_error(n, e, "sasl: auth is required, and there is none")
	    : 0;
}

static int
read_relay(struct smtp_policy *p, const struct conf_node *n, struct err *e)
{
	static const char *const words[] = {
	    "all", "clients", "authenticated", "none", NULL};
	size_t word;

	if (read_word(n, "relay", words, p->submission ? 2 : 0, &word, e) < 0)
		return ERR_CONFIG;
	p->relay_clients = word == 0 || word == 1;
	p->relay_authenticated = word == 0 || word == 2;
	return 0;
}

static int
read_senders(struct smtp_policy *p, const struct conf_node *n, struct err *e)
{
	static const char *const words[] = {"any", "own", NULL};
	size_t word;

	if (read_word(n, "senders", words, p->submission, &word, e) < 0)
		return ERR_CONFIG;
	p->own_senders = word == 1;
	return 0;
}

static int
read_tables(struct smtp_access *x, const struct conf_node *n, struct err *e)
{
	const struct conf_node *c;
	const char *value;

	for (c = conf_child(n, "relay"); c != NULL;
	     c = conf_next(n, "relay", c)) {
		value = conf_str(c, "client", "");
		if (smtp_access_add_network(x, value, e) < 0)
			return conf_error(
			    c, e, "client: \"%s\" is no network", value);
	}
	for (c = conf_child(n, "accept"); c != NULL;
	     c = conf_next(n, "accept", c)) {
		value = conf_str(c, "domain", "");
		if (smtp_access_add_domain(x, value, e) < 0)
			return conf_error(
			    c, e, "domain: \"%s\" is no domain", value);
	}
	return 0;
}

/* A listener with tables of its own has these, and not those of all. */
static int
read_access(struct smtp_policies *all, struct smtp_policy *p,
    const struct conf_node *smtpd, const struct conf_node *n, struct err *e)
{
	bool own =
	    conf_child(n, "relay") != NULL || conf_child(n, "accept") != NULL;

	p->access = smtp_access_new(all->arena);
	return read_tables(p->access, own ? n : smtpd, e);
}

static int
read_listener(struct smtp_policies *all, const struct conf_node *smtpd,
    const struct conf_node *n, const struct smtp_server_params *params,
    struct err *e)
{
	static const char *const protocols[] = {
	    "smtp", "submission", "lmtp", NULL};
	struct smtp_policy *p =
	    arena_push(all->arena, &all->v, &all->n, sizeof(*all->v));
	size_t protocol;

	p->address = conf_str(n, "address", "");
	p->params = *params;
	if (read_word(n, "protocol", protocols, 0, &protocol, e) < 0)
		return ERR_CONFIG;
	p->protocol = protocols[protocol];
	p->submission = protocol == 1;
	p->params.lmtp = protocol == 2;
	if (read_tls(all, p, n, e) < 0 || read_auth(all, p, n, e) < 0 ||
	    read_relay(p, n, e) < 0 || read_senders(p, n, e) < 0 ||
	    smtp_policy_read_esmtp(p, all->arena, smtpd, n, e) < 0)
		return ERR_CONFIG;
	return read_access(all, p, smtpd, n, e);
}

int
smtp_policies_read(struct smtp_policies **out, struct arena *a,
    const struct conf_node *root, const struct smtp_server_params *params,
    const char *schema, struct err *e)
{
	const struct conf_node *smtpd = conf_child(root, "smtpd");
	const struct conf_node *n = conf_child(smtpd, "listen");
	struct smtp_policies *p = *out = arena_alloc(a, sizeof(*p));

	p->arena = a;
	p->root = root;
	p->schema = schema;
	for (; n != NULL; n = conf_next(smtpd, "listen", n))
		if (read_listener(p, smtpd, n, params, e) < 0)
			return ERR_CONFIG;
	return 0;
}

void
smtp_policies_free(struct smtp_policies **pp)
{
	struct smtp_policies *p = *pp;

	if (p == NULL)
		return;
	*pp = NULL;
	for (size_t i = 0; i < p->n_tls; i++)
		tls_free(&p->tls[i].tls);
	for (size_t i = 0; i < p->n_sasl; i++)
		sasl_service_free(&p->sasl[i].sasl);
}

void
smtp_policies_look(struct smtp_policies *p)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < p->n_sasl; i++) {
		sasl_service_look(p->sasl[i].sasl, &e);
		if (e.code != 0)
			log_err(LOG_LEVEL_WARN, "identities not read", &e,
			    "sasl", p->sasl[i].name, NULL);
	}
}

const struct smtp_policy *
smtp_policy_of(const struct smtp_policies *p, const char *address)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].address, address) == 0)
			return &p->v[i];
	return NULL;
}

bool
smtp_policy_shows_passwords(const struct smtp_policy *p)
{
	return p->sasl != NULL && sasl_service_plaintext(p->sasl) &&
	    !p->implicit_tls && !p->params.tls_required &&
	    strncmp(p->address, "unix:", 5) != 0;
}

bool
smtp_policies_have_sasl(const struct smtp_policies *p)
{
	return p->n_sasl > 0;
}
