/*
 * What is logged while a test looks.
 */
#ifndef TESTS_LOG_CAPTURE_H
#define TESTS_LOG_CAPTURE_H

#include <fcntl.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/unit.h"

/* Standard error goes into a pipe while a test logs. */
struct capture {
	int saved, pipe[2];
	char text[8192];
};

static inline void
capture_begin(struct capture *c)
{
	CU_ASSERT_FATAL(pipe2(c->pipe, O_NONBLOCK) == 0);
	c->saved = dup(STDERR_FILENO);
	dup2(c->pipe[1], STDERR_FILENO);
	log_init("test", LOG_LEVEL_INFO, false);
}

/* What was logged; NULL-terminated. */
static inline const char *
capture_end(struct capture *c)
{
	ssize_t n;

	dup2(c->saved, STDERR_FILENO);
	n = read(c->pipe[0], c->text, sizeof(c->text) - 1);
	c->text[n > 0 ? n : 0] = '\0';
	close(c->saved);
	close(c->pipe[0]);
	close(c->pipe[1]);
	return c->text;
}

#endif
