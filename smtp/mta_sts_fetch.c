/*
 * Policies over HTTPS (RFC 8461 3.3), by libcurl in the event loop: it tells
 * which sockets and which time it waits for. Neither redirects nor caches nor
 * proxies; the certificate must carry the policy host as a DNS-ID; the file
 * has a limit in size and time.
 */
#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "smtp/mta_sts.h"

#define TIMEOUT 60000

struct mta_sts_fetch {
	struct mta_sts_fetch *next, **prev;
	struct mta_sts_fetcher *fetcher;
	CURL *easy;
	struct curl_slist *resolve;
	char *host, *url;
	char error[CURL_ERROR_SIZE];
	struct buf body;
	bool too_large;
	mta_sts_fetched_fn *fn;
	void *arg;
};

struct mta_sts_fetcher {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	char *ca;
	uint16_t port;
	msec_t timeout;
	struct mta_sts_fetch *fetches;
};

static void
fetch_free(struct mta_sts_fetch *f)
{
	*f->prev = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	curl_multi_remove_handle(f->fetcher->multi, f->easy);
	curl_easy_cleanup(f->easy);
	curl_slist_free_all(f->resolve);
	buf_free(&f->body);
	free(f->host);
	free(f->url);
	free(f);
}

/* --- the end of one --- */

static bool
is_plain_text(const char *type)
{
	static const char want[] = "text/plain";
	size_t n = sizeof(want) - 1;

	return type != NULL && strncasecmp(type, want, n) == 0 &&
	    (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static int
judge(struct mta_sts_fetch *f, CURLcode result, struct err *e)
{
	const char *type = NULL;
	long code = 0;

	if (f->too_large || result == CURLE_FILESIZE_EXCEEDED)
		return err_set(e, "mta-sts", ERR_LIMIT,
		    "%s: larger than %d octets", f->url, MTA_STS_POLICY_MAX);
	if (result != CURLE_OK)
		return err_set(e, "mta-sts", ERR_TEMPORARY, "%s: %s", f->url,
		    f->error[0] != '\0' ? f->error
					: curl_easy_strerror(result));
	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &code);
	curl_easy_getinfo(f->easy, CURLINFO_CONTENT_TYPE, &type);
	if (code != 200)
		return err_set(e, "mta-sts", ERR_REFUSED, "%s: HTTP status %ld",
		    f->url, code);
	if (!is_plain_text(type))
		return err_set(e, "mta-sts", ERR_REFUSED,
		    "%s: its type is \"%.60s\"", f->url,
		    type != NULL ? type : "");
	return 0;
}

static void
deliver(struct mta_sts_fetch *f, CURLcode result)
{
	struct err e = ERR_INIT;

	if (judge(f, result, &e) == 0)
		f->fn(f->arg, buf_cstr(&f->body), f->body.len, NULL);
	else
		f->fn(f->arg, NULL, 0, &e);
	fetch_free(f);
}

static void
take_finished(struct mta_sts_fetcher *r)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(r->multi, &left)) != NULL) {
		struct mta_sts_fetch *f = NULL;
		CURLcode result = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &f);
		deliver(f, result);
	}
}

/* --- libcurl in the loop --- */

static void
on_socket_ready(evutil_socket_t fd, short what, void *arg)
{
	struct mta_sts_fetcher *r = arg;
	int running,
	    bits = (what & EV_READ ? CURL_CSELECT_IN : 0) |
	    (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(r->multi, fd, bits, &running);
	take_finished(r);
}

/* `assigned` is the event that we gave to this socket. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
	struct mta_sts_fetcher *r = arg;
	struct event *ev = assigned;
	short want = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
	    (what & CURL_POLL_OUT ? EV_WRITE : 0));

	(void)easy;
	if (ev != NULL)
		event_free(ev);
	ev = NULL;
	if (what != CURL_POLL_REMOVE) {
		ev = event_new(loop_base(r->loop), fd,
		    (short)(want | EV_PERSIST), on_socket_ready, r);
		if (ev == NULL || event_add(ev, NULL) != 0)
			return -1;
	}
	curl_multi_assign(r->multi, fd, ev);
	return 0;
}

static void
on_timer(void *arg)
{
	struct mta_sts_fetcher *r = arg;
	int running;

	r->timer = NULL;
	curl_multi_socket_action(r->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_finished(r);
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct mta_sts_fetcher *r = arg;

	(void)multi;
	loop_timer_cancel(&r->timer);
	if (ms >= 0)
		r->timer = loop_timer_set(r->loop, ms, on_timer, r);
	return 0;
}

struct mta_sts_fetcher *
mta_sts_fetcher_new(
    struct loop *l, const struct mta_sts_fetch_params *p, struct err *e)
{
	struct mta_sts_fetcher *r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(e, "mta-sts", ERR_SYSTEM, "libcurl cannot start");
		return NULL;
	}
	r = xcalloc(1, sizeof(*r));
	r->loop = l;
	r->port = p->port > 0 ? p->port : 443;
	r->timeout = p->timeout > 0 ? p->timeout : TIMEOUT;
	r->ca = p->ca != NULL ? xstrdup(p->ca) : NULL;
	r->multi = curl_multi_init();
	if (r->multi == NULL) {
		err_set(e, "mta-sts", ERR_MEMORY, "no memory for libcurl");
		mta_sts_fetcher_free(&r);
		return NULL;
	}
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
	/* policies are fetched once a day: no connection is worth keeping */
	curl_multi_setopt(r->multi, CURLMOPT_MAXCONNECTS, 1L);
	return r;
}

void
mta_sts_fetcher_free(struct mta_sts_fetcher **rp)
{
	struct mta_sts_fetcher *r = *rp;

	if (r == NULL)
		return;
	*rp = NULL;
	while (r->fetches != NULL)
		fetch_free(r->fetches);
	curl_multi_cleanup(r->multi);
	loop_timer_cancel(&r->timer);
	free(r->ca);
	free(r);
	curl_global_cleanup();
}

/* --- one --- */

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct mta_sts_fetch *f = arg;

	n *= size;
	if (n > MTA_STS_POLICY_MAX - f->body.len) {
		f->too_large = true;
		return 0; /* ends it */
	}
	buf_append(&f->body, p, n);
	return n;
}

/* 3.3: DNS-IDs only, a wildcard as the whole first label only. */
static CURLcode
on_tls(CURL *easy, void *ctx, void *arg)
{
	struct mta_sts_fetch *f = arg;
	X509_VERIFY_PARAM *v = SSL_CTX_get0_param(ctx);

	(void)easy;
	X509_VERIFY_PARAM_set_hostflags(v,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(v, f->host, 0) == 1
	    ? CURLE_OK
	    : CURLE_OUT_OF_MEMORY;
}

static void
set_options(struct mta_sts_fetch *f)
{
	struct mta_sts_fetcher *r = f->fetcher;
	CURL *c = f->easy;

	curl_easy_setopt(c, CURLOPT_URL, f->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_RESOLVE, f->resolve);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, f);
	if (r->ca != NULL) {
		curl_easy_setopt(c, CURLOPT_CAINFO, r->ca);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->timeout);
	curl_easy_setopt(c, CURLOPT_MAXFILESIZE, (long)MTA_STS_POLICY_MAX);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "Isthmus");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(c, CURLOPT_PRIVATE, f);
}

static char *
text_of(struct buf *b)
{
	char *s = xstrdup(buf_cstr(b));

	buf_free(b);
	return s;
}

struct mta_sts_fetch *
mta_sts_fetch(struct mta_sts_fetcher *r, const char *domain,
    const char *addresses, mta_sts_fetched_fn *fn, void *arg)
{
	struct mta_sts_fetch *f = xcalloc(1, sizeof(*f));
	struct buf b = {0};
	char *entry;

	f->fetcher = r;
	f->fn = fn;
	f->arg = arg;
	buf_printf(&b, "mta-sts.%s", domain);
	f->host = text_of(&b);
	buf_printf(
	    &b, "https://%s:%u/.well-known/mta-sts.txt", f->host, r->port);
	f->url = text_of(&b);
	buf_printf(&b, "%s:%u:%s", f->host, r->port, addresses);
	entry = text_of(&b);
	f->resolve = curl_slist_append(NULL, entry);
	free(entry);
	f->easy = curl_easy_init();
	if (f->easy == NULL || f->resolve == NULL)
		log_die("no memory for an MTA-STS search");
	f->next = r->fetches;
	f->prev = &r->fetches;
	if (f->next != NULL)
		f->next->prev = &f->next;
	r->fetches = f;
	set_options(f);
	curl_multi_add_handle(r->multi, f->easy);
	return f;
}

void
mta_sts_fetch_cancel(struct mta_sts_fetch **fp)
{
	if (*fp != NULL)
		fetch_free(*fp);
	*fp = NULL;
}
