/*
 * Channel bindings (RFC 5056): octets that both ends of one TLS connection
 * know, and nobody in between who plays both ends. SCRAM's -PLUS mechanisms
 * prove them along with the password.
 *
 * TLS 1.3 has an exporter value (RFC 9266). Before, there is the first Finished
 * message (RFC 5929 3), which is only good with the extended master secret (RFC
 * 7627): else one in between can give two connections the same.
 */
#include "lib/tls_int.h"

#define EXPORTER_OCTETS 32

static const char *
exporter(SSL *ssl, uint8_t *out, size_t *n)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (SSL_export_keying_material(ssl, out, EXPORTER_OCTETS, label,
		sizeof(label) - 1, (const unsigned char *)"", 0, 1) != 1)
		return NULL;
	*n = EXPORTER_OCTETS;
	return "tls-exporter";
}

/* The client's Finished is the first, but in a resumed session. */
static const char *
unique(SSL *ssl, bool server, uint8_t *out, size_t *n)
{
	bool clients = SSL_session_reused(ssl) == 0;

	if (SSL_get_extms_support(ssl) != 1)
		return NULL;
	*n = clients != server
	    ? SSL_get_finished(ssl, out, TLS_BINDING_MAX)
	    : SSL_get_peer_finished(ssl, out, TLS_BINDING_MAX);
	return *n > 0 ? "tls-unique" : NULL;
}

const char *
tls_channel_binding(
    SSL *ssl, bool server, uint8_t out[TLS_BINDING_MAX], size_t *n)
{
	const char *name = SSL_version(ssl) >= TLS1_3_VERSION
	    ? exporter(ssl, out, n)
	    : unique(ssl, server, out, n);

	if (name == NULL)
		*n = 0;
	return name;
}
