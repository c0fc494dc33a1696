/*
 * An ACSE APDU, and the same octets as each RTSE APDU: what is decoded can be
 * encoded, and says the same when it is decoded again.
 */
#include "osi/acse_codec.h"
#include "osi/rtse_codec.h"

#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
acse(struct arena *a, const uint8_t *p, size_t n)
{
	struct acse_apdu u, again;
	struct buf b = {0};
	struct err e = ERR_INIT;

	if (acse_apdu_decode(a, p, n, &u, &e) >= 0) {
		INVARIANT(acse_apdu_encode(&u, &b, &e) >= 0);
		INVARIANT(acse_apdu_decode(a, b.data, b.len, &again, &e) >= 0);
		INVARIANT(again.type == u.type && again.reason == u.reason);
		INVARIANT(again.result == u.result);
		INVARIANT(again.user_information.n == u.user_information.n);
	}
	buf_free(&b);
}

static void
opens(struct arena *a, const struct pres_value *v)
{
	struct rtse_open o, again;
	struct buf b = {0};
	struct err e = ERR_INIT;

	if (rtse_rtorq_decode(a, v, &o, &e) >= 0 && o.user_data.n > 0) {
		struct pres_value w = {3, NULL, 0};

		rtse_rtorq_encode(&o, &b);
		w.p = b.data;
		w.n = b.len;
		INVARIANT(rtse_rtorq_decode(a, &w, &again, &e) >= 0);
		INVARIANT(again.checkpoint_size == o.checkpoint_size);
		INVARIANT(again.window_size == o.window_size);
		INVARIANT(again.user_data.n == o.user_data.n);
	}
	(void)rtse_rtoac_decode(a, v, &o, &e);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	const struct pres_value v = {3, p, n};
	struct rtse_refusal j;
	struct rtse_rtab ab;
	struct err e = ERR_INIT;
	int i;

	acse(a, p, n);
	opens(a, &v);
	(void)rtse_rtorj_decode(a, &v, &j, &e);
	(void)rtse_rtab_decode(a, &v, &ab, &e);
	(void)rtse_rttp_decode(a, &v, &i, &e);
	arena_free(&a);
	return 0;
}
