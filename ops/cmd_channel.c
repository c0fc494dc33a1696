/*
 * isthmus channel, isthmus peer: nothing of it goes out while it is stopped; a
 * peer that is held for its errors is tried at once.
 */
#include <stdio.h>
#include <string.h>

#include "ops/control.h"
#include "ops/text.h"

static bool
on_row(void *arg, const struct q_row *row)
{
	struct control *c = arg;
	struct buf out = {0};

	if (c->json) {
		buf_printf(&out, "{\"type\":\"%s\",", row->type);
		text_json_row(&out, row);
		buf_puts(&out, "}\n");
	} else {
		text_safe(&out, q_row_get_text(row, c->cmd->name));
		buf_printf(&out, ": %s\n",
		    q_row_get_bool(row, "changed") ? "done"
						   : "it was so already");
	}
	control_print(&out);
	buf_free(&out);
	return true;
}

static int
run(const struct cmd *c, const struct control_options *o, enum q_verb verb,
    char **names, int n)
{
	bool peer = strcmp(c->name, "peer") == 0;
	struct control control;
	int code = CMD_FAILED;

	if (control_find(&control, c, o)) {
		code = CMD_OK;
		for (int i = 0; i < n; i++) {
			struct q_request r = {.verb = verb};

			*(peer ? &r.filter.peer : &r.filter.channel) = names[i];
			if (control_ask(&control, &r, on_row, &control) !=
			    CMD_OK)
				code = CMD_FAILED;
		}
	}
	arena_free(&control.a);
	return code;
}

static int
channel_main(const struct cmd *c, int argc, char **argv)
{
	bool peer = strcmp(c->name, "peer") == 0;
	struct control_options o = {0};
	const struct cmd_option options[] = {
	    {"config", 'c', &o.config, NULL},
	    {"directory", 'd', &o.directory, NULL},
	    {"json", 0, NULL, &o.json},
	};
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options,
		sizeof(options) / sizeof(*options), &rest, &n, &code))
		return code;
	if (n < 2)
		return cmd_usage(c, "say what, and to which %s", c->name);
	if (strcmp(rest[0], "stop") == 0)
		return run(c, &o, Q_VERB_STOP, rest + 1, n - 1);
	if (strcmp(rest[0], "start") == 0)
		return run(c, &o, Q_VERB_START, rest + 1, n - 1);
	if (peer && strcmp(rest[0], "retry") == 0)
		return run(c, &o, Q_VERB_RETRY_PEER, rest + 1, n - 1);
	return cmd_usage(c, "unknown action \"%s\"", rest[0]);
}

const struct cmd cmd_channel = {
    .name = "channel",
    .summary = "stop a channel, or let it go on",
    .synopsis = "stop|start NAME... [-c FILE | -d DIRECTORY] [--json]",
    .help = "What a stopped channel has is finished; it gets nothing new, also "
	    "after\n"
	    "a restart of the switch. What comes in is "
	    "queued.\n\n" CONTROL_OPTIONS_HELP,
    .main = channel_main,
};

const struct cmd cmd_peer = {
    .name = "peer",
    .summary = "stop a peer, let it go on, or try it now",
    .synopsis = "stop|start|retry NAME... [-c FILE | -d DIRECTORY] [--json]",
    .help =
	"To a stopped peer nothing goes out, also after a restart of the "
	"switch;\n"
	"what it sends is taken. \"retry\" ends the time for which it is held\n"
	"because of errors.\n\n" CONTROL_OPTIONS_HELP,
    .main = channel_main,
};
