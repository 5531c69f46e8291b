// hiredis, for its RESP reader and formatter only: the transport is SwiftNIO's.
#include <hiredis.h>
#include <read.h>
