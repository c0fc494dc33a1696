/*
 * From XML to the tree: reading, validating, converting. libxml2 never opens
 * a file or a connection by itself here: files are read by us and parsed from
 * memory, a document type declaration is refused before its first entity.
 */
#include <errno.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf_priv.h"
#include "lib/log.h"

#define FILE_MAX (256 << 20)

static void
complain_v(struct conf_loader *ld, const char *file, unsigned line,
    const char *fmt, va_list ap)
{
	char *text = arena_vprintf(ld->a, fmt, ap);

	/* libxml2 ends its messages with a newline */
	for (size_t n = strlen(text); n > 0 && text[n - 1] == '\n'; n--)
		text[n - 1] = '\0';
	if (ld->complaints++ == 0) {
		if (line > 0)
			err_set(ld->e, "conf", ERR_CONFIG, "%s:%u: %s", file,
			    line, text);
		else
			err_set(
			    ld->e, "conf", ERR_CONFIG, "%s: %s", file, text);
	}
	if (ld->complain != NULL)
		ld->complain(ld->arg, file, line, text);
}

void
conf_complain(struct conf_loader *ld, const char *file, unsigned line,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain_v(ld, file, line, fmt, ap);
	va_end(ap);
}

void
conf_complain_at(struct conf_loader *ld, const xmlNode *n, const char *fmt, ...)
{
	const char *file = n->_private;
	long line = xmlGetLineNo(n);
	va_list ap;

	va_start(ap, fmt);
	complain_v(ld, file != NULL ? file : "?", line > 0 ? (unsigned)line : 0,
	    fmt, ap);
	va_end(ap);
}

xmlNode *
conf_first(const xmlNode *n)
{
	return xmlFirstElementChild((xmlNode *)n);
}

xmlNode *
conf_after(const xmlNode *n)
{
	return xmlNextElementSibling((xmlNode *)n);
}

/* --- reading --- */

static int
read_all(int fd, struct buf *out, struct err *e)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "conf", "cannot be read");
	if (S_ISDIR(st.st_mode))
		return err_set(e, "conf", ERR_CONFIG, "is a directory");
	do {
		n = read(fd, buf_reserve(out, 65536), 65536);
		if (n < 0)
			return err_sys(e, "conf", "cannot be read");
		buf_grow(out, (size_t)n);
		if (out->len > FILE_MAX)
			return err_set(e, "conf", ERR_LIMIT, "is too big");
	} while (n > 0);
	return 0;
}

static int
read_file(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_sys(e, "conf", "cannot be read");
	rc = read_all(fd, out, e);
	close(fd);
	return rc;
}

struct reading {
	struct conf_loader *ld;
	const char *path;
};

static struct reading *
reading_of(void *ctx)
{
	return ((xmlParserCtxt *)ctx)->_private;
}

static void
parser_complains(void *ctx, xmlErrorPtr err)
{
	struct reading *r = reading_of(ctx);

	conf_complain(r->ld, r->path, err->line > 0 ? (unsigned)err->line : 0,
	    "%s", err->message != NULL ? err->message : "not XML");
}

/* Called for <!DOCTYPE, before anything that is declared in it. */
static void
refuse_doctype(void *ctx, const xmlChar *name, const xmlChar *external,
    const xmlChar *system)
{
	struct reading *r = reading_of(ctx);

	(void)name;
	(void)external;
	(void)system;
	conf_complain(r->ld, r->path, (unsigned)xmlSAX2GetLineNumber(ctx),
	    "a document type declaration (<!DOCTYPE) is not allowed");
	xmlStopParser(ctx);
}

void
conf_mark(xmlNode *n, const char *file)
{
	n->_private = (void *)file;
	for (xmlNode *c = conf_first(n); c != NULL; c = conf_after(c))
		conf_mark(c, file);
}

static xmlDoc *
parse(struct conf_loader *ld, const char *path, const struct buf *text)
{
	struct reading r = {ld, path};
	xmlParserCtxt *ctx = xmlNewParserCtxt();
	unsigned before = ld->complaints;
	xmlDoc *doc;

	if (ctx == NULL)
		log_die("conf: out of memory");
	ctx->_private = &r;
	ctx->sax->serror = parser_complains;
	ctx->sax->internalSubset = refuse_doctype;
	doc = xmlCtxtReadMemory(ctx, (const char *)text->data, (int)text->len,
	    path, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
	xmlFreeParserCtxt(ctx);
	if (ld->complaints > before) {
		xmlFreeDoc(doc);
		return NULL;
	}
	if (doc == NULL || xmlDocGetRootElement(doc) == NULL) {
		xmlFreeDoc(doc);
		conf_complain(ld, path, 1, "not XML");
		return NULL;
	}
	conf_mark(xmlDocGetRootElement(doc), path);
	return doc;
}

xmlDoc *
conf_read_doc(struct conf_loader *ld, const char *path)
{
	struct buf text = {0};
	struct err e = ERR_INIT;
	xmlDoc *doc = NULL;

	path = arena_strdup(ld->a, path);
	if (read_file(path, &text, &e) == 0)
		doc = parse(ld, path, &text);
	else
		conf_complain(ld, path, 0, "%s", e.text);
	buf_free(&text);
	return doc;
}

/* --- validating --- */

/* What libxml2 said, kept until we know whether we can say it better. */
struct verdict {
	struct conf_loader *ld;
	const xmlNode *at;
	char *text;
};

static void
schema_complains(void *arg, xmlErrorPtr err)
{
	struct verdict *v = arg;

	if (v->text != NULL)
		return;
	v->text = arena_strdup(
	    v->ld->a, err->message != NULL ? err->message : "not allowed");
	v->at = err->node;
}

static xmlRelaxNG *
compile_schema(struct conf_loader *ld, xmlDoc *schema, const char *path)
{
	xmlRelaxNGParserCtxt *ctx = xmlRelaxNGNewDocParserCtxt(schema);
	struct verdict v = {.ld = ld};
	xmlRelaxNG *rng;

	if (ctx == NULL)
		log_die("conf: out of memory");
	xmlRelaxNGSetParserStructuredErrors(ctx, schema_complains, &v);
	rng = xmlRelaxNGParse(ctx);
	xmlRelaxNGFreeParserCtxt(ctx);
	if (rng == NULL)
		conf_complain(ld, path, 0, "not a RELAX NG schema: %s",
		    v.text != NULL ? v.text : "unknown reason");
	return rng;
}

static void
validate(struct conf_loader *ld, xmlDoc *doc, const char *schema_path)
{
	xmlDoc *schema = conf_read_doc(ld, schema_path);
	struct verdict v = {.ld = ld};
	unsigned before = ld->complaints;
	xmlRelaxNG *rng;

	if (schema == NULL)
		return;
	rng = compile_schema(ld, schema, schema_path);
	if (rng != NULL &&
	    conf_run_schema(ld->a, rng, schema, doc, schema_complains, &v) ==
		0) {
		conf_check_numbers(ld, schema, doc);
	} else if (rng != NULL) {
		conf_explain(ld, schema, doc);
		if (ld->complaints == before)
			conf_complain_at(ld,
			    v.at != NULL ? v.at : xmlDocGetRootElement(doc),
			    "%s", v.text != NULL ? v.text : "not allowed");
	}
	xmlRelaxNGFree(rng);
	xmlFreeDoc(schema);
}

/* --- converting --- */

static const char *
trimmed(struct arena *a, const struct buf *b)
{
	size_t from = 0, to = b->len;

	while (from < to && strchr(" \t\r\n", b->data[from]) != NULL)
		from++;
	while (to > from && strchr(" \t\r\n", b->data[to - 1]) != NULL)
		to--;
	return arena_strndup(a, (const char *)b->data + from, to - from);
}

static const char *
text_of(struct arena *a, const xmlNode *n)
{
	struct buf b = {0};
	const char *s;

	for (const xmlNode *c = n->children; c != NULL; c = c->next)
		if ((c->type == XML_TEXT_NODE ||
			c->type == XML_CDATA_SECTION_NODE) &&
		    c->content != NULL)
			buf_puts(&b, (const char *)c->content);
	s = b.len > 0 ? trimmed(a, &b) : "";
	buf_free(&b);
	return s;
}

static void
convert_attrs(struct arena *a, const xmlNode *n, struct conf_node *out)
{
	struct conf_attr *attr;
	xmlChar *value;

	for (xmlAttr *p = n->properties; p != NULL; p = p->next) {
		value = xmlNodeListGetString(n->doc, p->children, 1);
		attr = arena_push(
		    a, &out->attrs, &out->n_attrs, sizeof(*out->attrs));
		attr->name = arena_strdup(a, (const char *)p->name);
		attr->value =
		    value != NULL ? arena_strdup(a, (const char *)value) : "";
		xmlFree(value);
	}
}

static struct conf_node *
convert(struct arena *a, const xmlNode *n)
{
	struct conf_node *out = ARENA_NEW(a, struct conf_node), **slot;
	long line = xmlGetLineNo(n);

	out->name = arena_strdup(a, (const char *)n->name);
	out->text = text_of(a, n);
	out->file = n->_private;
	out->line = line > 0 ? (unsigned)line : 0;
	convert_attrs(a, n, out);
	for (xmlNode *c = conf_first(n); c != NULL; c = conf_after(c)) {
		slot = arena_push(a, &out->children, &out->n_children,
		    sizeof(*out->children));
		*slot = convert(a, c);
		(*slot)->index = out->n_children - 1;
	}
	return out;
}

struct conf_node *
conf_load(struct arena *a, const char *path, const char *schema,
    conf_complain_fn *complain, void *arg, struct err *e)
{
	struct conf_loader ld = {
	    .a = a, .complain = complain, .arg = arg, .e = e};
	struct conf_node *root = NULL;
	xmlDoc *doc;

	doc = conf_read_doc(&ld, path);
	if (doc == NULL)
		return NULL;
	conf_include(&ld, doc, path);
	if (ld.complaints == 0)
		validate(&ld, doc, schema);
	if (ld.complaints == 0)
		root = convert(a, xmlDocGetRootElement(doc));
	xmlFreeDoc(doc);
	return root;
}
