/* What the channel makes of its elements. */
#include <string.h>

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

/* The first that fits is taken. */
static void
peers_stand_in_the_order_of_the_file(void)
{
	struct x400p1 c;
	struct x_peer *p = configured(
	    &c, "", "\npeer name=b channel=x address=127.0.0.1:103 mta=A");

	CU_ASSERT_STRING_EQUAL(p->name, "a");
	CU_ASSERT_STRING_EQUAL(p->next->name, "b");
	CU_ASSERT_PTR_NULL(p->next->next);
	arena_free(&c.arena);
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

/* --- what isthmus check asks --- */

struct heard {
	unsigned n, line;
	char text[256];
};

static void
on_fault(void *arg, const struct conf_node *n, const char *text)
{
	struct heard *h = arg;

	h->n++;
	h->line = n->line;
	snprintf(h->text, sizeof(h->text), "%s", text);
}

#define HEAD                                                  \
	"mta name=alpha country=XX admd=ALPHA hostname=a.e\n" \
	"security name=strong certificate=/nowhere ca=/nowhere\n"
#define CHANNEL "channel name=x program=x400p1"
#define PEER "peer name=b channel=x address=127.0.0.1:102"

static void
each_fault_of_a_channel_and_its_peers_is_told_with_its_line(void)
{
	static const struct {
		const char *channel, *peer, *fault; /* NULL: none */
		unsigned line;
	} t[] = {
	    {"", "", NULL, 0},
	    {"", " security=strong", NULL, 0}, /* files: not here */
	    {"", " tls=t mta=b", NULL, 0},
	    {"", " permanent=5", "permanent", 5},
	    {" connections-per-peer=5", " permanent=5", NULL, 0},
	    {"", " max-connections=2 permanent=3", "permanent", 5},
	    {"", " security=weak", "weak", 5},
	    {"", " from=1.2.3.999", "1.2.3.999", 5},
	    {"", " from=192.0.2.0/24_2001:db8::/32", NULL, 0},
	    {"", " reserve-urgent=4", "reserves", 5},
	    {"", " tls=t", "tls-name", 5},
	    {"", " protocol=1986", "protocol", 5},
	    {"", " calling-tsel=0x1", "calling-tsel", 5},
	    {" connections=0", "", "connections", 4},
	    {" silence-timeout=long", "", "silence-timeout", 4},
	    {" resume-time=soon", "", "resume-time", 4},
	    {" max-envelope=0", "", "max-envelope", 4},
	    {" max-envelope=64KiB", "", NULL, 0},
	    {" max-depth=15", "", "max-depth", 4},
	    {" max-depth=121", "", "max-depth", 4},
	    {" max-depth=16", "", NULL, 0},
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct conf_node *root = conf_make(a,
		    arena_printf(a, HEAD CHANNEL "%s\n" PEER "%s\nspool\n",
			t[i].channel, t[i].peer));
		struct heard h = {0};

		x_conf_check(root, conf_child(root, "channel"), on_fault, &h);
		CU_ASSERT_EQUAL(h.n, t[i].fault != NULL);
		if (t[i].fault != NULL && h.n > 0) {
			CU_ASSERT_EQUAL(h.line, t[i].line);
			CU_ASSERT_PTR_NOT_NULL(strstr(h.text, t[i].fault));
		}
	}
	arena_free(&a);
}

void
suite_p1_x400p1_places(void)
{
	static CU_TestInfo tests[] = {
	    TEST(one_peer_does_not_take_every_place_unless_it_is_said),
	    TEST(we_call_from_the_selectors_that_the_peer_wants),
	    TEST(peers_stand_in_the_order_of_the_file),
	    TEST(associations_of_others_may_rest_for_half_an_hour),
	    TEST(each_fault_of_a_channel_and_its_peers_is_told_with_its_line),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_x400p1_places", tests);
}
