#include "lib/conf.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define SCHEMA "conf/isthmus.rng"
#define MTA                                    \
	"<mta name='a' country='XX' admd='A' " \
	"hostname='a.example' postmaster='p@a.example'/>"

#define REST MTA "<spool directory='/x'/>"

/* A directory for the files of one test, and what was complained of. */
struct world {
	char dir[64];
	char said[8192]; /* a line each: FILE:LINE: text */
	unsigned n;
	struct arena *a;
	struct err e;
};

static void
begin(struct world *w)
{
	*w = (struct world){
	    .dir = "/tmp/isthmus-conf-XXXXXX", .a = arena_new(), .e = ERR_INIT};
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(w->dir));
}

static void
put(struct world *w, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void
end(struct world *w)
{
	static const char *const names[] = {"main.xml", "b.xml", "c.xml",
	    "sub/d.xml", "secret", "with space.xml"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/sub", w->dir);
	rmdir(path);
	CU_ASSERT_EQUAL(rmdir(w->dir), 0);
	arena_free(&w->a);
}

static void
complain(void *arg, const char *file, unsigned line, const char *text)
{
	struct world *w = arg;
	size_t n = strlen(w->said);

	/* without the directory, so that a table can hold it */
	if (strncmp(file, w->dir, strlen(w->dir)) == 0)
		file += strlen(w->dir) + 1;
	snprintf(
	    w->said + n, sizeof(w->said) - n, "%s:%u: %s\n", file, line, text);
	w->n++;
}

static struct conf_node *
load(struct world *w)
{
	char path[128];

	w->said[0] = '\0';
	w->n = 0;
	snprintf(path, sizeof(path), "%s/main.xml", w->dir);
	return conf_load(w->a, path, SCHEMA, complain, w, &w->e);
}

/* --- the promises --- */

static void
the_shipped_configuration_is_valid(void)
{
	struct world w;
	struct conf_node *root;
	const struct conf_node *peer;

	begin(&w);
	root = conf_load(w.a, "conf/isthmus.xml", SCHEMA, complain, &w, &w.e);
	CU_ASSERT_STRING_EQUAL(w.said, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT_STRING_EQUAL(root->name, "isthmus");
	CU_ASSERT_STRING_EQUAL(root->file, "conf/isthmus.xml");
	peer = conf_child(root, "peer");
	CU_ASSERT_STRING_EQUAL(conf_str(peer, "name", ""), "bravo");
	CU_ASSERT_STRING_EQUAL(conf_str(peer, "nothing", "dflt"), "dflt");
	CU_ASSERT(peer->line > 60);
	peer = conf_next(root, "peer", peer);
	peer = conf_next(root, "peer", peer);
	CU_ASSERT_STRING_EQUAL(conf_str(peer, "name", ""), "internet");
	CU_ASSERT_PTR_NULL(conf_next(root, "peer", peer));
	CU_ASSERT_PTR_NULL(conf_child(root, "nobody"));
	end(&w);
}

static void
each_fault_is_named_with_its_place_and_what_would_be_right(void)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
	    {"<isthmus>\n<peer name='x' channel='smtp' adress='h:1'/>\n" REST
	     "</isthmus>",
		"main.xml:2: <peer> has no attribute \"adress\"; did you mean "
		"\"address\"?\n"
		"main.xml:2: <peer> needs the attribute \"address\" or "
		"\"mx\"\n"},
	    {"<isthmus>\n\n<log level='loud'/>" REST "</isthmus>",
		"main.xml:3: <log> level=\"loud\" should be debug, or info, "
		"or warn, or error\n"},
	    {"<isthmus><scheduler\n\n maxchans='0'\n retry-max='1 day'/>" REST
	     "</isthmus>",
		"main.xml:4: <scheduler> maxchans=\"0\" should be a number "
		"from 1 to 1000000\n"
		"main.xml:4: <scheduler> retry-max=\"1 day\" should be a "
		"duration, like 500ms, 90s, 5m, 2h or 3d\n"},
	    {"<isthmus>\n<pear/>" REST "</isthmus>",
		"main.xml:2: <pear> has no place in <isthmus>; did you mean "
		"\"peer\"?\n"},
	    {"<isthmus><iaed>\n<smtpd/></iaed>" REST "</isthmus>",
		"main.xml:2: <smtpd> has no place in <iaed>; known are: "
		"listen, service\n"},
	    {"<isthmus>\n<iaed/>" REST "</isthmus>",
		"main.xml:2: <iaed> is empty; known are: listen, service\n"},
	    {"<isthmus>\n" MTA "</isthmus>",
		"main.xml:1: <isthmus> needs a <spool> in it\n"},
	    {"<isthmus><log/>" REST "\n<log/>\n<log/></isthmus>",
		"main.xml:2: there may be only one <log> in <isthmus>\n"},
	    {"<isthmus>\n<route peer='x'/>" REST "</isthmus>",
		"main.xml:2: <route> needs the attribute \"or\" or "
		"\"domain\"\n"},
	    {"<isthmus>\n<route peer='x' or='/C=XX/' domain='*'/>" REST
	     "</isthmus>",
		"main.xml:2: <route> needs the attribute \"or\" or "
		"\"domain\", not both\n"},
	    {"<isthmus>\n<log>words</log>" REST "</isthmus>",
		"main.xml:2: <log> may not hold text (\"words\")\n"},
	    {"<isthmus>\n<peer name='x' channel='smtp' "
	     "address='192.0.2.1'/>" REST "</isthmus>",
		"main.xml:2: <peer> address=\"192.0.2.1\" should be where to "
		"connect or listen: 192.0.2.1:102, [2001:db8::1]:25, "
		"host.example:102 or unix:/path\n"},
	    {"<other/>",
		"main.xml:1: the root element is <other>, but should be "
		"<isthmus> (and in no namespace)\n"},
	    {"<isthmus xmlns='urn:x'/>",
		"main.xml:1: the root element is <isthmus>, but should be "
		"<isthmus> (and in no namespace)\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;

		begin(&w);
		put(&w, "main.xml", rows[i].text);
		CU_ASSERT_PTR_NULL(load(&w));
		CU_ASSERT_STRING_EQUAL(w.said, rows[i].said);
		if (strcmp(w.said, rows[i].said) != 0)
			fprintf(stderr, "row %zu: %s", i, w.said);
		CU_ASSERT_EQUAL(w.e.code, ERR_CONFIG);
		end(&w);
	}
}

static void
several_faults_are_all_told_and_the_first_is_the_error(void)
{
	struct world w;

	begin(&w);
	put(&w, "main.xml",
	    "<isthmus>\n<log level='x'/>\n<log to='y'/>\n"
	    "<mixer><map/></mixer>\n</isthmus>");
	CU_ASSERT_PTR_NULL(load(&w));
	CU_ASSERT_EQUAL(w.n, 7);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(w.e.text, "main.xml:1: <isthmus> needs a <mta>"));
	CU_ASSERT_PTR_NULL(
	    conf_load(w.a, "/nonexistent", SCHEMA, NULL, NULL, &w.e));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.text, "No such file"));
	CU_ASSERT_PTR_NULL(conf_load(w.a, "/tmp", SCHEMA, NULL, NULL, &w.e));
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.text, "is a directory"));
	end(&w);
}

static void
broken_xml_is_told_with_its_line(void)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {
	    {"", 1},
	    {"words", 1},
	    {"<isthmus>\n<log></isthmus>", 2},
	    {"<isthmus>\n\n<log level=x/></isthmus>", 3},
	    {"<isthmus>\n<log level='a' level='b'/></isthmus>", 2},
	    {"<isthmus>\n\xff</isthmus>", 2},
	    {"<isthmus>\n&unknown;</isthmus>", 2},
	    {"<isthmus/>\n<isthmus/>", 2},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		char at[32];

		begin(&w);
		put(&w, "main.xml", rows[i].text);
		CU_ASSERT_PTR_NULL(load(&w));
		snprintf(at, sizeof(at), "main.xml:%u: ", rows[i].line);
		CU_ASSERT_EQUAL(strncmp(w.said, at, strlen(at)), 0);
		if (strncmp(w.said, at, strlen(at)) != 0)
			fprintf(stderr, "row %zu: %s", i, w.said);
		end(&w);
	}
}

static void
document_types_and_so_entities_are_refused(void)
{
	static const char *const rows[] = {
	    "<!DOCTYPE isthmus SYSTEM 'isthmus.dtd'><isthmus/>",
	    "<!DOCTYPE x [<!ENTITY e SYSTEM 'secret'>]>"
	    "<isthmus><log level='info'/>&e;</isthmus>",
	    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
	    "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
	    "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]>"
	    "<isthmus>&c;</isthmus>",
	    "<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'>%p;]>"
	    "<isthmus/>",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int included = 0; included < 2; included++) {
			struct world w;

			begin(&w);
			put(&w, "secret", "words");
			put(&w, "main.xml",
			    "<isthmus xmlns:xi='http://www.w3.org/2001/"
			    "XInclude'>" MTA "<xi:include href='b.xml'/>"
			    "</isthmus>");
			put(&w, included ? "b.xml" : "main.xml", rows[i]);
			CU_ASSERT_PTR_NULL(load(&w));
			CU_ASSERT_STRING_EQUAL(w.said,
			    included ? "b.xml:1: a document type declaration "
				       "(<!DOCTYPE) is not allowed\n"
				     : "main.xml:1: a document type "
				       "declaration (<!DOCTYPE) is not "
				       "allowed\n");
			end(&w);
		}
}

#define XI "<isthmus xmlns:xi='http://www.w3.org/2001/XInclude'>\n"

static void
included_files_take_their_place_and_keep_their_lines(void)
{
	struct world w;
	struct conf_node *root;
	char sub[128];

	begin(&w);
	snprintf(sub, sizeof(sub), "%s/sub", w.dir);
	CU_ASSERT_FATAL(mkdir(sub, 0700) == 0);
	put(&w, "main.xml",
	    XI "<xi:include href='b.xml'/><mixer/>\n<xi:include "
	       "href='c.xml' xpointer='xpointer(/routes/*)'/>"
	       "<xi:include href='with%20space.xml'/>"
	       "<xi:include href='absent.xml'><xi:fallback><channel name='fb'/>"
	       "</xi:fallback></xi:include><spool directory='/x'/>"
	       "</isthmus>");
	put(&w, "b.xml", "\n\n" MTA);
	put(&w, "c.xml",
	    "<routes xmlns:xi='http://www.w3.org/2001/XInclude'>\n"
	    "<route domain='c1' peer='p'/>\n"
	    "<xi:include href='sub/d.xml'/>\n"
	    "<route domain='c2' peer='p'/></routes>");
	put(&w, "sub/d.xml", "<route domain='d' peer='p'/>");
	put(&w, "with space.xml", "<log level='warn'/>");
	root = load(&w);
	CU_ASSERT_STRING_EQUAL(w.said, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT_EQUAL_FATAL(root->n_children, 8);
	CU_ASSERT_STRING_EQUAL(root->children[0]->name, "mta");
	CU_ASSERT_EQUAL(root->children[0]->line, 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(root->children[0]->file, "/b.xml"));
	CU_ASSERT_PTR_NOT_NULL(strstr(root->children[1]->file, "/main.xml"));
	CU_ASSERT_STRING_EQUAL(conf_str(root->children[3], "domain", ""), "d");
	CU_ASSERT_PTR_NOT_NULL(strstr(root->children[3]->file, "/sub/d.xml"));
	CU_ASSERT_STRING_EQUAL(conf_str(root->children[4], "domain", ""), "c2");
	CU_ASSERT_EQUAL(root->children[4]->line, 4);
	CU_ASSERT_STRING_EQUAL(conf_str(root->children[6], "name", ""), "fb");
	end(&w);
}

static void
faults_of_included_files_are_told_with_their_file(void)
{
	struct world w;

	begin(&w);
	put(&w, "main.xml", XI "<xi:include href='b.xml'/>" REST "</isthmus>");
	put(&w, "b.xml", "\n<log\nlevel='x'/>");
	CU_ASSERT_PTR_NULL(load(&w));
	CU_ASSERT_STRING_EQUAL(w.said,
	    "b.xml:3: <log> level=\"x\" should be debug, or info, or warn, "
	    "or error\n");
	end(&w);
}

static void
a_p1_channel_may_limit_the_size_of_contents(void)
{
	struct world w;

	begin(&w);
	put(&w, "main.xml",
	    XI REST "<channel name='c' program='x400p1' max-size='64MiB'/>"
		    "</isthmus>");
	CU_ASSERT_PTR_NOT_NULL(load(&w));
	CU_ASSERT_STRING_EQUAL(w.said, "");
	end(&w);
}

static void
includes_reach_only_local_files_and_never_themselves(void)
{
	static const struct {
		const char *include, *said;
	} rows[] = {
	    {"<xi:include href='http://127.0.0.1:1/x.xml'/>",
		"only a path of a local file"},
	    {"<xi:include href='ftp://127.0.0.1/x'/>",
		"only a path of a local file"},
	    {"<xi:include href='//host/x'/>", "only a path of a local file"},
	    {"<xi:include href='file:///etc/passwd'/>",
		"only a path of a local file"},
	    {"<xi:include/>", "needs href"},
	    {"<xi:include href=''/>", "needs href"},
	    {"<xi:include href='absent.xml'/>", "No such file"},
	    {"<xi:include href='secret' parse='text'/>",
		"parse may only be \"xml\""},
	    {"<xi:include href='secret'/>", "secret:1: "},
	    {"<xi:include href='main.xml'/>", "includes itself"},
	    {"<xi:include href='./main.xml'/>", "includes itself"},
	    {"<xi:include href='b.xml'/>", "includes itself"},
	    {"<xi:include href='c.xml' xpointer='element(/1)'/>",
		"of xpointers only"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		char text[512];

		begin(&w);
		snprintf(
		    text, sizeof(text), XI "%s</isthmus>", rows[i].include);
		put(&w, "main.xml", text);
		put(&w, "b.xml", XI "<xi:include href='b.xml'/></isthmus>");
		put(&w, "c.xml", "<log/>");
		put(&w, "secret", "root:x:0");
		CU_ASSERT_PTR_NULL(load(&w));
		CU_ASSERT_PTR_NOT_NULL(strstr(w.said, rows[i].said));
		if (strstr(w.said, rows[i].said) == NULL)
			fprintf(stderr, "row %zu: %s", i, w.said);
		end(&w);
	}
}

static void
an_unusable_schema_is_told(void)
{
	struct world w;

	begin(&w);
	put(&w, "main.xml", "<isthmus>" REST "</isthmus>");
	put(&w, "b.xml", "<notaschema/>");
	for (int i = 0; i < 2; i++) {
		char path[128], schema[128];

		snprintf(path, sizeof(path), "%s/main.xml", w.dir);
		snprintf(schema, sizeof(schema), "%s/%s", w.dir,
		    i == 0 ? "b.xml" : "absent.rng");
		CU_ASSERT_PTR_NULL(
		    conf_load(w.a, path, schema, complain, &w, &w.e));
		CU_ASSERT_EQUAL(w.n, (unsigned)i + 1);
	}
	end(&w);
}

/* A schema of an element with many optional attributes, and a document that has
 * all of them; the one numbered `bad` has a wrong value, and those of `group`
 * belong together. */
static struct conf_node *
load_wide(struct world *w, int attributes, int bad, bool half_group)
{
	struct buf rng = {0}, xml = {0};
	char path[128], schema[128];

	buf_puts(&rng,
	    "<grammar xmlns=\"http://relaxng.org/ns/structure/1.0\">"
	    "<start><element name=\"isthmus\"><attribute name=\"must\"/>");
	buf_puts(&xml, "<isthmus");
	for (int i = 0; i < attributes; i++) {
		buf_printf(&rng,
		    "<optional><attribute name=\"a%d\"><value>y</value>"
		    "</attribute></optional>",
		    i);
		buf_printf(&xml, " a%d='%s'", i, i == bad ? "n" : "y");
	}
	buf_puts(&rng,
	    "<optional><attribute name=\"g\"/><attribute name=\"h\"/>"
	    "</optional></element></start></grammar>");
	buf_printf(&xml, " must='' g='' %s/>", half_group ? "" : "h=''");
	buf_putc(&rng, '\0');
	buf_putc(&xml, '\0');
	put(w, "b.xml", (const char *)rng.data);
	put(w, "main.xml", (const char *)xml.data);
	buf_free(&rng);
	buf_free(&xml);
	snprintf(path, sizeof(path), "%s/main.xml", w->dir);
	snprintf(schema, sizeof(schema), "%s/b.xml", w->dir);
	return conf_load(w->a, path, schema, complain, w, &w->e);
}

/* libxml2 alone would take longer than anybody lives. */
static void
an_element_may_have_sixty_optional_attributes(void)
{
	struct conf_node *root;
	struct world w;

	begin(&w);
	root = load_wide(&w, 60, -1, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	CU_ASSERT_EQUAL(root->n_attrs, 63);
	CU_ASSERT_STRING_EQUAL(conf_str(root, "a59", ""), "y");
	for (int bad = 0; bad < 60; bad++)
		CU_ASSERT_PTR_NULL(load_wide(&w, 60, bad, false));
	CU_ASSERT_EQUAL(w.n, 60);
	CU_ASSERT_PTR_NULL(load_wide(&w, 60, -1, true));
	end(&w);
}

/* --- getters --- */

static void
numbers_and_words_are_read_strictly(void)
{
	static const struct {
		const char *value;
		int rc;
		int64_t v;
	} rows[] = {
	    {"0", 0, 0},
	    {"7", 0, 7},
	    {"-5", 0, -5},
	    {"100", 0, 100},
	    {"101", ERR_CONFIG, 42},
	    {"-6", ERR_CONFIG, 42},
	    {"", ERR_CONFIG, 42},
	    {"-", ERR_CONFIG, 42},
	    {"+1", ERR_CONFIG, 42},
	    {" 1", ERR_CONFIG, 42},
	    {"1x", ERR_CONFIG, 42},
	    {"9223372036854775808", ERR_CONFIG, 42},
	    {"99999999999999999999999", ERR_CONFIG, 42},
	};
	struct conf_attr attr = {.name = "n"};
	struct conf_node node = {.name = "x",
	    .file = "f.xml",
	    .line = 7,
	    .attrs = &attr,
	    .n_attrs = 1};
	struct err e = ERR_INIT;
	int64_t v;
	bool b;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		attr.value = rows[i].value;
		CU_ASSERT_EQUAL(
		    conf_int(&node, "n", 42, -5, 100, &v, &e), rows[i].rc);
		CU_ASSERT_EQUAL(v, rows[i].v);
	}
	CU_ASSERT_STRING_EQUAL(e.text,
	    "f.xml:7: <x> n=\"99999999999999999999999\" is not a number");
	CU_ASSERT_EQUAL(conf_int(&node, "absent", 42, 0, 1, &v, &e), 0);
	CU_ASSERT_EQUAL(v, 42);
	attr.value = "yes";
	CU_ASSERT(conf_bool(&node, "n", false, &b, &e) == 0 && b);
	attr.value = "false";
	CU_ASSERT(conf_bool(&node, "n", true, &b, &e) == 0 && !b);
	attr.value = "Yes";
	CU_ASSERT_EQUAL(conf_bool(&node, "n", true, &b, &e), ERR_CONFIG);
	CU_ASSERT(conf_bool(NULL, "n", true, &b, &e) == 0 && b);
}

static void
durations_and_sizes_know_their_units_and_their_limits(void)
{
	static const struct {
		const char *value;
		int64_t ms, octets; /* -1: an error */
	} rows[] = {
	    {"90", 90000, 90},
	    {"90s", 90000, -1},
	    {"500ms", 500, -1},
	    {"5m", 300000, -1},
	    {"2h", 7200000, -1},
	    {"3d", 259200000, -1},
	    {"16KiB", -1, 16384},
	    {"16MiB", -1, 16777216},
	    {"2GiB", -1, 2147483648},
	    {"", -1, -1},
	    {"s", -1, -1},
	    {"1 s", -1, -1},
	    {"-1s", -1, -1},
	    {"1S", -1, -1},
	    {"1KB", -1, -1},
	    {"9223372036854775807d", -1, -1},
	    {"9223372036854775807GiB", -1, -1},
	    {"106751991168d", -1, -1},
	};
	struct conf_attr attr = {.name = "n"};
	struct conf_node node = {
	    .name = "x", .file = "f", .attrs = &attr, .n_attrs = 1};
	int64_t v;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		attr.value = rows[i].value;
		CU_ASSERT_EQUAL(conf_duration(&node, "n", 42, &v, NULL),
		    rows[i].ms < 0 ? ERR_CONFIG : 0);
		CU_ASSERT_EQUAL(v, rows[i].ms < 0 ? 42 : rows[i].ms);
		CU_ASSERT_EQUAL(conf_size(&node, "n", 42, &v, NULL),
		    rows[i].octets < 0 ? ERR_CONFIG : 0);
		CU_ASSERT_EQUAL(v, rows[i].octets < 0 ? 42 : rows[i].octets);
	}
}

/* --- packing --- */

static bool
same(const struct conf_node *a, const struct conf_node *b)
{
	bool ok = strcmp(a->name, b->name) == 0 &&
	    strcmp(a->text, b->text) == 0 && strcmp(a->file, b->file) == 0 &&
	    a->line == b->line && a->n_attrs == b->n_attrs &&
	    a->n_children == b->n_children && a->index == b->index;

	for (size_t i = 0; ok && i < a->n_attrs; i++)
		ok = strcmp(a->attrs[i].name, b->attrs[i].name) == 0 &&
		    strcmp(a->attrs[i].value, b->attrs[i].value) == 0;
	for (size_t i = 0; ok && i < a->n_children; i++)
		ok = same(a->children[i], b->children[i]);
	return ok;
}

static void
a_packed_tree_comes_back_the_same_and_no_shorter(void)
{
	struct arena *a = arena_new();
	struct buf packed = {0};
	struct conf_node *root, *back;
	struct err e = ERR_INIT;

	root = conf_load(a, "conf/isthmus.xml", SCHEMA, NULL, NULL, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	conf_pack(root, &packed);
	back = conf_unpack(a, packed.data, packed.len, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT(same(root, back));
	for (size_t n = 0; n < packed.len; n++)
		CU_ASSERT_PTR_NULL(conf_unpack(a, packed.data, n, &e));
	CU_ASSERT_EQUAL(e.code, ERR_SYNTAX);
	buf_putc(&packed, 0);
	CU_ASSERT_PTR_NULL(conf_unpack(a, packed.data, packed.len, &e));
	buf_free(&packed);
	arena_free(&a);
}

static void
hostile_packed_trees_are_refused_without_great_memory(void)
{
	static const uint8_t huge_children[] = "CONF1\0\1x\0\0\0\0\0\0"
					       "\0\0\0\0\0\0\xff\xff\xff\xff";
	static const uint8_t huge_text[] = "CONF1\0\1x\xff\xff\xff\xff";
	static const uint8_t nul[] = "CONF1\0\2x\0\0\0\0\0\0\0"
				     "\0\0\0\0\0\0\0\0\0\0";
	struct arena *a = arena_new();
	struct buf deep = {0};
	struct err e = ERR_INIT;

	CU_ASSERT_PTR_NULL(
	    conf_unpack(a, huge_children, sizeof(huge_children) - 1, &e));
	CU_ASSERT_PTR_NULL(
	    conf_unpack(a, huge_text, sizeof(huge_text) - 1, &e));
	CU_ASSERT_PTR_NULL(conf_unpack(a, nul, sizeof(nul) - 1, &e));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "NUL"));
	CU_ASSERT(arena_used(a) < 10000);
	buf_puts(&deep, "CONF1");
	for (int i = 0; i < 100000; i++)
		buf_append(&deep, "\0\1x\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 19);
	CU_ASSERT_PTR_NULL(conf_unpack(a, deep.data, deep.len, &e));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "too deep"));
	buf_free(&deep);
	arena_free(&a);
}

void
suite_lib_conf(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_shipped_configuration_is_valid),
	    TEST(each_fault_is_named_with_its_place_and_what_would_be_right),
	    TEST(several_faults_are_all_told_and_the_first_is_the_error),
	    TEST(broken_xml_is_told_with_its_line),
	    TEST(document_types_and_so_entities_are_refused),
	    TEST(included_files_take_their_place_and_keep_their_lines),
	    TEST(faults_of_included_files_are_told_with_their_file),
	    TEST(a_p1_channel_may_limit_the_size_of_contents),
	    TEST(includes_reach_only_local_files_and_never_themselves),
	    TEST(an_unusable_schema_is_told),
	    TEST(an_element_may_have_sixty_optional_attributes),
	    TEST(numbers_and_words_are_read_strictly),
	    TEST(durations_and_sizes_know_their_units_and_their_limits),
	    TEST(a_packed_tree_comes_back_the_same_and_no_shorter),
	    TEST(hostile_packed_trees_are_refused_without_great_memory),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_conf", tests);
}
