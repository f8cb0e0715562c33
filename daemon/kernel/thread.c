#include "daemon/kernel/thread.h"

#include <signal.h>

int thread_start(const char *name, void *(*run)(void *), void *argument, pthread_t *ret)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	/* A new thread inherits the mask; setting it inside the thread would be a moment late. */
	r = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (r)
		return -r;
	r = pthread_create(ret, NULL, run, argument);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	/* Only for those who look at the process from outside. */
	(void)pthread_setname_np(*ret, name);
	return 0;
}
