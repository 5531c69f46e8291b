// How this process is called: by its supervisor (TEMPEST_PROCESS), or after its program.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum ProcessEnvironment {
    static var processName: String {
        if let name = getenv("TEMPEST_PROCESS").map({ String(cString: $0) }), !name.isEmpty { return name }
        let program = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "swift"
        return "\(program)-\(getpid())"
    }

    static var processID: Int { Int(getpid()) }

    /// What this machine calls itself.
    static var hostName: String {
        var name = [UInt8](repeating: 0, count: 256)
        let done = name.withUnsafeMutableBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { gethostname($0.baseAddress!, $0.count - 1) }
        }
        return done == 0 ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "unknown"
    }

    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// The variables that name a Redis.
    static var redis: [String: String] {
        var found: [String: String] = [:]
        for name in RedisConfiguration.variables {
            if let value = variable(name) { found[name] = value }
        }
        return found
    }
}
