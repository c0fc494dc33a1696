/*
 * Certificates by the name that the client asks for (SNI, RFC 6066 3). A name
 * that has none of its own gets the element's certificate, as a client without
 * a name does: what it makes of that is its own policy.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/arena.h"
#include "lib/tls_int.h"

#define HOSTS_MAX 1000

struct tls_hosts {
	size_t n;
	struct host {
		const char *name; /* ".example.com": any one label before */
		SSL_CTX *ctx;
	} v[];
};

static bool
host_fits(const char *pattern, const char *name)
{
	const char *dot = strchr(name, '.');

	if (*pattern == '.')
		return dot != NULL && strcasecmp(pattern, dot) == 0;
	return strcasecmp(pattern, name) == 0;
}

/* Of the other context OpenSSL takes the certificate and its key only: trust
 * and versions stay those of the connection. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_hosts *h = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	for (size_t i = 0; name != NULL && i < h->n; i++)
		if (host_fits(h->v[i].name, name)) {
			SSL_set_SSL_CTX(ssl, h->v[i].ctx);
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_NOACK;
}

static int
read_host(struct host *h, const struct conf_node *n, struct err *e)
{
	struct err why = ERR_INIT;

	h->name = conf_str(n, "name", "");
	h->ctx = SSL_CTX_new(TLS_method());
	if (h->ctx == NULL)
		return conf_error(n, e, "no memory for a TLS context");
	if (tls_use_certificate(h->ctx, conf_str(n, "certificate", ""),
		conf_str(n, "key", NULL), &why) < 0)
		return conf_error(n, e, "%s", why.text);
	return 0;
}

int
tls_hosts_read(struct tls_hosts **out, SSL_CTX *ctx, const struct conf_node *n,
    struct err *e)
{
	const struct conf_node *c = conf_child(n, "host");
	struct tls_hosts *h;

	if (c == NULL)
		return 0;
	if (SSL_CTX_get0_certificate(ctx) == NULL)
		return conf_error(
		    c, e, "the <tls> has no certificate for other names");
	if (n->n_children > HOSTS_MAX)
		return conf_error(n, e, "more than %d hosts", HOSTS_MAX);
	h = *out = xcalloc(1, sizeof(*h) + n->n_children * sizeof(h->v[0]));
	for (; c != NULL; c = conf_next(n, "host", c))
		if (read_host(&h->v[h->n++], c, e) < 0)
			return ERR_CONFIG;
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, h);
	return 0;
}

void
tls_hosts_free(struct tls_hosts **hp)
{
	struct tls_hosts *h = *hp;

	if (h == NULL)
		return;
	*hp = NULL;
	for (size_t i = 0; i < h->n; i++)
		SSL_CTX_free(h->v[i].ctx);
	free(h);
}
