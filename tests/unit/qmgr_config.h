/*
 * Configurations as trees made in the test, without XML: a line per element,
 * "name attr=value attr=value", with two spaces before a child of the element
 * above. Values have '_' for a space.
 */
#ifndef TESTS_UNIT_QMGR_CONFIG_H
#define TESTS_UNIT_QMGR_CONFIG_H

#include <string.h>

#include "lib/conf.h"

static inline struct conf_node *
conf_line(struct arena *a, char *line, unsigned number)
{
	struct conf_node *n = ARENA_NEW(a, struct conf_node);
	char *word;

	n->name = strsep(&line, " ");
	n->text = "";
	n->file = "test.xml";
	n->line = number;
	while ((word = strsep(&line, " ")) != NULL) {
		struct conf_attr *at =
		    arena_push(a, &n->attrs, &n->n_attrs, sizeof(*n->attrs));

		at->name = strsep(&word, "=");
		for (char *p = word; *p != '\0'; p++)
			if (*p == '_')
				*p = ' ';
		at->value = word;
	}
	return n;
}

static inline void
conf_add(struct arena *a, struct conf_node *to, struct conf_node *n)
{
	*(struct conf_node **)arena_push(
	    a, &to->children, &to->n_children, sizeof(*to->children)) = n;
}

static inline struct conf_node *
conf_make(struct arena *a, const char *text)
{
	char *all = arena_strdup(a, text), *line;
	char first[] = "isthmus name=test";
	struct conf_node *root = conf_line(a, arena_strdup(a, first), 1);
	struct conf_node *last = root, *n;
	unsigned number = 1;

	while ((line = strsep(&all, "\n")) != NULL) {
		bool child = strncmp(line, "  ", 2) == 0;

		number++;
		if (*line == '\0')
			continue;
		n = conf_line(a, line + (child ? 2 : 0), number);
		conf_add(a, child ? last : root, n);
		if (!child)
			last = n;
	}
	return root;
}

#endif
