/*
 * What the readers of the configuration (config*.c) share: how a fault is
 * told, and attributes that must be there.
 */
#ifndef QMGR_CONFIG_OWN_H
#define QMGR_CONFIG_OWN_H

#include "qmgr/config.h"

struct q_reading {
	struct q_config *c;
	conf_complain_fn *complain;
	void *arg;
	struct err *first;
	bool failed;
};

__attribute__((format(printf, 3, 4))) void q_complain(
    struct q_reading *r, const struct conf_node *n, const char *fmt, ...);
/* "" when it is missing, which is told. */
const char *q_required(
    struct q_reading *r, const struct conf_node *n, const char *attr);

/* config_lists.c: <redirect>, <alternate> and <list>. */
void q_config_read_redirects(struct q_reading *r);
void q_config_read_alternates(struct q_reading *r);
void q_config_read_lists(struct q_reading *r);
/* config_control.c */
void q_config_read_control(struct q_reading *r);

#endif
