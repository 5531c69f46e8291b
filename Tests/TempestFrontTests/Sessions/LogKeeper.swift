import Logging
import Synchronization

/// A log that is kept, for tests of what is said in it.
final class LogKeeper: Sendable {
    struct Entry: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
        /// As a log would show it.
        var line: String
    }

    private let kept = Mutex<[Entry]>([])

    var entries: [Entry] { kept.withLock { $0 } }
    var messages: [String] { entries.map(\.line) }

    var logger: Logger { Logger(label: "test.kept") { _ in Handler(keeper: self) } }

    private struct Handler: LogHandler {
        let keeper: LogKeeper
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

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
