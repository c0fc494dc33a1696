#include "mhs/mta.h"

int
mhs_mta_read(struct arena *a, const struct conf_node *root, struct mhs_mta *out,
    struct err *e)
{
	static const struct conf_node nothing;
	const struct conf_node *mta = conf_child(root, "mta");
	const struct conf_node *n = mta != NULL ? mta : &nothing;

	out->name = conf_str(n, "name", "isthmus");
	out->domain.country = conf_str(n, "country", "");
	out->domain.admd = conf_str(n, "admd", " ");
	out->domain.prmd = conf_str(n, "prmd", NULL);
	if (out->domain.prmd != NULL && *out->domain.prmd == '\0')
		out->domain.prmd = NULL;
	out->hostname = conf_str(n, "hostname", "localhost");
	out->postmaster = conf_str(n, "postmaster", NULL);
	if (out->postmaster == NULL)
		out->postmaster =
		    arena_printf(a, "postmaster@%s", out->hostname);
	return mta != NULL ? 0 : conf_error(root, e, "no <mta>");
}
