/* Holds the kernel's rtnl lock, which every change of a network device waits for, as a program does
 * that deletes thousands of routes. "hold-rtnl DEVICE SECONDS".
 *
 * ethtool's old interface reads the caller's memory while it holds the lock. Here that memory is a
 * page that is not there (userfaultfd), and it is given when the time is over: the lock is held for
 * exactly so long, by one call, and nothing in the kernel is changed. The device is one whose
 * driver answers ETHTOOL_GLINKSETTINGS, as veth's. Writes "held" when the lock is held and
 * "released" with the milliseconds when it is not any more. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_SECONDS 60

struct question {
	struct ifreq request;
	int fd;
	int error;
	bool answered;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *ask(void *userdata)
{
	struct question *question = userdata;

	question->error = ioctl(question->fd, SIOCETHTOOL, &question->request) < 0 ? errno : 0;
	__atomic_store_n(&question->answered, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Two pages, the second of which is not there until it is given. */
static char *make_pages(long page, int *ret_faults)
{
	char *pages = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register missing = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (pages == MAP_FAILED)
		err(2, "no memory");
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) < 0)
		err(2, "the kernel has no userfaultfd for us");
	missing.range.start = (unsigned long)(pages + page);
	missing.range.len = (unsigned long)page;
	pages[0] = 0;
	if (ioctl(faults, UFFDIO_REGISTER, &missing) < 0)
		err(2, "cannot keep a page away");
	*ret_faults = faults;
	return pages;
}

/* The command is the last word of the first page; what follows it is in the second. */
static struct question prepare(const char *device, char *pages, long page)
{
	struct question question = { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	__u32 command = ETHTOOL_GLINKSETTINGS;
	char *at = pages + page - sizeof(command);

	if (question.fd < 0)
		err(2, "cannot make a socket");
	if (strlen(device) >= IFNAMSIZ)
		errx(2, "%s is too long for a device", device);
	memcpy(at, &command, sizeof(command));
	strcpy(question.request.ifr_name, device);
	question.request.ifr_data = at;
	return question;
}

static void await_fault(int faults, const struct question *question)
{
	struct pollfd wait = { .fd = faults, .events = POLLIN };
	struct uffd_msg message;

	/* Before us somebody else may hold the lock. */
	while (poll(&wait, 1, 10) == 0)
		if (__atomic_load_n(&question->answered, __ATOMIC_ACQUIRE))
			errx(2, "%s cannot be asked for its settings: %s",
			     question->request.ifr_name, strerror(question->error));
	if (read(faults, &message, sizeof(message)) != sizeof(message))
		errx(2, "cannot tell that the kernel waits");
}

int main(int argc, char *argv[])
{
	long page = sysconf(_SC_PAGESIZE);
	double seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
	struct uffdio_zeropage give = {};
	struct question question;
	pthread_t thread;
	double begin;
	char *pages;
	int faults;

	if (!(seconds > 0 && seconds <= MAX_SECONDS))
		errx(2, "usage: hold-rtnl DEVICE SECONDS (at most %d)", MAX_SECONDS);
	pages = make_pages(page, &faults);
	question = prepare(argv[1], pages, page);
	errno = pthread_create(&thread, NULL, ask, &question);
	if (errno)
		err(2, "cannot start a thread");
	await_fault(faults, &question);
	begin = now();
	printf("held\n");
	fflush(stdout);
	usleep((useconds_t)(seconds * 1e6));
	give.range.start = (unsigned long)(pages + page);
	give.range.len = (unsigned long)page;
	if (ioctl(faults, UFFDIO_ZEROPAGE, &give) < 0)
		err(2, "cannot give the page");
	pthread_join(thread, NULL);
	printf("released after %.0f ms\n", (now() - begin) * 1000);
	return 0;
}
