/* Starts the threads of this room alike. */
#pragma once

#include <pthread.h>

/* 'name': at most 15 characters. The thread gets no signals: they are the main thread's. 0 or a
 * negative errno. */
int thread_start(const char *name, void *(*run)(void *), void *argument, pthread_t *ret);
