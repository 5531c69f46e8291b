// The demonstration: the matrix language x codec, then one shared queue, then the order of levels. Any failure makes it exit with 1.

import ArgumentParser
import Logging
import Tempest

struct Demo: Sendable {
    static let languages = ["swift", "python", "ruby"]
    static let sharedQueue = "demo"
    static let orderQueue = "demo-order"
    static func queue(_ language: String) -> String { "demo-\(language)" }

    /// What goes wrong is in the tables and in the exit status.
    private static var quiet: Logger {
        var logger = Logger(label: "tempest.demo")
        logger.logLevel = .critical
        return logger
    }

    let redisURL: String
    let texts: [String]

    func run() async throws {
        var options = ClientOptions()
        options.patience = .zero
        let client = try TempestClient(redis: RedisConfiguration(url: redisURL), options: options, logger: Self.quiet)
        do {
            try await DemoWorkers.ready(client)
            let cells = try await matrix(client)
            let shared = try await share(client)
            let order = try await order(client)
            await client.shutdown()
            guard cells && shared && order else { throw ExitCode(1) }
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Every text to every language in every codec.
    private func matrix(_ client: TempestClient) async throws -> Bool {
        let bytes = texts.reduce(0) { $0 + $1.utf8.count }
        let expected = texts.map { WordCount($0) }
        try StandardOutput.say(
            "\nwordcount of \(texts.count) Markdown files (\(bytes) bytes), each a job: answers that agree, and the median round trip\n"
        )
        var table = Table([("worker", .left)] + CodecSet.standard.names.map { ($0, .left) })
        var agreed = true
        for language in Self.languages {
            var row = [language]
            for name in CodecSet.standard.names {
                let cell = try await cell(client, language, CodecSet.standard.named(name) ?? .json, expected)
                agreed = agreed && cell.agreed
                row.append(cell.text)
            }
            table.add(row)
        }
        try StandardOutput.say(table.text)
        return agreed
    }

    private func cell(
        _ client: TempestClient, _ language: String, _ codec: any Codec, _ expected: [WordCount]
    ) async throws -> (text: String, agreed: Bool) {
        var times: [Duration] = []
        var agreeing = 0
        for (text, expected) in zip(texts, expected) {
            let start = ContinuousClock.now
            do {
                let answer: WordCount = try await client.call(
                    "wordcount", text, queue: Self.queue(language), codec: codec, timeout: .seconds(10))
                times.append(start.duration(to: .now))
                if answer.agrees(with: expected) && answer.language == language { agreeing += 1 }
            } catch {
                try Task.checkCancellation()
                return ("failed: \(error)", false)
            }
        }
        let median = times.sorted()[times.count / 2]
        let milliseconds = (median / .microseconds(1)).rounded() / 1000
        return (
            agreeing == texts.count
                ? "agrees \(agreeing)/\(texts.count)  \(milliseconds) ms" : "DISAGREES \(agreeing)/\(texts.count)",
            agreeing == texts.count
        )
    }

    /// One queue, three languages, three codecs: the first free worker answers.
    private func share(_ client: TempestClient) async throws -> Bool {
        let total = 90
        let text = texts.max { $0.utf8.count < $1.utf8.count } ?? ""
        let expected = WordCount(text)
        let names = CodecSet.standard.names
        let answers = try await withThrowingTaskGroup(of: WordCount.self) { group in
            for index in 0..<total {
                group.addTask {
                    try await client.call(
                        "wordcount", text, queue: Self.sharedQueue, codec: CodecSet.standard.named(names[index % names.count]),
                        timeout: .seconds(30))
                }
            }
            return try await group.reduce(into: [WordCount]()) { $0.append($1) }
        }
        let agreeing = answers.count { $0.agrees(with: expected) }
        let shares = Self.languages.map { language in "\(language) \(answers.count { $0.language == language })" }
        try StandardOutput.say(
            "\n\(total) jobs in mixed codecs on one queue that all three share: \(agreeing) agree; served by \(shares.joined(separator: ", "))"
        )
        return agreeing == total
    }

    /// Mixed codecs and levels wait on one queue; one slot serves them.
    private func order(_ client: TempestClient) async throws -> Bool {
        let queue = try QueueName(Self.orderQueue)
        try await client.pause(queue)
        let levels: [Level] = [.low, .default, .high]
        let names = CodecSet.standard.names
        async let turns = withThrowingTaskGroup(of: Turn.self) { group in
            for round in 0..<3 {
                for (place, level) in levels.enumerated() {
                    let codec = CodecSet.standard.named(names[(round + place) % names.count])
                    group.addTask {
                        try await client.call(
                            "turn", "\(level) \(round + 1)", queue: Self.orderQueue, level: level, codec: codec,
                            timeout: .seconds(10))
                    }
                }
            }
            return try await group.reduce(into: [Turn]()) { $0.append($1) }
        }
        // All of them wait before the first is served.
        while try await client.statistics(queue).waiting < 9 { try await Task.sleep(for: .milliseconds(5)) }
        try await client.resume(queue)
        let served = try await turns.sorted { $0.turn < $1.turn }
        try StandardOutput.say("\n9 jobs in mixed codecs, pushed low, default, high; one slot served them in this order\n")
        var table = Table([("turn", .right), ("level", .left), ("codec", .left)])
        for turn in served { table.add([String(turn.turn), turn.level, turn.codec]) }
        try StandardOutput.say(table.text)
        let right = served.map(\.level) == ["high", "default", "low"].flatMap { Array(repeating: $0, count: 3) }
        try StandardOutput.say(right ? "\nStrictly by level, as it must be." : "\nNOT in the order of the levels.")
        return right
    }
}
