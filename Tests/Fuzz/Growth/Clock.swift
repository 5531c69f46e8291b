// The processor time of this thread, which other programs on the machine do not lengthen.
// Read around every measurement.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Milliseconds of processor time that this thread has used.
func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1_000_000
}

/// Ends the program.
func leave(_ status: CInt) -> Never {
    exit(status)
}
