/*
 * Whom `isthmus ping` calls: from a configuration's <peer>, or from options.
 */
#ifndef OPS_PING_PEER_H
#define OPS_PING_PEER_H

#include "lib/conf.h"
#include "p1/p1.h"

/* As text, as given; NULL: not given. Named like the attributes of <peer>. */
struct ping_peer {
	const char *address; /* host:port */
	const char *tsel, *ssel, *psel;
	const char *mta, *password;         /* that it must answer with */
	const char *our_mta, *our_password; /* that we present */
	const char *dialogue; /* "monologue", "two-way-alternate" */
	int64_t checkpoint_size, window_size;
};

/* From <peer name=...> below root; ERR_NOT_FOUND, ERR_CONFIG. */
int ping_peer_config(const struct conf_node *root, const char *name,
    struct ping_peer *out, struct err *e);
/* What p1_new() needs of it; strings stay the peer's. */
int ping_peer_params(
    const struct ping_peer *peer, struct p1_params *out, struct err *e);

#endif
