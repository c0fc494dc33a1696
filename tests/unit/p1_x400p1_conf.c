/* What the channel makes of its elements. */
#include "p1/x400p1.h"
#include "tests/unit/qmgr_config.h"
#include "tests/unit/unit.h"

#define BASE                                                   \
	"mta name=us hostname=us.example country=XX admd=US\n" \
	"iaed\n"                                               \
	"  service tsel=T88 channel=x\n"                       \
	"  service tsel=T84 channel=x\n"                       \
	"peer name=a channel=x address=127.0.0.1:102 mta=A"

/* The peer `a`, with these attributes, of a channel with those. */
static struct x_peer *
configured(struct x400p1 *c, const char *channel, const char *peer)
{
	struct err e = ERR_INIT;
	struct conf_node *root;

	*c = (struct x400p1){.arena = arena_new(), .name = "x"};
	root = conf_make(c->arena,
	    arena_printf(
		c->arena, "%s%s\nchannel name=x%s\n", BASE, peer, channel));
	CU_ASSERT_EQUAL(
	    x_configure(c, root, conf_child(root, "channel"), &e), 0);
	if (e.code != 0)
		printf("\n  %s", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c->peers);
	return c->peers;
}

static void
one_peer_does_not_take_every_place_unless_it_is_said(void)
{
	static const struct {
		const char *channel, *peer;
		unsigned max;
	} t[] = {
	    {"", "", 25},
	    {" connections=1000", "", 250},
	    {" connections=20", "", 10},
	    {"", " max-connections=60", 60},
	    {"", " max-incoming=3", 3},
	    {"", " max-incoming=0", 0},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct x400p1 c;
		struct x_peer *p = configured(&c, t[i].channel, t[i].peer);

		CU_ASSERT_EQUAL(p->max_incoming, t[i].max);
		arena_free(&c.arena);
	}
}

static void
we_call_from_the_selectors_that_the_peer_wants(void)
{
	static const struct {
		const char *peer, *tsel, *ssel, *psel;
	} t[] = {
	    {"", "T88", NULL, NULL},
	    {" our-tsel=0x0102 our-ssel=S our-psel=P", "\1\2", "S", "P"},
	    {" our-ssel=S", "T88", "S", NULL},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct x400p1 c;
		struct x_peer *p = configured(&c, "", t[i].peer);
		const struct {
			const struct osi_sel *is;
			const char *wanted;
		} all[] = {{&p->ours.tsel, t[i].tsel},
		    {&p->ours.ssel, t[i].ssel}, {&p->ours.psel, t[i].psel}};

		for (size_t k = 0; k < 3; k++) {
			CU_ASSERT_EQUAL(
			    all[k].is->present, all[k].wanted != NULL);
			if (all[k].wanted == NULL)
				continue;
			CU_ASSERT_EQUAL(all[k].is->n, strlen(all[k].wanted));
			CU_ASSERT(memcmp(all[k].is->v, all[k].wanted,
				      all[k].is->n) == 0);
		}
		arena_free(&c.arena);
	}
}

static void
associations_of_others_may_rest_for_half_an_hour(void)
{
	struct x400p1 c;

	configured(&c, "", "");
	CU_ASSERT_EQUAL(c.incoming_idle, 30 * 60 * 1000);
	arena_free(&c.arena);
	configured(&c, " incoming-idle-timeout=0", "");
	CU_ASSERT_EQUAL(c.incoming_idle, 0);
	arena_free(&c.arena);
}

void
suite_p1_x400p1_conf(void)
{
	static CU_TestInfo tests[] = {
	    TEST(one_peer_does_not_take_every_place_unless_it_is_said),
	    TEST(we_call_from_the_selectors_that_the_peer_wants),
	    TEST(associations_of_others_may_rest_for_half_an_hour),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_x400p1_conf", tests);
}
