#include "smtp/mta_sts.h"

#include <string.h>

#include "smtp/address.h"

#define VERSION "STSv1"
#define NAME_MAX_LEN 32 /* of an extension: one and 31 */

/* A run of octets of the input. */
struct span {
	const char *p;
	size_t n;
};

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is(struct span s, const char *word)
{
	return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

static bool
is_name(struct span s)
{
	if (s.n == 0 || s.n > NAME_MAX_LEN || !is_alnum(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_alnum(s.p[i]) && memchr("_-.", s.p[i], 3) == NULL)
			return false;
	return true;
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* --- the TXT record --- */

static int
txt_error(struct err *e, size_t at, const char *what)
{
	return err_at(e, "mta-sts", ERR_SYNTAX, at, "TXT record: %s", what);
}

static bool
is_id(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]))
			return false;
	return s.n > 0 && s.n <= MTA_STS_ID_MAX;
}

/* %x21-3A / %x3C / %x3E-7E */
static bool
is_ext_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ';' ||
		    s.p[i] == '=')
			return false;
	return s.n > 0;
}

static int
txt_field(
    struct span field, size_t at, char id[MTA_STS_ID_MAX + 1], struct err *e)
{
	const char *eq = memchr(field.p, '=', field.n);
	struct span name, value;

	if (eq == NULL)
		return txt_error(e, at, "a field without \"=\"");
	name = (struct span){field.p, (size_t)(eq - field.p)};
	value = (struct span){eq + 1, field.n - name.n - 1};
	if (is(name, "id") && !is_id(value))
		return txt_error(e, at, "the id is not 1 to 32 letters");
	if (!is_name(name) || !is_ext_value(value))
		return txt_error(e, at, "a field that is no name=value");
	if (is(name, "id") && id[0] == '\0') { /* the first one counts */
		memcpy(id, value.p, value.n);
		id[value.n] = '\0';
	}
	return 0;
}

int
mta_sts_txt_parse(
    const char *p, size_t n, char id[MTA_STS_ID_MAX + 1], struct err *e)
{
	size_t at = 0;
	bool first = true;

	id[0] = '\0';
	while (at < n) {
		const char *end = memchr(p + at, ';', n - at);
		size_t stop = end != NULL ? (size_t)(end - p) : n;
		struct span field = {p + at, stop - at};
		int rc = 0;

		/* blanks stand around the delimiter, not before it all */
		if (!first || end != NULL)
			field = trim(field);
		if (first && (!is(field, "v=" VERSION) || p[0] != 'v'))
			return txt_error(e, 0, "it begins not with v=STSv1");
		if (!first && field.n == 0 && stop < n)
			return txt_error(e, at, "an empty field");
		if (!first && field.n > 0)
			rc = txt_field(field, at, id, e);
		if (rc < 0)
			return rc;
		first = false;
		at = stop + 1;
	}
	return id[0] != '\0' ? 0 : txt_error(e, n, "there is no id");
}

/* "v=STSv1" and the delimiter: 3.1 wants others passed over. */
static bool
is_ours(const char *p, size_t n)
{
	size_t i = sizeof("v=" VERSION) - 1;

	if (n <= i || memcmp(p, "v=" VERSION, i) != 0)
		return false;
	while (i < n && is_blank(p[i]))
		i++;
	return i < n && p[i] == ';';
}

int
mta_sts_txt(const struct dns_record *v, size_t n, char id[MTA_STS_ID_MAX + 1],
    struct err *e)
{
	const struct dns_record *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (v[i].type != DNS_TXT || !is_ours(v[i].txt.p, v[i].txt.n))
			continue;
		if (found != NULL)
			return txt_error(e, 0, "there is more than one");
		found = &v[i];
	}
	if (found == NULL)
		return err_set(e, "mta-sts", ERR_NOT_FOUND, "no TXT record");
	return mta_sts_txt_parse(found->txt.p, found->txt.n, id, e);
}

/* --- the policy --- */

struct policy {
	struct arena *arena;
	struct mta_sts_policy *out;
	bool version, mode, max_age; /* seen; later ones are ignored */
	size_t at;                   /* of the line */
	struct err *e;
};

static int
policy_error(const struct policy *r, const char *what)
{
	return err_at(r->e, "mta-sts", ERR_SYNTAX, r->at, "policy: %s", what);
}

static const struct {
	const char *name;
	enum mta_sts_mode mode;
} modes[] = {
    {"none", MTA_STS_NONE},
    {"testing", MTA_STS_TESTING},
    {"enforce", MTA_STS_ENFORCE},
};

const char *
mta_sts_mode_name(enum mta_sts_mode m)
{
	return modes[m].name;
}

static int
take_version(struct policy *r, struct span value)
{
	if (!r->version && !is(value, VERSION))
		return policy_error(r, "the version is not STSv1");
	r->version = true;
	return 0;
}

static int
take_mode(struct policy *r, struct span value)
{
	if (r->mode)
		return 0;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (is(value, modes[i].name)) {
			r->out->mode = modes[i].mode;
			r->mode = true;
			return 0;
		}
	return policy_error(r, "mode is not enforce, testing or none");
}

static int
take_max_age(struct policy *r, struct span value)
{
	uint64_t age = 0;

	if (r->max_age)
		return 0;
	if (value.n == 0 || value.n > 10)
		return policy_error(r, "max_age has not 1 to 10 digits");
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return policy_error(r, "max_age is no number");
		age = age * 10 + (uint64_t)(value.p[i] - '0');
	}
	r->out->max_age =
	    age < MTA_STS_MAX_AGE ? (uint32_t)age : MTA_STS_MAX_AGE;
	r->max_age = true;
	return 0;
}

static int
take_mx(struct policy *r, struct span value)
{
	struct span host = value;
	const char **slot;
	char *text;

	if (host.n > 2 && host.p[0] == '*' && host.p[1] == '.')
		host = (struct span){host.p + 2, host.n - 2};
	if (host.n == 0 || host.p[0] == '[' ||
	    !smtp_domain_valid(host.p, host.n, false))
		return policy_error(r, "mx is no host and no *.domain");
	if (r->out->n_mx == MTA_STS_MX_MAX)
		return err_at(r->e, "mta-sts", ERR_LIMIT, r->at,
		    "policy: more than %d mx", MTA_STS_MX_MAX);
	text = arena_strndup(r->arena, value.p, value.n);
	for (char *c = text; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	slot = arena_push(
	    r->arena, (void *)&r->out->mx, &r->out->n_mx, sizeof(*slot));
	*slot = text;
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct policy *r, struct span value);
} fields[] = {
    {"version", take_version},
    {"mode", take_mode},
    {"max_age", take_max_age},
    {"mx", take_mx},
};

static int
take_line(struct policy *r, struct span line)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct span name, value;

	if (colon == NULL)
		return policy_error(r, "a line without \":\"");
	name = (struct span){line.p, (size_t)(colon - line.p)};
	value = trim((struct span){colon + 1, line.n - name.n - 1});
	if (!is_name(name))
		return policy_error(r, "a line that begins with no name");
	for (size_t i = 0; i < value.n; i++)
		if ((uint8_t)value.p[i] < 0x20 || value.p[i] == 0x7f)
			return policy_error(r, "a control in a value");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (is(name, fields[i].name))
			return fields[i].take(r, value);
	return 0; /* an extension */
}

static int
take_lines(struct policy *r, const char *p, size_t n)
{
	while (r->at < n) {
		const char *lf = memchr(p + r->at, '\n', n - r->at);
		size_t end = lf != NULL ? (size_t)(lf - p) : n;
		struct span line = {p + r->at, end - r->at};
		int rc;

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		rc = take_line(r, line);
		if (rc < 0)
			return rc;
		r->at = end + 1;
	}
	return 0;
}

int
mta_sts_policy_parse(struct arena *a, const char *p, size_t n,
    struct mta_sts_policy *out, struct err *e)
{
	struct policy r = {.arena = a, .out = out, .e = e};
	int rc;

	*out = (struct mta_sts_policy){.mode = MTA_STS_NONE};
	if (n > MTA_STS_POLICY_MAX)
		return err_set(e, "mta-sts", ERR_LIMIT,
		    "policy: larger than %d octets", MTA_STS_POLICY_MAX);
	rc = take_lines(&r, p, n);
	if (rc < 0)
		return rc;
	r.at = n;
	if (!r.version || !r.mode || !r.max_age)
		return policy_error(&r, "there is no version, mode or max_age");
	if (out->n_mx == 0 && out->mode != MTA_STS_NONE)
		return policy_error(&r, "there is no mx");
	return 0;
}

/* "*." stands for the whole first label (4.1). */
bool
mta_sts_matches(const struct mta_sts_policy *policy, const char *host)
{
	const char *dot = strchr(host, '.');

	for (size_t i = 0; i < policy->n_mx; i++) {
		const char *mx = policy->mx[i];

		if (mx[0] != '*' && dns_name_equal(mx, host))
			return true;
		if (mx[0] == '*' && dot != NULL && dot != host &&
		    dns_name_equal(mx + 2, dot + 1))
			return true;
	}
	return false;
}
