#include "ops/control.h"

#include <stdio.h>

bool
control_find(
    struct control *c, const struct cmd *cmd, const struct control_options *o)
{
	const struct conf_node *root;

	*c = (struct control){
	    .cmd = cmd,
	    .a = arena_new(),
	    .spool = o->directory,
	    .json = o->json,
	};
	if (c->spool == NULL) {
		root = cmd_config(c->a, o->config);
		if (root == NULL)
			return false;
		c->spool =
		    conf_str(conf_child(root, "spool"), "directory", NULL);
	}
	if (c->spool == NULL) {
		cmd_failed(cmd, "the configuration has no <spool>");
		return false;
	}
	c->socket = arena_printf(c->a, "%s/run/control", c->spool);
	return true;
}

int
control_ask(
    const struct control *c, const struct q_request *r, q_row_fn *fn, void *arg)
{
	struct err e = ERR_INIT;

	if (q_control_ask(c->socket, r, fn, arg, &e) == 0)
		return CMD_OK;
	fflush(stdout);
	return cmd_failed(c->cmd, "%s", e.text);
}

void
control_print(struct buf *b)
{
	fwrite(b->data, 1, b->len, stdout);
	buf_clear(b);
}
