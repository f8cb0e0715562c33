/* Locals that release themselves, so that an early return leaks nothing. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* cleanup(freep) char *text = NULL; */
#define cleanup(release) [[gnu::cleanup(release)]]

/* Makes NAMEp(), for cleanup(), from a NAME() that takes a pointer and accepts NULL. */
#define DEFINE_CLEANUP(type, name)                \
	static inline void name##p(type **object) \
	{                                         \
		name(*object);                    \
	}

/* The value of a pointer that is then no longer ours to release. */
#define steal_ptr(pointer)                           \
	({                                           \
		typeof(pointer) stolen_ = (pointer); \
		(pointer) = NULL;                    \
		stolen_;                             \
	})

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void fclosep(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}
