/*
 * Why the schema does not accept a document, in words for a person. libxml2
 * decides whether it does; its messages ("Did not expect element x there")
 * do not say what would be right, so we read the schema ourselves.
 *
 * This holds for schemas made of: grammar, start, define, ref, element,
 * attribute, group, interleave, optional, zeroOrMore, oneOrMore, choice, value, text,
 * empty, and data of the types string (param pattern, maxLength) and integer
 * (minInclusive, maxInclusive). a:documentation in a <define> tells what its
 * values look like. i:number at a <ref> to an element, where i is the namespace
 * below, says that there is to be exactly one of it, or at most one
 * ("optional").
 */
#include <libxml/xmlregexp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf_priv.h"
#include "lib/log.h"

#define DEPTH_MAX 32 /* of refs in refs */
#define NUMBER_NS "urn:isthmus:schema"

struct attr_rule {
	const char *name;
	const xmlNode *pattern; /* the <attribute> */
	bool required;
	const xmlNode *choice; /* the <choice> it is one side of, or NULL */
};

struct child_rule {
	const char *name;
	const xmlNode *pattern; /* the <element> */
	bool required, many;
};

/* What one element may hold. */
struct rules {
	struct attr_rule *attrs;
	size_t n_attrs;
	struct child_rule *children;
	size_t n_children;
	bool needs_child, text;
};

struct cached_rules {
	const xmlNode *pattern;
	struct rules rules;
};

struct cached_regexp {
	const xmlNode *data;
	xmlRegexp *regexp; /* NULL: no pattern that compiles */
};

/* The caches keep long tables fast: by element and by <data> of the schema. */
struct explainer {
	struct conf_loader *ld;
	const xmlNode *grammar;
	struct cached_rules *rules;
	size_t n_rules;
	struct cached_regexp *regexps;
	size_t n_regexps;
};

static bool
is(const xmlNode *n, const char *name)
{
	return strcmp((const char *)n->name, name) == 0;
}

static const char *
attr_of(struct explainer *x, const xmlNode *n, const char *name)
{
	xmlChar *v = xmlGetNoNsProp((xmlNode *)n, (const xmlChar *)name);
	const char *s = arena_strdup(x->ld->a, v != NULL ? (char *)v : "");

	xmlFree(v);
	return s;
}

static const char *
text_of(struct explainer *x, const xmlNode *n)
{
	xmlChar *v = xmlNodeGetContent(n);
	const char *s = arena_strdup(x->ld->a, v != NULL ? (char *)v : "");

	xmlFree(v);
	return s;
}

/* The <define> that a <ref> means. */
static const xmlNode *
defined(struct explainer *x, const xmlNode *ref)
{
	const char *name = attr_of(x, ref, "name");

	for (xmlNode *d = conf_first(x->grammar); d != NULL; d = conf_after(d))
		if (is(d, "define") && strcmp(attr_of(x, d, "name"), name) == 0)
			return d;
	return NULL;
}

/* --- the rules of one element --- */

struct place {
	bool optional, many;
	const char *number; /* i:number, or "" */
	const xmlNode *choice;
	unsigned depth;
};

static void collect(
    struct explainer *, const xmlNode *, struct rules *, struct place);

static void
collect_children(struct explainer *x, const xmlNode *pattern, struct rules *r,
    struct place at)
{
	for (xmlNode *c = conf_first(pattern); c != NULL; c = conf_after(c))
		collect(x, c, r, at);
}

static void
collect_attr(
    struct explainer *x, const xmlNode *p, struct rules *r, struct place at)
{
	struct attr_rule *rule =
	    arena_push(x->ld->a, &r->attrs, &r->n_attrs, sizeof(*r->attrs));

	rule->name = attr_of(x, p, "name");
	rule->pattern = p;
	rule->required = !at.optional;
	rule->choice = at.choice;
}

static void
collect_element(
    struct explainer *x, const xmlNode *p, struct rules *r, struct place at)
{
	struct child_rule *rule = arena_push(
	    x->ld->a, &r->children, &r->n_children, sizeof(*r->children));

	rule->name = attr_of(x, p, "name");
	rule->pattern = p;
	rule->required = strcmp(at.number, "one") == 0;
	rule->many = at.many && *at.number == '\0';
	r->needs_child |= !at.optional && at.choice != NULL;
}

static const char *
number_of(struct explainer *x, const xmlNode *ref)
{
	xmlChar *v = xmlGetNsProp((xmlNode *)ref, (const xmlChar *)"number",
	    (const xmlChar *)NUMBER_NS);
	const char *s = arena_strdup(x->ld->a, v != NULL ? (char *)v : "");

	xmlFree(v);
	return s;
}

static void
collect(struct explainer *x, const xmlNode *p, struct rules *r, struct place at)
{
	if (at.depth++ > DEPTH_MAX)
		return;
	if (is(p, "attribute")) {
		collect_attr(x, p, r, at);
	} else if (is(p, "element")) {
		collect_element(x, p, r, at);
	} else if (is(p, "text") || is(p, "data")) {
		r->text = true;
	} else if (is(p, "ref")) {
		const xmlNode *d = defined(x, p);

		at.number = number_of(x, p);
		if (d != NULL)
			collect_children(x, d, r, at);
	} else {
		if (is(p, "optional") || is(p, "zeroOrMore")) {
			at.optional = true;
			at.choice = NULL;
		}
		if (is(p, "zeroOrMore") || is(p, "oneOrMore"))
			at.many = true;
		if (is(p, "choice"))
			at.choice = p;
		collect_children(x, p, r, at);
	}
}

/* The rules of an <element>. They move when another is asked for. */
static const struct rules *
rules_of(struct explainer *x, const xmlNode *pattern)
{
	struct cached_rules *slot;

	for (size_t i = 0; i < x->n_rules; i++)
		if (x->rules[i].pattern == pattern)
			return &x->rules[i].rules;
	slot = arena_push(x->ld->a, &x->rules, &x->n_rules, sizeof(*x->rules));
	slot->pattern = pattern;
	collect_children(
	    x, pattern, &slot->rules, (struct place){.number = ""});
	return &slot->rules;
}

/* --- values --- */

static const char *
param(struct explainer *x, const xmlNode *data, const char *name)
{
	for (xmlNode *c = conf_first(data); c != NULL; c = conf_after(c))
		if (is(c, "param") && strcmp(attr_of(x, c, "name"), name) == 0)
			return text_of(x, c);
	return NULL;
}

static xmlRegexp *
regexp_of(struct explainer *x, const xmlNode *data)
{
	struct cached_regexp *slot;
	const char *pattern;

	for (size_t i = 0; i < x->n_regexps; i++)
		if (x->regexps[i].data == data)
			return x->regexps[i].regexp;
	slot = arena_push(
	    x->ld->a, &x->regexps, &x->n_regexps, sizeof(*x->regexps));
	slot->data = data;
	pattern = param(x, data, "pattern");
	if (pattern != NULL)
		slot->regexp = xmlRegexpCompile((const xmlChar *)pattern);
	return slot->regexp;
}

static void
free_regexps(struct explainer *x)
{
	for (size_t i = 0; i < x->n_regexps; i++)
		xmlRegFreeRegexp(x->regexps[i].regexp);
}

static bool
integer_fits(struct explainer *x, const xmlNode *data, const char *value)
{
	const char *min = param(x, data, "minInclusive");
	const char *max = param(x, data, "maxInclusive");
	char *end;
	long long v = strtoll(value, &end, 10);

	return *value != '\0' && *end == '\0' &&
	    (min == NULL || v >= strtoll(min, NULL, 10)) &&
	    (max == NULL || v <= strtoll(max, NULL, 10));
}

static bool
data_fits(struct explainer *x, const xmlNode *data, const char *value)
{
	const char *most = param(x, data, "maxLength");
	xmlRegexp *re;

	if (strcmp(attr_of(x, data, "type"), "integer") == 0)
		return integer_fits(x, data, value);
	if (most != NULL &&
	    xmlUTF8Strlen((const xmlChar *)value) > strtol(most, NULL, 10))
		return false;
	re = regexp_of(x, data);
	return re == NULL || xmlRegexpExec(re, (const xmlChar *)value) == 1;
}

/* Does one of the patterns below `p` accept the value? */
static bool
fits(struct explainer *x, const xmlNode *p, const char *value, unsigned depth)
{
	bool any = conf_first(p) == NULL; /* an <attribute/>: any text */

	if (depth > DEPTH_MAX)
		return false;
	for (xmlNode *c = conf_first(p); c != NULL && !any; c = conf_after(c)) {
		if (is(c, "value"))
			any = strcmp(text_of(x, c), value) == 0;
		else if (is(c, "data"))
			any = data_fits(x, c, value);
		else if (is(c, "text"))
			any = true;
		else if (is(c, "empty"))
			any = *value == '\0';
		else if (is(c, "choice"))
			any = fits(x, c, value, depth + 1);
		else if (is(c, "ref") && defined(x, c) != NULL)
			any = fits(x, defined(x, c), value, depth + 1);
	}
	return any;
}

/* What a value should be: the documentation of its define, or the values to
 * choose from. */
static void
describe(struct explainer *x, const xmlNode *p, struct buf *out, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return;
	for (xmlNode *c = conf_first(p); c != NULL; c = conf_after(c)) {
		if (is(c, "documentation") || is(c, "value")) {
			const char *s = text_of(x, c);

			buf_puts(out, out->len > 0 ? ", or " : "");
			buf_puts(out, *s != '\0' ? s : "nothing");
			if (is(c, "documentation"))
				return;
		} else if (is(c, "choice")) {
			describe(x, c, out, depth + 1);
		} else if (is(c, "ref") && defined(x, c) != NULL) {
			describe(x, defined(x, c), out, depth + 1);
		}
	}
}

/* --- names that were meant --- */

#define NAME_MAX_LEN 48

/* Levenshtein's distance, by rows. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], n = strlen(b), old, up;

	if (strlen(a) > NAME_MAX_LEN || n > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		old = row[0]++;
		for (size_t j = 0; j < n; j++) {
			up = row[j + 1];
			row[j + 1] = old + (a[i] != b[j]);
			if (row[j] + 1 < row[j + 1])
				row[j + 1] = row[j] + 1;
			if (up + 1 < row[j + 1])
				row[j + 1] = up + 1;
			old = up;
		}
	}
	return row[n];
}

/* "; did you mean X?" or "; known are: ...". Names by a stride, because they
 * are the first members of rules. */
static const char *
hint(struct explainer *x, const char *name, const void *rules, size_t n,
    size_t stride)
{
	const char *best = NULL, *s;
	size_t least = strlen(name) < 5 ? 2 : 3, d;
	struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		s = *(const char *const *)((const char *)rules + i * stride);
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", s);
		d = distance(name, s);
		if (d < least) {
			least = d;
			best = s;
		}
	}
	if (best != NULL)
		s = arena_printf(x->ld->a, "; did you mean \"%s\"?", best);
	else if (n > 0)
		s = arena_printf(x->ld->a, "; known are: %s", buf_cstr(&b));
	else
		s = "";
	buf_free(&b);
	return s;
}

/* --- one element of the document --- */

static const struct attr_rule *
attr_rule(const struct rules *r, const xmlAttr *attr)
{
	for (size_t i = 0; i < r->n_attrs; i++)
		if (attr->ns == NULL &&
		    strcmp(r->attrs[i].name, (const char *)attr->name) == 0)
			return &r->attrs[i];
	return NULL;
}

static bool
has_attr(const xmlNode *n, const char *name)
{
	return xmlHasNsProp(n, (const xmlChar *)name, NULL) != NULL;
}

static void
explain_value(struct explainer *x, const xmlNode *n,
    const struct attr_rule *rule, const char *value)
{
	struct buf b = {0};

	if (fits(x, rule->pattern, value, 0))
		return;
	describe(x, rule->pattern, &b, 0);
	conf_complain_at(x->ld, n, "<%s> %s=\"%s\" should be %s", n->name,
	    rule->name, value, b.len > 0 ? buf_cstr(&b) : "something else");
	buf_free(&b);
}

static void
explain_attrs(struct explainer *x, const xmlNode *n, const struct rules *r)
{
	const struct attr_rule *rule;

	for (const xmlAttr *p = n->properties; p != NULL; p = p->next) {
		rule = attr_rule(r, p);
		if (rule != NULL)
			explain_value(
			    x, n, rule, attr_of(x, n, (const char *)p->name));
		else
			conf_complain_at(x->ld, n,
			    "<%s> has no attribute \"%s\"%s", n->name, p->name,
			    hint(x, (const char *)p->name, r->attrs, r->n_attrs,
				sizeof(*r->attrs)));
	}
}

/* The attributes that are sides of one choice: how many are there, and what
 * are their names? */
static size_t
choice_count(struct explainer *x, const xmlNode *n, const struct rules *r,
    const xmlNode *choice, const char **names)
{
	size_t there = 0;

	*names = "";
	for (size_t i = 0; i < r->n_attrs; i++) {
		if (r->attrs[i].choice != choice)
			continue;
		*names = arena_printf(x->ld->a, "%s%s\"%s\"", *names,
		    **names != '\0' ? " or " : "", r->attrs[i].name);
		there += has_attr(n, r->attrs[i].name);
	}
	return there;
}

static void
explain_missing(struct explainer *x, const xmlNode *n, const struct rules *r)
{
	const xmlNode *done = NULL;
	const char *names;
	size_t there;

	for (size_t i = 0; i < r->n_attrs; i++) {
		const struct attr_rule *a = &r->attrs[i];

		if (a->choice == NULL) {
			if (a->required && !has_attr(n, a->name))
				conf_complain_at(x->ld, n,
				    "<%s> needs the attribute \"%s\"", n->name,
				    a->name);
			continue;
		}
		if (a->choice == done)
			continue;
		done = a->choice;
		there = choice_count(x, n, r, a->choice, &names);
		if (there > 1 || (there == 0 && a->required))
			conf_complain_at(x->ld, n,
			    "<%s> needs the attribute %s%s", n->name, names,
			    there > 1 ? ", not both" : "");
	}
}

static void
explain_text(struct explainer *x, const xmlNode *n, const struct rules *r)
{
	for (const xmlNode *c = n->children; c != NULL && !r->text; c = c->next)
		if ((c->type == XML_TEXT_NODE ||
			c->type == XML_CDATA_SECTION_NODE) &&
		    !xmlIsBlankNode(c)) {
			conf_complain_at(x->ld, c->parent,
			    "<%s> may not hold text (\"%.40s\")", n->name,
			    text_of(x, c));
			return;
		}
}

static const struct child_rule *
child_rule(const struct rules *r, const xmlNode *child)
{
	for (size_t i = 0; i < r->n_children; i++)
		if (child->ns == NULL && is(child, r->children[i].name))
			return &r->children[i];
	return NULL;
}

/* How many elements of a rule are in `n`; complains of the second where
 * there may be only one. */
static size_t
count_children(
    struct explainer *x, const xmlNode *n, const struct child_rule *rule)
{
	size_t there = 0;

	for (xmlNode *c = conf_first(n); c != NULL; c = conf_after(c)) {
		if (c->ns != NULL || !is(c, rule->name))
			continue;
		if (++there == 2 && !rule->many)
			conf_complain_at(x->ld, c,
			    "there may be only one <%s> in <%s>", rule->name,
			    n->name);
	}
	return there;
}

static void
explain_numbers(struct explainer *x, const xmlNode *n, const struct rules *r)
{
	for (size_t i = 0; i < r->n_children; i++)
		if (count_children(x, n, &r->children[i]) == 0 &&
		    r->children[i].required)
			conf_complain_at(x->ld, n, "<%s> needs a <%s> in it",
			    n->name, r->children[i].name);
	if (r->needs_child && conf_first(n) == NULL)
		conf_complain_at(x->ld, n, "<%s> is empty%s", n->name,
		    hint(x, "", r->children, r->n_children,
			sizeof(*r->children)));
}

static void
explain_element(struct explainer *x, const xmlNode *n, const xmlNode *pattern)
{
	struct rules r = *rules_of(x, pattern);
	const struct child_rule *rule;

	explain_attrs(x, n, &r);
	explain_missing(x, n, &r);
	explain_text(x, n, &r);
	explain_numbers(x, n, &r);
	for (xmlNode *c = conf_first(n); c != NULL; c = conf_after(c)) {
		rule = child_rule(&r, c);
		if (rule != NULL)
			explain_element(x, c, rule->pattern);
		else
			conf_complain_at(x->ld, c,
			    "<%s> has no place in <%s>%s", c->name, n->name,
			    hint(x, (const char *)c->name, r.children,
				r.n_children, sizeof(*r.children)));
	}
}

/* The <element> of the root, or NULL when the schema is not as we know it. */
static const struct child_rule *
root_rule(struct explainer *x, struct rules *r)
{
	const xmlNode *start =
	    x->grammar != NULL ? conf_first(x->grammar) : NULL;

	while (start != NULL && !is(start, "start"))
		start = conf_after(start);
	if (start == NULL)
		return NULL;
	collect_children(x, start, r, (struct place){.number = ""});
	return r->n_children > 0 ? &r->children[0] : NULL;
}

void
conf_explain(struct conf_loader *ld, const xmlDoc *schema, xmlDoc *doc)
{
	struct explainer x = {ld, xmlDocGetRootElement(schema)};
	xmlNode *root = xmlDocGetRootElement(doc);
	struct rules r = {0};
	const struct child_rule *rule = root_rule(&x, &r);

	if (rule == NULL)
		return;
	if (root->ns != NULL || !is(root, rule->name))
		conf_complain_at(ld, root,
		    "the root element is <%s>, but should be <%s> "
		    "(and in no namespace)",
		    root->name, rule->name);
	else
		explain_element(&x, root, rule->pattern);
	free_regexps(&x);
}

void
conf_check_numbers(struct conf_loader *ld, const xmlDoc *schema, xmlDoc *doc)
{
	struct explainer x = {ld, xmlDocGetRootElement(schema)};
	struct rules r = {0};
	const struct child_rule *rule = root_rule(&x, &r);

	if (rule != NULL)
		explain_numbers(
		    &x, xmlDocGetRootElement(doc), rules_of(&x, rule->pattern));
}
