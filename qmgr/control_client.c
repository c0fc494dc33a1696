/*
 * The client's side of the control socket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "qmgr/control.h"

#define PATIENCE 60 /* seconds without a word from qmgr */

static int
connect_to(const char *path, struct err *e)
{
	const struct timeval patience = {PATIENCE, 0};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	int fd;

	if (n >= sizeof(sa.sun_path))
		return err_set(
		    e, "control", ERR_SYSTEM, "%s: path too long", path);
	memcpy(sa.sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "control", "socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	err_sys(e, "control", "no qmgr at %s", path);
	close(fd);
	return ERR_SYSTEM;
}

/* qmgr may refuse before it has read all: then what it says counts. */
static void
send_request(int fd, const struct q_request *r)
{
	struct buf b = {0};

	q_request_pack(r, &b);
	for (size_t at = 0; at < b.len;) {
		ssize_t n = send(fd, b.data + at, b.len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		at += (size_t)n;
	}
	buf_free(&b);
}

/* Calls fn with each row until it says no, or it was the last. */
static int
read_rows(FILE *f, q_row_fn *fn, void *arg, struct err *e)
{
	char *line = NULL;
	struct q_row row;
	size_t cap = 0;
	ssize_t n;
	int rc = 1;

	while (rc > 0 && (n = getline(&line, &cap, f)) > 0 &&
	    line[n - 1] == '\n') {
		line[--n] = '\0';
		if (strcmp(line, ".") == 0)
			rc = 0;
		else if (*line == '!')
			rc = err_set(e, "control", ERR_REFUSED, "%s", line + 1);
		else if (q_row_parse(line, (size_t)n, &row, e) != 0)
			rc = ERR_SYNTAX;
		else if (!fn(arg, &row))
			rc = 0;
	}
	free(line);
	return rc <= 0 ? rc
		       : err_set(e, "control", ERR_TEMPORARY,
			     "the answer breaks off: qmgr ended, or was too "
			     "busy");
}

int
q_control_ask(const char *path, const struct q_request *r, q_row_fn *fn,
    void *arg, struct err *e)
{
	int fd = connect_to(path, e), rc;
	FILE *f;

	if (fd < 0)
		return fd;
	send_request(fd, r);
	f = fdopen(fd, "r");
	if (f == NULL) {
		err_sys(e, "control", "socket");
		close(fd);
		return ERR_SYSTEM;
	}
	rc = read_rows(f, fn, arg, e);
	fclose(f);
	return rc;
}
