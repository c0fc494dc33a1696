/*
 * Who we are: the <mta> element of the configuration, which every process
 * reads: our names in X.400 and in Internet mail.
 */
#ifndef MHS_MTA_H
#define MHS_MTA_H

#include "lib/conf.h"
#include "mhs/envelope.h"

struct mhs_mta {
	const char *name;         /* MTA name on the wire (X.411 mta-name) */
	struct mhs_domain domain; /* our global domain identifier */
	const char *hostname;     /* our name in Internet mail */
	const char *postmaster;   /* a mailbox */
};

/* Strings are the tree's, or in `a`. Without an <mta> there is ERR_CONFIG, and
 * *out holds names that will do for a filter: "isthmus", "localhost". */
int mhs_mta_read(struct arena *a, const struct conf_node *root,
    struct mhs_mta *out, struct err *e);

#endif
