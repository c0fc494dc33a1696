/*
 * What goes another way than was tried first says so (X.411 12.2.1.1.1.3,
 * routing-action rerouted): where to it was tried is the peer's global domain,
 * when its configuration has one and it is not ours, else its MTA.
 */
#include "p1/x400p1.h"

#include <string.h>

static const struct conf_node *
find_peer(const struct conf_node *root, const char *name)
{
	const struct conf_node *n = NULL;

	while (root != NULL && (n = conf_next(root, "peer", n)) != NULL)
		if (strcmp(conf_str(n, "name", ""), name) == 0)
			return n;
	return NULL;
}

void
x_job_rerouted(struct x_job *j, const char *from)
{
	const struct x400p1 *c = j->channel;
	const struct conf_node *n;
	struct mhs_domain domain;
	const char *mta = from;
	bool known = false;

	if (from == NULL || *from == '\0')
		return;
	/* a peer that the configuration has no more: its name is all there is */
	n = find_peer(c->root, from);
	if (n != NULL) {
		domain.country = conf_str(n, "country", NULL);
		domain.admd = conf_str(n, "admd", " ");
		domain.prmd = conf_str(n, "prmd", NULL);
		known = domain.country != NULL;
		mta = conf_str(n, "mta", from);
	}
	p1_trace_rerouted(j->record->arena, j->env, &c->us,
	    j->env->arrival != 0 ? j->env->arrival : clock_wall(),
	    known ? &domain : NULL, mta);
}
