/*
 * A message for a peer of 1984, which knows P2 only: the content goes through
 * the downgrade, the envelope says so, and what the originator forbade is not
 * done (X.419 annex B.2, X.411 8.2.1.1.1.9 and 8.2.1.1.1.10).
 */
#include "mixer/internal.h"

#include "mixer/ext.h"

static bool
with_loss_prohibited(const struct mhs_envelope *env)
{
	const struct mhs_ext *x =
	    mhs_ext_find(&env->exts, MTS_CONVERSION_WITH_LOSS_PROHIBITED);
	struct ber_cursor c;
	struct ber_tlv t;
	int64_t v;

	if (x == NULL || x->value == NULL)
		return false;
	c = ber_cursor(x->value, x->n);
	return ber_next(&c, &t, NULL) == 1 && ber_integer(&t, &v, NULL) == 0 &&
	    v == 1;
}

int
mixer_to_p2(struct arena *a, const struct mixer_config *c,
    const struct mhs_envelope *env, const uint8_t *p, size_t n, int64_t now,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *losses,
    struct err *e)
{
	struct mixer_conv cv = {.a = a, .e = e};
	size_t before = losses->n;
	int r;

	if (env->implicit_conversion_prohibited)
		return mixer_fail(&cv, ERR_UNSUPPORTED,
		    MHS_IMPLICIT_CONVERSION_PROHIBITED,
		    "the originator prohibits conversion to P2");
	r = mixer_content(
	    a, c, MHS_CONTENT_P22, MHS_CONTENT_P2, p, n, now, out, losses, e);
	if (r < 0)
		return r;
	if (losses->n > before && with_loss_prohibited(env))
		return mixer_fail(&cv, ERR_UNSUPPORTED,
		    MHS_CONVERSION_WITH_LOSS_PROHIBITED,
		    "the originator prohibits the loss of %s",
		    losses->v[before].what);
	*out_env = arena_memdup(a, env, sizeof(*env));
	(*out_env)->content_type = MHS_CONTENT_P2;
	return 0;
}
