/* What the kernel has to tell of its own accord, behind one descriptor. */
#include "daemon/datapath/dp-bpf-internal.h"

#include "lib/base/array.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

int dp_news_open(struct dp_bpf *dp, struct err *e)
{
	dp->news = epoll_create1(EPOLL_CLOEXEC);
	return dp->news < 0 ? err_errno(e, -errno, "cannot wait for news of the kernel") : 0;
}

void dp_news_close(struct dp_bpf *dp)
{
	if (dp->news >= 0)
		(void)close(dp->news);
}

int dp_news_add(struct dp_bpf *dp, int fd, dp_news_handler *handler, struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = dp->n_news };

	assert(dp->n_news < ARRAY_SIZE(dp->news_handlers));
	if (epoll_ctl(dp->news, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(e, -errno, "cannot wait for news of the kernel");
	dp->news_handlers[dp->n_news++] = handler;
	return 0;
}

void dp_news_dispatch(struct dp_bpf *dp)
{
	struct epoll_event events[DP_NEWS_MAX];
	int n = epoll_wait(dp->news, events, DP_NEWS_MAX, 0);

	for (int i = 0; i < n; i++)
		dp->news_handlers[events[i].data.u32](dp);
}
