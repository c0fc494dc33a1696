/*
 * SASL's steps beside the loop, against a saslauthd that takes connections and
 * says nothing.
 */
#include "smtp/smtpd_auth.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* For LeakSanitizer: a step that hangs for ever is cancelled at the end, and what
 * Cyrus' plug-in had in its hands then, the copy of a password, stays. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libplain.so\n";
}

#define LIMIT 150
#define EXCHANGES 12

struct world {
	char path[64], address[80];
	struct conf_attr attrs[4];
	struct conf_node node;
	struct sasl_service *s;
	struct loop *loop;
	struct smtpd_auth_pool *pool;
	int deaf; /* saslauthd's socket */
	unsigned wanted, done;
	enum sasl_result results[2 * EXCHANGES];
	bool hung[2 * EXCHANGES], keep;
	struct smtpd_auth *kept;
};

static void
on_done(void *arg, struct smtpd_auth *a, enum sasl_result r,
    const struct octets *challenge, const struct err *e)
{
	struct world *w = arg;

	(void)challenge;
	(void)e;
	w->hung[w->done] = smtpd_auth_exchange(a) == NULL;
	w->results[w->done++] = r;
	if (w->keep)
		w->kept = a;
	else
		smtpd_auth_free(&a);
	if (w->done == w->wanted)
		loop_stop(w->loop);
}

static void
begin(struct world *w)
{
	struct err e = ERR_INIT;

	*w = (struct world){.path = "/tmp/isthmus-auth-XXXXXX"};
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(w->path));
	strncat(w->path, "/mux", sizeof(w->path) - strlen(w->path) - 1);
	snprintf(w->address, sizeof(w->address), "unix:%s", w->path);
	w->deaf = net_listen(w->address, &e);
	CU_ASSERT_FATAL(w->deaf >= 0);
	w->attrs[0] = (struct conf_attr){"backend", "saslauthd"};
	w->attrs[1] = (struct conf_attr){"saslauthd", w->path};
	w->attrs[2] = (struct conf_attr){"plaintext", "always"};
	w->attrs[3] = (struct conf_attr){"mechanisms", "PLAIN"};
	w->node = (struct conf_node){.name = "sasl",
	    .text = "",
	    .file = "t",
	    .line = 1,
	    .attrs = w->attrs,
	    .n_attrs = 4};
	w->s = sasl_service_new(&w->node, "conf/identities.rng", &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->s);
	w->loop = loop_new();
	w->pool = smtpd_auth_pool_new(w->loop, LIMIT, on_done);
}

static void
end(struct world *w)
{
	CU_ASSERT(smtpd_auth_pool_free(&w->pool));
	sasl_service_free(&w->s);
	if (w->deaf >= 0)
		close(w->deaf);
	unlink(w->path);
	*strrchr(w->path, '/') = '\0';
	rmdir(w->path);
	loop_free(&w->loop);
}

static struct smtpd_auth *
prove(struct world *w)
{
	static const uint8_t plain[] = "\0joe\0secret";
	static const struct sasl_link link = {"smtp", "a.example", NULL};
	struct err e = ERR_INIT;
	struct sasl_exchange *x = sasl_exchange_new(w->s, &link, &e);

	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	return smtpd_auth_start(
	    w->pool, x, "PLAIN", plain, sizeof(plain) - 1, w);
}

static void
a_back_end_that_says_nothing_is_given_up(void)
{
	struct world w;
	msec_t start, took;

	begin(&w);
	w.wanted = EXCHANGES;
	start = clock_mono();
	for (unsigned i = 0; i < EXCHANGES; i++)
		prove(&w);
	loop_run(w.loop);
	took = clock_mono() - start;
	CU_ASSERT_EQUAL(w.done, EXCHANGES);
	CU_ASSERT(took >= LIMIT);
	CU_ASSERT(took < 20 * LIMIT);
	for (unsigned i = 0; i < EXCHANGES; i++) {
		CU_ASSERT_EQUAL(w.results[i], SASL_RESULT_TEMPORARY);
		/* threads had the first four; what waited is free again */
		CU_ASSERT(i >= 4 || w.hung[i]);
	}
	/* it comes back, as one that refuses: others have threads meanwhile */
	close(w.deaf);
	unlink(w.path);
	w.deaf = -1;
	w.wanted = EXCHANGES + 1;
	smtpd_auth_pool_limit(w.pool, 20000);
	prove(&w);
	loop_run(w.loop);
	CU_ASSERT_EQUAL(w.done, EXCHANGES + 1);
	CU_ASSERT_FALSE(w.hung[EXCHANGES]);
	end(&w);
}

static void
threads_that_hang_have_others_in_their_place(void)
{
	struct world w;

	begin(&w);
	for (unsigned n = 4; n <= 12; n += 4) {
		w.wanted = n;
		for (unsigned i = 0; i < 4; i++)
			prove(&w);
		loop_run(w.loop);
	}
	CU_ASSERT_EQUAL(w.done, 12);
	/* each found a thread of its own */
	for (unsigned i = 0; i < 12; i++)
		CU_ASSERT(w.hung[i]);
	close(w.deaf);
	w.deaf = -1;
	end(&w);
}

static void
the_end_does_not_wait_for_a_back_end(void)
{
	struct world w;
	struct smtpd_auth *a;
	msec_t start;

	begin(&w);
	w.wanted = 1;
	prove(&w);
	loop_run(w.loop);
	/* and one whose client went */
	a = prove(&w);
	smtpd_auth_free(&a);
	CU_ASSERT_PTR_NULL(a);
	start = clock_mono();
	end(&w);
	CU_ASSERT(clock_mono() - start < 8000);
	CU_ASSERT_EQUAL(w.done, 1);
}

void
suite_smtp_smtpd_auth(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_back_end_that_says_nothing_is_given_up),
	    TEST(threads_that_hang_have_others_in_their_place),
	    TEST(the_end_does_not_wait_for_a_back_end),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("smtp_smtpd_auth", tests);
}
