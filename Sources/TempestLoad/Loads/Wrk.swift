// wrk, which makes requests and measures them. Before it: a port. After it: a rate and two times.

import Foundation
import TempestTesting

enum Wrk {
    static var isThere: Bool { ProcessRunner.find("wrk") }

    /// Whether a server answers there.
    static func answers(_ port: Int) async -> Bool { (try? await run(port, seconds: 1)) != nil }

    /// Requests a second, and microseconds. Throws when a request failed.
    static func run(_ port: Int, seconds: Int) async throws -> (rate: Double, p50: Double, p99: Double) {
        let runner = ProcessRunner("wrk", ["-t1", "-c64", "-d\(seconds)", "--latency", "http://127.0.0.1:\(port)/"])
        let lines = try await runner.run { child in
            try await child.waitForExit(within: .seconds(Int64(seconds + 30)))
            return child.output
        }
        return try read(lines)
    }

    /// What it writes at its end.
    static func read(_ lines: [String]) throws -> (rate: Double, p50: Double, p99: Double) {
        if let bad = lines.first(where: {
            $0.contains("Non-2xx") || $0.contains("Socket errors") || $0.contains("unable to connect")
        }) {
            throw LoadError("wrk:\(bad)")
        }
        func words(_ head: String) -> [Substring]? {
            lines.map { $0.split(separator: " ") }.first { $0.first.map(String.init) == head }
        }
        guard let rate = words("Requests/sec:")?.last.flatMap({ Double($0) }), let p50 = words("50%")?.last.flatMap(microseconds),
            let p99 = words("99%")?.last.flatMap(microseconds)
        else { throw LoadError("wrk wrote something else than it does: \(lines.joined(separator: " "))") }
        guard rate > 0 else { throw LoadError("wrk: no request was answered: does a worker serve the queue?") }
        return (rate, p50, p99)
    }

    /// Of `12.34ms`.
    private static func microseconds(_ text: Substring) -> Double? {
        let number = text.prefix { $0.isNumber || $0 == "." }
        let factor: Double? =
            switch text.dropFirst(number.count) {
            case "us": 1
            case "ms": 1e3
            case "s": 1e6
            case "m": 60e6
            default: nil
            }
        return Double(number).flatMap { number in factor.map { number * $0 } }
    }
}
