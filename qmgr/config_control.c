/*
 * <control>: who may talk to the control socket, besides root and qmgr's own
 * user.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "qmgr/config_own.h"

#define ENTRY_MAX (1 << 20) /* octets of a group's entry: many have members */

static bool
read_group(struct q_reading *r, const struct conf_node *n, const char *attr,
    gid_t *gid)
{
	const char *name = conf_str(n, attr, NULL);
	struct group group, *found = NULL;
	size_t size = 4096;
	char *text = NULL;
	int rc;

	if (name == NULL)
		return false;
	do {
		text = xrealloc(text, size);
		rc = getgrnam_r(name, &group, text, size, &found);
		size *= 2;
	} while (rc == ERANGE && size <= ENTRY_MAX);
	if (rc != 0)
		q_complain(
		    r, n, "%s: group \"%s\": %s", attr, name, strerror(rc));
	else if (found == NULL)
		q_complain(r, n, "%s: there is no group \"%s\"", attr, name);
	if (found != NULL)
		*gid = found->gr_gid;
	free(text);
	return found != NULL;
}

void
q_config_read_control(struct q_reading *r)
{
	const struct conf_node *n = conf_child(r->c->root, "control");
	struct q_config *c = r->c;

	if (n == NULL)
		return;
	c->has_operators = read_group(r, n, "operators", &c->operators);
	c->has_viewers = read_group(r, n, "viewers", &c->viewers);
}
