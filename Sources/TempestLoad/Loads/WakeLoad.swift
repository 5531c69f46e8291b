// How long a job in an idle queue waits for a worker, and what waiting costs. Before it: a Stage. After it: figures.

import CHiredis
import Tempest
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting

struct WakeLoad {
    let stage: Stage

    private var settings: LoadSettings { stage.settings }

    private static let wakes = 500
    /// Nanoseconds between two.
    private static let pause = 2_000_000...12_000_000

    func run(_ progress: (String) -> Void) async throws -> ([Figure], [String]) {
        var figures = FigureSet()
        let queues = try (0..<settings.queues).map { try stage.queue("wake-\($0)") }
        let configuration = try RedisConfiguration(url: stage.url)
        guard BareConnection.reaches(configuration) else { throw LoadError("the raw pushes of this measurement speak no TLS") }
        try await stage.withWorkers(settings.processes, queues) { workers in
            try await stage.ready(queues[0], processes: settings.processes)
            for run in 1...settings.runs {
                progress("run \(run) of \(settings.runs): \(Self.wakes) wakes")
                let times = try await wakes(configuration, queues[0])
                let p50 = Figure.quantile(times, 0.5)
                figures.add("wake", "p50", "us", p50)
                figures.add("wake", "p99", "us", Figure.quantile(times, 0.99))
                progress("run \(run) of \(settings.runs): bare loops")
                let bare = try await bare(configuration, run)
                figures.add("limit", "bare wake p50", "us", bare)
                figures.add("limit", "p50 / bare", "x", p50 / bare)
                progress("run \(run) of \(settings.runs): \(settings.seconds) s of nothing")
                try await idle(workers, &figures)
            }
        }
        return (
            figures.all,
            [
                "a wake: from before the RPUSH is written until the handler has begun, by one clock; bare: until adopt has replied",
                "commands of an idle worker: a tick each second and queue, and its parked reads, one for each level every few seconds",
            ]
        )
    }

    /// Microseconds. Pushed by a blocking connection, each a random time after the one before was answered.
    private func wakes(_ configuration: RedisConfiguration, _ queue: QueueName) async throws -> [Double] {
        let inbox = InboxID.random()
        let codec = settings.codec
        let wakes = Self.wakes
        return try await Blocking.run { lines in
            let connection = try BareConnection(configuration, lines)
            let key = "{\(queue)}:in:\(inbox)"
            var times: [Double] = []
            for number in 0..<wakes + 20 {
                LoadClock.sleep(.random(in: Self.pause))
                var args = TokenBuffer()
                try args.record(LoadClock.now)
                let draft = try JobDraft(action: "clock", args: args, count: 1, respondTo: inbox, id: .random())
                var command = BareCommand(words: 3)
                for word in [Array("RPUSH".utf8), Array(queue.description.utf8), try codec.encode(draft, limits: .standard)] {
                    command.add(word)
                }
                try connection.append(command)
                try connection.reply { _ in }
                try connection.append(["BLPOP", key, "30"])
                let answer = try connection.reply { reply -> [UInt8] in
                    guard reply.elements == 2, let text = reply.element[1]?.pointee else {
                        throw LoadError("a job was not answered within 30 s")
                    }
                    return BareConnection.bytes(text)
                }
                let taken = try Answer(answer, codecs: .standard, limits: .standard).args.value.asArray?.first?.asInt
                guard let taken else { throw LoadError("a job was answered with no time") }
                // The first ones make connections.
                if number >= 20 { times.append(Double(taken) / 1e3) }
            }
            return times
        }
    }

    /// The median of as many wakes of a blocking loop: BLMOVE, adopt.
    private func bare(_ configuration: RedisConfiguration, _ run: Int) async throws -> Double {
        let payload = try LoadJob(codec: settings.codec, size: 16, inbox: .random()).payload(1)
        let bare = BareCall(
            configuration: configuration, queue: try stage.queue("bare\(run)"), calls: Self.wakes, payload: payload,
            pause: Self.pause)
        let trips = try await Blocking.run { try bare.run($0) }
        return Figure.quantile(trips.map { Double($0.wake) / 1e3 }, 0.5)
    }

    private func idle(_ workers: [ChildProcess], _ figures: inout FigureSet) async throws {
        let (start, before) = (LoadClock.now, try await RedisCost.now(stage.redis))
        let used = workers.processor
        try await Task.sleep(for: .seconds(settings.seconds))
        let after = try await RedisCost.now(stage.redis)
        let seconds = Double(LoadClock.now - start) / 1e9
        let spent = workers.processor - used
        let count = Double(workers.count)
        figures.add("idle", "worker, of a core", "%", spent / seconds / count * 100)
        figures.add("idle", "commands of a worker", "1/s", Double(after.commands - before.commands) / seconds / count)
        figures.add("idle", "Redis, of a core", "%", (after.processor - before.processor) / seconds * 100)
        figures.add("idle", "worker's peak memory", "MB", workers.peak)
    }
}
