/*
 * isthmus decode: octets as text for a person. The readers are in
 * ops/decode*.c.
 */
#include <stdio.h>
#include <string.h>

#include "ops/cmd.h"
#include "ops/decode.h"

#define SIZE_MAX_READ (256u << 20)

static bool
parse_input(const char *text, enum decode_input *out)
{
	static const struct {
		const char *name;
		enum decode_input how;
	} rows[] = {
	    {"auto", DECODE_AUTO},
	    {"raw", DECODE_RAW},
	    {"hex", DECODE_HEX},
	    {"base64", DECODE_BASE64},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, text) == 0) {
			*out = rows[i].how;
			return true;
		}
	return false;
}

static int
decode(const struct cmd *c, const char *path, const char *as,
    enum decode_input how)
{
	struct arena *a = arena_new();
	struct buf in = {0}, out = {0};
	struct err e = ERR_INIT;
	int rc;

	rc = cmd_read(path, SIZE_MAX_READ, &in, &e);
	if (rc == 0)
		rc = decode_input(&in, how, &e);
	if (rc == 0 && in.len == 0)
		rc = err_set(&e, "decode", ERR_SYNTAX, "nothing to decode");
	if (rc == 0)
		rc = decode_any(a, as, in.data, in.len, &out, &e);
	/* of what is broken, the part before that is worth seeing too */
	if (cmd_write(&out, rc < 0 ? NULL : &e) < 0 && rc == 0)
		rc = ERR_SYSTEM;
	buf_free(&in);
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
decode_main(const struct cmd *c, int argc, char **argv)
{
	const char *as = NULL, *input = "auto";
	const struct cmd_option options[] = {
	    {"as", 0, &as, NULL},
	    {"input", 'i', &input, NULL},
	};
	enum decode_input how;
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options, 2, &rest, &n, &code))
		return code;
	if (as != NULL && !decode_knows(as))
		return cmd_usage(
		    c, "--as is tpkt, session, p1, bind, ipm, rose or ber");
	if (!parse_input(input, &how))
		return cmd_usage(c, "--input is auto, raw, hex or base64");
	if (n > 1)
		return cmd_usage(c, "one file at a time");
	return decode(c, n == 1 ? rest[0] : NULL, as, how);
}

const struct cmd cmd_decode = {
    .name = "decode",
    .summary = "show octets: RFC 1006 to P1, P22, P2, P772, any BER",
    .synopsis = "[--as WHAT] [--input FORM] [FILE]",
    .help =
	"Reads FILE (or standard input) and prints what it is: one direction\n"
	"of an RFC 1006 connection, from the TPKT up; an MTS-APDU with its\n"
	"content, a P1 bind, an interpersonal message, a remote operation, or\n"
	"the TLVs of any other BER up to the octet where it breaks.\n\n"
	"      --as WHAT     only as tpkt, session, p1, bind, ipm, rose or "
	"ber\n"
	"  -i, --input FORM  auto, raw, hex or base64; auto takes a file of\n"
	"                    nothing but hexadecimal or base64 text as that\n",
    .main = decode_main,
};
