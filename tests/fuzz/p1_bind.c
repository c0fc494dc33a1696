/*
 * Any octets as a bind PDU: what is understood is written, and means the same
 * when it is read again. Its strong credentials and security labels are read
 * too: a token that was read has all its parts.
 */
#include "p1/bind_codec.h"

#include <string.h>

#include "lib/log.h"
#include "p1/label.h"
#include "p1/token_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
look_inside(struct arena *a, const struct p1_bind *b)
{
	struct p1_labels *allowed = p1_labels_parse(a, "1.3.26.1:secret", NULL);
	struct p1_credentials_strong c;
	struct err e = ERR_INIT;

	if (p1_labels_allow(allowed, &b->security_context, &e) < 0)
		e = (struct err)ERR_INIT;
	if (b->credentials != P1_CRED_STRONG ||
	    p1_strong_decode(a, &b->raw_credentials, &c, &e) < 0)
		return;
	INVARIANT(c.n_certificates <= P1_CERTIFICATES_MAX);
	if (c.has_token)
		INVARIANT(c.token.mta != NULL && c.token.signature.n > 0 &&
		    c.token.random.n >= P1_RANDOM_MIN && c.token.tbs.n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct buf out = {0};
	struct p1_bind x, y;
	struct err e = ERR_INIT;

	if (p1_bind_decode(a, p, n, &x, &e) >= 0) {
		INVARIANT(p1_bind_encode(&x, &out, &e) >= 0);
		INVARIANT(p1_bind_decode(a, out.data, out.len, &y, &e) >= 0);
		INVARIANT(x.kind == y.kind && x.credentials == y.credentials &&
		    x.error == y.error && strcmp(x.mta, y.mta) == 0);
		INVARIANT(x.password.n == y.password.n);
		look_inside(a, &x);
	}
	buf_free(&out);
	arena_free(&a);
	return 0;
}
