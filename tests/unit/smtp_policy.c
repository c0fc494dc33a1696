#include "smtp/policy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/tls_files.h"
#include "tests/unit/unit.h"

struct world {
	struct tls_files files;
	char table[96], conf[96];
	struct arena *arena;
	struct smtp_policies *p;
	const struct smtp_policy *is; /* of 127.0.0.1:25 */
	struct err e;
	int rc;
};

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

/* One listener with these attributes and elements. */
static void
begin(struct world *w, const char *attrs, const char *inside)
{
	static const struct smtp_server_params params =
	    SMTP_SERVER_PARAMS_DEFAULT;
	const struct conf_node *root;

	*w = (struct world){.e = ERR_INIT};
	tls_files_make(&w->files);
	w->arena = arena_new();
	snprintf(w->table, sizeof(w->table), "%s/users.xml", w->files.dir);
	snprintf(w->conf, sizeof(w->conf), "%s/isthmus.xml", w->files.dir);
	put(w->table, "<identities><user name='joe'/></identities>");
	put(w->conf,
	    arena_printf(w->arena,
		"<isthmus><mta name='a' hostname='a.example' country='de'"
		" admd=' ' postmaster='p@a.example'/>"
		"<spool directory='/nonexistent'/>"
		"<tls name='t' certificate='%s'/>"
		"<sasl name='s' identities='%s'/>"
		"<sasl name='open' identities='%s' plaintext='always'/>"
		"<smtpd><listen address='127.0.0.1:25' %s>%s</listen>"
		"<relay client='192.0.2.1'/><accept domain='a.example'/>"
		"</smtpd></isthmus>",
		tls_file(&w->files, "server"), w->table, w->table, attrs,
		inside));
	root =
	    conf_load(w->arena, w->conf, "conf/isthmus.rng", NULL, NULL, &w->e);
	if (root == NULL)
		printf("\n%s: %s\n", attrs, w->e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	w->rc = smtp_policies_read(
	    &w->p, w->arena, root, &params, "conf/identities.rng", &w->e);
	w->is = smtp_policy_of(w->p, "127.0.0.1:25");
}

static void
end(struct world *w)
{
	smtp_policies_free(&w->p);
	unlink(w->table);
	unlink(w->conf);
	arena_free(&w->arena);
	tls_files_remove(&w->files);
}

/* What a policy is, a letter each: Lmtp, submission (A: adds fields), Starttls,
 * TLS Required, Implicit TLS, auth (K: known only), relay for Clients and for
 * Users, Own senders, passwords in Plain sight. */
static const char *
letters(const struct smtp_policy *p, char out[16])
{
	const struct {
		bool is;
		char letter;
	} all[] = {{p->params.lmtp, 'L'}, {p->submission, 'A'},
	    {p->params.starttls, 'S'}, {p->params.tls_required, 'R'},
	    {p->implicit_tls && p->params.tls_from_start, 'I'},
	    {p->params.auth_required, 'K'}, {p->relay_clients, 'C'},
	    {p->relay_authenticated, 'U'}, {p->own_senders, 'O'},
	    {smtp_policy_shows_passwords(p), 'P'}};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].is)
			out[n++] = all[i].letter;
	out[n] = '\0';
	return out;
}

static void
a_listener_is_what_its_attributes_say(void)
{
	static const struct {
		const char *attrs, *is;
	} rows[] = {
	    {"", "CU"},
	    {"tls='t'", "SCU"},
	    {"tls='t' tls-mode='offered'", "SCU"},
	    {"tls='t' tls-mode='required'", "SRCU"},
	    {"tls='t' tls-mode='implicit'", "ICU"},
	    {"sasl='s'", "CU"},
	    {"sasl='s' auth='required'", "KCU"},
	    {"sasl='open'", "CUP"},
	    {"sasl='open' tls='t'", "SCUP"},
	    {"sasl='open' tls='t' tls-mode='required'", "SRCU"},
	    {"sasl='open' tls='t' tls-mode='implicit'", "ICU"},
	    {"relay='none'", ""},
	    {"relay='clients'", "C"},
	    {"relay='authenticated'", "U"},
	    {"relay='all'", "CU"},
	    {"senders='own'", "CUO"},
	    {"protocol='lmtp'", "LCU"},
	    {"protocol='submission' sasl='s'", "AKUO"},
	    {"protocol='submission' auth='optional' relay='clients'"
	     " senders='any'",
		"AC"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		char got[16];

		begin(&w, rows[i].attrs, "");
		CU_ASSERT_EQUAL(w.rc, 0);
		if (w.rc == 0) {
			CU_ASSERT_STRING_EQUAL(letters(w.is, got), rows[i].is);
			CU_ASSERT_EQUAL(w.is->tls != NULL,
			    strstr(rows[i].attrs, "tls='t'") != NULL);
			CU_ASSERT_EQUAL(w.is->sasl != NULL,
			    strstr(rows[i].attrs, "sasl=") != NULL);
			CU_ASSERT_EQUAL(
			    smtp_policies_have_sasl(w.p), w.is->sasl != NULL);
		}
		CU_ASSERT_PTR_NULL(smtp_policy_of(w.p, "127.0.0.1:26"));
		end(&w);
	}
}

static void
what_a_listener_cannot_be_is_said(void)
{
	static const struct {
		const char *attrs, *text;
	} rows[] = {
	    {"tls-mode='required'", "tls-mode: there is no tls"},
	    {"tls='x'", "there is no <tls name=\"x\">"},
	    {"sasl='x'", "there is no <sasl name=\"x\">"},
	    {"auth='required'", "sasl: auth is required"},
	    {"protocol='submission'", "sasl: auth is required"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;

		begin(&w, rows[i].attrs, "");
		CU_ASSERT_EQUAL(w.rc, ERR_CONFIG);
		CU_ASSERT_PTR_NOT_NULL(strstr(w.e.text, rows[i].text));
		if (strstr(w.e.text, rows[i].text) == NULL)
			printf("\nrow %zu: %s\n", i, w.e.text);
		end(&w);
	}
}

static void
tables_of_its_own_are_in_place_of_those_of_all(void)
{
	static const struct {
		const char *inside;
		bool a, b, one, two;
	} rows[] = {
	    {"", true, false, true, false},
	    {"<accept domain='b.example'/>", false, true, false, false},
	    {"<relay client='192.0.2.2'/>", false, false, false, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;

		begin(&w, "", rows[i].inside);
		CU_ASSERT_EQUAL_FATAL(w.rc, 0);
		CU_ASSERT_EQUAL(
		    smtp_access_domain(w.is->access, "a.example"), rows[i].a);
		CU_ASSERT_EQUAL(
		    smtp_access_domain(w.is->access, "b.example"), rows[i].b);
		CU_ASSERT_EQUAL(smtp_access_network(w.is->access, "192.0.2.1"),
		    rows[i].one);
		CU_ASSERT_EQUAL(smtp_access_network(w.is->access, "192.0.2.2"),
		    rows[i].two);
		end(&w);
	}
}

/* As smtpd's timer does. */
static void
changed_identities_are_taken_up(void)
{
	struct world w;

	begin(&w, "sasl='s'", "");
	CU_ASSERT_EQUAL_FATAL(w.rc, 0);
	put(w.table,
	    "<identities><user name='joe'/><user name='jim'/></identities>");
	for (unsigned i = 0; i < 500; i++) {
		smtp_policies_look(w.p);
		if (identity_table_size(sasl_service_identities(w.is->sasl)) ==
		    2)
			break;
		usleep(2000);
	}
	CU_ASSERT_EQUAL(
	    identity_table_size(sasl_service_identities(w.is->sasl)), 2);
	end(&w);
}

void
suite_smtp_policy(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_listener_is_what_its_attributes_say),
	    TEST(what_a_listener_cannot_be_is_said),
	    TEST(tables_of_its_own_are_in_place_of_those_of_all),
	    TEST(changed_identities_are_taken_up),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("smtp_policy", tests);
}
