/*
 * isthmus queue: what is queued, and what the operator does to it. Asks the
 * running qmgr; addresses and contents are read from the spool.
 */
#include <string.h>

#include "ops/queue.h"

static const struct {
	const char *name;
	int (*run)(const struct queue_call *q);
	enum q_verb verb;
} verbs[] = {
    {"list", queue_list, Q_VERB_LIST},
    {"show", queue_show, Q_VERB_SHOW},
    {"hold", queue_act, Q_VERB_HOLD},
    {"release", queue_act, Q_VERB_RELEASE},
    {"retry", queue_act, Q_VERB_RETRY},
    {"redirect", queue_act, Q_VERB_REDIRECT},
    {"return", queue_act, Q_VERB_RETURN},
    {"delete", queue_act, Q_VERB_DELETE},
    {"priority", queue_act, Q_VERB_PRIORITY},
};

/* Who knows an option; what another is given is a mistake. */
#define V(verb) (1u << Q_VERB_##verb)
#define EACH                                                         \
	(V(HOLD) | V(RELEASE) | V(RETRY) | V(REDIRECT) | V(RETURN) | \
	    V(DELETE) | V(PRIORITY))
#define CHOICE (V(LIST) | EACH)
#define ALL (CHOICE | V(SHOW))

static const unsigned knows[] = {
    ALL,
    ALL,
    ALL,
    CHOICE, /* general */
    CHOICE,
    CHOICE,
    CHOICE,
    CHOICE,
    CHOICE,
    CHOICE,
    CHOICE, /* filters */
    CHOICE,
    CHOICE,
    CHOICE,
    V(LIST), /* how many */
    V(SHOW),
    V(SHOW),
    V(SHOW), /* contents */
    V(REDIRECT),
    V(RETURN),
    V(RETURN),
    V(RETURN), /* actions */
    EACH,
    CHOICE,
};

/* Is each option one that the verb knows, and is there something in it? */
static bool
check_options(const struct cmd *c, enum q_verb verb, const char *name,
    const struct cmd_option *options, size_t n, int *code)
{
	for (size_t i = 0; i < n; i++) {
		const struct cmd_option *o = &options[i];
		const char *value = o->value != NULL ? *o->value : NULL;

		if (value == NULL && (o->flag == NULL || !*o->flag))
			continue;
		if (!(knows[i] & 1u << verb)) {
			*code = cmd_usage(
			    c, "%s does not know --%s", name, o->name);
			return false;
		}
		if (value != NULL && *value == '\0') {
			*code = cmd_usage(c,
			    strcmp(o->name, "from") == 0 ||
				    strcmp(o->name, "to") == 0
				? "--%s: '' is no address (the null sender is "
				  "'<>')"
				: "--%s: '' says nothing",
			    o->name);
			return false;
		}
	}
	return true;
}

static int
queue_main(const struct cmd *c, int argc, char **argv)
{
	struct queue_options o = {0};
	const struct cmd_option options[] = {
	    {"config", 'c', &o.common.config, NULL},
	    {"directory", 'd', &o.common.directory, NULL},
	    {"json", 0, NULL, &o.common.json},
	    {"long", 'l', NULL, &o.full},
	    {"channel", 0, &o.channel, NULL},
	    {"peer", 0, &o.peer, NULL},
	    {"from", 0, &o.from, NULL},
	    {"to", 0, &o.to, NULL},
	    {"older-than", 0, &o.older, NULL},
	    {"newer-than", 0, &o.newer, NULL},
	    {"priority", 0, &o.level, NULL},
	    {"state", 0, &o.state, NULL},
	    {"kind", 0, &o.kind, NULL},
	    {"limit", 'n', &o.limit, NULL},
	    {"after", 0, &o.after, NULL},
	    {"content", 0, NULL, &o.content},
	    {"header", 0, NULL, &o.header},
	    {"raw", 0, NULL, &o.raw},
	    {"to-peer", 0, &o.to_peer, NULL},
	    {"reason", 0, &o.reason, NULL},
	    {"status", 0, &o.status, NULL},
	    {"diagnostic", 0, &o.diagnostic, NULL},
	    {"yes", 'y', NULL, &o.yes},
	    {"all", 0, NULL, &o.all},
	};
	struct queue_call q = {.cmd = c, .o = &o};
	_Static_assert(sizeof(knows) / sizeof(*knows) ==
		sizeof(options) / sizeof(*options),
	    "each option is known by somebody");
	const char *verb;
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options,
		sizeof(options) / sizeof(*options), &rest, &n, &code))
		return code;
	verb = n > 0 ? rest[0] : "list";
	q.args = n > 0 ? rest + 1 : rest;
	q.n = n > 0 ? n - 1 : 0;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		q.verb = verbs[i].verb;
		if (!check_options(c, q.verb, verb, options,
			sizeof(options) / sizeof(*options), &code))
			return code;
		return verbs[i].run(&q);
	}
	return cmd_usage(c, "unknown action \"%s\"", verb);
}

const struct cmd cmd_queue = {
    .name = "queue",
    .summary = "list, show, hold, retry, redirect, return, delete messages",
    .synopsis = "[list | show ID | ACTION [ID...]] [OPTIONS]",
    .help =
	"  list (or nothing)     one entry for the recipients of a message "
	"that\n"
	"                        go to one peer\n"
	"  show ID               one message, each recipient, the envelope\n"
	"  hold, release, retry, delete     nobody is told of what is deleted\n"
	"  redirect --to-peer P  by another peer\n"
	"  return [--reason T]   as not delivered\n"
	"  priority LEVEL        deferred, routine, priority, immediate, "
	"flash,\n"
	"                        override\n\n"
	"Which messages: ids (with --to, --channel, --peer: these of their\n"
	"recipients), or filters (an action asks before it does more than "
	"one):\n"
	"      --channel NAME    --peer NAME     that they go by\n"
	"      --from A          --to A          an address, a part of one, or "
	"a\n"
	"                                        pattern with *\n"
	"      --older-than AGE  --newer-than AGE        90s, 15m, 2h, 3d, 1w\n"
	"      --priority LIST   levels or ranges: flash, routine..flash, "
	"urgent\n"
	"      --state LIST      ready, active, waiting, deferred, peer-wait,\n"
	"                        held, stopped\n"
	"      --kind LIST       message, probe, report\n"
	"      --all             no filter\n\n"
	"  -l, --long            every recipient, not only the first\n"
	"  -n, --limit N         so many entries, also of an action; 0: "
	"all;\n"
	"                        a list on a terminal has 100\n"
	"      --after TOKEN     what \"more:\" said: the next page\n"
	"      --content, --header, --raw        show: the content instead; "
	"raw:\n"
	"                                        its octets\n"
	"      --status S, --diagnostic D        return: RFC 3463, X.411\n"
	"  -y, --yes             do not ask\n" CONTROL_OPTIONS_HELP,
    .main = queue_main,
};
