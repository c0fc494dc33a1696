#include "ops/ping_peer.h"

#include <string.h>

static const struct conf_node *
find_peer(const struct conf_node *root, const char *name)
{
	const struct conf_node *n = conf_child(root, "peer");

	while (n != NULL && strcmp(conf_str(n, "name", ""), name) != 0)
		n = conf_next(root, "peer", n);
	return n;
}

int
ping_peer_config(const struct conf_node *root, const char *name,
    struct ping_peer *out, struct err *e)
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
	};
	if (out->mta == NULL)
		return conf_error(n, e,
		    "has no attribute \"mta\": it is no "
		    "X.400 peer");
	if (conf_int(n, "checkpoint-size", 63, 0, 1000000,
		&out->checkpoint_size, e) < 0)
		return ERR_CONFIG;
	return conf_int(n, "window-size", 3, 1, 1000000, &out->window_size, e);
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
	};
	if (strcmp(dialogue, "two-way-alternate") == 0)
		out->dialogue = RTSE_TWO_WAY_ALTERNATE;
	else if (strcmp(dialogue, "monologue") != 0)
		return err_set(e, "ping", ERR_SYNTAX,
		    "dialogue is monologue or two-way-alternate");
	if (selector("tsel", peer->tsel, &out->called.tsel, e) < 0 ||
	    selector("ssel", peer->ssel, &out->called.ssel, e) < 0 ||
	    selector("psel", peer->psel, &out->called.psel, e) < 0)
		return ERR_SYNTAX;
	return 0;
}
