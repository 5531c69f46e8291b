// The signals that tests send to their processes.
// Used with ChildProcess and PrivateRedis.

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A signal.
public struct ProcessSignal: Sendable, Hashable {
    /// Its number on this system.
    public let rawValue: Int32

    /// SIGTERM: asks it to end.
    public static let terminate = ProcessSignal(rawValue: SIGTERM)
    /// SIGINT: what control-C sends.
    public static let interrupt = ProcessSignal(rawValue: SIGINT)
    /// SIGKILL: ends it without asking.
    public static let kill = ProcessSignal(rawValue: SIGKILL)
    /// SIGSTOP: halts it, with its connections open.
    public static let stop = ProcessSignal(rawValue: SIGSTOP)
    /// SIGCONT: lets it go on after `stop`.
    public static let resume = ProcessSignal(rawValue: SIGCONT)
    /// SIGHUP.
    public static let hangUp = ProcessSignal(rawValue: SIGHUP)
}
