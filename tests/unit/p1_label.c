#include "p1/label.h"

#include "tests/unit/p1_vectors.h"

static void
labels_asked_for_are_allowed_or_not(void)
{
	static const struct {
		const char *allowed, *asked;
		int want;
	} rows[] = {
	    {"1.3.26.1:secret", "1.3.26.1:secret", 0},
	    {"1.3.26.1:secret", "1.3.26.1:4", 0},
	    {"1.3.26.1:secret 1.3.26.1:unmarked", "1.3.26.1:0", 0},
	    {"1.3.26.1:secret,1.3.26.1:unmarked", "1.3.26.1:0 1.3.26.1:4", 0},
	    {"1.3.26.1:secret", "1.3.26.1:top-secret", ERR_REFUSED},
	    {"1.3.26.1:secret", "1.3.26.2:secret", ERR_REFUSED},
	    {"1.3.26.1:secret", "1.3.26.1:secret 1.3.26.1:5", ERR_REFUSED},
	    {NULL, "1.3.26.1:unmarked", ERR_REFUSED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_new();
		struct p1_labels *l = rows[i].allowed != NULL
		    ? p1_labels_parse(a, rows[i].allowed, NULL)
		    : NULL;
		struct p1_labels *asked =
		    p1_labels_parse(a, rows[i].asked, NULL);
		struct octets octets;
		struct err e = ERR_INIT;

		CU_ASSERT_PTR_NOT_NULL_FATAL(asked);
		octets = p1_labels_octets(asked);
		CU_ASSERT_EQUAL(p1_labels_allow(l, &octets, &e), rows[i].want);
		arena_free(&a);
	}
}

/* Contexts as a peer may send them, against 1.3.26.1:4. */
static void
unknown_parts_of_a_label_are_not_allowed(void)
{
	static const struct {
		const char *hex;
		int want;
	} rows[] = {
	    {"31 08 06 03 2b 1a 01 02 01 04", 0},
	    {"31 08 02 01 04 06 03 2b 1a 01", 0},
	    /* a privacy mark */
	    {"31 0b 06 03 2b 1a 01 02 01 04 13 01 50", 0},
	    /* categories */
	    {"31 0a 06 03 2b 1a 01 02 01 04 31 00", ERR_REFUSED},
	    /* no classification, no policy, nothing */
	    {"31 05 06 03 2b 1a 01", ERR_REFUSED},
	    {"31 03 02 01 04", ERR_REFUSED},
	    {"31 00", ERR_REFUSED},
	    {"30 08 06 03 2b 1a 01 02 01 04", ERR_SYNTAX},
	    {"31 02 06 00", ERR_SYNTAX},
	    {"31 03 02 01", ERR_SYNTAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_new();
		struct p1_labels *l =
		    p1_labels_parse(a, "1.3.26.1:secret", NULL);
		struct buf b = {0};
		struct err e = ERR_INIT;

		hex_append(&b, rows[i].hex);
		CU_ASSERT_EQUAL(
		    p1_labels_allow(l, &(struct octets){b.data, b.len}, &e),
		    rows[i].want);
		buf_free(&b);
		arena_free(&a);
	}
}

static void
what_is_no_label_is_said(void)
{
	static const char *const bad[] = {"", "1.3.26.1",
	    "1.3.26.1:", "1.3.26.1:hush", "1.3.26.1:257", "1.3.26.1:-1",
	    "x:secret", ":secret"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct arena *a = arena_new();
		struct err e = ERR_INIT;

		CU_ASSERT_PTR_NULL(p1_labels_parse(a, bad[i], &e));
		CU_ASSERT(e.text[0] != '\0');
		arena_free(&a);
	}
}

static void
a_message_goes_where_its_label_is_of_the_context(void)
{
	static const struct {
		const char *context, *label;
		int result;
	} t[] = {
	    {"", "31 08 06 03 2b 1a 01 02 01 04", 0},
	    {"", "05 00", 0}, /* nobody asks */
	    {"1.3.26.1:secret", NULL, 0},
	    {"1.3.26.1:secret", "31 08 06 03 2b 1a 01 02 01 04", 0},
	    {"1.3.26.1:secret", "31 08 02 01 04 06 03 2b 1a 01", 0},
	    {"1.3.26.2:secret 1.3.26.1:secret", "31 08 06 03 2b 1a 01 02 01 04",
		0},
	    {"1.3.26.1:secret", "31 08 06 03 2b 1a 01 02 01 05", ERR_REFUSED},
	    {"1.3.26.1:secret", "31 08 06 03 2b 1a 01 02 01 03", ERR_REFUSED},
	    {"1.3.26.1:secret", "31 08 06 03 2b 1a 02 02 01 04", ERR_REFUSED},
	    {"1.3.26.1:secret", "31 05 06 03 2b 1a 01", ERR_REFUSED},
	    {"1.3.26.1:secret", "31 00", ERR_REFUSED},
	    {"1.3.26.1:secret", "31 0a 06 03 2b 1a 01 02 01 04 a0 00",
		ERR_REFUSED},
	    {"1.3.26.1:secret", "05 00", ERR_SYNTAX},
	    {"1.3.26.1:secret", "", ERR_SYNTAX},
	    {"1.3.26.1:secret", "31 09 02", ERR_SYNTAX},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct arena *a = arena_new();
		struct octets context = {0};
		struct buf value = {0};
		struct mhs_ext x = {.type = 20};
		struct err e = ERR_INIT;

		if (t[i].context[0] != '\0')
			context = p1_labels_octets(
			    p1_labels_parse(a, t[i].context, NULL));
		hex_append(&value, t[i].label != NULL ? t[i].label : "");
		x.value = value.data;
		x.n = value.len;
		CU_ASSERT_EQUAL(
		    p1_label_within(&context,
			&(struct mhs_exts){&x, t[i].label != NULL}, &e),
		    t[i].result);
		CU_ASSERT_EQUAL(e.code, t[i].result);
		buf_free(&value);
		arena_free(&a);
	}
}

void
suite_p1_label(void)
{
	static CU_TestInfo tests[] = {
	    TEST(labels_asked_for_are_allowed_or_not),
	    TEST(unknown_parts_of_a_label_are_not_allowed),
	    TEST(what_is_no_label_is_said),
	    TEST(a_message_goes_where_its_label_is_of_the_context),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_label", tests);
}
