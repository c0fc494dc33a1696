/*
 * Received fields of a hostile header, and the dates in them.
 */
#include "smtp/received.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
field(void *arg, const char *value, size_t n)
{
	char by[32];

	(void)arg;
	if (strlen(value) != n || n > SMTP_RECEIVED_MAX)
		abort();
	smtp_received_by(value, by, sizeof(by));
	(void)smtp_received_time(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct smtp_header_scan h = {0};
	size_t half = n / 2;

	smtp_header_scan(&h, p, half, field, NULL);
	smtp_header_scan(&h, p + half, n - half, field, NULL);
	return 0;
}
