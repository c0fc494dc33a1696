/*
 * TXT records and policies. A policy that was read, written out in the form
 * of a file, must be read again as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "smtp/mta_sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_again(struct arena *a, const struct mta_sts_policy *p)
{
	struct mta_sts_policy again;
	struct buf b = {0};

	buf_printf(&b, "version: STSv1\nmode: %s\nmax_age: %u\n",
	    mta_sts_mode_name(p->mode), p->max_age);
	for (size_t i = 0; i < p->n_mx; i++)
		buf_printf(&b, "mx: %s\n", p->mx[i]);
	if (mta_sts_policy_parse(a, (char *)b.data, b.len, &again, NULL) < 0 ||
	    again.mode != p->mode || again.max_age != p->max_age ||
	    again.n_mx != p->n_mx)
		abort();
	for (size_t i = 0; i < p->n_mx; i++)
		if (strcmp(p->mx[i], again.mx[i]) != 0)
			abort();
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	char id[MTA_STS_ID_MAX + 1];
	struct mta_sts_policy policy;
	struct err e = ERR_INIT;
	struct dns_record r = {.type = DNS_TXT, .txt = {(const char *)p, n}};

	if (mta_sts_txt_parse((const char *)p, n, id, &e) < 0 &&
	    e.offset != ERR_NO_OFFSET && e.offset > n + 1)
		abort();
	(void)mta_sts_txt(&r, 1, id, NULL);
	if (mta_sts_policy_parse(a, (const char *)p, n, &policy, NULL) == 0) {
		check_again(a, &policy);
		(void)mta_sts_matches(&policy, "mail.example.com");
	}
	arena_free(&a);
	return 0;
}
