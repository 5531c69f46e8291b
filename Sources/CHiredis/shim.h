// hiredis, for its RESP reader and formatter only: the transport is SwiftNIO's.
#ifndef TEMPEST_CHIREDIS_SHIM_H
#define TEMPEST_CHIREDIS_SHIM_H

#include <stdlib.h>
#include <string.h>

#include <hiredis.h>
#include <read.h>

// hiredis allocates an array when it has read its length, before any element is there: what a hostile server may claim is bounded.
#define TEMPEST_MAX_ELEMENTS 16777216

// A copy of hiredis' own functions with createArray replaced; the originals hang on the reader's privdata, which tasks inherit.
#if defined(HIREDIS_MAJOR) && HIREDIS_MAJOR >= 1
static inline void *tempest_create_array(const redisReadTask *task, size_t elements) {
#else
static inline void *tempest_create_array(const redisReadTask *task, int elements) {
#endif
    const redisReplyObjectFunctions *original = (const redisReplyObjectFunctions *)task->privdata;
    if (elements > TEMPEST_MAX_ELEMENTS) return NULL;
    return original->createArray(task, elements);
}

/// A reader that makes redisReply objects, or NULL when there is no memory. Free it with tempest_reader_free.
static inline redisReader *tempest_reader_create(void) {
    redisReader *reader = redisReaderCreate();
    if (reader == NULL) return NULL;
    redisReplyObjectFunctions *bounded = (redisReplyObjectFunctions *)malloc(sizeof *bounded);
    if (bounded == NULL) {
        redisReaderFree(reader);
        return NULL;
    }
    memcpy(bounded, reader->fn, sizeof *bounded);
    bounded->createArray = tempest_create_array;
    reader->privdata = (void *)reader->fn;
    reader->fn = bounded;
    return reader;
}

static inline void tempest_reader_free(redisReader *reader) {
    redisReplyObjectFunctions *bounded = reader->fn;
    redisReaderFree(reader);
    free(bounded);
}

/// What went wrong, as hiredis says it.
static inline const char *tempest_reader_error(const redisReader *reader) { return reader->errstr; }

#endif
