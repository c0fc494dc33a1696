#include "smtp/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYER "proxy"
#define V1_MAX 107 /* with its CR LF */
#define V2_FIXED 16
#define FAMILY_IPV4 1
#define FAMILY_IPV6 2
#define TRANSPORT_STREAM 1

static const uint8_t v2_signature[12] = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
static const char v1_signature[] = "PROXY ";

static void
put_peer(struct smtp_proxy *out, int family, const void *address, unsigned port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, address, text, sizeof(text));
	snprintf(out->peer, sizeof(out->peer),
	    family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

/* --- version 1: a line --- */

/* The next word of the line, whose blank is passed; "" at its end. */
static const char *
next_word(char **line)
{
	char *word = *line, *blank = strchr(word, ' ');

	if (blank == NULL) {
		*line = word + strlen(word);
	} else {
		*blank = '\0';
		*line = blank + 1;
	}
	return word;
}

static int
parse_port(const char *s)
{
	int port = 0;

	if (*s == '\0' || strlen(s) > 5 || (s[0] == '0' && s[1] != '\0'))
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		port = port * 10 + (*s - '0');
	}
	return port <= 65535 ? port : -1;
}

/* After the signature, without the line's end. */
static int
parse_line(char *line, struct smtp_proxy *out)
{
	const char *protocol = next_word(&line);
	int family = strcmp(protocol, "TCP6") == 0 ? AF_INET6 : AF_INET, port;
	struct in6_addr from, to;
	const char *source, *target;

	out->local = strcmp(protocol, "UNKNOWN") == 0;
	if (out->local)
		return 0;
	if (family == AF_INET && strcmp(protocol, "TCP4") != 0)
		return ERR_SYNTAX;
	source = next_word(&line);
	target = next_word(&line);
	port = parse_port(next_word(&line));
	if (inet_pton(family, source, &from) != 1 ||
	    inet_pton(family, target, &to) != 1 || port < 0 ||
	    parse_port(next_word(&line)) < 0 || *line != '\0')
		return ERR_SYNTAX;
	put_peer(out, family, &from, (unsigned)port);
	return 0;
}

static int
parse_v1(const uint8_t *p, size_t n, struct smtp_proxy *out, struct err *e)
{
	size_t most = n < V1_MAX ? n : V1_MAX;
	const uint8_t *lf = memchr(p, '\n', most);
	char line[V1_MAX];
	size_t length;

	if (lf == NULL)
		return n < V1_MAX ? 0
				  : err_at(e, LAYER, ERR_LIMIT, V1_MAX,
					"the line is too long");
	length = (size_t)(lf - p);
	if (lf[-1] != '\r' || memchr(p, '\0', length) != NULL)
		return err_at(
		    e, LAYER, ERR_SYNTAX, length, "the line has no proper end");
	memcpy(line, p, length - 1);
	line[length - 1] = '\0';
	if (parse_line(line + sizeof(v1_signature) - 1, out) < 0)
		return err_at(e, LAYER, ERR_SYNTAX, sizeof(v1_signature) - 1,
		    "malformed addresses");
	return (int)length + 1;
}

/* --- version 2: binary --- */

static unsigned
u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Families that are none of IP have no address here: the proxy's stands. */
static int
parse_addresses(
    const uint8_t *p, size_t n, uint8_t family, struct smtp_proxy *out)
{
	size_t octets = family == FAMILY_IPV6 ? 16 : 4;

	out->local = family != FAMILY_IPV4 && family != FAMILY_IPV6;
	if (out->local)
		return 0;
	if (n < 2 * octets + 4)
		return ERR_SYNTAX;
	put_peer(
	    out, octets == 16 ? AF_INET6 : AF_INET, p, u16(p + 2 * octets));
	return 0;
}

static int
parse_v2(const uint8_t *p, size_t n, struct smtp_proxy *out, struct err *e)
{
	size_t length;

	if (n < V2_FIXED)
		return 0;
	if (p[12] >> 4 != 2 || (p[12] & 15) > 1)
		return err_at(e, LAYER, ERR_UNSUPPORTED, 12,
		    "version or command 0x%02x", p[12]);
	length = V2_FIXED + u16(p + 14);
	if (length > SMTP_PROXY_MAX)
		return err_at(
		    e, LAYER, ERR_LIMIT, 14, "the header is too long");
	if (n < length)
		return 0;
	out->local = (p[12] & 15) == 0;
	if (out->local)
		return (int)length;
	if ((p[13] & 15) > TRANSPORT_STREAM ||
	    parse_addresses(p + V2_FIXED, length - V2_FIXED, p[13] >> 4, out) <
		0)
		return err_at(e, LAYER, ERR_SYNTAX, 13, "malformed addresses");
	return (int)length;
}

/* Do the octets begin like that, as far as there are any? */
static bool
begins(const uint8_t *p, size_t n, const void *signature, size_t length)
{
	return memcmp(p, signature, n < length ? n : length) == 0;
}

int
smtp_proxy_parse(
    const uint8_t *p, size_t n, struct smtp_proxy *out, struct err *e)
{
	*out = (struct smtp_proxy){0};
	if (n == 0)
		return 0;
	if (begins(p, n, v1_signature, sizeof(v1_signature) - 1))
		return n < sizeof(v1_signature) - 1 ? 0
						    : parse_v1(p, n, out, e);
	if (begins(p, n, v2_signature, sizeof(v2_signature)))
		return parse_v2(p, n, out, e);
	return err_at(e, LAYER, ERR_SYNTAX, 0, "no header of the protocol");
}
