/*
 * Whom `isthmus ping` calls: from a configuration's <peer>, or from options.
 */
#ifndef OPS_PING_PEER_H
#define OPS_PING_PEER_H

#include "lib/conf.h"
#include "lib/tls.h"
#include "p1/p1.h"
#include "p1/strong.h"

/* As text, as given; NULL: not given. Named like the attributes of <peer>. */
struct ping_peer {
	const char *address; /* host:port */
	const char *tsel, *ssel, *psel;
	const char *mta, *password;         /* that it must answer with */
	const char *our_mta, *our_password; /* that we present */
	const char *dialogue;          /* "monologue", "two-way-alternate" */
	const char *protocol;          /* "1988", "x410", "1984", "auto" */
	const char *calling;           /* our TSEL */
	const char *extension_dialect; /* "old" */
	const char *tls_name;          /* NULL: `mta` */
	const char *tls_ca, *tls_cert, *tls_key; /* options only */
	struct tls *tls;                         /* NULL: plain */
	struct p1_strong *strong;                /* NULL: simple credentials */
	const char *subject; /* of the certificate in their answer */
	const struct p1_labels *labels;
	int64_t checkpoint_size, window_size;
};

/* From <peer name=...> below root; ERR_NOT_FOUND, ERR_CONFIG. Its keys live as
 * long as the arena. */
int ping_peer_config(struct arena *a, const struct conf_node *root,
    const char *name, struct ping_peer *out, struct err *e);
/* Sets `tls` where the options ask for it, and checks that the certificate has a
 * name to carry. */
int ping_peer_tls(struct arena *a, struct ping_peer *peer, struct err *e);
/* The protocols to try, in order, until one is not refused; ERR_SYNTAX: none of
 * that name. Returns how many. */
int ping_peer_protocols(const struct ping_peer *peer,
    enum p1_protocol out[P1_PROTOCOLS], struct err *e);
/* What p1_new() needs of it; strings stay the peer's. */
int ping_peer_params(
    const struct ping_peer *peer, struct p1_params *out, struct err *e);

#endif
