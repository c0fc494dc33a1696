/*
 * The client's side: Cyrus chooses of the server's list what both know and
 * policy allows, and asks for name and password through callbacks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "lib/arena.h"
#include "lib/sasl_int.h"
#include "lib/tls.h"

#define CALLBACKS 4

struct sasl_client {
	sasl_conn_t *conn;
	sasl_callback_t callbacks[CALLBACKS];
	struct sasl_binding binding;
	char *user, *authorize;
	sasl_secret_t *password;
	unsigned steps;
	bool done;
	char mechanism[SASL_MECHANISM_MAX + sizeof("-PLUS")];
};

/* "" asks for the identity that the mechanism proves. */
static int
on_name(void *context, int id, const char **result, unsigned *len)
{
	const struct sasl_client *c = context;

	*result = id == SASL_CB_AUTHNAME ? c->user : c->authorize;
	if (*result == NULL)
		*result = "";
	if (len != NULL)
		*len = (unsigned)strlen(*result);
	return SASL_OK;
}

static int
on_password(sasl_conn_t *conn, void *context, int id, sasl_secret_t **password)
{
	const struct sasl_client *c = context;

	(void)conn;
	(void)id;
	*password = c->password;
	return c->password != NULL ? SASL_OK : SASL_FAIL;
}

static void
fill_callbacks(struct sasl_client *c)
{
	sasl_callback_t *v = c->callbacks;

	*v++ =
	    (sasl_callback_t){SASL_CB_AUTHNAME, SASL_CALLBACK_FN(on_name), c};
	*v++ = (sasl_callback_t){SASL_CB_USER, SASL_CALLBACK_FN(on_name), c};
	if (c->password != NULL)
		*v++ = (sasl_callback_t){
		    SASL_CB_PASS, SASL_CALLBACK_FN(on_password), c};
	*v = (sasl_callback_t){SASL_CB_LIST_END, NULL, NULL};
}

static void
keep_password(struct sasl_client *c, const char *password)
{
	size_t n = strlen(password);

	c->password = xcalloc(1, sizeof(*c->password) + n + 1);
	c->password->len = n;
	memcpy(c->password->data, password, n);
}

static int
set_properties(struct sasl_client *c, const struct sasl_client_options *p)
{
	sasl_security_properties_t s = {
	    .security_flags = SASL_SEC_NOANONYMOUS |
		(p->tls != NULL || p->plaintext ? 0u : SASL_SEC_NOPLAINTEXT),
	};
	int rc = sasl_setprop(c->conn, SASL_SEC_PROPS, &s);

	if (rc == SASL_OK && p->tls != NULL)
		rc = sasl_lend_tls(c->conn, p->tls, &c->binding);
	/* a certificate speaks for itself; Cyrus wants some name for it */
	if (rc == SASL_OK && p->tls != NULL && p->password == NULL)
		rc = sasl_setprop(c->conn, SASL_AUTH_EXTERNAL,
		    p->user != NULL && *p->user != '\0' ? p->user
							: "certificate");
	return rc;
}

struct sasl_client *
sasl_client_open(const struct sasl_client_options *p, struct err *e)
{
	struct sasl_client *c;
	int rc;

	if (sasl_library_start_client(e) < 0)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->user = p->user != NULL ? xstrdup(p->user) : NULL;
	c->authorize = p->authorize != NULL ? xstrdup(p->authorize) : NULL;
	if (p->password != NULL)
		keep_password(c, p->password);
	fill_callbacks(c);
	rc = sasl_client_new(
	    p->protocol, p->host, NULL, NULL, c->callbacks, 0, &c->conn);
	if (rc == SASL_OK)
		rc = set_properties(c, p);
	if (rc == SASL_OK)
		return c;
	err_set(e, "sasl", ERR_SYSTEM, "Cyrus SASL: %s",
	    sasl_errstring(rc, NULL, NULL));
	sasl_client_close(&c);
	return NULL;
}

void
sasl_client_close(struct sasl_client **cp)
{
	struct sasl_client *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	if (c->conn != NULL)
		sasl_dispose(&c->conn);
	if (c->password != NULL)
		OPENSSL_cleanse(c->password->data, c->password->len);
	free(c->password);
	free(c->user);
	free(c->authorize);
	free(c);
}

static int
client_error(struct sasl_client *c, int rc, struct err *e)
{
	return err_set(e, "sasl",
	    rc == SASL_NOMECH ? ERR_UNSUPPORTED : ERR_REFUSED, "%s",
	    sasl_errdetail(c->conn));
}

/* Cyrus leaves "-PLUS" out, though it binds the channel. */
static const char *
name_mechanism(
    struct sasl_client *c, const char *name, const char *initial, unsigned n)
{
	bool plus = n > 2 && memcmp(initial, "p=", 2) == 0 &&
	    strncmp(name, "SCRAM-", 6) == 0 && strstr(name, "-PLUS") == NULL;

	snprintf(c->mechanism, sizeof(c->mechanism), "%s%s", name,
	    plus ? "-PLUS" : "");
	return c->mechanism;
}

int
sasl_client_begin(struct sasl_client *c, const char *list,
    const char **mechanism, struct octets *initial, struct err *e)
{
	const char *out = NULL;
	unsigned n = 0;
	const char *name = NULL;
	int rc = sasl_client_start(c->conn, list, NULL, &out, &n, &name);

	*initial = (struct octets){(const uint8_t *)out, n};
	if (rc != SASL_OK && rc != SASL_CONTINUE)
		return client_error(c, rc, e);
	*mechanism = name_mechanism(c, name, out, n);
	c->done = rc == SASL_OK;
	return 0;
}

int
sasl_client_answer(struct sasl_client *c, const uint8_t *challenge, size_t n,
    struct octets *response, struct err *e)
{
	const char *out = NULL;
	unsigned out_n = 0;
	int rc;

	*response = (struct octets){0};
	if (n > SASL_OCTETS_MAX || ++c->steps > SASL_STEPS_MAX)
		return err_set(e, "sasl", ERR_REFUSED,
		    "a challenge of %zu octets, or more steps than %d", n,
		    SASL_STEPS_MAX);
	rc = sasl_client_step(c->conn,
	    challenge != NULL ? (const char *)challenge : "", (unsigned)n, NULL,
	    &out, &out_n);
	if (rc != SASL_OK && rc != SASL_CONTINUE)
		return client_error(c, rc, e);
	c->done = rc == SASL_OK;
	*response = (struct octets){(const uint8_t *)out, out_n};
	return 0;
}

bool
sasl_client_proved(const struct sasl_client *c)
{
	return c->done;
}
