/*
 * Inside SASL: the service, what Cyrus asks it (sasl_options.c), and how its
 * results become ours. Private to lib/sasl*.c.
 */
#ifndef LIB_SASL_INT_H
#define LIB_SASL_INT_H

#include <sasl/sasl.h>

#include "lib/sasl.h"

enum sasl_backend {
	SASL_BACKEND_IDENTITIES, /* the identity table */
	SASL_BACKEND_SASLAUTHD,
	SASL_BACKEND_CYRUS, /* an auxprop plug-in: the options name it */
};

struct sasl_service {
	enum sasl_backend backend;
	struct identity_store *identities; /* NULL: none */
	const char *mechanisms;
	bool plaintext;    /* without TLS, too */
	const char *realm; /* of principals without one; "" none */
	const char *keytab;
	const struct conf_node *node; /* its <option>s; the caller's tree */
	const char *saslauthd;
};

/* --- sasl.c --- */

/* Starts Cyrus for this process, once. The options are those of `s`. */
int sasl_library_start_server(struct sasl_service *s, struct err *e);
int sasl_library_start_client(struct err *e);
/* Is the plug-in for this mechanism there? */
bool sasl_library_has(const char *mechanism);
/* The next word of a list: its length, and *list behind it; 0 at the end. */
size_t sasl_next_word(const char **list, const char **word);
bool sasl_word_is(const char *word, size_t n, const char *name);
/* A copy of the channel's binding: exchanges may outlive the connection. */
struct sasl_binding {
	sasl_channel_binding_t cb;
	uint8_t data[64];
};
/* What TLS lends: its strength, and the channel's binding (RFC 5056). */
int sasl_lend_tls(sasl_conn_t *conn, const struct tls_peer *tls,
    struct sasl_binding *binding);

/* --- sasl_options.c --- */

/* SASL_CB_GETOPT: the context is a struct sasl_service. */
int sasl_get_option(void *context, const char *plugin, const char *option,
    const char **result, unsigned *len);
/* Cyrus wants all functions as one type. */
#define SASL_CALLBACK_FN(f) ((int (*)(void))(void (*)(void))(f))

/* --- sasl_server.c --- */

/* What a name's stored keys are, as the property "authPassword" (RFC 3112)
 * that Cyrus' SCRAM reads; `out` has SASL_SECRET_TEXT. */
#define SASL_SECRET_TEXT 512
void sasl_exchange_secret(const struct sasl_exchange *x, enum identity_hash h,
    const char *user, char out[SASL_SECRET_TEXT]);

/* Makes ours the auxprop plug-in "isthmus". */
int sasl_library_add_auxprop(void);
#endif
