/*
 * Names of the DNS: from the wire to text, from what people write to
 * A-labels, from addresses to where their names are.
 */
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/dns.h"

#define WIRE_MAX 255
#define LABEL_MAX 63

/* Text of one octet of a label; dots and backslashes in it are data. */
static size_t
put_octet(char *out, uint8_t c)
{
	if (c > 32 && c < 127 && c != '.' && c != '\\') {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = (char)('0' + c / 100);
	out[2] = (char)('0' + c / 10 % 10);
	out[3] = (char)('0' + c % 10);
	return 4;
}

int
dns_name_parse(
    const uint8_t *p, size_t n, char out[DNS_NAME_TEXT], struct err *e)
{
	size_t at = 0, o = 0;

	for (;;) {
		size_t label;

		if (at >= n)
			return err_at(e, "dns", ERR_SYNTAX, at,
			    "name: ends before its root label");
		label = p[at];
		if (label > LABEL_MAX)
			return err_at(e, "dns", ERR_SYNTAX, at,
			    "name: label type 0x%02x", p[at]);
		if (at + 1 + label > WIRE_MAX)
			return err_at(e, "dns", ERR_SYNTAX, at,
			    "name: longer than %d octets", WIRE_MAX);
		if (label > n - at - 1)
			return err_at(e, "dns", ERR_SYNTAX, at,
			    "name: label of %zu octets, %zu are left", label,
			    n - at - 1);
		at++;
		if (label == 0)
			break;
		if (o > 0)
			out[o++] = '.';
		for (size_t i = 0; i < label; i++)
			o += put_octet(out + o, p[at++]);
	}
	out[o] = '\0';
	return (int)at;
}

static bool
is_ascii(const char *s)
{
	while (*s > 0)
		s++;
	return *s == '\0';
}

/* Labels of 1 to 63 octets, without blanks and controls; no final dot. */
static bool
labels_fit(const char *s)
{
	size_t label = 0;

	for (; *s != '\0'; s++) {
		if (*s == '.' && label == 0)
			return false;
		label = *s == '.' ? 0 : label + 1;
		if (label > LABEL_MAX || *s <= ' ' || *s == 127 || *s == '\\')
			return false;
	}
	return label > 0;
}

int
dns_name_ascii(const char *name, char out[DNS_HOST_MAX + 1], struct err *e)
{
	char *converted = NULL;
	size_t n;
	int rc = IDN2_OK;

	if (!is_ascii(name))
		rc = idn2_to_ascii_8z(
		    name, &converted, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (rc != IDN2_OK)
		return err_set(e, "dns", ERR_SYNTAX, "name \"%.200s\": %s",
		    name, idn2_strerror(rc));
	if (converted != NULL)
		name = converted;
	n = strlen(name);
	if (n > 0 && name[n - 1] == '.')
		n--;
	rc = ERR_SYNTAX;
	if (n <= DNS_HOST_MAX) {
		for (size_t i = 0; i < n; i++)
			out[i] = name[i] >= 'A' && name[i] <= 'Z'
			    ? (char)(name[i] + 32)
			    : name[i];
		out[n] = '\0';
		rc = labels_fit(out) ? 0 : ERR_SYNTAX;
	}
	if (rc != 0)
		err_set(e, "dns", rc, "\"%.200s\" is no domain name", name);
	idn2_free(converted);
	return rc;
}

static size_t
length(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && s[n - 1] == '.' ? n - 1 : n;
}

bool
dns_name_equal(const char *a, const char *b)
{
	size_t n = length(a);

	return n == length(b) && strncasecmp(a, b, n) == 0;
}

bool
dns_reverse(const struct sockaddr *sa, char out[DNS_HOST_MAX + 1])
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p;
	size_t o = 0;

	if (sa->sa_family == AF_INET) {
		p = (const uint8_t *)&((const struct sockaddr_in *)sa)
			->sin_addr;
		snprintf(out, DNS_HOST_MAX + 1, "%u.%u.%u.%u.in-addr.arpa",
		    p[3], p[2], p[1], p[0]);
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	p = ((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr;
	for (size_t i = 16; i-- > 0;) {
		out[o++] = hex[p[i] & 15];
		out[o++] = '.';
		out[o++] = hex[p[i] >> 4];
		out[o++] = '.';
	}
	snprintf(out + o, DNS_HOST_MAX + 1 - o, "ip6.arpa");
	return true;
}
