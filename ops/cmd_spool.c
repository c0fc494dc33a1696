/*
 * isthmus spool: is the queue on disk sound, and what does it say of one
 * message? Reads files only, so it serves beside a running switch and without
 * one.
 */
#include <stdio.h>
#include <string.h>

#include "ops/cmd.h"
#include "ops/spool_dump.h"
#include "qmgr/config.h"
#include "qmgr/verify.h"

struct spool_options {
	const char *config, *directory;
	bool json;
};

struct faults {
	bool json, any;
};

/* --- verify --- */

static void
print_fault(void *arg, const char *file, uint64_t offset, const char *why)
{
	struct faults *f = arg;

	if (f->json)
		printf("%s{\"file\":\"%s\",\"offset\":%llu,\"reason\":\"%s\"}",
		    f->any ? "," : "", file, (unsigned long long)offset, why);
	else
		printf("%s, octet %llu: %s\n", file, (unsigned long long)offset,
		    why);
	f->any = true;
}

static void
print_counts(const struct q_verify_result *r, bool json)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
	    {"segments", r->segments},
	    {"journals", r->journals},
	    {"contents", r->contents},
	    {"octets", r->octets},
	    {"records", r->records},
	    {"messages", r->messages},
	    {"versions", r->versions},
	    {"finished", r->finished},
	    {"copies", r->copies},
	    {"unclaimed", r->unclaimed},
	    {"torn", r->torn},
	    {"faults", r->faults},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		printf(json ? ",\"%s\":%llu" : "%s %llu\n", rows[i].name,
		    (unsigned long long)rows[i].n);
}

static int
verify(const struct cmd *c, const char *spool, bool json)
{
	struct faults f = {json, false};
	struct q_verify_result result;
	struct err e = ERR_INIT;
	int rc;

	if (json)
		printf("{\"faults_found\":[");
	rc = q_verify(spool, print_fault, &f, &result, &e);
	if (json)
		printf("],\"complete\":%s", rc == 0 ? "true" : "false");
	print_counts(&result, json);
	if (json)
		printf("}\n");
	if (rc != 0)
		return cmd_failed(c, "%s", e.text);
	return result.faults > 0 ? CMD_FAILED : CMD_OK;
}

/* --- dump --- */

static int
dump(const struct cmd *c, const char *spool, const char *text, bool json)
{
	struct buf out = {0};
	struct err e = ERR_INIT;
	q_id id;
	int rc;

	if (q_id_parse(text, &id) != 0)
		return cmd_usage(c, "\"%s\" is no id", text);
	rc = spool_dump(spool, id, json, &out, &e);
	if (rc == 0)
		rc = cmd_write(&out, &e);
	buf_free(&out);
	return rc == 0 ? CMD_OK : cmd_failed(c, "%s", e.text);
}

/* --- both --- */

static const char *
spool_of(struct arena *a, const struct spool_options *o)
{
	struct conf_node *root;
	const struct conf_node *spool;

	if (o->directory != NULL)
		return o->directory;
	root = cmd_config(a, o->config);
	spool = root != NULL ? conf_child(root, "spool") : NULL;
	return spool != NULL ? conf_str(spool, "directory", NULL) : NULL;
}

static int
main_spool(const struct cmd *c, int argc, char **argv)
{
	struct spool_options o = {0};
	const struct cmd_option options[] = {
	    {"config", 'c', &o.config, NULL},
	    {"directory", 'd', &o.directory, NULL},
	    {"json", 0, NULL, &o.json},
	};
	struct arena *a;
	const char *spool;
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options,
		sizeof(options) / sizeof(*options), &rest, &n, &code))
		return code;
	if (n < 1 ||
	    !((strcmp(rest[0], "verify") == 0 && n == 1) ||
		(strcmp(rest[0], "dump") == 0 && n == 2)))
		return cmd_usage(c, "say \"verify\" or \"dump ID\"");
	a = arena_new();
	spool = spool_of(a, &o);
	if (spool == NULL)
		code = CMD_FAILED;
	else if (n == 1)
		code = verify(c, spool, o.json);
	else
		code = dump(c, spool, rest[1], o.json);
	arena_free(&a);
	return code;
}

const struct cmd cmd_spool = {
    .name = "spool",
    .summary = "is the queue on disk sound; what is on disk of one message",
    .synopsis = "[-c FILE | -d DIRECTORY] [--json] verify | dump ID",
    .help = "  verify             read everything, name each fault; exit "
	    "code 1 if there is one\n"
	    "  dump ID            the record, its envelope, the state of its "
	    "recipients,\n"
	    "                     and the beginning of its content\n"
	    "  -c, --config FILE  the configuration that names the spool\n"
	    "  -d, --directory D  the spool itself\n"
	    "      --json         for programs\n",
    .main = main_spool,
};
