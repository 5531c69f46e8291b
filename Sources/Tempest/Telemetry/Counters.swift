// Counters by name and dimensions, made once: a metrics backend's constructor is no work for each job.

import Metrics
import Synchronization

final class Counters: Sendable {
    private struct Key: Hashable {
        var label: String
        var values: [String]
    }

    private let counters = Mutex<[Key: Counter]>([:])

    func add(_ count: Int = 1, to label: String, _ dimensions: KeyValuePairs<String, String>) {
        guard count > 0, Telemetry.isMeasured else { return }
        let key = Key(label: label, values: dimensions.map(\.value))
        let counter = counters.withLock { counters in
            if let counter = counters[key] { return counter }
            let counter = Counter(label: label, dimensions: dimensions.map { ($0.key, $0.value) })
            counters[key] = counter
            return counter
        }
        counter.increment(by: count)
    }
}
