/*
 * Paths, parameters and xtext. What the parser accepts, it must accept again
 * from its own spelling, unchanged.
 */
#include "smtp/address.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_path(const char *s, size_t n)
{
	char out[SMTP_MAILBOX_TEXT], again[SMTP_MAILBOX_TEXT];
	struct err e = ERR_INIT;
	int used = smtp_path_parse(
	    s, n, SMTP_PATH_NULL | SMTP_PATH_POSTMASTER, out, &e);

	if (used < 0)
		return;
	if ((size_t)used > n || used < 2)
		abort();
	if (strchr(out, '@') == NULL)
		return; /* null or postmaster */
	if (smtp_mailbox_parse(out, strlen(out), again, &e) < 0 ||
	    strcmp(out, again) != 0)
		abort();
}

static void
check_xtext(const char *s, size_t n)
{
	char out[256], again[256];
	struct buf b = {0};

	if (smtp_xtext_decode(s, n, out, sizeof(out), NULL) < 0)
		return;
	smtp_xtext_append(&b, out);
	if (smtp_xtext_decode(
		(char *)b.data, b.len, again, sizeof(again), NULL) < 0 ||
	    strcmp(out, again) != 0)
		abort();
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *s = (const char *)p;
	size_t left = n;
	struct smtp_param param;

	check_path(s, n);
	check_xtext(s, n);
	(void)smtp_domain_valid(s, n, n % 2 == 0);
	while (smtp_param_next(&s, &left, &param, NULL) > 0)
		if (left > n)
			abort();
	return 0;
}
