#include "qmgr/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/crc32c.h"
#include "qmgr/writer.h"

#define FORMAT "isthmus configuration 1\n"
#define HEAD (sizeof(FORMAT) - 1 + 4)
#define FILE_MAX (256u << 20)
#define PIECE (64u << 10)

const char *
q_kept_path(struct arena *a, const char *spool)
{
	return arena_printf(a, "%s/run/configuration", spool);
}

/* --- octets --- */

static void
pack(const struct conf_node *root, struct buf *out)
{
	struct buf tree = {0};

	conf_pack(root, &tree);
	buf_append(out, (const uint8_t *)FORMAT, sizeof(FORMAT) - 1);
	buf_put_u32(out, crc32c(0, tree.data, tree.len));
	buf_append(out, tree.data, tree.len);
	buf_free(&tree);
}

static struct conf_node *
unpack(struct arena *a, const struct buf *b, const char *path, struct err *e)
{
	struct buf crc = {0};
	bool good =
	    b->len >= HEAD && memcmp(b->data, FORMAT, sizeof(FORMAT) - 1) == 0;

	if (good) {
		buf_put_u32(&crc, crc32c(0, b->data + HEAD, b->len - HEAD));
		good = memcmp(b->data + HEAD - 4, crc.data, 4) == 0;
		buf_free(&crc);
	}
	if (!good) {
		err_set(e, "qmgr", ERR_SYNTAX, "%s: damaged", path);
		return NULL;
	}
	return conf_unpack(a, b->data + HEAD, b->len - HEAD, e);
}

static int
write_all(int fd, const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = write(fd, b->data + at, b->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += (size_t)n;
	}
	return 0;
}

static int
read_all(int fd, struct buf *b)
{
	ssize_t n = 1;

	while (n != 0 && b->len <= FILE_MAX) {
		n = read(fd, buf_reserve(b, PIECE), PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		buf_grow(b, (size_t)n);
	}
	errno = EFBIG;
	return n != 0 ? -1 : 0;
}

/* --- the file --- */

static int
replace(const char *path, const struct buf *b, struct err *e)
{
	char new[4096 + 8], directory[4096];
	char *slash;
	int fd, rc = 0;

	snprintf(new, sizeof(new), "%s.new", path);
	snprintf(directory, sizeof(directory), "%s", path);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "qmgr", "%s", new);
	if (write_all(fd, b) != 0 || fsync(fd) != 0)
		rc = err_sys(e, "qmgr", "%s", new);
	close(fd);
	if (rc == 0 && rename(new, path) != 0)
		rc = err_sys(e, "qmgr", "%s", path);
	if (rc != 0) {
		unlink(new); /* it would take the room of others */
		return rc;
	}
	slash = strrchr(directory, '/');
	if (slash != NULL)
		*slash = '\0';
	return q_sync_directory(directory, e);
}

static bool
says_so_already(const char *path, const struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf old = {0};
	bool same = fd >= 0 && read_all(fd, &old) == 0 && old.len == b->len &&
	    memcmp(old.data, b->data, b->len) == 0;

	if (fd >= 0)
		close(fd);
	buf_free(&old);
	return same;
}

int
q_kept_write(const char *path, const struct conf_node *root, struct err *e)
{
	struct buf b = {0};
	int rc = 0;

	pack(root, &b);
	if (!says_so_already(path, &b))
		rc = replace(path, &b, e);
	buf_free(&b);
	return rc;
}

static struct conf_node *
read_fd(struct arena *a, int fd, const char *path, struct err *e)
{
	struct conf_node *root = NULL;
	struct buf b = {0};

	if (read_all(fd, &b) != 0)
		err_sys(e, "qmgr", "%s", path);
	else
		root = unpack(a, &b, path, e);
	buf_free(&b);
	close(fd);
	return root;
}

struct conf_node *
q_kept_read(struct arena *a, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		err_sys(e, "qmgr", "%s", path);
		return NULL;
	}
	return read_fd(a, fd, path, e);
}

/* --- over exec --- */

int
q_kept_bequeath(const struct conf_node *root, struct err *e)
{
	int fd = memfd_create("configuration", 0);
	struct buf b = {0};
	int rc = 0;

	if (fd < 0)
		return err_sys(e, "qmgr", "memory for the configuration");
	pack(root, &b);
	if (write_all(fd, &b) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		rc = err_sys(e, "qmgr", "memory for the configuration");
	buf_free(&b);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

struct conf_node *
q_kept_inherit(struct arena *a, int fd, struct err *e)
{
	return read_fd(a, fd, "inherited configuration", e);
}
