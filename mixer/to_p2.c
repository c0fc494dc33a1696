/*
 * A message for a peer of 1984, which knows P2 only: the content goes through
 * the downgrade, the envelope says so, and what the originator forbade is not
 * done (X.419 annex B.2, X.411 8.2.1.1.1.9 and 8.2.1.1.1.10).
 */
#include "mixer/internal.h"

#include "p1/ext.h"

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
	if (losses->n > before &&
	    p1_ext_flag(&env->exts, P1_EXT_CONVERSION_WITH_LOSS_PROHIBITED))
		return mixer_fail(&cv, ERR_UNSUPPORTED,
		    MHS_CONVERSION_WITH_LOSS_PROHIBITED,
		    "the originator prohibits the loss of %s",
		    losses->v[before].what);
	*out_env = arena_memdup(a, env, sizeof(*env));
	(*out_env)->content_type = MHS_CONTENT_P2;
	return 0;
}
