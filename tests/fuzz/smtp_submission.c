/*
 * The header fix-up of submission: whatever comes, in whatever pieces, goes out
 * as it was, with what was missing put in at one place.
 */
#include "smtp/submission.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct seen {
	struct buf out;
	size_t at; /* of what was missing */
	unsigned ends;
	bool date, message_id;
};

static void
on_write(void *arg, const void *p, size_t n)
{
	buf_append(&((struct seen *)arg)->out, p, n);
}

static void
on_missing(void *arg, bool date, bool message_id)
{
	struct seen *s = arg;

	s->at = s->out.len;
	s->ends++;
	s->date = date;
	s->message_id = message_id;
}

static const struct smtp_fixup_ops ops = {
    .write = on_write, .missing = on_missing};

static struct seen
run(const uint8_t *p, size_t n, size_t step)
{
	struct seen s = {0};
	struct smtp_fixup f = {0};

	for (size_t i = 0; i < n; i += step)
		smtp_fixup(&f, &ops, &s, p + i, n - i < step ? n - i : step);
	smtp_fixup_end(&f, &ops, &s);
	return s;
}

/* All of it, but for an empty line that may have been put in at `at`. */
static bool
is_all(const struct seen *s, const uint8_t *p, size_t n)
{
	size_t more = s->out.len - n;

	return s->out.len >= n && (more == 0 || more == 2) && s->at <= n &&
	    (s->at == 0 || memcmp(s->out.data, p, s->at) == 0) &&
	    (more == 0 || memcmp(s->out.data + s->at, "\r\n", 2) == 0) &&
	    (s->at == n ||
		memcmp(s->out.data + s->at + more, p + s->at, n - s->at) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen whole = run(p, n, n + 1), octets = run(p, n, 1),
		    some = run(p, n, 7);

	if (whole.ends != 1 || octets.ends != 1 || some.ends != 1)
		abort();
	if (!is_all(&whole, p, n) || !is_all(&octets, p, n) ||
	    !is_all(&some, p, n))
		abort();
	if (whole.at != octets.at || whole.at != some.at ||
	    whole.date != octets.date || whole.message_id != octets.message_id)
		abort();
	buf_free(&whole.out);
	buf_free(&octets.out);
	buf_free(&some.out);
	return 0;
}
