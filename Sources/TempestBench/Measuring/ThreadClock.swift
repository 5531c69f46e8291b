// The clock of all measurements: what this thread has computed, not what passed while others had the processor.
// The peers use the same clock of their own threads.

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

enum ThreadClock {
    /// Nanoseconds of processor time of this thread, in the program and in the kernel for it.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
