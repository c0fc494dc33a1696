#include "mixer/internal.h"
#include "mixer/template.h"

#include <ctype.h>
#include <string.h>

#include "mhs/mta.h"

void
mixer_lose(struct mixer_conv *cv, const char *what, const char *why_fmt, ...)
{
	struct mixer_losses *l = cv->losses;
	struct mixer_loss *v;
	va_list ap;

	if (l == NULL)
		return;
	if (l->n >= MIXER_LOSSES_MAX) {
		l->dropped++;
		return;
	}
	v = arena_push(cv->a, &l->v, &l->n, sizeof(*v));
	v->what = mixer_one_line(cv->a, what);
	va_start(ap, why_fmt);
	v->why = arena_vprintf(cv->a, why_fmt, ap);
	va_end(ap);
}

int
mixer_fail(
    struct mixer_conv *cv, int code, int32_t diagnostic, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_set(cv->e, "mixer", code, "%s", arena_vprintf(cv->a, fmt, ap));
	va_end(ap);
	if (cv->e != NULL)
		cv->e->detail = diagnostic;
	return code;
}

static const char *
lower(struct arena *a, const char *s)
{
	char *r = arena_strdup(a, s);

	for (char *p = r; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return r;
}

static int
read_map(struct arena *a, const struct conf_node *n, struct mixer_map *m,
    struct err *e)
{
	const char *domain = conf_str(n, "domain", NULL);
	const char *ora = conf_str(n, "or", NULL);

	if (domain == NULL || *domain == '\0' || ora == NULL)
		return conf_error(n, e, "needs a domain and an or");
	m->domain = lower(a, domain);
	m->ora = mhs_or_parse(a, ora, e);
	if (m->ora == NULL)
		return conf_error(n, e, "or: no O/R address prefix: %s", ora);
	return 0;
}

static int
read_mixer(struct arena *a, const struct conf_node *n, struct mixer_config *c,
    struct err *e)
{
	const char *ora = conf_str(n, "gateway-or", NULL);
	const char *octets = conf_str(n, "octet-stream", "file-transfer");
	struct mixer_map *v = NULL;
	int r = 0;

	c->gateway_domain =
	    lower(a, conf_str(n, "gateway-domain", c->gateway_domain));
	if (ora != NULL && (c->gateway_or = mhs_or_parse(a, ora, e)) == NULL)
		return conf_error(n, e, "gateway-or: no O/R address: %s", ora);
	c->octet_stream_bilateral = strcmp(octets, "bilaterally-defined") == 0;
	for (const struct conf_node *m = conf_child(n, "map");
	     r == 0 && m != NULL; m = conf_next(n, "map", m))
		r = read_map(
		    a, m, arena_push(a, &v, &c->n_maps, sizeof(*v)), e);
	c->maps = v;
	return r;
}

static const struct mhs_or *
domain_or(struct arena *a, const struct mhs_domain *d)
{
	struct mhs_or *ora = mhs_or_new(a);
	const struct {
		enum mhs_or_type type;
		const char *value;
	} v[] = {
	    {MHS_OR_COUNTRY, d->country},
	    {MHS_OR_ADMD, d->admd},
	    {MHS_OR_PRMD, d->prmd},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i].value != NULL && *v[i].value != '\0')
			mhs_or_add(a, ora, v[i].type, MHS_OR_PRINTABLE,
			    v[i].value, strlen(v[i].value), NULL);
	return ora;
}

/* <report template="..."/> */
static int
read_template(struct arena *a, const struct conf_node *root,
    struct mixer_config *out, struct err *e)
{
	const struct conf_node *n = conf_child(root, "report");
	const char *path = n != NULL ? conf_str(n, "template", NULL) : NULL;
	struct err why = ERR_INIT;

	if (path == NULL)
		return 0;
	if (mixer_template_load(a, path, &out->report_template, &why) < 0)
		return conf_error(n, e, "template: %s", why.text);
	return 0;
}

int
mixer_config_read(struct arena *a, const struct conf_node *root,
    struct mixer_config *out, struct err *e)
{
	const struct conf_node *mixer = conf_child(root, "mixer");
	struct mhs_mta us;
	int r = 0;

	mhs_mta_read(a, root, &us, NULL); /* a filter may do without */
	*out = (struct mixer_config){
	    .mta = us.name,
	    .hostname = us.hostname,
	    .domain = us.domain,
	    .postmaster = us.postmaster,
	};
	out->gateway_domain = lower(a, out->hostname);
	if (mixer != NULL)
		r = read_mixer(a, mixer, out, e);
	if (r == 0)
		r = read_template(a, root, out, e);
	if (out->gateway_or == NULL)
		out->gateway_or = domain_or(a, &out->domain);
	return r;
}
