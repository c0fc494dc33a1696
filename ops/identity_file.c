#include "ops/identity_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "lib/arena.h"
#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/identity.h"
#include "lib/log.h"

#define X(s) ((const xmlChar *)(s))

struct identity_file {
	char *path, *fresh; /* NULL: in no file */
	int lock;           /* the descriptor that holds it, or -1 */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	xmlDoc *doc;
};

/* --- opening --- */

static int
lock_file(struct identity_file *f, struct err *e)
{
	char *path = NULL;

	if (asprintf(&path, "%s.lock", f->path) < 0)
		log_die("out of memory");
	f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->lock < 0 || flock(f->lock, LOCK_EX) != 0) {
		err_sys(e, "identity", "%s", path);
		free(path);
		return ERR_SYSTEM;
	}
	free(path);
	return 0;
}

/* What names that are nobody's show for salts depends on it. */
static void
add_secret(struct identity_file *f)
{
	xmlNode *root = xmlDocGetRootElement(f->doc);
	uint8_t secret[IDENTITY_SECRET];
	struct buf b = {0};

	if (xmlHasProp(root, X("secret")) != NULL)
		return;
	if (RAND_bytes(secret, sizeof(secret)) != 1)
		log_die("no random octets");
	base64_encode(&b, secret, sizeof(secret));
	xmlSetProp(root, X("secret"), X(buf_cstr(&b)));
	OPENSSL_cleanse(b.data, b.len);
	buf_free(&b);
	OPENSSL_cleanse(secret, sizeof(secret));
}

static void
new_document(struct identity_file *f)
{
	f->doc = xmlNewDoc(X("1.0"));
	if (f->doc == NULL)
		log_die("out of memory");
	xmlDocSetRootElement(
	    f->doc, xmlNewDocNode(f->doc, NULL, X("identities"), X("\n")));
}

/* Whatever is read was accepted by conf_load(): no document types, no entities,
 * bounded. */
static int
read_document(struct identity_file *f, const char *schema, struct err *e)
{
	struct identity_table *t;
	struct stat st;

	if (f->path == NULL || stat(f->path, &st) != 0) {
		new_document(f);
		return 0;
	}
	f->mode = st.st_mode & 07777;
	f->uid = st.st_uid;
	f->gid = st.st_gid;
	t = identity_table_load(f->path, schema, NULL, NULL, e);
	if (t == NULL)
		return ERR_CONFIG;
	identity_table_free(&t);
	f->doc = xmlReadFile(f->path, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	return f->doc != NULL
	    ? 0
	    : err_set(e, "identity", ERR_SYNTAX, "%s: no XML", f->path);
}

struct identity_file *
identity_file_open(const char *path, const char *schema, struct err *e)
{
	struct identity_file *f = xcalloc(1, sizeof(*f));

	f->lock = -1;
	f->mode = 0600;
	f->uid = geteuid();
	f->gid = getegid();
	if (path != NULL) {
		f->path = xstrdup(path);
		if (asprintf(&f->fresh, "%s.new", path) < 0)
			log_die("out of memory");
	}
	if ((path != NULL && lock_file(f, e) < 0) ||
	    read_document(f, schema, e) < 0)
		identity_file_close(&f);
	return f;
}

void
identity_file_close(struct identity_file **fp)
{
	struct identity_file *f = *fp;

	if (f == NULL)
		return;
	*fp = NULL;
	if (f->doc != NULL)
		xmlFreeDoc(f->doc);
	if (f->lock >= 0)
		close(f->lock);
	free(f->path);
	free(f->fresh);
	free(f);
}

/* --- saving --- */

static int
write_all(int fd, const xmlChar *p, int n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, (size_t)n);

		if (done < 0)
			return -1;
		p += done;
		n -= (int)done;
	}
	return 0;
}

/* The directory too: the new name must outlive a power failure. */
static int
sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash == NULL ? xstrdup(".") : xstrdup(path);
	int fd, rc;

	if (slash != NULL)
		directory[slash == path ? 1 : slash - path] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

static int
write_fresh(struct identity_file *f, struct err *e)
{
	xmlChar *text = NULL;
	int n = 0, fd, rc;

	unlink(f->fresh);
	fd = open(f->fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "identity", "%s", f->fresh);
	xmlDocDumpMemoryEnc(f->doc, &text, &n, "UTF-8");
	rc = text == NULL || write_all(fd, text, n) != 0 ||
	    (fchown(fd, f->uid, f->gid) != 0 && geteuid() == 0) ||
	    fchmod(fd, f->mode) != 0 || fsync(fd) != 0;
	if (rc != 0)
		err_sys(e, "identity", "%s", f->fresh);
	xmlFree(text);
	close(fd);
	return rc == 0 ? 0 : ERR_SYSTEM;
}

int
identity_file_save(struct identity_file *f, const char *schema, struct err *e)
{
	struct identity_table *t;

	add_secret(f);
	if (write_fresh(f, e) < 0) {
		unlink(f->fresh);
		return ERR_SYSTEM;
	}
	t = identity_table_load(f->fresh, schema, NULL, NULL, e);
	if (t == NULL) {
		unlink(f->fresh);
		return ERR_CONFIG;
	}
	identity_table_free(&t);
	if (rename(f->fresh, f->path) != 0 || sync_directory(f->path) != 0)
		return err_sys(e, "identity", "%s", f->path);
	return 0;
}

void
identity_file_print(const struct identity_file *f, const char *name, FILE *out)
{
	xmlBuffer *b = xmlBufferCreate();

	if (b == NULL)
		log_die("out of memory");
	xmlNodeDump(b, f->doc, identity_file_user(f, name), 1, 0);
	fprintf(out, "%s\n", (const char *)xmlBufferContent(b));
	xmlBufferFree(b);
}

/* --- elements --- */

xmlNode *
identity_file_user(const struct identity_file *f, const char *name)
{
	xmlNode *n = xmlDocGetRootElement(f->doc)->children;

	for (; n != NULL; n = n->next) {
		xmlChar *is = n->type == XML_ELEMENT_NODE
		    ? xmlGetProp(n, X("name"))
		    : NULL;
		bool found = is != NULL && xmlStrEqual(is, X(name));

		xmlFree(is);
		if (found)
			return n;
	}
	return NULL;
}

static xmlNode *
add(xmlNode *parent, const char *element, const char *before, const char *after)
{
	xmlNode *n;

	xmlNodeAddContent(parent, X(before));
	n = xmlNewChild(parent, NULL, X(element), NULL);
	xmlNodeAddContent(parent, X(after));
	if (n == NULL)
		log_die("out of memory");
	return n;
}

xmlNode *
identity_file_new_user(struct identity_file *f, const char *name)
{
	xmlNode *n = add(xmlDocGetRootElement(f->doc), "user", "  ", "\n");

	xmlSetProp(n, X("name"), X(name));
	xmlNodeAddContent(n, X("\n  "));
	return n;
}

/* With the white space in front of it. */
void
identity_file_remove(xmlNode *user)
{
	xmlNode *blank = user->prev;

	if (blank != NULL && xmlIsBlankNode(blank)) {
		xmlUnlinkNode(blank);
		xmlFreeNode(blank);
	}
	xmlUnlinkNode(user);
	xmlFreeNode(user);
}

xmlNode *
identity_file_add(xmlNode *user, const char *element)
{
	return add(user, element, "  ", "\n  ");
}

void
identity_file_drop(xmlNode *user, const char *element)
{
	xmlNode *n = user->children, *next;

	for (; n != NULL; n = next) {
		next = n->next;
		if (n->type == XML_ELEMENT_NODE &&
		    xmlStrEqual(n->name, X(element)))
			identity_file_remove(n);
	}
}
