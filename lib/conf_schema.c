/*
 * RELAX NG by libxml2, which tries each optional attribute with and without:
 * an element that has n of them costs it 2^n states, hours with thirty. Being
 * optional by themselves they do not depend on each other, so they are looked at
 * a few at a time: as many passes over the document as it takes, in each of which
 * every element shows a few of its optional attributes, and all others.
 */
#include <libxml/relaxng.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf_priv.h"
#include "lib/log.h"

#define AT_A_TIME 5 /* of an element; 32 states */

/* --- which attributes are optional, and nothing but that --- */

struct names {
	struct arena *a;
	const char **v;
	size_t n;
};

static bool
has(const struct names *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->v[i], name) == 0)
			return true;
	return false;
}

static void
add(struct names *x, const xmlNode *attribute)
{
	xmlChar *name =
	    xmlGetNoNsProp((xmlNode *)attribute, (const xmlChar *)"name");
	const char **slot;

	if (name != NULL && !has(x, (const char *)name)) {
		slot = arena_push(x->a, &x->v, &x->n, sizeof(*x->v));
		*slot = arena_strdup(x->a, (const char *)name);
	}
	xmlFree(name);
}

static bool
is(const xmlNode *n, const char *name)
{
	return strcmp((const char *)n->name, name) == 0;
}

/* <optional> with that attribute alone? */
static bool
is_alone(const xmlNode *attribute)
{
	const xmlNode *p = attribute->parent;

	return is(p, "optional") && conf_after(conf_first(p)) == NULL;
}

static void
sort_out(const xmlNode *n, struct names *optional, struct names *others)
{
	for (xmlNode *c = conf_first(n); c != NULL; c = conf_after(c)) {
		if (is(c, "attribute"))
			add(is_alone(c) ? optional : others, c);
		sort_out(c, optional, others);
	}
}

/* --- hiding --- */

struct hidden {
	xmlNode *of;
	xmlAttr *attr;
};

struct pass {
	const struct names *optional, *others;
	size_t number;
	bool more; /* some element has attributes for the next pass */
	struct hidden *v;
	size_t n, cap;
};

static void
hide(struct pass *p, xmlNode *of, xmlAttr *attr)
{
	if (p->n == p->cap) {
		p->cap = p->cap * 2 + 64;
		p->v = xrealloc(p->v, p->cap * sizeof(*p->v));
	}
	p->v[p->n++] = (struct hidden){of, attr};
	xmlUnlinkNode((xmlNode *)attr);
}

static void
hide_some(struct pass *p, xmlNode *n)
{
	xmlAttr *attr = n->properties, *next;
	size_t i = 0;

	for (; attr != NULL; attr = next) {
		const char *name = (const char *)attr->name;

		next = attr->next;
		if (!has(p->optional, name) || has(p->others, name))
			continue;
		p->more |= i / AT_A_TIME > p->number;
		if (i++ / AT_A_TIME != p->number)
			hide(p, n, attr);
	}
	for (xmlNode *c = conf_first(n); c != NULL; c = conf_after(c))
		hide_some(p, c);
}

static void
show_all(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++)
		xmlAddChild(p->v[i].of, (xmlNode *)p->v[i].attr);
	p->n = 0;
}

/* --- passes --- */

static int
run(xmlRelaxNG *rng, xmlDoc *doc, xmlStructuredErrorFunc fn, void *arg)
{
	xmlRelaxNGValidCtxt *ctx = xmlRelaxNGNewValidCtxt(rng);
	int rc;

	if (ctx == NULL)
		log_die("conf: out of memory");
	xmlRelaxNGSetValidStructuredErrors(ctx, fn, arg);
	rc = xmlRelaxNGValidateDoc(ctx, doc);
	xmlRelaxNGFreeValidCtxt(ctx);
	return rc;
}

int
conf_run_schema(struct arena *a, xmlRelaxNG *rng, const xmlDoc *schema,
    xmlDoc *doc, xmlStructuredErrorFunc fn, void *arg)
{
	struct names optional = {.a = a}, others = {.a = a};
	struct pass p = {.optional = &optional, .others = &others};
	int rc;

	sort_out(xmlDocGetRootElement((xmlDoc *)schema), &optional, &others);
	do {
		p.more = false;
		hide_some(&p, xmlDocGetRootElement(doc));
		rc = run(rng, doc, fn, arg);
		show_all(&p);
		p.number++;
	} while (rc == 0 && p.more);
	free(p.v);
	return rc;
}
