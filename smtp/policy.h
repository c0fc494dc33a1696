/*
 * What each listener of smtpd asks of its clients, and lets them do: one policy
 * for each <smtpd><listen>. A listener is closed as long as nothing opens it:
 * without <relay> and without authentication clients may send to the <accept>
 * domains only.
 *
 * Policies are read once, and belong to their arena's owner; TLS settings and
 * SASL services are shared by the listeners that name the same.
 */
#ifndef SMTP_POLICY_H
#define SMTP_POLICY_H

#include "lib/conf.h"
#include "lib/sasl.h"
#include "lib/tls.h"
#include "smtp/access.h"
#include "smtp/priority.h"
#include "smtp/server.h"

struct smtp_policy_who {
	bool clients, authenticated;
};

struct smtp_policy {
	const char *address;  /* of the listener */
	const char *protocol; /* "smtp", "submission", "lmtp" */
	struct smtp_server_params params;
	struct tls *tls; /* NULL: none */
	bool implicit_tls;
	struct sasl_service *sasl; /* NULL: no AUTH */
	struct smtp_access *access;
	bool submission;          /* RFC 6409: fields that lack are added */
	bool relay_clients;       /* those of <relay> may send to anywhere */
	bool relay_authenticated; /* so may whoever is known */
	bool own_senders;         /* who is known sends as themselves only */
	/* who may do more: clients that may relay, or who is known */
	struct smtp_policy_who raise_priority, vrfy, expn;
	enum smtp_priority_profile profile;
	struct smtp_access *xclient, *proxies; /* who is in front of others */
	struct smtp_access *no_mail;           /* domains (RFC 7505) */
};

struct smtp_policies;

/* Of <smtpd>, where `params` are the limits of all listeners. `schema` is that
 * of identity tables. ERR_CONFIG. Free it in any case. */
int smtp_policies_read(struct smtp_policies **out, struct arena *a,
    const struct conf_node *root, const struct smtp_server_params *params,
    const char *schema, struct err *e);
void smtp_policies_free(struct smtp_policies **p);
/* Have the identity tables' files changed? To be called now and then; what is
 * wrong with one is logged. */
void smtp_policies_look(struct smtp_policies *p);
/* NULL: no such listener. */
const struct smtp_policy *smtp_policy_of(
    const struct smtp_policies *p, const char *address);
/* Does it let a client send a password without TLS, over a network? */
bool smtp_policy_shows_passwords(const struct smtp_policy *p);
bool smtp_policies_have_sasl(const struct smtp_policies *p);

/* policy_esmtp.c: extensions and defences of one listener. */
int smtp_policy_read_esmtp(struct smtp_policy *p, struct arena *a,
    const struct conf_node *smtpd, const struct conf_node *n, struct err *e);

#endif
