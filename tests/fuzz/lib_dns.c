/*
 * Data of resource records, and names as people write them. The first octet
 * picks the type.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_written_name(const uint8_t *p, size_t n)
{
	char out[DNS_HOST_MAX + 1], again[DNS_HOST_MAX + 1];
	char *name = xmalloc(n + 1);

	memcpy(name, p, n);
	name[n] = '\0';
	if (dns_name_ascii(name, out, NULL) == 0 &&
	    (dns_name_ascii(out, again, NULL) != 0 || strcmp(out, again) != 0))
		abort();
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const enum dns_type types[] = {
	    DNS_A, DNS_AAAA, DNS_CNAME, DNS_MX, DNS_PTR, DNS_TLSA, DNS_TXT};
	struct dns_record r;
	struct err e = ERR_INIT;
	struct arena *a;

	if (n == 0)
		return 0;
	check_written_name(p + 1, n - 1);
	a = arena_new();
	if (dns_rdata_parse(a, types[p[0] % 7], p + 1, n - 1, &r, &e) < 0) {
		if (e.offset != ERR_NO_OFFSET && e.offset > n - 1)
			abort();
	} else if ((r.type == DNS_CNAME || r.type == DNS_PTR) &&
	    strlen(r.name) >= DNS_NAME_TEXT) {
		abort();
	} else if (r.type == DNS_TXT && r.txt.n >= n) {
		abort();
	}
	arena_free(&a);
	return 0;
}
