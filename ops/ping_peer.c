#include "ops/ping_peer.h"

#include <string.h>

#include "p1/label.h"

static const struct conf_node *
find_peer(const struct conf_node *root, const char *name)
{
	const struct conf_node *n = conf_child(root, "peer");

	while (n != NULL && strcmp(conf_str(n, "name", ""), name) != 0)
		n = conf_next(root, "peer", n);
	return n;
}

static void
free_tls(void *arg)
{
	struct tls *t = arg;

	tls_free(&t);
}

static void
free_strong(void *arg)
{
	struct p1_strong *s = arg;

	p1_strong_free(&s);
}

static int
read_tls(struct arena *a, const struct conf_node *root,
    const struct conf_node *peer, struct ping_peer *out, struct err *e)
{
	const char *name = conf_str(peer, "tls", NULL);

	if (name == NULL)
		return 0;
	out->tls = tls_named(root, name, e);
	if (out->tls == NULL)
		return ERR_CONFIG;
	arena_on_free(a, free_tls, out->tls);
	return 0;
}

static int
read_security(struct arena *a, const struct conf_node *root,
    const struct conf_node *peer, struct ping_peer *out, struct err *e)
{
	const char *name = conf_str(peer, "security", NULL), *labels;
	const struct conf_node *n = NULL;
	struct err why = ERR_INIT;

	if (name == NULL)
		return 0;
	while ((n = conf_next(root, "security", n)) != NULL &&
	    strcmp(conf_str(n, "name", ""), name) != 0)
		;
	if (n == NULL)
		return conf_error(
		    peer, e, "security: there is no \"%s\"", name);
	out->strong = p1_strong_from_conf(n, e);
	if (out->strong == NULL)
		return ERR_CONFIG;
	arena_on_free(a, free_strong, out->strong);
	labels = conf_str(n, "labels", NULL);
	if (labels != NULL)
		out->labels = p1_labels_parse(a, labels, &why);
	if (labels != NULL && out->labels == NULL)
		return conf_error(n, e, "labels: %s", why.text);
	return 0;
}

/* The first service of the peer's channel is what the channel calls from. */
static const char *
find_calling(const struct conf_node *root, const struct conf_node *peer)
{
	const struct conf_node *iaed = conf_child(root, "iaed"), *n = NULL;
	const char *channel = conf_str(peer, "channel", "");

	while (iaed != NULL && (n = conf_next(iaed, "service", n)) != NULL)
		if (strcmp(conf_str(n, "channel", ""), channel) == 0)
			return conf_str(n, "tsel", NULL);
	return NULL;
}

int
ping_peer_config(struct arena *a, const struct conf_node *root,
    const char *name, struct ping_peer *out, struct err *e)
{
	const struct conf_node *n = find_peer(root, name);
	const struct conf_node *mta = conf_child(root, "mta");

	if (n == NULL)
		return err_set(e, "conf", ERR_NOT_FOUND,
		    "there is no peer \"%s\" in the configuration", name);
	*out = (struct ping_peer){
	    .address = conf_str(n, "address", NULL),
	    .tsel = conf_str(n, "tsel", NULL),
	    .ssel = conf_str(n, "ssel", NULL),
	    .psel = conf_str(n, "psel", NULL),
	    .mta = conf_str(n, "mta", NULL),
	    .password = conf_str(n, "password", NULL),
	    .our_mta = conf_str(n, "our-mta", conf_str(mta, "name", NULL)),
	    .our_password = conf_str(n, "our-password", NULL),
	    .dialogue = conf_str(n, "dialogue", NULL),
	    .protocol = conf_str(n, "protocol", NULL),
	    .calling = find_calling(root, n),
	    .extension_dialect = conf_str(n, "extension-dialect", NULL),
	    .tls_name = conf_str(n, "tls-name", NULL),
	    .subject = conf_str(n, "security-subject", NULL),
	};
	if (out->mta == NULL)
		return conf_error(n, e,
		    "has no attribute \"mta\": it is no "
		    "X.400 peer");
	if (read_tls(a, root, n, out, e) < 0 ||
	    read_security(a, root, n, out, e) < 0)
		return ERR_CONFIG;
	if (conf_int(n, "checkpoint-size", 63, 0, 1000000,
		&out->checkpoint_size, e) < 0)
		return ERR_CONFIG;
	return conf_int(n, "window-size", 3, 1, 1000000, &out->window_size, e);
}

int
ping_peer_tls(struct arena *a, struct ping_peer *peer, struct err *e)
{
	const struct tls_params p = {.certificate = peer->tls_cert,
	    .key = peer->tls_key,
	    .ca = peer->tls_ca,
	    .verify = TLS_VERIFY_REQUIRED};

	if (p.certificate != NULL || p.key != NULL || p.ca != NULL ||
	    (peer->tls == NULL && peer->tls_name != NULL)) {
		peer->tls = tls_new(&p, e);
		if (peer->tls == NULL)
			return ERR_CONFIG;
		arena_on_free(a, free_tls, peer->tls);
	}
	if (peer->tls_name == NULL)
		peer->tls_name = peer->mta;
	if (peer->tls != NULL && peer->tls_name == NULL)
		return err_set(e, "ping", ERR_SYNTAX,
		    "TLS without the name that the certificate must carry");
	return 0;
}

int
ping_peer_protocols(const struct ping_peer *peer,
    enum p1_protocol out[P1_PROTOCOLS], struct err *e)
{
	static const char *const names[P1_PROTOCOLS] = {
	    [P1_MTS_TRANSFER] = "1988",
	    [P1_MTS_TRANSFER_X410] = "x410",
	    [P1_MTS_TRANSFER_1984] = "1984",
	};
	const char *is = peer->protocol != NULL ? peer->protocol : "1988";
	int n = 0;

	for (int i = 0; i < P1_PROTOCOLS; i++)
		if (strcmp(is, "auto") == 0 || strcmp(is, names[i]) == 0)
			out[n++] = (enum p1_protocol)i;
	return n > 0 ? n
		     : err_set(e, "ping", ERR_SYNTAX,
			   "protocol is 1988, x410, 1984 or auto");
}

static int
selector(
    const char *which, const char *text, struct osi_sel *out, struct err *e)
{
	if (osi_sel_parse(text, out, e) < 0)
		return err_prefix(e, "%s", which);
	return 0;
}

int
ping_peer_params(
    const struct ping_peer *peer, struct p1_params *out, struct err *e)
{
	const char *dialogue =
	    peer->dialogue != NULL ? peer->dialogue : "monologue";

	*out = (struct p1_params){
	    .role = OSI_INITIATOR,
	    .our_mta = peer->our_mta,
	    .our_password = peer->our_password,
	    .peer_mta = peer->mta,
	    .peer_password = peer->password,
	    .checkpoint_size = (uint32_t)peer->checkpoint_size,
	    .window_size = (uint32_t)peer->window_size,
	    .strong = peer->strong,
	    .peer_subject = peer->subject,
	    .labels = peer->labels,
	    .old_extensions = peer->extension_dialect != NULL &&
		strcmp(peer->extension_dialect, "old") == 0,
	};
	if (strcmp(dialogue, "two-way-alternate") == 0)
		out->dialogue = RTSE_TWO_WAY_ALTERNATE;
	else if (strcmp(dialogue, "monologue") != 0)
		return err_set(e, "ping", ERR_SYNTAX,
		    "dialogue is monologue or two-way-alternate");
	if (selector("tsel", peer->tsel, &out->called.tsel, e) < 0 ||
	    selector("ssel", peer->ssel, &out->called.ssel, e) < 0 ||
	    selector("calling tsel", peer->calling, &out->calling.tsel, e) <
		0 ||
	    selector("psel", peer->psel, &out->called.psel, e) < 0)
		return ERR_SYNTAX;
	return 0;
}
