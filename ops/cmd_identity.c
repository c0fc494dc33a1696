/*
 * isthmus identity: makes entries of an identity table. The password comes from
 * the terminal, without being shown, or from standard input; what is written
 * holds its salted keys only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <libxml/tree.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "lib/arena.h"
#include "lib/base64.h"
#include "lib/identity.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "ops/cmd.h"
#include "ops/identity_file.h"

#define SALT 16

struct identity_options {
	const char *file, *iterations, *addresses, *certificates, *principals,
	    *act_as;
	bool remove, disable, enable, no_password;
};

/* --- the password --- */

static bool
read_line(char *out, size_t size)
{
	size_t n = 0;
	int c;

	while ((c = getchar()) != EOF && c != '\n')
		if (n + 1 < size)
			out[n++] = (char)c;
		else
			return false;
	if (n > 0 && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	return c != EOF || n > 0;
}

/* The terminal is as it was before, whatever happens in between. */
static bool
ask(const char *prompt, char *out, size_t size)
{
	struct termios was, quiet;
	bool terminal = tcgetattr(STDIN_FILENO, &was) == 0, got;

	if (!terminal)
		return read_line(out, size);
	fprintf(stderr, "%s: ", prompt);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	got = read_line(out, size);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fprintf(stderr, "\n");
	return got;
}

/* Clients prepare what is not ASCII by SASLprep (RFC 4013), some better than
 * others: a password that all of them send alike has none of it. */
static const char *
fault_of(const char *password)
{
	if (*password == '\0')
		return "a password of no characters";
	for (const char *p = password; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return "only printable ASCII may be in a password";
	return NULL;
}

static int
read_password(const struct cmd *c, char *out, size_t size)
{
	char again[IDENTITY_PASSWORD_MAX + 1];
	const char *fault;
	bool same;

	if (!ask("Password", out, size))
		return cmd_failed(c, "no password, or one that is too long");
	fault = fault_of(out);
	if (fault != NULL)
		return cmd_failed(c, "%s", fault);
	if (!isatty(STDIN_FILENO))
		return CMD_OK;
	same = ask("Again", again, sizeof(again)) && strcmp(out, again) == 0;
	OPENSSL_cleanse(again, sizeof(again));
	return same ? CMD_OK : cmd_failed(c, "they are not the same");
}

/* --- the entry --- */

static void
set_octets(xmlNode *n, const char *attr, const uint8_t *p, size_t size)
{
	struct buf b = {0};

	base64_encode(&b, p, size);
	xmlSetProp(n, (const xmlChar *)attr, (const xmlChar *)buf_cstr(&b));
	buf_free(&b);
}

static int
add_key(xmlNode *user, enum identity_hash h, const char *password,
    unsigned iterations, struct err *e)
{
	struct identity_key key;
	uint8_t salt[SALT];
	char number[16];
	size_t size = identity_hash_size(h);
	xmlNode *n;

	if (RAND_bytes(salt, sizeof(salt)) != 1)
		log_die("no random octets");
	if (identity_key_make(h, password, strlen(password), salt, sizeof(salt),
		iterations, &key, e) < 0)
		return ERR_LIMIT;
	n = identity_file_add(user, "scram");
	snprintf(number, sizeof(number), "%u", iterations);
	xmlSetProp(n, (const xmlChar *)"mechanism",
	    (const xmlChar *)identity_mechanism(h));
	xmlSetProp(n, (const xmlChar *)"iterations", (const xmlChar *)number);
	set_octets(n, "salt", key.salt, key.salt_n);
	set_octets(n, "stored-key", key.stored_key, size);
	set_octets(n, "server-key", key.server_key, size);
	OPENSSL_cleanse(&key, sizeof(key));
	return 0;
}

static int
set_password(const struct cmd *c, xmlNode *user, unsigned iterations)
{
	char password[IDENTITY_PASSWORD_MAX + 1];
	struct err e = ERR_INIT;
	int rc = read_password(c, password, sizeof(password));

	if (rc == CMD_OK) {
		identity_file_drop(user, "scram");
		for (size_t h = IDENTITY_HASHES; rc == CMD_OK && h-- > 0;)
			if (add_key(user, (enum identity_hash)h, password,
				iterations, &e) < 0)
				rc = cmd_failed(c, "%s", e.text);
	}
	OPENSSL_cleanse(password, sizeof(password));
	return rc;
}

/* Each word of the list in an element; all that were there before are gone. */
static void
set_list(xmlNode *user, const char *element, const char *attr, const char *list)
{
	char *copy, *save = NULL, *word;

	if (list == NULL)
		return;
	identity_file_drop(user, element);
	copy = xstrdup(list);
	for (word = strtok_r(copy, " ,", &save); word != NULL;
	     word = strtok_r(NULL, " ,", &save))
		xmlSetProp(identity_file_add(user, element),
		    (const xmlChar *)attr, (const xmlChar *)word);
	free(copy);
}

static void
set_lists(xmlNode *user, const struct identity_options *o)
{
	set_list(user, "address", "mailbox", o->addresses);
	set_list(user, "certificate", "name", o->certificates);
	set_list(user, "principal", "name", o->principals);
	set_list(user, "act-as", "user", o->act_as);
	if (o->disable)
		xmlSetProp(
		    user, (const xmlChar *)"disabled", (const xmlChar *)"true");
	if (o->enable)
		xmlUnsetProp(user, (const xmlChar *)"disabled");
}

/* Does the order change the entry, and leave the password as it is? */
static bool
keeps_password(const struct identity_options *o)
{
	return o->no_password || o->disable || o->enable;
}

static int
change(const struct cmd *c, struct identity_file *f, const char *name,
    const struct identity_options *o, unsigned iterations)
{
	xmlNode *user = identity_file_user(f, name);
	int rc;

	if (o->remove) {
		if (user == NULL)
			return cmd_failed(c, "there is no user \"%s\"", name);
		identity_file_remove(user);
		return CMD_OK;
	}
	if (user == NULL && (o->disable || o->enable))
		return cmd_failed(c, "there is no user \"%s\"", name);
	if (user == NULL)
		user = identity_file_new_user(f, name);
	rc = keeps_password(o) ? CMD_OK : set_password(c, user, iterations);
	if (rc == CMD_OK)
		set_lists(user, o);
	return rc;
}

static int
run(const struct cmd *c, struct arena *a, const char *name,
    const struct identity_options *o, unsigned iterations)
{
	const char *schema = paths_identity_schema(a);
	struct err e = ERR_INIT;
	struct identity_file *f = identity_file_open(o->file, schema, &e);
	int rc;

	if (f == NULL)
		return cmd_failed(c, "%s", e.text);
	rc = change(c, f, name, o, iterations);
	if (rc == CMD_OK && o->file == NULL)
		identity_file_print(f, name, stdout);
	else if (rc == CMD_OK && identity_file_save(f, schema, &e) < 0)
		rc = cmd_failed(c, "%s", e.text);
	identity_file_close(&f);
	return rc;
}

static int
identity_main(const struct cmd *c, int argc, char **argv)
{
	struct identity_options o = {0};
	const struct cmd_option options[] = {
	    {"file", 'f', &o.file, NULL},
	    {"iterations", 'i', &o.iterations, NULL},
	    {"addresses", 'a', &o.addresses, NULL},
	    {"certificates", 0, &o.certificates, NULL},
	    {"principals", 0, &o.principals, NULL},
	    {"act-as", 0, &o.act_as, NULL},
	    {"no-password", 0, NULL, &o.no_password},
	    {"disable", 0, NULL, &o.disable},
	    {"enable", 0, NULL, &o.enable},
	    {"remove", 0, NULL, &o.remove},
	};
	unsigned long iterations = IDENTITY_ITERATIONS;
	struct arena *a;
	char **rest, *end;
	int n, code;

	if (!cmd_options(c, argc, argv, options,
		sizeof(options) / sizeof(options[0]), &rest, &n, &code))
		return code;
	if (n != 1)
		return cmd_usage(c, "which user?");
	if ((o.remove || o.disable || o.enable) && o.file == NULL)
		return cmd_usage(c, "--file is needed for that");
	if (o.iterations != NULL) {
		iterations = strtoul(o.iterations, &end, 10);
		if (*end != '\0' || iterations < IDENTITY_ITERATIONS_MIN ||
		    iterations > IDENTITY_ITERATIONS_MAX)
			return cmd_usage(c, "--iterations: %d to %d",
			    IDENTITY_ITERATIONS_MIN, IDENTITY_ITERATIONS_MAX);
	}
	a = arena_new();
	code = run(c, a, rest[0], &o, (unsigned)iterations);
	arena_free(&a);
	return code;
}

const struct cmd cmd_identity = {
    .name = "identity",
    .summary = "make or change an entry of an identity table",
    .synopsis = "[--file FILE] [OPTIONS] USER",
    .help =
	"Asks for a password on the terminal, or reads it from standard "
	"input,\n"
	"and prints the user's entry; with --file, puts it into the table.\n"
	"Lists have blanks or commas between their words, and replace what "
	"was\n"
	"there.\n\n"
	"  -f, --file FILE          the table; made when it is not there\n"
	"  -a, --addresses LIST     mailboxes that the user may send as, or\n"
	"                           *@DOMAIN for all of a domain\n"
	"      --certificates LIST  names of certificates (EXTERNAL)\n"
	"      --principals LIST    Kerberos names, NAME@REALM (GSSAPI)\n"
	"      --act-as LIST        other users that this one may act as\n"
	"  -i, --iterations N       of the keys [15000]\n"
	"      --no-password        do not ask: keep the password, or have "
	"none\n"
	"      --disable, --enable  let the user in no more, or again\n"
	"      --remove             take the user out\n",
    .main = identity_main,
};
