#include "smtp/submission.h"

#include <string.h>

#include "lib/buf.h"
#include "tests/unit/unit.h"

static void
on_write(void *arg, const void *p, size_t n)
{
	buf_append(arg, p, n);
}

static void
on_missing(void *arg, bool date, bool message_id)
{
	buf_puts(arg, date ? "D: d\r\n" : "");
	buf_puts(arg, message_id ? "M: m\r\n" : "");
}

static const struct smtp_fixup_ops ops = {
    .write = on_write, .missing = on_missing};

#define LONG "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

/* Each content, and what it becomes. */
static const struct {
	const char *in, *out;
} rows[] = {
    {"", "D: d\r\nM: m\r\n"},
    {"\r\n", "D: d\r\nM: m\r\n\r\n"},
    {"\r\nbody\r\n", "D: d\r\nM: m\r\n\r\nbody\r\n"},
    {"Subject: x\r\n\r\nbody\r\n",
	"Subject: x\r\nD: d\r\nM: m\r\n\r\nbody\r\n"},
    {"Subject: x\r\n", "Subject: x\r\nD: d\r\nM: m\r\n"},
    {"Date: x\r\n\r\nDate: y\r\n", "Date: x\r\nM: m\r\n\r\nDate: y\r\n"},
    {"dAtE : x\r\nMESSAGE-ID:y\r\n\r\n", "dAtE : x\r\nMESSAGE-ID:y\r\n\r\n"},
    {"X-Date: x\r\nDated: y\r\n\r\n",
	"X-Date: x\r\nDated: y\r\nD: d\r\nM: m\r\n\r\n"},
    {"Subject: x\r\n Date: y\r\n\tMessage-ID: z\r\n\r\n",
	"Subject: x\r\n Date: y\r\n\tMessage-ID: z\r\nD: d\r\nM: m\r\n\r\n"},
    {"no field here\r\nDate: x\r\n",
	"D: d\r\nM: m\r\n\r\nno field here\r\nDate: x\r\n"},
    {"Subject: x\r\nno field\r\n\r\nbody\r\n",
	"Subject: x\r\nD: d\r\nM: m\r\n\r\nno field\r\n\r\nbody\r\n"},
    {": x\r\n\r\n", "D: d\r\nM: m\r\n\r\n: x\r\n\r\n"},
    {LONG LONG ": x\r\n\r\n", "D: d\r\nM: m\r\n\r\n" LONG LONG ": x\r\n\r\n"},
    {"\x80: x\r\n\r\n", "D: d\r\nM: m\r\n\r\n\x80: x\r\n\r\n"},
    {"name", "D: d\r\nM: m\r\n\r\nname"},
};

static void
what_is_missing_goes_where_the_header_ends(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 300; step += 7) {
			struct smtp_fixup f = {0};
			struct buf out = {0};
			size_t n = strlen(rows[i].in);

			for (size_t at = 0; at < n; at += step)
				smtp_fixup(&f, &ops, &out,
				    (const uint8_t *)rows[i].in + at,
				    n - at < step ? n - at : step);
			smtp_fixup_end(&f, &ops, &out);
			CU_ASSERT_STRING_EQUAL(buf_cstr(&out), rows[i].out);
			buf_free(&out);
		}
}

void
suite_smtp_submission(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_is_missing_goes_where_the_header_ends),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("smtp_submission", tests);
}
