// How long a caller waits, and how many calls many callers make. Before it: a Stage. After it: figures.

import Tempest
import TempestProtocol
import TempestRedis
import TempestTesting

struct CallLoad {
    let stage: Stage

    private var settings: LoadSettings { stage.settings }

    private static let sequential = 2_000

    func run(_ progress: (String) -> Void) async throws -> ([Figure], [String]) {
        var figures = FigureSet()
        var notes: [String] = []
        let queue = try stage.queue("call")
        let client = try stage.client()
        try await stage.withWorkers(settings.processes, [queue]) { workers in
            try await stage.ready(queue, processes: settings.processes)
            for run in 1...settings.runs {
                progress("run \(run) of \(settings.runs): one call after the other")
                let p50 = try await sequential(client, queue, workers, &figures)
                progress("run \(run) of \(settings.runs): \(settings.callers) callers")
                try await together(client, queue, workers, &figures)
                progress("run \(run) of \(settings.runs): bare loops")
                if let bare = try await bare(run) {
                    figures.add("limit", "bare round trip p50", "us", bare)
                    figures.add("limit", "p50 / bare", "x", p50 / bare)
                } else if run == 1 {
                    notes.append("the bare loop speaks no TLS: no limit was measured")
                }
            }
        }
        await client.shutdown()
        return (figures.all, notes)
    }

    private func call(_ client: TempestClient, _ queue: QueueName, _ number: Int, _ text: String) async throws {
        let answer: Int = try await client.call("note", number, text, [1, 2, 3], queue: queue.description, timeout: .seconds(30))
        guard answer == number else { throw LoadError("job \(number) was answered with \(answer)") }
    }

    private var text: String { LoadJob(codec: settings.codec, size: settings.size, inbox: nil).text }

    private func sequential(
        _ client: TempestClient, _ queue: QueueName, _ workers: [ChildProcess], _ figures: inout FigureSet
    ) async throws -> Double {
        let text = text
        for number in 0..<200 { try await call(client, queue, number, text) }
        var times: [Double] = []
        let cost = try await Cost.now(stage, workers)
        for number in 0..<Self.sequential {
            let start = LoadClock.now
            try await call(client, queue, number, text)
            times.append(Double(LoadClock.now - start) / 1e3)
        }
        try await cost.add("one after the other", Self.sequential, stage, workers, &figures)
        let p50 = Figure.quantile(times, 0.5)
        figures.add("one after the other", "p50", "us", p50)
        figures.add("one after the other", "p99", "us", Figure.quantile(times, 0.99))
        return p50
    }

    private func together(
        _ client: TempestClient, _ queue: QueueName, _ workers: [ChildProcess], _ figures: inout FigureSet
    ) async throws {
        let text = text
        let cost = try await Cost.now(stage, workers)
        let start = LoadClock.now
        let end = start + Int(settings.seconds * 1e9)
        let times = try await withThrowingTaskGroup(of: [Double].self) { group in
            for caller in 0..<settings.callers {
                group.addTask {
                    var times: [Double] = []
                    var now = LoadClock.now
                    while now < end {
                        try await call(client, queue, caller, text)
                        let after = LoadClock.now
                        times.append(Double(after - now) / 1e3)
                        now = after
                    }
                    return times
                }
            }
            return try await group.reduce(into: [Double]()) { $0 += $1 }
        }
        let seconds = Double(LoadClock.now - start) / 1e9
        let group = "\(settings.callers) callers"
        figures.add(group, "answered", "calls/s", Double(times.count) / seconds)
        figures.add(group, "p50", "us", Figure.quantile(times, 0.5))
        figures.add(group, "p99", "us", Figure.quantile(times, 0.99))
        try await cost.add(group, times.count, stage, workers, &figures)
    }

    private func bare(_ run: Int) async throws -> Double? {
        let configuration = try RedisConfiguration(url: stage.url)
        guard BareConnection.reaches(configuration) else { return nil }
        let payload = try LoadJob(codec: settings.codec, size: settings.size, inbox: .random()).payload(1)
        let bare = BareCall(
            configuration: configuration, queue: try stage.queue("bare\(run)"), calls: Self.sequential, payload: payload)
        let trips = try await Blocking.run { try bare.run($0) }
        return Figure.quantile(trips.map { Double($0.whole) / 1e3 }, 0.5)
    }
}
