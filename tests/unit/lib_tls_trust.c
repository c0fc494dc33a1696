/* Whom TLS trusts: authorities in between, and peers that come back with a
 * session instead of a certificate. */
#include <sys/socket.h>

#include "lib/log.h"
#include "lib/tls_int.h"
#include "tests/unit/tls_files.h"

/* --- both ends of a handshake, in this thread --- */

struct ends {
	int fd[2]; /* the link, the one of OpenSSL's own */
	struct tls_link *link;
	SSL *ssl;
	struct err err;
	bool done; /* both stand */
};

static void
shake(struct ends *n)
{
	enum tls_result r = TLS_WANT_READ;
	int other = 0;

	for (int i = 0; i < 20 && (r != TLS_DONE || other != 1); i++) {
		if (other != 1)
			other = SSL_do_handshake(n->ssl);
		if (r != TLS_DONE)
			r = tls_link_handshake(n->link, &n->err);
		if (r == TLS_FAILED)
			return;
	}
	n->done = r == TLS_DONE && other == 1;
}

/* The link is the server if `server`. `session` may be NULL. */
static void
ends_meet(struct ends *n, struct tls *t, bool server, const char *name,
    SSL_CTX *ctx, SSL_SESSION *session)
{
	*n = (struct ends){.err = ERR_INIT};
	CU_ASSERT_FATAL(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, n->fd) == 0);
	n->link = tls_link_new(t, server, name);
	tls_link_attach(n->link, n->fd[0]);
	n->ssl = SSL_new(ctx);
	SSL_set_fd(n->ssl, n->fd[1]);
	if (server)
		SSL_set_connect_state(n->ssl);
	else
		SSL_set_accept_state(n->ssl);
	if (session != NULL)
		CU_ASSERT(SSL_set_session(n->ssl, session) == 1);
	shake(n);
}

static void
ends_part(struct ends *n)
{
	tls_link_free(&n->link);
	SSL_free(n->ssl);
	close(n->fd[0]);
	close(n->fd[1]);
}

/* Which OpenSSL's own end has of the server, after its ticket came. */
static SSL_SESSION *
session_of(struct ends *n)
{
	size_t taken;
	char p[8];

	CU_ASSERT(tls_link_write(n->link, (const uint8_t *)"x", 1, &taken,
		      &n->err) == TLS_DONE);
	CU_ASSERT(SSL_read(n->ssl, p, sizeof(p)) == 1);
	SSL_shutdown(n->ssl);
	return SSL_get1_session(n->ssl);
}

static SSL_CTX *
own_context(struct tls_files *f, const char *certificate, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	const char *path = tls_file(f, certificate);

	CU_ASSERT_FATAL(SSL_CTX_use_certificate_chain_file(ctx, path) == 1 &&
	    SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1);
	SSL_CTX_set_max_proto_version(ctx, version);
	return ctx;
}

static struct tls *
settings(const struct tls_params *p)
{
	struct err e = ERR_INIT;
	struct tls *t = tls_new(p, &e);

	if (t == NULL)
		log_die("%s", e.text);
	return t;
}

/* --- the promises --- */

static void
who_must_prove_itself_does_so_each_time(void)
{
	static const struct {
		enum tls_verify verify;
		int version;
		bool resumes;
	} rows[] = {
	    {TLS_VERIFY_NONE, TLS1_2_VERSION, true},
	    {TLS_VERIFY_NONE, TLS1_3_VERSION, true},
	    {TLS_VERIFY_OPTIONAL, TLS1_2_VERSION, false},
	    {TLS_VERIFY_OPTIONAL, TLS1_3_VERSION, false},
	    {TLS_VERIFY_REQUIRED, TLS1_2_VERSION, false},
	    {TLS_VERIFY_REQUIRED, TLS1_3_VERSION, false},
	};
	struct tls_files f;

	tls_files_make(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls *t = settings(
		    &(struct tls_params){.certificate = tls_file(&f, "server"),
			.ca = tls_file(&f, "ca"),
			.verify = rows[i].verify});
		SSL_CTX *ctx = own_context(&f, "client", rows[i].version);
		struct ends first, again;
		SSL_SESSION *session;

		ends_meet(&first, t, true, NULL, ctx, NULL);
		CU_ASSERT_FATAL(first.done);
		CU_ASSERT(!SSL_session_reused(first.ssl));
		session = session_of(&first);
		ends_part(&first);
		ends_meet(&again, t, true, NULL, ctx, session);
		CU_ASSERT(again.done);
		CU_ASSERT_EQUAL(
		    SSL_session_reused(again.ssl) != 0, rows[i].resumes);
		CU_ASSERT_EQUAL(tls_link_peer(again.link)->verified,
		    rows[i].verify != TLS_VERIFY_NONE);
		ends_part(&again);
		/* nor does it get past a name that it does not carry */
		ends_meet(&again, t, true, "somebody else", ctx, session);
		CU_ASSERT_EQUAL(again.done, rows[i].verify == TLS_VERIFY_NONE);
		ends_part(&again);
		SSL_SESSION_free(session);
		SSL_CTX_free(ctx);
		tls_free(&t);
	}
	tls_files_remove(&f);
}

/* root - middle - leaf; leaf.pem has the chain, crl.pem the lists of both. */
static void
make_chain(struct tls_files *f, long revoked_by_root, long revoked_by_middle)
{
	struct tls_test_ca root, middle, leaf;
	FILE *out;

	*f = (struct tls_files){.dir = "/tmp/isthmus-tls-XXXXXX"};
	f->paths = arena_new();
	CU_ASSERT_FATAL(mkdtemp(f->dir) != NULL);
	root = tls_files_issue(f, "ca", "Root", NULL, 1, 10, NULL);
	middle = tls_files_issue(f, "other-ca", "Middle", NULL, 2, 10, &root);
	tls_files_extend(
	    middle.cert, root.cert, NID_basic_constraints, "critical,CA:TRUE");
	CU_ASSERT_FATAL(X509_sign(middle.cert, root.key, EVP_sha256()) > 0);
	leaf = tls_files_issue(f, "server", "Leaf", NULL, 3, 10, &middle);
	out = fopen(tls_file(f, "server"), "a");
	CU_ASSERT_FATAL(out != NULL);
	PEM_write_X509(out, middle.cert);
	fclose(out);
	tls_files_revoke(f, &root, revoked_by_root);
	if (revoked_by_middle > 0)
		tls_files_revoke(f, &middle, revoked_by_middle);
	tls_files_forget(&root);
	tls_files_forget(&middle);
	tls_files_forget(&leaf);
}

static void
every_authority_on_the_way_up_may_be_revoked(void)
{
	static const struct {
		long by_root, by_middle;
		const char *why; /* NULL: good */
	} rows[] = {
	    {99, 99, NULL},
	    {99, 3, "\"CN=Leaf\" (depth 0): certificate revoked"},
	    {2, 99, "\"CN=Middle\" (depth 1): certificate revoked"},
	    {99, 0, "unable to get certificate CRL"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_files f;
		struct ends n;
		struct tls *t;
		SSL_CTX *ctx;

		make_chain(&f, rows[i].by_root, rows[i].by_middle);
		t = settings(&(struct tls_params){.ca = tls_file(&f, "ca"),
		    .crl = tls_file(&f, "crl"),
		    .verify = TLS_VERIFY_REQUIRED});
		ctx = own_context(&f, "server", TLS1_3_VERSION);
		ends_meet(&n, t, false, NULL, ctx, NULL);
		CU_ASSERT_EQUAL(n.done, rows[i].why == NULL);
		CU_ASSERT(rows[i].why == NULL ||
		    strstr(n.err.text, rows[i].why) != NULL);
		ends_part(&n);
		SSL_CTX_free(ctx);
		tls_free(&t);
		tls_files_remove(&f);
	}
}

void
suite_lib_tls_trust(void)
{
	static CU_TestInfo tests[] = {
	    TEST(who_must_prove_itself_does_so_each_time),
	    TEST(every_authority_on_the_way_up_may_be_revoked),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_tls_trust", tests);
}
