/*
 * Any octets: the scanner says the same whether they come whole or in pieces,
 * and the same as ber_check; what ber_normalise writes is itself accepted and
 * does not change when normalised again.
 */
#include "asn1/ber.h"

#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int64_t
scan_in_steps(const uint8_t *p, size_t n, size_t step,
    const struct ber_limits *limits, struct err *e)
{
	struct ber_scan *s = ber_scan_new(limits, NULL, NULL);
	int64_t r = 0;
	size_t m;

	for (size_t i = 0; i < n && r >= 0 && !ber_scan_done(s); i += m) {
		m = n - i < step ? n - i : step;
		r = ber_scan_feed(s, p + i, m, e);
	}
	if (r >= 0)
		r = ber_scan_done(s) ? (int64_t)ber_scan_offset(s) : ERR_SYNTAX;
	ber_scan_free(&s);
	return r;
}

static void
walk(const uint8_t *p, size_t n, unsigned depth)
{
	struct ber_cursor c = ber_cursor(p, n);
	struct arena *a = arena_new();
	struct octets o;
	struct ber_tlv t;
	int64_t v;

	while (ber_next(&c, &t, NULL) > 0) {
		(void)ber_integer(&t, &v, NULL);
		(void)ber_string(a, &t, &o, NULL);
		(void)ber_oid_text(a, t.value, t.length, NULL);
		if (t.tag.constructed && depth < 8)
			walk(t.value, t.length, depth + 1);
	}
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ber_limits limits = {.max_size = 4096, .max_depth = 40};
	struct buf once = {0}, twice = {0};
	struct err e = ERR_INIT, f = ERR_INIT;
	int64_t whole = ber_check(p, n, &limits, &e);

	INVARIANT(scan_in_steps(p, n, 1, &limits, &f) == whole);
	if (whole < 0 && f.code != 0)
		INVARIANT(e.offset == f.offset);
	INVARIANT(scan_in_steps(p, n, 7, &limits, NULL) == whole);
	INVARIANT(ber_normalise(p, n, &limits, &once, NULL) == whole);
	if (whole >= 0) {
		INVARIANT(ber_check(once.data, once.len, NULL, NULL) ==
		    (int64_t)once.len);
		INVARIANT(ber_normalise(once.data, once.len, NULL, &twice,
			      NULL) == (int64_t)once.len);
		INVARIANT(once.len == twice.len &&
		    memcmp(once.data, twice.data, once.len) == 0);
	} else {
		INVARIANT(once.len == 0);
	}
	walk(p, n < 2048 ? n : 2048, 0);
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
