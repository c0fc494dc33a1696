/*
 * isthmus convert: MIXER as a filter, one content at a time.
 */
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "mixer/mixer.h"
#include "ops/cmd.h"

static const struct {
	const char *name;
	enum mhs_content content;
} formats[] = {
    {"rfc822", MHS_CONTENT_RFC822},
    {"p22", MHS_CONTENT_P22},
    {"p2", MHS_CONTENT_P2},
};

static const struct {
	enum mhs_content from, to;
} pairs[] = {
    {MHS_CONTENT_RFC822, MHS_CONTENT_P22},
    {MHS_CONTENT_RFC822, MHS_CONTENT_P2},
    {MHS_CONTENT_P22, MHS_CONTENT_RFC822},
    {MHS_CONTENT_P22, MHS_CONTENT_P2},
    {MHS_CONTENT_P2, MHS_CONTENT_RFC822},
    {MHS_CONTENT_P2, MHS_CONTENT_P22},
};

static bool
format_of(const char *name, enum mhs_content *out)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (name != NULL && strcmp(name, formats[i].name) == 0) {
			*out = formats[i].content;
			return true;
		}
	return false;
}

static bool
pair_is_known(enum mhs_content from, enum mhs_content to)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].from == from && pairs[i].to == to)
			return true;
	return false;
}

static void
print_losses(const struct mixer_losses *l)
{
	for (size_t i = 0; i < l->n; i++)
		fprintf(stderr, "lost: %s (%s)\n", l->v[i].what, l->v[i].why);
	if (l->dropped > 0)
		fprintf(stderr, "lost: %zu more\n", l->dropped);
}

/* The gateway's configuration, or its defaults when no file is named. */
static int
gateway(
    struct arena *a, const char *path, struct mixer_config *out, struct err *e)
{
	static const struct conf_node none = {
	    .name = "isthmus", .text = "", .file = "none"};
	const struct conf_node *root = &none;

	if (path != NULL)
		root = cmd_config(a, path);
	if (root == NULL)
		return err_set(
		    e, "conf", ERR_CONFIG, "the configuration cannot be used");
	return mixer_config_read(a, root, out, e);
}

struct job {
	const char *config, *input;
	enum mhs_content from, to;
};

static int
convert(struct arena *a, const struct job *j, struct buf *out, struct err *e)
{
	struct mixer_losses losses = {0};
	struct mixer_config config;
	struct buf in = {0};
	int rc;

	rc = gateway(a, j->config, &config, e);
	if (rc == 0)
		rc = cmd_read(j->input, MIXER_CONTENT_MAX, &in, e);
	if (rc == 0)
		rc = mixer_content(a, &config, j->from, j->to, in.data, in.len,
		    clock_wall(), out, &losses, e);
	if (rc == 0)
		print_losses(&losses);
	buf_free(&in);
	return rc;
}

static int
run(const struct cmd *c, const struct job *j)
{
	struct arena *a = arena_new();
	struct err e = ERR_INIT;
	struct buf out = {0};
	int rc;

	rc = convert(a, j, &out, &e);
	if (rc >= 0)
		rc = cmd_write(&out, &e);
	buf_free(&out);
	arena_free(&a);
	if (rc >= 0)
		return CMD_OK;
	if (e.offset != ERR_NO_OFFSET)
		return cmd_failed(
		    c, "octet %llu: %s", (unsigned long long)e.offset, e.text);
	return cmd_failed(c, "%s", e.text);
}

static int
convert_main(const struct cmd *c, int argc, char **argv)
{
	struct job j = {0};
	const char *from = NULL, *to = NULL;
	const struct cmd_option options[] = {
	    {"from", 'f', &from, NULL},
	    {"to", 't', &to, NULL},
	    {"config", 'c', &j.config, NULL},
	};
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options, 3, &rest, &n, &code))
		return code;
	if (from == NULL || to == NULL)
		return cmd_usage(c, "both --from and --to are needed");
	if (!format_of(from, &j.from) || !format_of(to, &j.to) ||
	    !pair_is_known(j.from, j.to))
		return cmd_usage(c, "no conversion from %s to %s", from, to);
	if (n > 1)
		return cmd_usage(c, "one file at a time");
	j.input = n == 1 ? rest[0] : NULL;
	return run(c, &j);
}

const struct cmd cmd_convert = {
    .name = "convert",
    .summary = "convert a content: Internet mail, P22, P2",
    .synopsis = "--from FORMAT --to FORMAT [-c FILE] [INPUT]",
    .help =
	"Reads INPUT (or standard input), writes to standard output, and\n"
	"says on standard error what could not be carried across. FORMAT is\n"
	"rfc822, p22 or p2.\n\n"
	"  -f, --from FORMAT  what INPUT is\n"
	"  -t, --to FORMAT    what to make of it\n"
	"  -c, --config FILE  <mta> and <mixer> of this file map addresses;\n"
	"                     without it every address is encoded\n",
    .main = convert_main,
};
