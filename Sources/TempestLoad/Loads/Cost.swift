// Processor time that a stretch of work took, by who spent it. Before it: the moment it began. After it: figures.

import TempestTesting

struct Cost {
    private let own: Int
    private let workers: Double
    private let redis: Double

    static func now(_ stage: Stage, _ workers: [ChildProcess]) async throws -> Cost {
        Cost(
            own: LoadClock.processor, workers: workers.processor,
            redis: try await RedisCost.now(stage.redis).processor)
    }

    /// Adds what each has used since, for each of so many.
    func add(_ group: String, _ count: Int, _ stage: Stage, _ workers: [ChildProcess], _ figures: inout FigureSet) async throws {
        let now = try await Self.now(stage, workers)
        let count = Double(max(1, count))
        figures.add(group, "caller", "us/job", Double(now.own - own) / 1e3 / count)
        figures.add(group, "worker", "us/job", (now.workers - self.workers) * 1e6 / count)
        figures.add(group, "Redis", "us/job", (now.redis - redis) * 1e6 / count)
        figures.add(
            group, "worker's peak memory", "MB", workers.peak)
        figures.add(group, "Redis' peak memory", "MB", Double(try await RedisCost.now(stage.redis).peak) / 1e6)
    }
}
