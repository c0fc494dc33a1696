/*
 * XInclude (W3C, 2006), the part that a configuration needs: xi:include with
 * href (a path relative to the including file), xpointer absent (the root
 * element) or of the form "xpointer(/NAME/..)" with a star as its last step
 * (the children of the root), and xi:fallback when the file does not exist.
 * Our own, because libxml2's would fetch from the network and load document
 * types in included files.
 */
#include <errno.h>
#include <libxml/uri.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/conf_priv.h"

#define DEPTH_MAX 8
#define INCLUDES_MAX 1000

/* The files that led to where we are: none may include itself. */
struct origin {
	const struct origin *outer;
	const char *path;
	dev_t dev;
	ino_t ino;
	unsigned depth;
};

static void expand(struct conf_loader *, xmlNode *, const struct origin *);

static bool
is_xi(const xmlNode *n, const char *name)
{
	static const char *const spaces[] = {"http://www.w3.org/2001/XInclude",
	    "http://www.w3.org/2003/XInclude"};

	if (n->ns == NULL || n->ns->href == NULL ||
	    strcmp((const char *)n->name, name) != 0)
		return false;
	return strcmp((const char *)n->ns->href, spaces[0]) == 0 ||
	    strcmp((const char *)n->ns->href, spaces[1]) == 0;
}

static const char *
attr_of(struct conf_loader *ld, xmlNode *n, const char *name)
{
	xmlChar *v = xmlGetNoNsProp(n, (const xmlChar *)name);
	const char *s = v != NULL ? arena_strdup(ld->a, (char *)v) : NULL;

	xmlFree(v);
	return s;
}

/* The path that an href means, or NULL after a complaint. */
static const char *
path_of(struct conf_loader *ld, xmlNode *n, const struct origin *o)
{
	const char *href = attr_of(ld, n, "href"), *slash;
	char *path;

	if (href == NULL || *href == '\0') {
		conf_complain_at(ld, n, "xi:include needs href, a file");
		return NULL;
	}
	if (strstr(href, "://") != NULL || strncmp(href, "//", 2) == 0 ||
	    strncmp(href, "file:", 5) == 0 || strpbrk(href, "?#") != NULL) {
		conf_complain_at(ld, n,
		    "xi:include href=\"%s\": only a path of a local file",
		    href);
		return NULL;
	}
	path = arena_strdup(ld->a, href);
	xmlURIUnescapeString(href, 0, path);
	slash = strrchr(o->path, '/');
	if (*path == '/' || slash == NULL)
		return path;
	return arena_printf(
	    ld->a, "%.*s/%s", (int)(slash - o->path), o->path, path);
}

static int
enter(struct conf_loader *ld, xmlNode *n, const char *path,
    const struct origin *outer, struct origin *o)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		conf_complain_at(
		    ld, n, "xi:include: %s: %s", path, strerror(errno));
		return -1;
	}
	*o = (struct origin){
	    outer, path, st.st_dev, st.st_ino, outer->depth + 1};
	for (; outer != NULL; outer = outer->outer)
		if (outer->dev == st.st_dev && outer->ino == st.st_ino) {
			conf_complain_at(
			    ld, n, "xi:include: %s includes itself", path);
			return -1;
		}
	if (o->depth > DEPTH_MAX || ++ld->includes > INCLUDES_MAX) {
		conf_complain_at(ld, n,
		    "xi:include: more than %d files, or %d within each other",
		    INCLUDES_MAX, DEPTH_MAX);
		return -1;
	}
	return 0;
}

/* What the xpointer selects: *children when the root's children, else the
 * root itself. */
static bool
pointer_of(struct conf_loader *ld, xmlNode *n, const char *root, bool *children)
{
	const char *p = attr_of(ld, n, "xpointer");

	*children = p != NULL;
	if (p == NULL || strcmp(p, "xpointer(/*/*)") == 0 ||
	    strcmp(p, arena_printf(ld->a, "xpointer(/%s/*)", root)) == 0)
		return true;
	conf_complain_at(ld, n,
	    "xi:include: of xpointers only \"xpointer(/%s/*)\" is known here",
	    root);
	return false;
}

/* Puts a copy before `n`, and expands what it includes in turn. */
static void
put_copy(struct conf_loader *ld, xmlNode *n, xmlNode *what, const char *file,
    const struct origin *o)
{
	xmlNode *copy = xmlDocCopyNode(what, n->doc, 1);

	if (copy == NULL) {
		conf_complain_at(ld, n, "xi:include: out of memory");
		return;
	}
	conf_mark(copy, file);
	xmlAddPrevSibling(n, copy);
	expand(ld, copy, o);
}

static void
put_file(struct conf_loader *ld, xmlNode *n, const char *path,
    const struct origin *o)
{
	xmlDoc *doc = conf_read_doc(ld, path);
	xmlNode *root;
	bool children;

	if (doc == NULL)
		return;
	root = xmlDocGetRootElement(doc);
	if (!pointer_of(ld, n, (const char *)root->name, &children))
		root = NULL;
	else if (!children)
		put_copy(ld, n, root, root->_private, o);
	else
		for (xmlNode *c = conf_first(root); c != NULL;
		     c = conf_after(c))
			put_copy(ld, n, c, c->_private, o);
	xmlFreeDoc(doc);
}

/* The fallback's content in place of a file that is not there. */
static bool
put_fallback(struct conf_loader *ld, xmlNode *n, const struct origin *o)
{
	xmlNode *f = conf_first(n);
	const char *file = n->_private;

	while (f != NULL && !is_xi(f, "fallback"))
		f = conf_after(f);
	if (f == NULL)
		return false;
	for (xmlNode *c = conf_first(f); c != NULL; c = conf_after(c))
		put_copy(ld, n, c, file, o);
	return true;
}

static void
include(struct conf_loader *ld, xmlNode *n, const struct origin *outer)
{
	const char *path = path_of(ld, n, outer), *parse;
	struct origin o;
	struct stat st;

	if (path == NULL)
		return;
	parse = attr_of(ld, n, "parse");
	if (parse != NULL && strcmp(parse, "xml") != 0) {
		conf_complain_at(
		    ld, n, "xi:include: parse may only be \"xml\"");
		return;
	}
	if (stat(path, &st) != 0 && errno == ENOENT &&
	    put_fallback(ld, n, outer))
		return;
	if (enter(ld, n, path, outer, &o) == 0)
		put_file(ld, n, path, &o);
}

static void
expand(struct conf_loader *ld, xmlNode *n, const struct origin *o)
{
	xmlNode *c, *next;

	if (is_xi(n, "include")) {
		include(ld, n, o);
		xmlUnlinkNode(n);
		xmlFreeNode(n);
		return;
	}
	for (c = conf_first(n); c != NULL; c = next) {
		next = conf_after(c);
		expand(ld, c, o);
	}
}

void
conf_include(struct conf_loader *ld, xmlDoc *doc, const char *path)
{
	struct origin o = {.path = path};
	xmlNode *root = xmlDocGetRootElement(doc);
	struct stat st;

	if (is_xi(root, "include")) {
		conf_complain_at(ld, root, "the root may not be an xi:include");
		return;
	}
	if (stat(path, &st) == 0) {
		o.dev = st.st_dev;
		o.ino = st.st_ino;
	}
	expand(ld, root, &o);
}
