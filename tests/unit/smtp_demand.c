/* TLS policy, TLSA records and MTA-STS: what they ask for together. */
#include <string.h>

#include "smtp/channel.h"
#include "tests/unit/unit.h"

enum { NO_TLSA, UNUSABLE, USABLE };
enum { NO_STS, TESTING, FITS, OTHER_HOST };

static struct mta_sts_policy
sts_of(int which)
{
	static const char *fits[] = {"*.example"}, *other[] = {"mx.other"};

	return (struct mta_sts_policy){
	    .mode = which == TESTING ? MTA_STS_TESTING : MTA_STS_ENFORCE,
	    .mx = which == OTHER_HOST ? other : fits,
	    .n_mx = 1,
	};
}

/* "no", or: plain, may, must; verified, dane. */
static const char *
demand_of(enum smtp_tls_policy policy, int tlsa, int which)
{
	static const char *const words[] = {
	    [SMTP_CLIENT_PLAIN] = "plain",
	    [SMTP_CLIENT_TLS] = "may",
	    [SMTP_CLIENT_TLS_MUST] = "must",
	};
	struct dns_tlsa r = {tlsa == USABLE ? 3 : 0, 1, 1, NULL, 32};
	struct smtp_mx_host host = {
	    .name = "mx.example",
	    .dane = tlsa == NO_TLSA ? SMTP_MX_DANE_NONE : SMTP_MX_DANE_RECORDS,
	    .tlsa = &r,
	    .n_tlsa = 1,
	};
	struct mta_sts_policy sts = sts_of(which);
	struct smtp_demand d;
	static char out[32];

	if (smtp_demand(policy, &host, which == NO_STS ? NULL : &sts, &d) !=
	    NULL)
		return "no";
	snprintf(out, sizeof(out), "%s%s%s", words[d.tls],
	    d.verify ? " verify" : "", d.dane ? " dane" : "");
	return out;
}

static void
each_policy_asks_for_what_it_says(void)
{
	static const struct {
		enum smtp_tls_policy policy;
		int tlsa, sts;
		const char *asks;
	} rows[] = {
	    {SMTP_TLS_NONE, USABLE, FITS, "plain"},
	    {SMTP_TLS_MAY, NO_TLSA, NO_STS, "may"},
	    {SMTP_TLS_MAY, NO_TLSA, TESTING, "may"},
	    {SMTP_TLS_MAY, NO_TLSA, FITS, "must verify"},
	    {SMTP_TLS_MAY, NO_TLSA, OTHER_HOST, "no"},
	    {SMTP_TLS_MAY, UNUSABLE, NO_STS, "must dane"},
	    {SMTP_TLS_MAY, USABLE, NO_STS, "must dane"},
	    {SMTP_TLS_MAY, USABLE, FITS, "must dane"},
	    {SMTP_TLS_MAY, USABLE, OTHER_HOST, "no"},
	    {SMTP_TLS_ENCRYPT, NO_TLSA, NO_STS, "must"},
	    {SMTP_TLS_ENCRYPT, NO_TLSA, FITS, "must verify"},
	    {SMTP_TLS_ENCRYPT, USABLE, NO_STS, "must dane"},
	    {SMTP_TLS_VERIFY, NO_TLSA, NO_STS, "must verify"},
	    {SMTP_TLS_VERIFY, USABLE, OTHER_HOST, "must verify"},
	    {SMTP_TLS_DANE, NO_TLSA, FITS, "no"},
	    {SMTP_TLS_DANE, UNUSABLE, FITS, "no"},
	    {SMTP_TLS_DANE, USABLE, OTHER_HOST, "must dane"},
	    {SMTP_TLS_MTA_STS, NO_TLSA, NO_STS, "no"},
	    {SMTP_TLS_MTA_STS, NO_TLSA, OTHER_HOST, "no"},
	    {SMTP_TLS_MTA_STS, NO_TLSA, FITS, "must verify"},
	    {SMTP_TLS_MTA_STS, NO_TLSA, TESTING, "must verify"},
	    {SMTP_TLS_MTA_STS, USABLE, FITS, "must dane"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *asks =
		    demand_of(rows[i].policy, rows[i].tlsa, rows[i].sts);

		CU_ASSERT_STRING_EQUAL(asks, rows[i].asks);
		if (strcmp(asks, rows[i].asks) != 0)
			printf("[row %zu: %s]", i, asks);
	}
}

static void
policies_have_names(void)
{
	enum smtp_tls_policy p;

	for (int i = 0; i < N_SMTP_TLS_POLICY; i++) {
		CU_ASSERT_TRUE(smtp_tls_policy_parse(
		    smtp_tls_policy_name((enum smtp_tls_policy)i), &p));
		CU_ASSERT_EQUAL((int)p, i);
	}
	CU_ASSERT_FALSE(smtp_tls_policy_parse("May", &p));
}

static void
a_target_that_stays_down_is_asked_ever_more_rarely(void)
{
	static const msec_t steps[] = {
	    30000, 60000, 120000, 240000, 480000, 900000, 900000};
	struct smtp_backoff b = {0};
	msec_t now = 5;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		smtp_backoff_more(&b, now);
		CU_ASSERT_EQUAL(b.until - now, steps[i]);
		now = b.until;
	}
}

void
suite_smtp_demand(void)
{
	static CU_TestInfo tests[] = {
	    TEST(each_policy_asks_for_what_it_says),
	    TEST(policies_have_names),
	    TEST(a_target_that_stays_down_is_asked_ever_more_rarely),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("smtp/demand", tests);
}
