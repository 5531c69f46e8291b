// A disk that takes long to write: preloaded into redis-server, so that each fdatasync takes so many milliseconds more.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int fdatasync(int file) {
    static int (*next)(int);
    if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *text = getenv("SLOW_DISK_MS");
    long ms = text ? atol(text) : 0;
    struct timespec delay = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&delay, NULL);
    return next(file);
}
