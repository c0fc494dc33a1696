/*
 * Any octets as the value of any extension: the first octet is its number. What
 * is good for the checks can be read, and any value can be shown; what the
 * readers give can be set again, and read again the same.
 */
#include "p1/ext.h"

#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
again(struct arena *a, const struct mhs_exts *x, enum p1_ext type)
{
	struct p1_history *v, *w;
	struct mhs_exts y = {0};
	struct err e = ERR_INIT;
	size_t n = p1_ext_history(a, x, type, &v);

	/* a name that P1 can carry but not encode again is no history */
	if (n == 0 || p1_ext_set_history(a, &y, type, v, n, &e) < 0)
		return;
	INVARIANT(p1_ext_history(a, &y, type, &w) == n);
	for (size_t i = 0; i < n; i++)
		INVARIANT(v[i].time == w[i].time);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct mhs_ext v = {.type = n > 0 ? p[0] % 48 : 0,
	    .value = n > 0 ? p + 1 : p,
	    .n = n > 0 ? n - 1 : 0};
	struct mhs_exts x = {&v, 1};
	struct mhs_domain domain;
	struct mhs_name name;
	struct buf out = {0};
	const char *mta;
	int64_t t;

	p1_ext_print(&v, 1, &out);
	if (p1_ext_check(&v, NULL) >= 0) {
		p1_ext_flag(&x, (enum p1_ext)v.type);
		p1_ext_time(&x, (enum p1_ext)v.type, &t);
		p1_ext_or_name(a, &x, (enum p1_ext)v.type, &name);
		p1_ext_reporting_mta(a, &x, &domain, &mta);
		again(a, &x, P1_EXT_REDIRECTION_HISTORY);
		again(a, &x, P1_EXT_DL_HISTORY);
		again(a, &x, P1_EXT_ORIGINATOR_AND_DL_HISTORY);
	}
	buf_free(&out);
	arena_free(&a);
	return 0;
}
