/*
 * The entry points: whole messages, and contents alone.
 */
#include "mixer/internal.h"

#include <gmime/gmime.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

static int
syntax(struct mixer_conv *cv, int r)
{
	if (r < 0 && cv->e != NULL && cv->e->detail <= 0)
		cv->e->detail = MHS_CONTENT_SYNTAX_ERROR;
	return r;
}

/* What a pass that returned NULL said. */
static int
failed(const struct mixer_conv *cv, int otherwise)
{
	return cv->e != NULL && cv->e->code < 0 ? cv->e->code : otherwise;
}

static int
check_size(struct mixer_conv *cv, size_t n)
{
	return n <= MIXER_CONTENT_MAX
	    ? 0
	    : mixer_fail(cv, ERR_LIMIT, MHS_CONTENT_TOO_LONG,
		  "content of %zu octets", n);
}

void
mixer_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, g_mime_init);
}

static int
decode(struct mixer_conv *cv, const uint8_t *p, size_t n, struct ipm_object *o)
{
	int r = check_size(cv, n);

	mixer_init();
	return r < 0 ? r : syntax(cv, ipm_decode(cv->a, p, n, o, cv->e));
}

static int
object_to_822(
    struct mixer_conv *cv, const struct ipm_object *o, struct buf *out)
{
	return o->ipm != NULL ? mixer_ipm_to_822(cv, o->ipm, out)
			      : mixer_ipn_to_822(cv, o->ipn, out);
}

static void
put_ipn_recipient(
    struct mixer_conv *cv, const struct mhs_envelope *out_env, struct buf *out)
{
	struct buf b = {0};

	for (size_t i = 0; i < out_env->n_recipients; i++) {
		buf_puts(&b, i > 0 ? ", " : "");
		buf_puts(&b, out_env->recipients[i].name.mailbox);
	}
	mixer_field_put(out, "To", buf_cstr(&b));
	(void)cv;
	buf_free(&b);
}

int
mixer_to_rfc822(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e)
{
	struct mixer_conv cv = {
	    .a = a, .c = c, .losses = losses, .now = now, .e = e};
	struct ipm_object o;
	int r;

	if (mixer_trace_conversions(&cv, env) > MIXER_CONVERSIONS_MAX)
		return mixer_fail(&cv, ERR_PROTOCOL, MHS_LOOP_DETECTED,
		    "more than %d conversions", MIXER_CONVERSIONS_MAX);
	if ((r = decode(&cv, p, n, &o)) < 0)
		return r;
	*out_env = mixer_envelope_to_822(&cv, env);
	if (*out_env == NULL)
		return failed(&cv, ERR_UNSUPPORTED);
	mixer_trace_put(&cv, env, out);
	mixer_envelope_fields(&cv, env, out);
	if (o.ipn != NULL)
		put_ipn_recipient(&cv, *out_env, out);
	if (o.ipm != NULL && o.ipm->originator == NULL &&
	    o.ipm->authorizing.n == 0)
		mixer_field_put(out, "From",
		    *(*out_env)->originator.mailbox != '\0'
			? (*out_env)->originator.mailbox
			: c->postmaster);
	return syntax(&cv, object_to_822(&cv, &o, out));
}

int
mixer_to_x400(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e)
{
	struct mixer_conv cv = {
	    .a = a, .c = c, .losses = losses, .now = now, .e = e};
	struct ipm_object o = {0};
	struct mixer_header h;
	int r = check_size(&cv, n);

	mixer_init();
	if (r < 0 || (r = mixer_header_parse(&cv, p, n, &h)) < 0)
		return r;
	if (mixer_header_conversions(&h) > MIXER_CONVERSIONS_MAX)
		return mixer_fail(&cv, ERR_PROTOCOL, MHS_LOOP_DETECTED,
		    "more than %d conversions", MIXER_CONVERSIONS_MAX);
	o.ipm = mixer_ipm_from_822(&cv, p, n);
	if (o.ipm == NULL)
		return syntax(&cv, failed(&cv, ERR_SYNTAX));
	*out_env = mixer_envelope_to_400(&cv, env, &h, o.ipm);
	if (*out_env == NULL)
		return failed(&cv, ERR_UNSUPPORTED);
	return syntax(&cv, ipm_encode(a, &o, out, e));
}

int
mixer_convert(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e)
{
	struct mixer_conv cv = {.a = a, .e = e};

	mixer_init();
	if (env->kind == MHS_REPORT)
		return mixer_report_to_dsn(
		    a, c, env, p, n, now, out_env, out, losses, e);
	if (env->kind == MHS_PROBE)
		return mixer_fail(&cv, ERR_UNSUPPORTED,
		    MHS_CONTENT_TYPE_NOT_SUPPORTED,
		    "a probe is answered, not converted");
	switch (env->content_type) {
	case MHS_CONTENT_P2:
	case MHS_CONTENT_P22:
	case MHS_CONTENT_P772:
		return mixer_to_rfc822(
		    a, c, env, p, n, now, out_env, out, losses, e);
	case MHS_CONTENT_RFC822:
		return (mixer_is_dsn(env, p, n) ? mixer_dsn_to_report
						: mixer_to_x400)(
		    a, c, env, p, n, now, out_env, out, losses, e);
	default:
		return mixer_fail(&cv, ERR_UNSUPPORTED,
		    MHS_CONTENT_TYPE_NOT_SUPPORTED, "content type %s",
		    mhs_content_name(env->content_type));
	}
}

/* --- contents alone --- */

static int
p22_to_822(struct mixer_conv *cv, const uint8_t *p, size_t n, struct buf *out)
{
	struct ipm_object o;
	int r = decode(cv, p, n, &o);

	if (r < 0)
		return r;
	mixer_field_put(out, "Date", mixer_time_822(cv->a, cv->now));
	if (o.ipm != NULL && o.ipm->originator == NULL &&
	    o.ipm->authorizing.n == 0)
		mixer_field_put(out, "From", cv->c->postmaster);
	return syntax(cv, object_to_822(cv, &o, out));
}

/* Trace belongs to the envelope, and a content alone has none. */
static int
lose_trace(struct mixer_conv *cv, const uint8_t *p, size_t n)
{
	struct mixer_header h;
	int r = mixer_header_parse(cv, p, n, &h);

	for (size_t i = 0; r == 0 && i < h.n; i++)
		if (strcasecmp(h.v[i].name, "Received") == 0 ||
		    strcasecmp(h.v[i].name, "X400-Received") == 0)
			mixer_lose(cv,
			    arena_printf(cv->a, "field %s", h.v[i].name),
			    "trace is the envelope's: %s", h.v[i].value);
	return r;
}

static int
rfc822_to_p22(
    struct mixer_conv *cv, const uint8_t *p, size_t n, struct buf *out)
{
	struct ipm_object o = {0};
	int r = check_size(cv, n);

	mixer_init();
	if (r < 0 || (r = lose_trace(cv, p, n)) < 0)
		return r;
	o.ipm = mixer_ipm_from_822(cv, p, n);
	if (o.ipm == NULL)
		return syntax(cv, failed(cv, ERR_SYNTAX));
	return syntax(cv, ipm_encode(cv->a, &o, out, cv->e));
}

static int
rfc822_to_p2(struct mixer_conv *cv, const uint8_t *p, size_t n, struct buf *out)
{
	struct buf b = {0};
	int r = rfc822_to_p22(cv, p, n, &b);

	if (r == 0)
		r = mixer_downgrade(cv, b.data, b.len, out);
	buf_free(&b);
	return r;
}

/* P2 is P22 without what 1988 added: only the check is left. */
static int
p2_to_p22(struct mixer_conv *cv, const uint8_t *p, size_t n, struct buf *out)
{
	struct ipm_object o;
	int r = decode(cv, p, n, &o);

	return r < 0 ? r : syntax(cv, ipm_encode(cv->a, &o, out, cv->e));
}

static const struct {
	enum mhs_content from, to;
	int (*fn)(
	    struct mixer_conv *cv, const uint8_t *p, size_t n, struct buf *out);
} pairs[] = {
    {MHS_CONTENT_P22, MHS_CONTENT_RFC822, p22_to_822},
    {MHS_CONTENT_P2, MHS_CONTENT_RFC822, p22_to_822},
    {MHS_CONTENT_P772, MHS_CONTENT_RFC822, p22_to_822},
    {MHS_CONTENT_RFC822, MHS_CONTENT_P22, rfc822_to_p22},
    {MHS_CONTENT_RFC822, MHS_CONTENT_P2, rfc822_to_p2},
    {MHS_CONTENT_P22, MHS_CONTENT_P2, mixer_downgrade},
    {MHS_CONTENT_P2, MHS_CONTENT_P22, p2_to_p22},
};

int
mixer_content(struct arena *a, const struct mixer_config *c,
    enum mhs_content from, enum mhs_content to, const uint8_t *p, size_t n,
    int64_t now, struct buf *out, struct mixer_losses *losses, struct err *e)
{
	struct mixer_conv cv = {
	    .a = a, .c = c, .losses = losses, .now = now, .e = e};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].from == from && pairs[i].to == to)
			return pairs[i].fn(&cv, p, n, out);
	return mixer_fail(&cv, ERR_UNSUPPORTED, MHS_CONTENT_TYPE_NOT_SUPPORTED,
	    "no conversion from %s to %s", mhs_content_name(from),
	    mhs_content_name(to));
}
