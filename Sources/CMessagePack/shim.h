// msgpack-c, the C half of libmsgpack-dev: packing and unpacking.
#include <msgpack.h>
