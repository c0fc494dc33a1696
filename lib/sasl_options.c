/*
 * What Cyrus asks its user: every option from the <sasl> element, and nothing
 * from files of its own.
 */
#include <string.h>

#include "lib/sasl_int.h"

/* <option name= value=/>, for the plug-ins of a Cyrus back end. */
static const char *
from_element(const struct sasl_service *s, const char *option)
{
	const struct conf_node *n = conf_child(s->node, "option");

	for (; n != NULL; n = conf_next(s->node, "option", n))
		if (strcmp(conf_str(n, "name", ""), option) == 0)
			return conf_str(n, "value", "");
	return NULL;
}

static const char *
pwcheck_method(const struct sasl_service *s)
{
	return s->backend == SASL_BACKEND_SASLAUTHD ? "saslauthd" : "auxprop";
}

/* Other plug-ins are loaded, but never asked, unless an option names them. */
static const char *
auxprop_plugin(const struct sasl_service *s)
{
	(void)s;
	return "isthmus";
}

static const char *
saslauthd_path(const struct sasl_service *s)
{
	return s->saslauthd;
}

static const char *
keytab(const struct sasl_service *s)
{
	return s->keytab;
}

static const char *
no(const struct sasl_service *s)
{
	(void)s;
	return "no";
}

static const struct {
	const char *name;
	const char *(*value)(const struct sasl_service *s);
	bool ours; /* no <option> changes it */
} options[] = {
    {"pwcheck_method", pwcheck_method, false},
    {"auxprop_plugin", auxprop_plugin, false},
    {"saslauthd_path", saslauthd_path, true},
    {"keytab", keytab, true},
    {"auto_transition", no, true},
};

int
sasl_get_option(void *context, const char *plugin, const char *option,
    const char **result, unsigned *len)
{
	const struct sasl_service *s = context;
	const char *value = NULL;

	(void)plugin;
	if (s->backend == SASL_BACKEND_CYRUS)
		value = from_element(s, option);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].name, option) == 0 &&
		    (value == NULL || options[i].ours))
			value = options[i].value(s);
	if (value == NULL)
		return SASL_FAIL;
	*result = value;
	if (len != NULL)
		*len = (unsigned)strlen(value);
	return SASL_OK;
}
