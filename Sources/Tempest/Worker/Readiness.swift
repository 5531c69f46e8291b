// Whether a worker can take jobs now: what a supervisor or a health check asks. It tells the state of the connections that block.

public import TempestProtocol

/// The state of a worker for those who supervise it.
public struct Readiness: Sendable, CustomStringConvertible {
    /// What keeps each queue from being served; empty when the worker is ready.
    public let troubles: [QueueName: String]

    /// All queues are registered and their connections, the parked ones too, answer.
    public var isReady: Bool { troubles.isEmpty }

    public var description: String {
        isReady
            ? "ready"
            : "not ready: " + troubles.map { "\($0.key): \($0.value)" }.sorted().joined(separator: "; ")
    }
}

/// The same of one queue.
struct QueueHealth: Sendable {
    private(set) var trouble: String? = "not registered yet"
    private var broken: Set<Level> = []

    mutating func up() { trouble = nil }
    mutating func down(_ reason: String) { trouble = reason }
    mutating func note(broken: Set<Level>) {
        self.broken = broken
        trouble = broken.isEmpty ? nil : "no list: level " + broken.map(\.description).sorted().joined(separator: ", ")
    }
}
