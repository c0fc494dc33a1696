#include "lib/identity.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base64.h"
#include "lib/clock.h"
#include "tests/unit/unit.h"

#define SCHEMA "conf/identities.rng"
/* the password is "pencil"; keys as gsasl(1) makes them */
#define SCRAM_256                                                    \
	"<scram mechanism='SCRAM-SHA-256' iterations='4096'"         \
	" salt='W22ZaJ0SNY7soEsUEjb6gQ=='"                           \
	" stored-key='WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY='" \
	" server-key='wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='/>"
#define SCRAM_1                                            \
	"<scram mechanism='SCRAM-SHA-1' iterations='4096'" \
	" salt='QSXCR+Q6sek8bf92'"                         \
	" stored-key='6dlGYMOdZcOPutkcNY8U2g7vK9Y='"       \
	" server-key='D+CSWLOshSulAsxiupA+qs2/fTE='/>"
#define ALICE                                   \
	"<user name='alice'>" SCRAM_256 SCRAM_1 \
	"<address mailbox='alice@a.example'/>"  \
	"<address mailbox='*@own.example'/>"    \
	"<certificate name='Alice@A.example'/>" \
	"<principal name='alice@A.EXAMPLE'/>"   \
	"<act-as user='bob'/></user>\n"
#define BOB "<user name='bob'>" SCRAM_1 "</user>\n"
#define GONE "<user name='gone' disabled='true'>" SCRAM_1 "</user>\n"

struct world {
	char path[64];
	struct err e;
	struct identity_table *t;
};

static void
put(struct world *w, const char *users)
{
	FILE *f = fopen(w->path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "<identities>\n%s</identities>\n", users);
	fclose(f);
}

static void
begin(struct world *w, const char *users)
{
	int fd;

	*w = (struct world){
	    .path = "/tmp/isthmus-identity-XXXXXX", .e = ERR_INIT};
	fd = mkstemp(w->path);
	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	put(w, users);
	w->t = identity_table_load(w->path, SCHEMA, NULL, NULL, &w->e);
}

static void
end(struct world *w)
{
	identity_table_free(&w->t);
	unlink(w->path);
}

/* --- keys --- */

static void
a_password_has_the_keys_that_others_make_of_it(void)
{
	static const struct {
		enum identity_hash hash;
		const char *salt, *stored, *server;
	} rows[] = {
	    {IDENTITY_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==",
		"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
		"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="},
	    {IDENTITY_SHA1, "QSXCR+Q6sek8bf92",
		"6dlGYMOdZcOPutkcNY8U2g7vK9Y=", "D+CSWLOshSulAsxiupA+qs2/fTE="},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size = identity_hash_size(rows[i].hash);
		struct identity_key key;
		struct buf b = {0};
		uint8_t salt[64];
		ssize_t n = base64_decode(
		    rows[i].salt, strlen(rows[i].salt), salt, sizeof(salt));

		CU_ASSERT_EQUAL(identity_key_make(rows[i].hash, "pencil", 6,
				    salt, (size_t)n, 4096, &key, NULL),
		    0);
		base64_encode(&b, key.stored_key, size);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b), rows[i].stored);
		buf_clear(&b);
		base64_encode(&b, key.server_key, size);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b), rows[i].server);
		buf_free(&b);
	}
}

static void
keys_have_bounds(void)
{
	static const struct {
		size_t password, salt;
		unsigned iterations;
	} bad[] = {{0, 8, 4096}, {IDENTITY_PASSWORD_MAX + 1, 8, 4096},
	    {8, 0, 4096}, {8, IDENTITY_SALT_MAX + 1, 4096}, {8, 8, 4095},
	    {8, 8, IDENTITY_ITERATIONS_MAX + 1}};
	static char password[IDENTITY_PASSWORD_MAX + 1];
	static uint8_t salt[IDENTITY_SALT_MAX + 1];
	struct identity_key key;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(
		    identity_key_make(IDENTITY_SHA1, password, bad[i].password,
			salt, bad[i].salt, bad[i].iterations, &key, NULL),
		    ERR_LIMIT);
}

static void
names_that_are_nobodys_have_keys_that_stay_the_same(void)
{
	static const uint8_t one[IDENTITY_SECRET] = {1},
			     two[IDENTITY_SECRET] = {2};
	static const struct identity_shape like = {5000, 33};
	static const struct {
		enum identity_hash hash;
		const uint8_t *secret;
		const char *name;
	} others[] = {{IDENTITY_SHA1, one, "joe"},
	    {IDENTITY_SHA256, one, "jim"}, {IDENTITY_SHA256, two, "joe"}};
	struct identity_key a, b;

	identity_key_fake(IDENTITY_SHA256, &like, one, "joe", &a);
	identity_key_fake(IDENTITY_SHA256, &like, one, "joe", &b);
	CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	CU_ASSERT_EQUAL(a.iterations, 5000);
	CU_ASSERT_EQUAL(a.salt_n, 33);
	for (size_t i = 0; i < 3; i++) {
		identity_key_fake(others[i].hash, &like, others[i].secret,
		    others[i].name, &b);
		CU_ASSERT_NOT_EQUAL(memcmp(a.salt, b.salt, 33), 0);
		CU_ASSERT_NOT_EQUAL(memcmp(a.stored_key, b.stored_key, 20), 0);
	}
}

/* A user whose keys have this salt and so many iterations. */
static const char *
user_of(char out[512], const char *name, unsigned iterations, const char *salt)
{
	snprintf(out, 512,
	    "<user name='%s'><scram mechanism='SCRAM-SHA-256' iterations='%u'"
	    " salt='%s'"
	    " stored-key='WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY='"
	    " server-key='wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='/>"
	    "</user>\n",
	    name, iterations, salt);
	return out;
}

static void
who_does_not_exist_looks_like_most_who_do(void)
{
	char a[512], b[512], c[512], all[2048];
	struct identity_key x, y;
	struct world w;

	user_of(a, "a", 20000, "AAAAAAAAAAAAAAAA");
	user_of(b, "b", 20000, "BAAAAAAAAAAAAAAA");
	user_of(c, "c", 15000, "W22ZaJ0SNY7soEsUEjb6gQ==");
	snprintf(all, sizeof(all), "%s%s%s", c, b, a);
	begin(&w, all);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.t);
	identity_table_fake(w.t, IDENTITY_SHA256, "joe", &x);
	CU_ASSERT_EQUAL(x.iterations, 20000);
	CU_ASSERT_EQUAL(x.salt_n, 12);
	identity_table_fake(w.t, IDENTITY_SHA1, "joe", &y);
	CU_ASSERT_EQUAL(y.iterations, IDENTITY_ITERATIONS);
	CU_ASSERT_EQUAL(y.salt_n, 16);
	CU_ASSERT_NOT_EQUAL(memcmp(x.salt, y.salt, 12), 0);
	end(&w);
}

/* PLAIN's time is that of the key that it is compared to. */
static void
a_password_of_nobody_costs_as_much_as_most_do(void)
{
	struct world w;
	char all[512];
	msec_t start, few, many;

	begin(&w, user_of(all, "a", 4096, "AAAAAAAAAAAAAAAA"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.t);
	start = clock_mono();
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_FALSE(identity_password_is(w.t, NULL, "pencil", 6));
	few = clock_mono() - start;
	end(&w);
	begin(&w, user_of(all, "a", 400000, "AAAAAAAAAAAAAAAA"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.t);
	start = clock_mono();
	CU_ASSERT_FALSE(identity_password_is(w.t, NULL, "pencil", 6));
	many = clock_mono() - start;
	end(&w);
	CU_ASSERT(many > few);
}

static void
fake_salts_outlive_a_restart_and_changes_to_others(void)
{
	static const char secret[] =
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	char one[512], other[512], all[4][2048];
	struct identity_key first, again;
	unsigned same = 0;
	struct world w;

	user_of(one, "a", 4096, "AAAAAAAAAAAAAAAA");
	user_of(other, "b", 4096, "BAAAAAAAAAAAAAAA");
	snprintf(all[0], sizeof(all[0]), "%s%s", one, other);
	snprintf(all[1], sizeof(all[1]), "%s%s", other, one);
	snprintf(all[2], sizeof(all[2]), "%s", one);
	snprintf(all[3], sizeof(all[3]), "%s", other);
	begin(&w, all[0]);
	identity_table_fake(w.t, IDENTITY_SHA256, "joe", &first);
	end(&w);
	for (size_t i = 1; i < 4; i++) {
		begin(&w, all[i]);
		identity_table_fake(w.t, IDENTITY_SHA256, "joe", &again);
		same += memcmp(first.salt, again.salt, 12) == 0;
		end(&w);
	}
	/* the order counts for nothing; of two, one decides */
	CU_ASSERT_EQUAL(same, 2);
	for (size_t i = 0; i < 2; i++) {
		FILE *f;

		begin(&w, "");
		identity_table_free(&w.t);
		f = fopen(w.path, "w");
		fprintf(f, "<identities secret='%s'>%s</identities>", secret,
		    i == 0 ? one : other);
		fclose(f);
		w.t = identity_table_load(w.path, SCHEMA, NULL, NULL, &w.e);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w.t);
		identity_table_fake(
		    w.t, IDENTITY_SHA256, "joe", i == 0 ? &first : &again);
		end(&w);
	}
	CU_ASSERT_EQUAL(memcmp(first.salt, again.salt, 12), 0);
}

static void
only_the_password_is_the_password(void)
{
	struct world w;

	begin(&w, ALICE BOB GONE "<user name='none'/>");
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.t);
	CU_ASSERT(identity_password_is(
	    w.t, identity_find(w.t, "alice"), "pencil", 6));
	CU_ASSERT(
	    identity_password_is(w.t, identity_find(w.t, "bob"), "pencil", 6));
	CU_ASSERT_FALSE(identity_password_is(
	    w.t, identity_find(w.t, "alice"), "pencil2", 7));
	CU_ASSERT_FALSE(
	    identity_password_is(w.t, identity_find(w.t, "alice"), "penci", 5));
	CU_ASSERT_FALSE(
	    identity_password_is(w.t, identity_find(w.t, "bob"), "", 0));
	CU_ASSERT_FALSE(
	    identity_password_is(w.t, identity_find(w.t, "gone"), "pencil", 6));
	CU_ASSERT_FALSE(
	    identity_password_is(w.t, identity_find(w.t, "none"), "pencil", 6));
	CU_ASSERT_FALSE(identity_password_is(w.t, NULL, "pencil", 6));
	end(&w);
}

/* --- the table --- */

static void
everybody_is_found_by_what_is_theirs(void)
{
	struct world w;
	const struct identity *alice;

	begin(&w, BOB ALICE GONE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.t);
	CU_ASSERT_EQUAL(identity_table_size(w.t), 3);
	alice = identity_find(w.t, "alice");
	CU_ASSERT_PTR_NOT_NULL_FATAL(alice);
	CU_ASSERT_PTR_NULL(identity_find(w.t, "Alice"));
	CU_ASSERT_PTR_NULL(identity_find(w.t, ""));
	CU_ASSERT_PTR_EQUAL(
	    identity_by_certificate(w.t, "alice@a.EXAMPLE"), alice);
	CU_ASSERT_PTR_NULL(identity_by_certificate(w.t, "alice"));
	CU_ASSERT_PTR_EQUAL(
	    identity_by_principal(w.t, "alice@A.EXAMPLE"), alice);
	CU_ASSERT_PTR_NULL(identity_by_principal(w.t, "alice@B.EXAMPLE"));
	end(&w);
}

static void
nobody_speaks_for_more_than_the_table_says(void)
{
	static const struct {
		const char *mailbox;
		bool may;
	} rows[] = {{"alice@a.example", true}, {"ALICE@A.EXAMPLE", true},
	    {"x@own.example", true}, {"y@OWN.example", true},
	    {"x@sub.own.example", false}, {"x@notown.example", false},
	    {"bob@a.example", false}, {"", false}, {"alice", false},
	    {"x@own.example@b", false}};
	const struct identity *alice, *bob;
	struct world w;

	begin(&w, ALICE BOB);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.t);
	alice = identity_find(w.t, "alice");
	bob = identity_find(w.t, "bob");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(
		    identity_may_send_as(alice, rows[i].mailbox), rows[i].may);
		CU_ASSERT_FALSE(identity_may_send_as(bob, rows[i].mailbox));
	}
	CU_ASSERT(identity_may_act_as(alice, "alice"));
	CU_ASSERT(identity_may_act_as(alice, "bob"));
	CU_ASSERT_FALSE(identity_may_act_as(bob, "alice"));
	end(&w);
}

static void
what_is_wrong_is_said_with_its_line(void)
{
	static const struct {
		const char *users, *text;
	} rows[] = {
	    {ALICE BOB "<user name='alice'/>",
		":4: <user> \"alice\" stands in line 2 already"},
	    {"<user name='a'><certificate name='x'/></user>\n"
	     "<user name='b'><certificate name='X'/></user>",
		":3: <certificate> \"X\" stands in line 2 already"},
	    {"<user name='a'><principal name='x@R'/></user>\n"
	     "<user name='b'><principal name='x@R'/></user>",
		":3: <principal> \"x@R\" stands in line 2 already"},
	    {"<user name='a'>" SCRAM_1 "\n" SCRAM_1 "</user>",
		":3: <scram> a second one of SCRAM-SHA-1"},
	    {"<user name='a'><act-as user='b'/></user>",
		":2: <act-as> there is no user \"b\""},
	    {"<user name='a'><scram mechanism='SCRAM-SHA-1' salt='AAAA'"
	     " iterations='4096' stored-key='AAAA' server-key='AAAA'/></user>",
		":2: <scram> stored-key: no base64 of 20 octets"},
	    {"<user name='a'><scram mechanism='SCRAM-SHA-1' salt='AAAA'"
	     " iterations='1' stored-key='AAAA' server-key='AAAA'/></user>",
		":2: "},
	    {"<user name='a'><password>x</password></user>", ":2: "},
	    {"<user name='a b'/>", ":2: "},
	    {"<user/>", ":2: "},
	    {"<user name='a'", ":2: "},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;

		begin(&w, rows[i].users);
		CU_ASSERT_PTR_NULL(w.t);
		CU_ASSERT_PTR_NOT_NULL(strstr(w.e.text, rows[i].text));
		if (strstr(w.e.text, rows[i].text) == NULL)
			printf("\nrow %zu: %s\n", i, w.e.text);
		end(&w);
	}
}

/* Looks until what was found at the first look is read: users then. */
static size_t
looked(struct identity_store *s, struct err *e)
{
	const struct identity_table *was = identity_store_table(s);

	for (unsigned i = 0; i < 200; i++) {
		identity_store_look(s, e);
		if (e->code != 0 || identity_store_table(s) != was)
			break;
		usleep(2000);
	}
	return identity_table_size(identity_store_table(s));
}

static void
a_changed_file_is_read_again_and_a_broken_one_is_not_taken(void)
{
	struct err e = ERR_INIT;
	struct identity_store *s;
	struct identity_table *t, *held;
	struct world w;

	begin(&w, ALICE BOB);
	s = identity_store_new(w.path, SCHEMA, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	identity_store_look(s, &e);
	t = identity_store_table(s);
	CU_ASSERT_EQUAL(identity_table_size(t), 2);
	held = identity_table_ref(t);
	put(&w, BOB);
	CU_ASSERT_EQUAL(looked(s, &e), 1);
	CU_ASSERT_EQUAL(e.code, 0);
	CU_ASSERT_PTR_NOT_NULL(identity_find(held, "alice"));
	put(&w, "<user/>");
	CU_ASSERT_EQUAL(looked(s, &e), 1);
	CU_ASSERT_EQUAL(e.code, ERR_CONFIG);
	CU_ASSERT_EQUAL(looked(s, &e), 1);
	CU_ASSERT_EQUAL(e.code, 0);
	put(&w, BOB ALICE GONE);
	CU_ASSERT_EQUAL(looked(s, &e), 3);
	identity_table_free(&held);
	identity_store_free(&s);
	end(&w);
}

/* Reading takes seconds; looking must not. */
static void
a_big_file_is_read_while_the_old_table_serves(void)
{
	struct err e = ERR_INIT;
	struct identity_store *s;
	struct world w;
	msec_t start, longest = 0, took;
	unsigned served = 0;
	FILE *f;

	begin(&w, ALICE BOB);
	s = identity_store_new(w.path, SCHEMA, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	f = fopen(w.path, "w");
	fputs("<identities>\n", f);
	for (unsigned i = 0; i < 10000; i++)
		fprintf(f, "<user name='u%u'>" SCRAM_256 "</user>\n", i);
	fputs("</identities>\n", f);
	fclose(f);
	start = clock_mono();
	while (identity_table_size(identity_store_table(s)) != 10000 &&
	    clock_mono() < start + 60000) {
		took = clock_mono();
		identity_store_look(s, &e);
		CU_ASSERT_EQUAL(e.code, 0);
		if (identity_table_size(identity_store_table(s)) == 2) {
			served++;
			took = clock_mono() - took;
			longest = took > longest ? took : longest;
		}
		usleep(1000);
	}
	CU_ASSERT_EQUAL(identity_table_size(identity_store_table(s)), 10000);
	CU_ASSERT(served > 10);
	CU_ASSERT(longest < (clock_mono() - start) / 2);
	identity_store_free(&s);
	end(&w);
}

static void
a_store_may_end_while_its_file_is_read(void)
{
	struct err e = ERR_INIT;
	struct identity_store *s;
	struct world w;

	begin(&w, ALICE BOB);
	s = identity_store_new(w.path, SCHEMA, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	put(&w, BOB);
	identity_store_look(s, &e);
	identity_store_free(&s);
	CU_ASSERT_PTR_NULL(s);
	end(&w);
}

void
suite_lib_identity(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_password_has_the_keys_that_others_make_of_it),
	    TEST(keys_have_bounds),
	    TEST(names_that_are_nobodys_have_keys_that_stay_the_same),
	    TEST(who_does_not_exist_looks_like_most_who_do),
	    TEST(a_password_of_nobody_costs_as_much_as_most_do),
	    TEST(fake_salts_outlive_a_restart_and_changes_to_others),
	    TEST(only_the_password_is_the_password),
	    TEST(everybody_is_found_by_what_is_theirs),
	    TEST(nobody_speaks_for_more_than_the_table_says),
	    TEST(what_is_wrong_is_said_with_its_line),
	    TEST(a_changed_file_is_read_again_and_a_broken_one_is_not_taken),
	    TEST(a_big_file_is_read_while_the_old_table_serves),
	    TEST(a_store_may_end_while_its_file_is_read),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("lib_identity", tests);
}
