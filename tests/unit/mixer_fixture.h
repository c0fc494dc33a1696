/*
 * The gateway that the mixer's tests use.
 */
#ifndef TESTS_UNIT_MIXER_FIXTURE_H
#define TESTS_UNIT_MIXER_FIXTURE_H

#include <string.h>

#include "mixer/internal.h"

#define FIXTURE_NOW 1795300000 /* 2026-11-21 */

struct fixture {
	struct arena *a;
	struct mixer_config c;
	struct mixer_map maps[6];
	struct mixer_losses losses;
	struct err e;
};

static const struct {
	const char *domain, *ora;
} fixture_maps[] = {
    {"widget.com", "/C=TC/ADMD=BTT/O=Widget/"}, /* omitted PRMD */
    {"ac.uk", "/C=GB/ADMD=GOLD 400/PRMD=UK.AC/"},
    {"cs.ucl.ac.uk", "/C=GB/ADMD=GOLD 400/PRMD=CSNET/"},
    {"autoroutes.fr", "/C=fr/ADMD=atlas/PRMD=autoroutes/"},
    {"ptpostel.it", "/C=it/ADMD=PtPostel/"},
    {"bravo.example", "/C=XX/ADMD=BRAVO/O=Bravo/"},
};

static inline void
fixture_open(struct fixture *f)
{
	*f = (struct fixture){.a = arena_new(), .e = ERR_INIT};
	for (size_t i = 0; i < 6; i++) {
		f->maps[i].domain = fixture_maps[i].domain;
		f->maps[i].ora = mhs_or_parse(f->a, fixture_maps[i].ora, NULL);
	}
	f->c = (struct mixer_config){
	    .gateway_domain = "alpha.example",
	    .gateway_or = mhs_or_parse(f->a, "/C=XX/ADMD=ALPHA/", NULL),
	    .maps = f->maps,
	    .n_maps = 6,
	    .domain = {.country = "XX", .admd = "ALPHA"},
	    .mta = "alpha",
	    .hostname = "mta.alpha.example",
	    .postmaster = "postmaster@alpha.example",
	};
}

static inline void
fixture_close(struct fixture *f)
{
	arena_free(&f->a);
}

static inline struct mixer_conv
fixture_conv(struct fixture *f)
{
	mixer_init();
	return (struct mixer_conv){.a = f->a,
	    .c = &f->c,
	    .losses = &f->losses,
	    .now = FIXTURE_NOW,
	    .e = &f->e};
}

#endif
