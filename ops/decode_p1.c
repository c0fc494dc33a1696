/*
 * P1 as text: an MTS-APDU with its envelope and content, and the bind PDUs.
 */
#include <string.h>

#include "ops/decode.h"
#include "p1/bind_codec.h"
#include "p1/print.h"

#define TEXT_SHOWN_MAX 4096

/* The content in its own terms where we can, else as TLVs or text. */
static void
print_content(struct arena *a, const struct mhs_envelope *env,
    const struct octets *content, struct buf *out)
{
	struct err ignored = ERR_INIT;
	size_t before;

	if (content->n == 0)
		return;
	print_line(out, 0,
	    env->kind == MHS_REPORT ? "returned content" : "content",
	    "%zu octets", content->n);
	before = out->len;
	if (decode_any(a, "ipm", content->p, content->n, out, &ignored) == 0)
		return;
	out->len = before;
	if (decode_any(a, "ber", content->p, content->n, out, &ignored) == 0)
		return;
	out->len = before;
	print_text(
	    out, 1, (const char *)content->p, content->n, TEXT_SHOWN_MAX);
}

int
decode_p1(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	struct p1_printed what;
	int rc = p1_print(a, p, n, out, &what, e);

	if (rc == 0)
		print_content(a, what.env, &what.content, out);
	return rc;
}

/* --- bind --- */

static void
print_credentials(const struct p1_bind *b, struct buf *out)
{
	static const char *const names[] = {
	    "none", "simple", "strong", "protected"};

	print_line(out, 1, "credentials", "%s", names[b->credentials % 4]);
	if (b->credentials == P1_CRED_NONE)
		return;
	print_line(out, 1,
	    b->kind == P1_BIND_ARGUMENT ? "initiator-name" : "responder-name",
	    "%s", b->mta);
	/* the password itself is nobody's business who reads the output */
	if (b->credentials == P1_CRED_SIMPLE)
		print_line(out, 1, "password", "%s of %zu octets",
		    b->password_ia5 ? "IA5String" : "OCTET STRING",
		    b->password.n);
	else
		print_octets(out, 1, "credentials", b->raw_credentials.p,
		    b->raw_credentials.n);
}

int
decode_bind_bare(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	static const char *const names[] = {
	    "MTABindArgument", "MTABindResult", "MTABindError"};
	struct p1_bind b;

	if (p1_bind_decode(a, p, n, &b, e) < 0)
		return ERR_SYNTAX;
	/* bare, an argument and a result look the same */
	print_line(out, 0, "P1", "%s",
	    b.kind == P1_BIND_ARGUMENT && n > 0 && p[0] != 0xb0
		? "MTABind argument or result"
		: names[b.kind % 3]);
	if (b.kind == P1_BIND_ERROR)
		print_line(out, 1, "error", "%s (%d)",
		    p1_bind_error_name(b.error), b.error);
	else
		print_credentials(&b, out);
	if (b.security_context.n > 0)
		print_octets(out, 1, "security-context", b.security_context.p,
		    b.security_context.n);
	return 0;
}

int
decode_bind(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	struct ber_cursor c = ber_cursor(p, n);
	struct ber_tlv t;

	/* the bare forms could be anything: only the tagged ones */
	if (ber_next(&c, &t, e) != 1 || t.tag.cls != BER_CONTEXT ||
	    t.tag.number < 16 || t.tag.number > 18 || t.size != n)
		return err_set(e, "decode", ERR_SYNTAX, "no P1 bind");
	return decode_bind_bare(a, p, n, out, e);
}
