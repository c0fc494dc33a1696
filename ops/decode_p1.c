/*
 * P1 as text: an MTS-APDU with its envelope and content, and the bind PDUs.
 */
#include <string.h>

#include "ops/decode.h"
#include "p1/apdu.h"
#include "p1/bind_codec.h"

#define TEXT_SHOWN_MAX 4096

static int
on_content(void *arg, const uint8_t *p, size_t n, struct err *e)
{
	(void)e;
	buf_append(arg, p, n);
	return 0;
}

static const char *
kind_name(enum mhs_kind kind)
{
	switch (kind) {
	case MHS_MESSAGE: return "message";
	case MHS_PROBE: return "probe";
	case MHS_REPORT: return "report";
	}
	return "?";
}

/* The content in its own terms where we can, else as TLVs or text. */
static void
print_content(struct arena *a, const struct mhs_envelope *env,
    const struct buf *content, struct buf *out)
{
	struct err ignored = ERR_INIT;
	size_t before;

	if (content->len == 0)
		return;
	print_line(out, 0,
	    env->kind == MHS_REPORT ? "returned content" : "content",
	    "%zu octets", content->len);
	before = out->len;
	if (decode_any(a, "ipm", content->data, content->len, out, &ignored) ==
	    0)
		return;
	out->len = before;
	if (decode_any(a, "ber", content->data, content->len, out, &ignored) ==
	    0)
		return;
	out->len = before;
	print_text(
	    out, 1, (const char *)content->data, content->len, TEXT_SHOWN_MAX);
}

int
decode_p1(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	static const struct p1_apdu_ops ops = {.content = on_content};
	struct buf content = {0};
	struct p1_apdu *s = p1_apdu_new(0, &ops, &content);
	const struct mhs_envelope *env;
	int rc;

	rc = p1_apdu_feed(s, p, n, e);
	if (rc >= 0)
		rc = p1_apdu_end(s, e);
	env = p1_apdu_envelope(s);
	if (rc >= 0 && env != NULL) {
		print_line(out, 0, "P1 MTS-APDU", "%s", kind_name(env->kind));
		mhs_envelope_print(env, out);
		print_content(a, env, &content, out);
	}
	p1_apdu_free(&s);
	buf_free(&content);
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
decode_bind(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	static const char *const names[] = {
	    "MTABindArgument", "MTABindResult", "MTABindError"};
	struct ber_cursor c = ber_cursor(p, n);
	struct ber_tlv t;
	struct p1_bind b;

	/* the bare forms of 1984 could be anything: only the tagged ones */
	if (ber_next(&c, &t, e) != 1 || t.tag.cls != BER_CONTEXT ||
	    t.tag.number < 16 || t.tag.number > 18 || t.size != n)
		return err_set(e, "decode", ERR_SYNTAX, "no P1 bind");
	if (p1_bind_decode(a, p, n, &b, e) < 0)
		return ERR_SYNTAX;
	print_line(out, 0, "P1", "%s", names[b.kind % 3]);
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
