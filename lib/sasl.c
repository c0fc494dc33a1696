/*
 * The service: its element, and the start of Cyrus, which is one for the whole
 * process.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "lib/sasl_int.h"
#include "lib/tls.h"

#define MECHANISMS                                             \
	"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS GSSAPI EXTERNAL " \
	"SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"

/* --- the library --- */

/* Cyrus has one state for the whole process, so this is ours: what it was
 * started with. The options that plug-ins read at any time are a copy, for they
 * outlive the service that they came with. */
static struct {
	pthread_mutex_t lock;
	bool server, client, mutexes;
	struct arena *arena;
	struct sasl_service options;
	sasl_callback_t callbacks[4];
} library = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *
mutex_new(void)
{
	pthread_mutex_t *m = xcalloc(1, sizeof(*m));

	pthread_mutex_init(m, NULL);
	return m;
}

static int
mutex_lock(void *m)
{
	return pthread_mutex_lock(m) == 0 ? SASL_OK : SASL_FAIL;
}

static int
mutex_unlock(void *m)
{
	return pthread_mutex_unlock(m) == 0 ? SASL_OK : SASL_FAIL;
}

static void
mutex_free(void *m)
{
	pthread_mutex_destroy(m);
	free(m);
}

/* Its messages: what an exchange failed of, we take from sasl_errdetail(). */
static int
drop_log(void *context, int level, const char *text)
{
	(void)context;
	if (level != SASL_LOG_PASS)
		log_text(LOG_LEVEL_DEBUG, "sasl", "%s", text);
	return SASL_OK;
}

/* Its plug-ins may be anywhere; its configuration files are nowhere. */
static int
no_path(void *context, char **path)
{
	(void)context;
	*path = NULL;
	return SASL_FAIL;
}

static void
fill_callbacks(void)
{
	library.callbacks[0] =
	    (sasl_callback_t){SASL_CB_LOG, SASL_CALLBACK_FN(drop_log), NULL};
	library.callbacks[1] = (sasl_callback_t){SASL_CB_GETOPT,
	    SASL_CALLBACK_FN(sasl_get_option), &library.options};
	library.callbacks[2] = (sasl_callback_t){
	    SASL_CB_GETCONFPATH, SASL_CALLBACK_FN(no_path), NULL};
	library.callbacks[3] = (sasl_callback_t){SASL_CB_LIST_END, NULL, NULL};
}

static void
prepare_library(void)
{
	if (library.mutexes)
		return;
	library.mutexes = true;
	library.arena = arena_new();
	sasl_set_mutex(mutex_new, mutex_lock, mutex_unlock, mutex_free);
	fill_callbacks();
}

static int
start_error(int rc, const char *what, struct err *e)
{
	return err_set(e, "sasl", ERR_CONFIG, "Cyrus SASL, %s: %s", what,
	    sasl_errstring(rc, NULL, NULL));
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
keep_options(const struct sasl_service *s)
{
	struct sasl_service *o = &library.options;
	struct buf b = {0};

	conf_pack(s->node, &b);
	o->node = conf_unpack(library.arena, b.data, b.len, NULL);
	buf_free(&b);
	o->backend = s->backend;
	o->saslauthd = arena_strdup(library.arena, s->saslauthd);
	o->keytab =
	    s->keytab != NULL ? arena_strdup(library.arena, s->keytab) : NULL;
}

int
sasl_library_start_server(struct sasl_service *s, struct err *e)
{
	int rc = SASL_OK;

	pthread_mutex_lock(&library.lock);
	prepare_library();
	if (library.server) {
		pthread_mutex_unlock(&library.lock);
		if (s->keytab == NULL ||
		    same_text(library.options.keytab, s->keytab))
			return 0;
		return conf_error(s->node, e,
		    "keytab: a process has one, which its first <sasl> names");
	}
	keep_options(s);
	rc = sasl_server_init(library.callbacks, NULL);
	if (rc == SASL_OK)
		rc = sasl_library_add_auxprop();
	library.server = rc == SASL_OK;
	pthread_mutex_unlock(&library.lock);
	return rc == SASL_OK ? 0 : start_error(rc, "server", e);
}

int
sasl_library_start_client(struct err *e)
{
	int rc = SASL_OK;

	pthread_mutex_lock(&library.lock);
	prepare_library();
	if (!library.client)
		rc = sasl_client_init(library.callbacks);
	library.client = rc == SASL_OK;
	pthread_mutex_unlock(&library.lock);
	return rc == SASL_OK ? 0 : start_error(rc, "client", e);
}

/* The built-in EXTERNAL is not in Cyrus' own list. */
bool
sasl_library_has(const char *mechanism)
{
	const char **v = sasl_global_listmech();

	if (strcasecmp(mechanism, "EXTERNAL") == 0)
		return true;
	for (; v != NULL && *v != NULL; v++)
		if (strcasecmp(*v, mechanism) == 0)
			return true;
	return false;
}

/* --- lists of words --- */

size_t
sasl_next_word(const char **list, const char **word)
{
	size_t n;

	*word = *list + strspn(*list, " ");
	n = strcspn(*word, " ");
	*list = *word + n;
	return n;
}

bool
sasl_word_is(const char *word, size_t n, const char *name)
{
	return strlen(name) == n && strncasecmp(word, name, n) == 0;
}

/* --- TLS --- */

int
sasl_lend_tls(
    sasl_conn_t *conn, const struct tls_peer *tls, struct sasl_binding *binding)
{
	sasl_ssf_t strength = tls->bits;
	int rc = sasl_setprop(conn, SASL_SSF_EXTERNAL, &strength);

	if (rc != SASL_OK || tls->binding_n == 0)
		return rc;
	INVARIANT(tls->binding_n <= sizeof(binding->data));
	memcpy(binding->data, tls->binding_data, tls->binding_n);
	binding->cb = (sasl_channel_binding_t){
	    .name = tls->binding,
	    .len = tls->binding_n,
	    .data = binding->data,
	};
	return sasl_setprop(conn, SASL_CHANNEL_BINDING, &binding->cb);
}

/* --- the element --- */

static int
read_backend(struct sasl_service *s, struct err *e)
{
	static const char *const names[] = {
	    [SASL_BACKEND_IDENTITIES] = "identities",
	    [SASL_BACKEND_SASLAUTHD] = "saslauthd",
	    [SASL_BACKEND_CYRUS] = "cyrus",
	};
	const char *text = conf_str(s->node, "backend", "identities");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			s->backend = (enum sasl_backend)i;
			return 0;
		}
	return conf_error(s->node, e,
	    "backend: \"%.40s\" is none of identities, saslauthd, cyrus", text);
}

static int
read_plaintext(struct sasl_service *s, struct err *e)
{
	const char *text = conf_str(s->node, "plaintext", "tls");

	s->plaintext = strcmp(text, "always") == 0;
	if (s->plaintext || strcmp(text, "tls") == 0)
		return 0;
	return conf_error(
	    s->node, e, "plaintext: \"%.40s\" is neither tls nor always", text);
}

static bool
is_scram(const char *word, size_t n)
{
	return n > 6 && strncasecmp(word, "SCRAM-", 6) == 0;
}

static size_t
base_length(const char *word, size_t n)
{
	return n > 5 && strncasecmp(word + n - 5, "-PLUS", 5) == 0 ? n - 5 : n;
}

/* What this back end can never do is a mistake, not a thing to be silent of. */
static int
check_mechanism(
    struct sasl_service *s, const char *word, size_t n, struct err *e)
{
	bool digest = sasl_word_is(word, n, "DIGEST-MD5") ||
	    sasl_word_is(word, n, "CRAM-MD5");
	char name[SASL_MECHANISM_MAX + 1];

	if (n > SASL_MECHANISM_MAX || sasl_word_is(word, n, "ANONYMOUS"))
		return conf_error(s->node, e,
		    "mechanisms: \"%.*s\" is none that may be used",
		    (int)(n > 40 ? 40 : n), word);
	if ((digest && s->backend != SASL_BACKEND_CYRUS) ||
	    (is_scram(word, n) && s->backend == SASL_BACKEND_SASLAUTHD))
		return conf_error(s->node, e,
		    "mechanisms: the backend has not what %.*s needs", (int)n,
		    word);
	if (is_scram(word, n) && s->backend == SASL_BACKEND_IDENTITIES &&
	    !sasl_word_is(word, base_length(word, n), "SCRAM-SHA-1") &&
	    !sasl_word_is(word, base_length(word, n), "SCRAM-SHA-256"))
		return conf_error(s->node, e,
		    "mechanisms: no identity has keys for %.*s", (int)n, word);
	memcpy(name, word, base_length(word, n));
	name[base_length(word, n)] = '\0';
	if (!sasl_library_has(name))
		return conf_error(s->node, e,
		    "mechanisms: Cyrus SASL has no plug-in for %s here", name);
	return 0;
}

static int
read_mechanisms(struct sasl_service *s, struct err *e)
{
	const char *list = conf_str(s->node, "mechanisms", NULL), *word;
	size_t n;

	s->mechanisms = list != NULL ? list : MECHANISMS;
	if (strlen(s->mechanisms) >= SASL_LIST_MAX)
		return conf_error(s->node, e, "mechanisms: too many");
	while (list != NULL && (n = sasl_next_word(&list, &word)) > 0)
		if (check_mechanism(s, word, n, e) < 0)
			return ERR_CONFIG;
	return 0;
}

static int
read_identities(struct sasl_service *s, const char *schema, struct err *e)
{
	const char *path = conf_str(s->node, "identities", NULL);
	struct err why = ERR_INIT;

	if (path == NULL && s->backend == SASL_BACKEND_IDENTITIES)
		return conf_error(s->node, e, "identities: which file?");
	if (path == NULL)
		return 0;
	s->identities = identity_store_new(path, schema, &why);
	return s->identities != NULL
	    ? 0
	    : conf_error(s->node, e, "identities: %s", why.text);
}

static int
read_element(struct sasl_service *s, const char *schema, struct err *e)
{
	s->realm = conf_str(s->node, "realm", "");
	s->keytab = conf_str(s->node, "keytab", NULL);
	s->saslauthd = conf_str(s->node, "saslauthd", "/var/run/saslauthd/mux");
	if (read_backend(s, e) < 0 || read_plaintext(s, e) < 0 ||
	    sasl_library_start_server(s, e) < 0 || read_mechanisms(s, e) < 0)
		return ERR_CONFIG;
	return read_identities(s, schema, e);
}

struct sasl_service *
sasl_service_new(
    const struct conf_node *n, const char *identity_schema, struct err *e)
{
	struct sasl_service *s = xcalloc(1, sizeof(*s));

	s->node = n;
	if (read_element(s, identity_schema, e) < 0)
		sasl_service_free(&s);
	return s;
}

struct sasl_service *
sasl_service_named(const struct conf_node *root, const char *name,
    const char *identity_schema, struct err *e)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(root, "sasl", n)) != NULL)
		if (strcmp(conf_str(n, "name", ""), name) == 0)
			return sasl_service_new(n, identity_schema, e);
	err_set(
	    e, "sasl", ERR_CONFIG, "there is no <sasl name=\"%.100s\">", name);
	return NULL;
}

void
sasl_service_free(struct sasl_service **sp)
{
	struct sasl_service *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	identity_store_free(&s->identities);
	free(s);
}

bool
sasl_service_plaintext(const struct sasl_service *s)
{
	return s->plaintext;
}

struct identity_table *
sasl_service_identities(const struct sasl_service *s)
{
	return s->identities != NULL ? identity_store_table(s->identities)
				     : NULL;
}

void
sasl_service_look(struct sasl_service *s, struct err *e)
{
	err_clear(e);
	if (s->identities != NULL)
		identity_store_look(s->identities, e);
}
