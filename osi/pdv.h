/*
 * The two carriers of a value on a presentation context, read as a stream:
 * the PDV-list of presentation user data (X.226 8.4.2) and the EXTERNAL
 * (X.208 34). Both are {syntax OID?, context INTEGER, single [0] | octet-
 * aligned [1] | arbitrary [2]}; their fields are fed from a ber_scan, and the
 * octets of the value come out raw, as they arrive, whichever form is used.
 *
 * Small pieces are gathered (a header of two octets should not cost a call
 * through three layers): the owner calls pdv_flush() when its input is used
 * up. Errors are those of the carrier (ERR_SYNTAX), or what a callback gave.
 */
#ifndef OSI_PDV_H
#define OSI_PDV_H

#include "asn1/ber.h"

struct pdv_ops {
	/* The value begins; context is 0 when the carrier named none. */
	int (*begin)(void *arg, int32_t context, struct err *e);
	int (*data)(void *arg, const uint8_t *p, size_t n, struct err *e);
	int (*end)(void *arg, struct err *e);
};

enum pdv_field { /* in the order in which they may come */
	PDV_NONE,
	PDV_SYNTAX,     /* OBJECT IDENTIFIER */
	PDV_CONTEXT,    /* INTEGER */
	PDV_DESCRIPTOR, /* ObjectDescriptor, EXTERNAL only */
	PDV_VALUE,
};

enum pdv_form { PDV_SINGLE, PDV_OCTETS, PDV_BITS };

struct pdv {
	const struct pdv_ops *ops;
	void *arg;
	bool external; /* else a PDV-list */
	enum pdv_field field;
	enum pdv_form form;
	int32_t context;
	bool lead;        /* the next octet is a BIT STRING's first */
	bool lone;        /* PDV_SINGLE: its one element was opened */
	uint8_t small[8]; /* content of SYNTAX or CONTEXT */
	size_t small_n;
	struct buf pending; /* small pieces on their way to ops->data */
};

void pdv_init(
    struct pdv *v, bool external, const struct pdv_ops *ops, void *arg);
void pdv_free(struct pdv *v);
/* Ready for the fields of another carrier. */
void pdv_reset(struct pdv *v);

/* From the ber_scan callbacks: depth 0 is a field of the carrier. */
int pdv_open(
    struct pdv *v, unsigned depth, const struct ber_open *o, struct err *e);
int pdv_data(
    struct pdv *v, unsigned depth, const uint8_t *p, size_t n, struct err *e);
int pdv_close(struct pdv *v, unsigned depth, bool indefinite, struct err *e);
/* The carrier itself ended: ERR_SYNTAX when it had no value. */
int pdv_finish(struct pdv *v, struct err *e);
int pdv_flush(struct pdv *v, struct err *e);

#endif
