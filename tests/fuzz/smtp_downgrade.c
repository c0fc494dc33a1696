/*
 * Messages that are downgraded: the first octet has the options. Whatever they
 * are, the result has no octet that was to go, comes out in bounded pieces, and
 * is of the size that was announced; done again it stays as it is.
 */
#include <stdlib.h>

#include "smtp/downgrade.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define PIECE_MAX 65536

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static int
make(const struct smtp_downgrade_options *o, const uint8_t *p, size_t n,
    struct buf *out)
{
	struct smtp_downgrade *d = smtp_downgrade_new(o, p, n);
	struct err e = ERR_INIT;
	size_t before;
	int rc;

	do {
		before = out->len;
		rc = smtp_downgrade_next(d, out, &e);
		require(out->len - before <= PIECE_MAX);
	} while (rc > 0);
	smtp_downgrade_free(&d);
	require(rc == 0 || rc == ERR_UNSUPPORTED || rc == ERR_LIMIT);
	require(
	    rc < 0 || smtp_downgrade_size(o, p, n, &e) == (int64_t)out->len);
	return rc;
}

static void
check_lines(const struct smtp_downgrade_options *o, const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		uint8_t c = b->data[i];

		require(o->eight || o->utf8_headers || c < 128);
		if (c == '\r' && i + 1 < b->len && b->data[i + 1] == '\n')
			i++;
		else
			require(o->binary || (c != '\r' && c != '\n'));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct smtp_downgrade_options o;
	struct buf once = {0}, twice = {0};

	if (n < 2)
		return 0;
	o = (struct smtp_downgrade_options){
	    .eight = p[0] & 1,
	    .utf8_headers = p[0] & 2,
	    .binary = p[0] & 4,
	    .line_max = p[0] & 8 ? 100 : 0,
	    .rewrite_signed = p[0] & 16,
	};
	if (make(&o, p + 1, n - 1, &once) == 0) {
		check_lines(&o, &once);
		o.binary = false;
		require(make(&o, once.data, once.len, &twice) <= 0);
	}
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
