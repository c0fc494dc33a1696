/*
 * isthmus check: is a configuration right? XML, schema, then sense, by the
 * same functions that the daemons read it with.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "lib/loop.h"
#include "lib/paths.h"
#include "lib/tls.h"
#include "mixer/mixer.h"
#include "ops/cmd.h"
#include "osi/osi.h"
#include "p1/label.h"
#include "p1/strong.h"
#include "p1/x400p1.h"
#include "qmgr/config.h"
#include "smtp/channel.h"
#include "smtp/policy.h"

struct check {
	struct arena *a;
	const char *path;
	unsigned complaints;
};

/* Each reads its room's part of a valid tree and complains of nonsense. */
typedef void check_fn(struct check *k, const struct conf_node *root);

static void
check_qmgr(struct check *k, const struct conf_node *root)
{
	struct q_config config = {0};
	struct err e = ERR_INIT;
	unsigned before = k->complaints;

	if (q_config_read(root, &config, cmd_complain, &k->complaints, &e) <
		0 &&
	    k->complaints == before)
		cmd_complain(&k->complaints, k->path, 0, e.text);
	q_config_free(&config);
}

static void
check_mixer(struct check *k, const struct conf_node *root)
{
	struct mixer_config config;
	struct err e = ERR_INIT;

	/* the text says file and line itself */
	if (mixer_config_read(k->a, root, &config, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		k->complaints++;
	}
}

/* It may be meant so, but it should be known. */
static void
warn_of_plaintext(struct check *k, const struct conf_node *root,
    const struct smtp_policies *p)
{
	const struct conf_node *smtpd = conf_child(root, "smtpd"), *n = NULL;

	while ((n = conf_next(smtpd, "listen", n)) != NULL) {
		const struct smtp_policy *x =
		    smtp_policy_of(p, conf_str(n, "address", ""));

		if (x != NULL && smtp_policy_shows_passwords(x))
			cmd_complain(NULL, n->file, n->line,
			    arena_printf(k->a,
				"warning: passwords cross the network in plain "
				"here: <sasl name=\"%s\"> has "
				"plaintext=\"always\", and TLS is not "
				"required",
				conf_str(n, "sasl", "")));
	}
}

/* The listeners' policies, as smtpd reads them: networks, keys, mechanisms,
 * identities. */
static void
check_smtpd(struct check *k, const struct conf_node *root)
{
	struct smtp_server_params params = SMTP_SERVER_PARAMS_DEFAULT;
	struct smtp_policies *p = NULL;
	struct err e = ERR_INIT;

	if (conf_child(root, "smtpd") != NULL &&
	    smtp_policies_read(
		&p, k->a, root, &params, paths_identity_schema(k->a), &e) < 0) {
		/* the text says file and line itself */
		fprintf(stderr, "%s\n", e.text);
		k->complaints++;
	} else if (conf_child(root, "smtpd") != NULL)
		warn_of_plaintext(k, root, p);
	smtp_policies_free(&p);
}

static void
complain_of(struct check *k, const struct conf_node *n, const char *attr,
    const char *why)
{
	cmd_complain(&k->complaints, n->file, n->line,
	    arena_printf(k->a, "<%s> %s: %s", n->name, attr, why));
}

/* Addresses and selectors, wherever they stand. */
static void
check_texts(struct check *k, const struct conf_node *n)
{
	static const char *const selectors[] = {"tsel", "ssel", "psel"};
	const char *address = conf_str(n, "address", NULL), *text;
	struct osi_sel sel;
	struct err e = ERR_INIT;

	if (address != NULL && net_check(address, &e) < 0)
		complain_of(k, n, "address", e.text);
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		text = conf_str(n, selectors[i], NULL);
		if (text != NULL && osi_sel_parse(text, &sel, &e) < 0)
			complain_of(k, n, selectors[i], e.text);
	}
	for (size_t i = 0; i < n->n_children; i++)
		check_texts(k, n->children[i]);
}

/* Every <listen> in the order of the file. */
static void
collect_listens(struct arena *a, const struct conf_node *n,
    const struct conf_node ***v, size_t *count)
{
	if (strcmp(n->name, "listen") == 0)
		*(const struct conf_node **)arena_push(
		    a, v, count, sizeof(**v)) = n;
	for (size_t i = 0; i < n->n_children; i++)
		collect_listens(a, n->children[i], v, count);
}

static void
check_listens(struct check *k, const struct conf_node *root)
{
	const struct conf_node **v = NULL;
	size_t n = 0;

	collect_listens(k->a, root, &v, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(conf_str(v[i], "address", ""),
				conf_str(v[j], "address", "")) == 0)
				complain_of(k, v[i], "address",
				    "another <listen> has it already");
}

/* --- TLS --- */

static const struct conf_node *
find_child(const struct conf_node *n, const char *element, const char *attr,
    const char *value)
{
	const struct conf_node *c = NULL;

	while ((c = conf_next(n, element, c)) != NULL)
		if (strcmp(conf_str(c, attr, ""), value) == 0)
			return c;
	return NULL;
}

static void
check_key(struct check *k, const struct conf_node *n)
{
	const char *key = conf_str(n, "key", conf_str(n, "certificate", NULL));
	struct stat st;

	if (key != NULL && stat(key, &st) == 0 && (st.st_mode & S_IRWXO) != 0)
		complain_of(k, n, "key", "anybody on this machine may read it");
}

/* Its files are read as the daemons read them. */
static void
check_tls_files(struct check *k, const struct conf_node *n)
{
	struct err e = ERR_INIT;
	struct tls *t = tls_from_conf(n, &e);

	if (t == NULL) {
		/* the text says file and line itself */
		fprintf(stderr, "%s\n", e.text);
		k->complaints++;
	}
	tls_free(&t);
	check_key(k, n);
}

/* An <iaed> listener hands what it accepts, unread, to a channel, which must
 * have services to be called by. */
static void
check_tls_listen(struct check *k, const struct conf_node *iaed,
    const struct conf_node *listen, const struct conf_node *tls)
{
	const char *channel = conf_str(listen, "channel", NULL);

	if (conf_str(tls, "certificate", NULL) == NULL)
		complain_of(k, listen, "tls", "it has no certificate");
	if (strcmp(iaed->name, "iaed") == 0 &&
	    (channel == NULL ||
		find_child(iaed, "service", "channel", channel) == NULL))
		complain_of(
		    k, listen, "channel", "no <service> names this channel");
}

static void
check_tls_names(struct check *k, const struct conf_node *root,
    const struct conf_node *parent, const struct conf_node *n)
{
	const char *name = conf_str(n, "tls", NULL);
	const struct conf_node *tls =
	    name != NULL ? find_child(root, "tls", "name", name) : NULL;

	if (name != NULL && tls == NULL)
		complain_of(k, n, "tls",
		    arena_printf(k->a, "there is no <tls name=\"%s\">", name));
	if (tls != NULL && strcmp(n->name, "listen") == 0)
		check_tls_listen(k, parent, n, tls);
	for (size_t i = 0; i < n->n_children; i++)
		check_tls_names(k, root, n, n->children[i]);
}

static void
check_tls(struct check *k, const struct conf_node *root)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(root, "tls", n)) != NULL) {
		check_tls_files(k, n);
		if (find_child(root, "tls", "name", conf_str(n, "name", "")) !=
		    n)
			complain_of(k, n, "name", "another <tls> has it");
	}
	check_tls_names(k, root, root, root);
}

/* --- channels and peers --- */

static void
complain_at(void *arg, const struct conf_node *n, const char *text)
{
	struct check *k = arg;

	cmd_complain(&k->complaints, n->file, n->line, text);
}

static const char *
program_of(const struct conf_node *channel)
{
	return conf_str(channel, "program", conf_str(channel, "name", ""));
}

/* Which programs look at which attributes of their peers: mail would go
 * without what they do not look at. */
static void
check_peer_attributes(
    struct check *k, const struct conf_node *peer, const char *program)
{
	static const char *const of_x400p1[] = {"tsel", "ssel", "psel", "mta",
	    "our-mta", "our-password", "dialogue", "checkpoint-size",
	    "window-size", "protocol", "content", "extension-dialect",
	    "lenient", "recovery", "permanent", "max-incoming",
	    "reserve-urgent", "reserve-normal", "from", "calling-tsel",
	    "calling-ssel", "calling-psel", "security", "security-subject",
	    "our-tsel", "our-ssel", "our-psel"};
	static const char *const of_smtp[] = {
	    "tls-policy", "user", "mechanisms", "plaintext"};
	static const char *const of_both[] = {"password", "tls", "tls-name"};
	static const char *const of_mx[] = {"mx", "host", "port"};
	bool x = strcmp(program, "x400p1") == 0;
	bool smtp = strcmp(program, "smtp") == 0;
	bool lmtp = strcmp(program, "lmtp") == 0;
	const struct {
		const char *const *v;
		size_t n;
		bool known;
	} rows[] = {
	    {of_x400p1, sizeof(of_x400p1) / sizeof(*of_x400p1), x},
	    {of_smtp, sizeof(of_smtp) / sizeof(*of_smtp), smtp || lmtp},
	    {of_both, sizeof(of_both) / sizeof(*of_both), x || smtp || lmtp},
	    {of_mx, sizeof(of_mx) / sizeof(*of_mx), smtp},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t a = 0; !rows[i].known && a < rows[i].n; a++)
			if (conf_str(peer, rows[i].v[a], NULL) != NULL)
				complain_of(k, peer, rows[i].v[a],
				    arena_printf(k->a,
					"the channel's program, %s, does not "
					"know it",
					program));
}

static void
check_peers(struct check *k, const struct conf_node *root)
{
	const struct conf_node *n = NULL, *channel;

	while ((n = conf_next(root, "peer", n)) != NULL) {
		channel = find_child(
		    root, "channel", "name", conf_str(n, "channel", ""));
		if (channel != NULL)
			check_peer_attributes(k, n, program_of(channel));
	}
}

static void
check_channels(struct check *k, const struct conf_node *root)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(root, "channel", n)) != NULL) {
		bool lmtp = strcmp(program_of(n), "lmtp") == 0;
		struct err e = ERR_INIT;

		if (strcmp(program_of(n), "x400p1") == 0)
			x_conf_check(root, n, complain_at, k);
		if ((lmtp || strcmp(program_of(n), "smtp") == 0) &&
		    smtp_channel_conf_check(root, n, lmtp, &e) < 0) {
			/* the text says file and line itself */
			fprintf(stderr, "%s\n", e.text);
			k->complaints++;
		}
	}
}

/* Its files are read as x400p1 reads them. */
static void
check_security(struct check *k, const struct conf_node *root)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(root, "security", n)) != NULL) {
		const char *labels = conf_str(n, "labels", NULL);
		struct err e = ERR_INIT;
		struct p1_strong *s = p1_strong_from_conf(n, &e);

		if (s == NULL)
			cmd_complain(&k->complaints, n->file, n->line, e.text);
		p1_strong_free(&s);
		if (labels != NULL && p1_labels_parse(k->a, labels, &e) == NULL)
			complain_of(k, n, "labels", e.text);
		check_key(k, n);
		if (find_child(
			root, "security", "name", conf_str(n, "name", "")) != n)
			complain_of(k, n, "name", "another <security> has it");
	}
}

/* --- callers --- */

/* Does the one give this, or anything at all, where the other gives it? */
static bool
covers(const struct conf_node *one, const struct conf_node *other,
    const char *attr, const char *any)
{
	const char *x = conf_str(one, attr, any);

	return strcasecmp(x, any) == 0 ||
	    strcasecmp(x, conf_str(other, attr, any)) == 0;
}

/* Is whoever calls as the other always taken for the one? */
static bool
hides(const struct conf_node *one, const struct conf_node *other)
{
	static const char *const attrs[] = {
	    "from", "calling-tsel", "calling-ssel", "calling-psel", "tls"};

	if (strcmp(conf_str(one, "channel", ""),
		conf_str(other, "channel", "")) != 0 ||
	    strcasecmp(conf_str(one, "mta", ""), conf_str(other, "mta", "")) !=
		0 ||
	    strcmp(conf_str(one, "protocol", "1988"),
		conf_str(other, "protocol", "1988")) != 0 ||
	    strcmp(conf_str(one, "tls-name", ""),
		conf_str(other, "tls-name", "")) != 0)
		return false;
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if (!covers(one, other, attrs[i], ""))
			return false;
	if ((conf_str(one, "security", NULL) != NULL) !=
	    (conf_str(other, "security", NULL) != NULL))
		return false;
	return conf_str(one, "security", NULL) != NULL ||
	    conf_str(one, "password", NULL) == NULL ||
	    strcmp(conf_str(one, "password", ""),
		conf_str(other, "password", "")) == 0;
}

/* No fault: there are peers that are only called. */
static void
check_callers(struct check *k, const struct conf_node *root)
{
	const struct conf_node *n = NULL, *one;

	while ((n = conf_next(root, "peer", n)) != NULL)
		for (one = conf_child(root, "peer"); one != n;
		     one = conf_next(root, "peer", one))
			if (conf_str(n, "mta", NULL) != NULL && hides(one, n))
				cmd_complain(NULL, n->file, n->line,
				    arena_printf(k->a,
					"warning: when this peer calls, it "
					"cannot be told from \"%s\"",
					conf_str(one, "name", "")));
}

static check_fn *const checks[] = {check_qmgr, check_mixer, check_smtpd,
    check_texts, check_listens, check_tls, check_channels, check_peers,
    check_security, check_callers};

static void
check_file(struct check *k)
{
	struct err e = ERR_INIT;
	const struct conf_node *root;

	root = conf_load(k->a, k->path, paths_schema(k->a), cmd_complain,
	    &k->complaints, &e);
	if (root == NULL)
		return;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](k, root);
}

static int
check_main(const struct cmd *c, int argc, char **argv)
{
	const char *config = NULL;
	const struct cmd_option options[] = {{"config", 'c', &config, NULL}};
	struct check k = {0};
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options, 1, &rest, &n, &code))
		return code;
	if (n > 1 || (n == 1 && config != NULL))
		return cmd_usage(c, "one file at a time");
	k.a = arena_new();
	k.path = n == 1 ? rest[0] : config;
	if (k.path == NULL)
		k.path = paths_config(k.a);
	check_file(&k);
	if (k.complaints == 0)
		printf("%s: good\n", k.path);
	else
		fprintf(stderr, "%s: %u fault%s\n", k.path, k.complaints,
		    k.complaints == 1 ? "" : "s");
	code = k.complaints == 0 ? CMD_OK : CMD_FAILED;
	arena_free(&k.a);
	return code;
}

const struct cmd cmd_check = {
    .name = "check",
    .summary = "say what is wrong with a configuration, and where",
    .synopsis = "[[-c] FILE]",
    .help = "Reads the file and all that it includes, holds it against the\n"
	    "schema, and checks it for sense (a route to a peer that does not\n"
	    "exist). Each fault is a line FILE:LINE: what is wrong.\n\n"
	    "  -c, --config FILE  the configuration, isthmus.xml(5)\n",
    .main = check_main,
};
