/*
 * The client's side of the control socket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "qmgr/control.h"

#define FIELDS_MAX 16
#define QUEUE_FIELDS 12

static FILE *
ask(const char *path, const char *request, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	FILE *f = NULL;
	int fd;

	if (n >= sizeof(sa.sun_path)) {
		err_set(e, "control", ERR_SYSTEM, "%s: path too long", path);
		return NULL;
	}
	memcpy(sa.sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		f = fdopen(fd, "r+");
	if (f == NULL) {
		err_sys(e, "control", "no qmgr at %s", path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	fprintf(f, "%s\n", request);
	fflush(f);
	return f;
}

static size_t
split(char *line, char **fields)
{
	size_t n = 0;
	char *field;

	while (n < FIELDS_MAX && (field = strsep(&line, "\t")) != NULL)
		fields[n++] = field;
	return n;
}

/* Calls fn with the fields of each line until it says no. */
static int
answers(FILE *f, bool (*fn)(void *arg, char **fields, size_t n), void *arg,
    struct err *e)
{
	char *line = NULL, *fields[FIELDS_MAX];
	size_t cap = 0;
	ssize_t n;
	int rc = 1;

	while (rc > 0 && (n = getline(&line, &cap, f)) > 0) {
		line[n - 1] = '\0';
		if (strcmp(line, ".") == 0)
			rc = 0;
		else if (*line == '!')
			rc = err_set(e, "control", ERR_REFUSED, "%s", line + 1);
		else if (!fn(arg, fields, split(line, fields)))
			rc = 0;
	}
	free(line);
	if (rc > 0)
		rc = err_set(e, "control", ERR_SYNTAX,
		    "the answer breaks off (is it your switch?)");
	return rc;
}

struct queue_call {
	q_queue_fn *fn;
	void *arg;
};

static bool
queue_line(void *arg, char **f, size_t n)
{
	const struct queue_call *call = arg;
	struct q_queue_entry x = {0};

	if (n != QUEUE_FIELDS || q_id_parse(f[0], &x.message) != 0)
		return true;
	x.kind = f[1];
	x.priority = f[2];
	x.arrival = strtoll(f[3], NULL, 10);
	x.size = strtoull(f[4], NULL, 10);
	x.recipients = (unsigned)strtoul(f[5], NULL, 10);
	x.channel = f[6];
	x.peer = f[7];
	x.state = f[8];
	x.attempts = (unsigned)strtoul(f[9], NULL, 10);
	x.next = strtoll(f[10], NULL, 10);
	x.error = f[11];
	return call->fn(call->arg, &x);
}

int
q_control_queue(const char *path, q_queue_fn *fn, void *arg, struct err *e)
{
	struct queue_call call = {fn, arg};
	FILE *f = ask(path, "queue", e);
	int rc;

	if (f == NULL)
		return ERR_SYSTEM;
	rc = answers(f, queue_line, &call, e);
	fclose(f);
	return rc;
}

struct status_call {
	q_status_fn *fn;
	void *arg;
};

static bool
status_line(void *arg, char **f, size_t n)
{
	const struct status_call *call = arg;

	return n != 2 || call->fn(call->arg, f[0], f[1]);
}

int
q_control_status(const char *path, q_status_fn *fn, void *arg, struct err *e)
{
	struct status_call call = {fn, arg};
	FILE *f = ask(path, "status", e);
	int rc;

	if (f == NULL)
		return ERR_SYSTEM;
	rc = answers(f, status_line, &call, e);
	fclose(f);
	return rc;
}
