// A log that is kept, for tests of what is said in it.

public import Logging
import Synchronization

public final class LogKeeper: Sendable {
    public struct Entry: Sendable {
        public var level: Logger.Level
        public var message: String
        public var metadata: [String: String]
        /// As a log would show it.
        public var line: String
    }

    private let kept = Mutex<[Entry]>([])

    private let least: Logger.Level

    /// - Parameter least: what is below it is not kept.
    public init(_ least: Logger.Level = .trace) { self.least = least }

    public var entries: [Entry] { kept.withLock { $0 } }
    /// Each entry as a log would show it.
    public var messages: [String] { entries.map(\.line) }
    /// Levels and messages, without metadata.
    public var words: [String] { entries.map { "\($0.level) \($0.message)" } }

    public var logger: Logger { Logger(label: "test.kept") { _ in Handler(keeper: self, logLevel: self.least) } }

    private struct Handler: LogHandler {
        let keeper: LogKeeper
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = event.metadata ?? [:]
            let entry = Entry(
                level: event.level, message: "\(event.message)", metadata: metadata.mapValues { "\($0)" },
                line: "\(event.level) \(event.message) \(metadata)")
            keeper.kept.withLock { $0.append(entry) }
        }
    }
}
