/*
 * What the files of lib/conf*.c share: the state of one conf_load(), and the
 * explanation of what a schema does not accept.
 *
 * The file that an element came from hangs at xmlNode._private (text in the
 * loader's arena), because XInclude puts elements of many files in one tree.
 */
#ifndef LIB_CONF_PRIV_H
#define LIB_CONF_PRIV_H

#include <libxml/relaxng.h>
#include <libxml/tree.h>

#include "lib/conf.h"

struct conf_loader {
	struct arena *a;
	conf_complain_fn *complain; /* may be NULL */
	void *arg;
	unsigned complaints; /* made so far */
	unsigned includes;   /* files included so far */
	struct err *e;       /* gets the first complaint */
};

void conf_complain(struct conf_loader *ld, const char *file, unsigned line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same, about an element; its file and line are said. */
void conf_complain_at(struct conf_loader *ld, const xmlNode *n, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* A file as a document: well-formed, without document type, every element
 * marked with its file. NULL after a complaint. */
xmlDoc *conf_read_doc(struct conf_loader *ld, const char *path);

/* Replaces every xi:include in the document. Complains. */
void conf_include(struct conf_loader *ld, xmlDoc *doc, const char *path);

/* Does the schema accept the document? 0 if so; else `fn` was told why. The order
 * of attributes changes. */
int conf_run_schema(struct arena *a, xmlRelaxNG *rng, const xmlDoc *schema,
    xmlDoc *doc, xmlStructuredErrorFunc fn, void *arg);

/* Complains about whatever in the document the schema does not allow, in words
 * that name what would be allowed. `schema` is a RELAX NG document that keeps
 * to what conf_explain.c says. */
void conf_explain(struct conf_loader *ld, const xmlDoc *schema, xmlDoc *doc);

/* Complains when there are too many or too few of the root's children, for a
 * document that the schema accepts: it does not count them (conf_explain.c). */
void conf_check_numbers(
    struct conf_loader *ld, const xmlDoc *schema, xmlDoc *doc);

/* Notes the file of an element and of all in it. */
void conf_mark(xmlNode *n, const char *file);

/* The first child element, and the next sibling element. */
xmlNode *conf_first(const xmlNode *n);
xmlNode *conf_after(const xmlNode *n);

#endif
