/*
 * What the commands share that ask a running switch (cmd_queue, cmd_status,
 * cmd_channel): where its socket and its spool are.
 */
#ifndef OPS_CONTROL_H
#define OPS_CONTROL_H

#include "lib/arena.h"
#include "ops/cmd.h"
#include "qmgr/control.h"

struct control_options {
	const char *config, *directory; /* the spool's; else from the config */
	bool json;
};

struct control {
	const struct cmd *cmd;
	struct arena *a;
	const char *spool, *socket;
	bool json;
};

/* False after a complaint. The arena is to be freed in both cases. */
bool control_find(
    struct control *c, const struct cmd *cmd, const struct control_options *o);
/* q_control_ask(), with a complaint when it fails: CMD_OK or CMD_FAILED. */
int control_ask(const struct control *c, const struct q_request *r,
    q_row_fn *fn, void *arg);
/* Puts out what is in the buf, and empties it. */
void control_print(struct buf *b);

#define CONTROL_OPTIONS_HELP                                                 \
	"  -c, --config FILE     the configuration of the running switch\n"  \
	"  -d, --directory DIR   its spool; then no configuration is read\n" \
	"      --json            for programs\n"

#endif
