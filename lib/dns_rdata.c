/*
 * Data of resource records, as they come from a network: every length is
 * checked against what is there, and what is left over is an error.
 */
#include <string.h>

#include "lib/dns.h"

struct rdata {
	struct arena *a;
	const uint8_t *p;
	size_t n;
	struct err *e;
};

static int
bad_size(const struct rdata *r, const char *what, size_t want)
{
	return err_at(r->e, "dns", ERR_SYNTAX, 0,
	    "%s: %zu octets of data instead of %zu", what, r->n, want);
}

static int
parse_a(const struct rdata *r, struct dns_record *out)
{
	if (r->n != sizeof(out->a))
		return bad_size(r, "A", sizeof(out->a));
	memcpy(&out->a, r->p, sizeof(out->a));
	return 0;
}

static int
parse_aaaa(const struct rdata *r, struct dns_record *out)
{
	if (r->n != sizeof(out->aaaa))
		return bad_size(r, "AAAA", sizeof(out->aaaa));
	memcpy(&out->aaaa, r->p, sizeof(out->aaaa));
	return 0;
}

/* The name from octet `at` to the end of the data. */
static int
rest_is_name(
    const struct rdata *r, const char *what, size_t at, const char **name)
{
	char text[DNS_NAME_TEXT];
	int used = dns_name_parse(r->p + at, r->n - at, text, r->e);

	if (used < 0) {
		if (r->e != NULL)
			r->e->offset += at;
		return err_prefix(r->e, "%s", what), used;
	}
	if ((size_t)used != r->n - at)
		return err_at(r->e, "dns", ERR_SYNTAX, at + (size_t)used,
		    "%s: %zu octets after the name", what,
		    r->n - at - (size_t)used);
	*name = arena_strdup(r->a, text);
	return 0;
}

static int
parse_cname(const struct rdata *r, struct dns_record *out)
{
	return rest_is_name(r, "CNAME", 0, &out->name);
}

static int
parse_ptr(const struct rdata *r, struct dns_record *out)
{
	return rest_is_name(r, "PTR", 0, &out->name);
}

static int
parse_mx(const struct rdata *r, struct dns_record *out)
{
	if (r->n < 3)
		return bad_size(r, "MX", 3);
	out->mx.preference = (uint16_t)(r->p[0] << 8 | r->p[1]);
	return rest_is_name(r, "MX", 2, &out->mx.host);
}

static int
parse_txt(const struct rdata *r, struct dns_record *out)
{
	char *text = arena_alloc(r->a, r->n + 1);
	size_t o = 0;

	if (r->n == 0)
		return bad_size(r, "TXT", 1);
	for (size_t at = 0, n; at < r->n; at += n) {
		n = r->p[at++];
		if (n > r->n - at)
			return err_at(r->e, "dns", ERR_SYNTAX, at - 1,
			    "TXT: a string of %zu octets, %zu are left", n,
			    r->n - at);
		memcpy(text + o, r->p + at, n);
		o += n;
	}
	out->txt.p = text;
	out->txt.n = o;
	return 0;
}

static int
parse_tlsa(const struct rdata *r, struct dns_record *out)
{
	/* RFC 6698 2.1: three octets and the association data */
	if (r->n < 4)
		return bad_size(r, "TLSA", 4);
	out->tlsa = (struct dns_tlsa){
	    .usage = r->p[0],
	    .selector = r->p[1],
	    .matching = r->p[2],
	    .data = arena_memdup(r->a, r->p + 3, r->n - 3),
	    .n = r->n - 3,
	};
	return 0;
}

static const struct {
	enum dns_type type;
	const char *name;
	int (*parse)(const struct rdata *r, struct dns_record *out);
} types[] = {
    {DNS_A, "A", parse_a},
    {DNS_AAAA, "AAAA", parse_aaaa},
    {DNS_CNAME, "CNAME", parse_cname},
    {DNS_MX, "MX", parse_mx},
    {DNS_PTR, "PTR", parse_ptr},
    {DNS_TLSA, "TLSA", parse_tlsa},
    {DNS_TXT, "TXT", parse_txt},
};
#define N_TYPES (sizeof(types) / sizeof(types[0]))

const char *
dns_type_name(enum dns_type t)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].type == t)
			return types[i].name;
	return "?";
}

int
dns_rdata_parse(struct arena *a, enum dns_type type, const uint8_t *p, size_t n,
    struct dns_record *out, struct err *e)
{
	const struct rdata r = {a, p, n, e};

	if (n > UINT16_MAX)
		return err_set(e, "dns", ERR_LIMIT, "%s: %zu octets of data",
		    dns_type_name(type), n);
	*out = (struct dns_record){.type = type};
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].type == type)
			return types[i].parse(&r, out);
	return err_set(e, "dns", ERR_UNSUPPORTED, "record type %d", (int)type);
}
