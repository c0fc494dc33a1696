/*
 * The PROXY protocol's header: a result is never longer than the octets that
 * it came from, and what is there of a header that is good goes on.
 */
#include "smtp/proxy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct smtp_proxy x, y;
	struct err e = ERR_INIT;
	int rc = smtp_proxy_parse(p, n, &x, &e);

	if (rc > 0 && (size_t)rc > n)
		abort();
	if (rc > SMTP_PROXY_MAX || strlen(x.peer) >= sizeof(x.peer))
		abort();
	if (rc > 0 && !x.local && x.peer[0] == '\0')
		abort();
	for (int i = 0; i < rc; i++)
		if (smtp_proxy_parse(p, (size_t)i, &y, &e) != 0)
			abort();
	return 0;
}
