// How fast jobs go in, and how fast workers take them out, beside what Redis itself can do. Before it: a Stage. After it: figures.

import Tempest
import TempestBench
import TempestProtocol
import TempestRedis
import TempestTesting

struct QueueLoad {
    let stage: Stage

    private var settings: LoadSettings { stage.settings }

    /// Jobs that are pushed one at a time, and by 64 tasks.
    private var slowly: Int { min(5_000, settings.jobs) }
    private var together: Int { min(50_000, settings.jobs) }

    func run(_ progress: (String) -> Void) async throws -> ([Figure], [String]) {
        var figures = FigureSet()
        var notes: [String] = []
        for run in 1...settings.runs {
            progress("run \(run) of \(settings.runs): pushing")
            try await push(&figures)
            let rate = try await drain(&figures, run, progress)
            progress("run \(run) of \(settings.runs): the same functions without codec and handlers")
            if let limit = try await limit(run) {
                figures.add("limit", "bare loop, same functions", "jobs/s", limit)
                figures.add("limit", "drain / bare loop", "x", rate / limit)
            } else if run == 1 {
                notes.append("the bare loop speaks no TLS: no limit was measured")
            }
        }
        notes.append("every job was answered: the answers were counted")
        return (figures.all, notes)
    }

    // MARK: In

    private func push(_ figures: inout FigureSet) async throws {
        let client = try stage.client()
        let name = try stage.queue("push").description
        let (slowly, together) = (slowly, together)
        let job = LoadJob(codec: settings.codec, size: settings.size, inbox: nil)
        let push = { @Sendable (numbers: Range<Int>) in
            // An interrupted run ends here: a push that is under way is never broken off.
            try Task.checkCancellation()
            try await client.push(numbers.map { try job.request($0) }, queue: name)
        }
        do {
            // Connected, and warm.
            try await push(0..<1)
            try await timed("one at a time", slowly, &figures) {
                for number in 0..<slowly { try await push(number..<number + 1) }
            }
            try await timed("64 in flight", together, &figures) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 0..<64 {
                        group.addTask {
                            for number in stride(from: task, to: together, by: 64) {
                                try await push(number..<number + 1)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let many = max(1000, settings.jobs)
            try await timed("1,000 at once", many, &figures) {
                for start in stride(from: 0, to: many, by: 1000) {
                    try await push(start..<min(start + 1000, many))
                }
            }
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
        _ = try await stage.redis.execute(["UNLINK", .init(name)])
    }

    private func timed(_ name: String, _ jobs: Int, _ figures: inout FigureSet, _ body: () async throws -> Void) async throws {
        let (start, own, redis) = (LoadClock.now, LoadClock.processor, try await RedisCost.now(stage.redis).processor)
        try await body()
        let seconds = Double(LoadClock.now - start) / 1e9
        figures.add("enqueue", name, "jobs/s", Double(jobs) / seconds)
        figures.add("enqueue", "\(name): producer", "us/job", Double(LoadClock.processor - own) / 1e3 / Double(jobs))
        let used = try await RedisCost.now(stage.redis).processor - redis
        figures.add("enqueue", "\(name): Redis", "us/job", used * 1e6 / Double(jobs))
    }

    // MARK: Out

    /// Jobs a second, from the first that is settled to the last.
    private func drain(_ figures: inout FigureSet, _ run: Int, _ progress: (String) -> Void) async throws -> Double {
        let queues = try (0..<settings.queues).map { try stage.queue("drain\(run)-\($0)") }
        let (queue, inbox) = (queues[0], InboxID.random())
        try await stage.fill(queue, jobs: settings.jobs, inbox: inbox)
        let rate = try await stage.withWorkers(settings.processes, queues) { workers in
            let show = { (settled: Int) in
                progress(
                    "run \(run) of \(settings.runs): \(Units.grouped(settled)) of \(Units.grouped(settings.jobs)) jobs drained")
            }
            let begin = try await mark(queue, workers, show) { $0 > 0 }
            let end = try await mark(queue, workers, show) { $0 >= settings.jobs }
            let count = Double(end.settled - begin.settled)
            guard count > 0 else {
                throw LoadError(
                    "\(settings.jobs) jobs are too few: all of them were settled between two looks. Ask for more (--jobs)")
            }
            let rate = count / (Double(end.time - begin.time) / 1e9)
            figures.add("drain", "settled", "jobs/s", rate)
            figures.add("drain", "worker", "us/job", (end.workers - begin.workers) * 1e6 / count)
            figures.add("drain", "Redis", "us/job", (end.redis - begin.redis) * 1e6 / count)
            figures.add(
                "drain", "worker's peak memory", "MB", workers.peak)
            figures.add("drain", "Redis' peak memory", "MB", Double(try await RedisCost.now(stage.redis).peak) / 1e6)
            return rate
        }
        let key = RedisArgument(Keys.inbox(queue, inbox))
        let answers = try await stage.redis.execute(["LLEN", key]).integer ?? 0
        guard answers == settings.jobs else { throw LoadError("\(settings.jobs) jobs were settled, and \(answers) answered") }
        _ = try await stage.redis.execute(["UNLINK", key])
        return rate
    }

    private struct Mark {
        var time: Int
        var settled: Int
        var workers: Double
        var redis: Double
    }

    /// The first moment at which so many are settled.
    private func mark(
        _ queue: QueueName, _ workers: [ChildProcess], _ show: (Int) -> Void, _ isReached: (Int) -> Bool
    ) async throws -> Mark {
        var (last, since, shown) = (-1, LoadClock.now, 0)
        while true {
            let settled = try await stage.settled(queue)
            let now = LoadClock.now
            if isReached(settled) {
                return Mark(
                    time: now, settled: settled, workers: workers.processor,
                    redis: try await RedisCost.now(stage.redis).processor)
            }
            if settled != last {
                (last, since) = (settled, now)
                // Seldom: a terminal that draws takes time from what is measured.
                if now - shown > 200_000_000 {
                    show(settled)
                    shown = now
                }
            }
            if let ended = workers.first(where: { $0.exitStatus != nil }) {
                let how = ended.exitStatus.map { "\($0)" } ?? ""
                throw LoadError(
                    "a worker, process \(ended.processID), ended (\(how)): \(ended.output.suffix(5).joined(separator: " "))")
            }
            guard now - since < 60_000_000_000 else {
                throw LoadError("nothing was settled for a minute: \(settled) of \(settings.jobs) jobs")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    // MARK: The limit

    private func limit(_ run: Int) async throws -> Double? {
        let configuration = try RedisConfiguration(url: stage.url)
        guard BareConnection.reaches(configuration) else { return nil }
        let (queue, inbox) = (try stage.queue("limit\(run)"), InboxID.random())
        try await stage.fill(queue, jobs: settings.jobs, inbox: inbox)
        let levels = try LoadLevels.named(settings.levels).map(\.description)
        let answer = try settings.codec.encode(Self.answer)
        let drain = BareDrain(
            configuration: configuration, queue: queue, levels: levels, inbox: inbox,
            batch: max(1, min(256, settings.concurrency / 2)),
            answer: answer)
        // As many loops as there are workers.
        let shares = try await withThrowingTaskGroup(of: BareDrain.Share.self) { group in
            for _ in 0..<settings.processes { group.addTask { try await Blocking.run { try drain.run($0) } } }
            return try await group.reduce(into: [BareDrain.Share]()) { $0.append($1) }
        }
        let jobs = shares.reduce(0) { $0 + $1.jobs }
        let seconds = Double((shares.map(\.end).max() ?? 0) - (shares.map(\.begin).min() ?? 0)) / 1e9
        guard jobs == settings.jobs else { throw LoadError("the bare loop settled \(jobs) of \(settings.jobs) jobs") }
        _ = try await stage.redis.execute(["UNLINK", .init(Keys.inbox(queue, inbox))])
        return Double(jobs) / seconds
    }

    /// As long as what a worker answers.
    private static var answer: AnswerDraft {
        var args = TokenBuffer()
        // A number always has a form.
        try? args.record(100_000)
        return AnswerDraft(action: "note", id: .random(), args: args, count: 1)
    }
}
