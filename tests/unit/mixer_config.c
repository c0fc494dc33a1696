#include "mixer/mixer.h"

#include <string.h>

#include "tests/unit/unit.h"

#define NODE(elem, a, kids)                                           \
	{                                                             \
		.name = elem, .text = "", .file = "t.xml", .line = 7, \
		.attrs = a, .n_attrs = sizeof(a) / sizeof((a)[0]),    \
		.children = kids,                                     \
		.n_children = sizeof(kids) / sizeof((kids)[0])        \
	}

static struct conf_attr mta_attrs[] = {
    {"name", "alpha"},
    {"country", "XX"},
    {"admd", "ALPHA"},
    {"prmd", ""},
    {"hostname", "MTA.alpha.example"},
};
static struct conf_attr map_attrs[] = {
    {"domain", "Bravo.example"},
    {"or", "/C=XX/ADMD=BRAVO/O=Bravo/"},
};
static struct conf_attr bad_attrs[] = {
    {"domain", "bravo.example"},
    {"or", "no address"},
};
static struct conf_attr mixer_attrs[] = {
    {"gateway-domain", "Gate.example"},
    {"gateway-or", "/C=XX/ADMD=ALPHA/PRMD=G/"},
    {"octet-stream", "bilaterally-defined"},
};

static int
read_with(struct arena *a, struct conf_attr *map, size_t n_map,
    struct mixer_config *c, struct err *e)
{
	static struct conf_node *none[1];
	struct conf_node map_node = {.name = "map",
	    .text = "",
	    .file = "t.xml",
	    .line = 9,
	    .attrs = map,
	    .n_attrs = n_map};
	struct conf_node mta = NODE("mta", mta_attrs, none);
	struct conf_node *maps[] = {&map_node};
	struct conf_node mixer = NODE("mixer", mixer_attrs, maps);
	struct conf_node *kids[] = {&mta, &mixer};
	struct conf_node root = {.name = "isthmus",
	    .text = "",
	    .file = "t.xml",
	    .children = kids,
	    .n_children = map == NULL ? 1 : 2};

	mta.n_children = 0;
	return mixer_config_read(a, &root, c, e);
}

static void
the_mixer_element_is_read(void)
{
	struct arena *a = arena_new();
	struct mixer_config c;
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(read_with(a, map_attrs, 2, &c, &e), 0);
	CU_ASSERT_STRING_EQUAL(c.gateway_domain, "gate.example");
	CU_ASSERT_STRING_EQUAL(
	    mhs_or_slash(a, c.gateway_or), "/PRMD=G/ADMD=ALPHA/C=XX/");
	CU_ASSERT(c.octet_stream_bilateral);
	CU_ASSERT_EQUAL_FATAL(c.n_maps, 1);
	CU_ASSERT_STRING_EQUAL(c.maps[0].domain, "bravo.example");
	CU_ASSERT_PTR_NULL(c.domain.prmd);
	CU_ASSERT_STRING_EQUAL(c.postmaster, "postmaster@MTA.alpha.example");
	arena_free(&a);
}

static void
without_it_the_mta_names_the_gateway(void)
{
	struct arena *a = arena_new();
	struct mixer_config c;
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(read_with(a, NULL, 0, &c, &e), 0);
	CU_ASSERT_STRING_EQUAL(c.gateway_domain, "mta.alpha.example");
	CU_ASSERT_STRING_EQUAL(
	    mhs_or_slash(a, c.gateway_or), "/ADMD=ALPHA/C=XX/");
	CU_ASSERT(!c.octet_stream_bilateral);
	arena_free(&a);
}

static void
a_bad_map_is_named_by_file_and_line(void)
{
	struct arena *a = arena_new();
	struct mixer_config c;
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(read_with(a, bad_attrs, 2, &c, &e), ERR_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "t.xml:9"));
	CU_ASSERT_EQUAL(read_with(a, bad_attrs, 1, &c, &e), ERR_CONFIG);
	arena_free(&a);
}

void
suite_mixer_config(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_mixer_element_is_read),
	    TEST(without_it_the_mta_names_the_gateway),
	    TEST(a_bad_map_is_named_by_file_and_line),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mixer_config", tests);
}
