// Which codec for which payload, and how the codecs stand beside other languages' libraries: a shell around TempestBench.

import ArgumentParser
import Foundation
import Tempest
import TempestBench

struct BenchCodecsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codecs",
        abstract: "Measure JSON, MessagePack and tnetstring on your payload or on built-in ones.",
        discussion: """
            Sizes, times and advice for each payload, with the codecs of the Python and Ruby clients beside ours. With --payload only your files are measured, unless --only names \
            built-in payloads too. The end of a file's name tells its codec (.json, .msgpack, .tnet), or else its first byte; a file \
            .ndjson or .jsonl has a document on each line, which are measured together; - is standard input. Needs no Redis. What the \
            figures mean: docs/codecs-benchmark.md.

            EXAMPLE
              tempest bench codecs --payload my-job.json
              tempest bench codecs --type
              tail -n 1 jobs.log | tempest bench codecs --payload -
              tempest bench codecs --only job --compare --install-peers --plot codecs.svg
            """)

    @Option(
        help: ArgumentHelp(
            "A JSON, MessagePack or tnetstring document to measure, lines of JSON, or -; may be given several times.",
            valueName: "file"))
    var payload: [String] = []

    @Option(
        help: ArgumentHelp(
            "A built-in payload: \(CodecBench.names.joined(separator: ", ")); may be given several times.", valueName: "name"))
    var only: [String] = []

    @Flag(
        help: "Measure orjson, msgspec, ormsgpack, tnetstring3, Ruby's, Foundation and others beside ours, those that are there.")
    var compare = false

    @Flag(help: "Install what --compare needs from PyPI, into a private folder: ~/.cache/tempest/bench (XDG_CACHE_HOME).")
    var installPeers = false

    @Option(help: "Rounds, 1 to 1000; figures are medians over them.")
    var rounds = 7

    @Option(help: "The seed of the built-in payloads.")
    var seed: UInt64 = 1

    @Flag(help: "Print a program that measures a Codable type of your own, and the command that runs it; nothing is measured.")
    var type = false

    @Flag(help: "Print JSON for programs.")
    var json = false

    @Option(help: ArgumentHelp("Draw bars into this file.", valueName: "file.svg"))
    var plot: String?

    func validate() throws {
        guard (1...1000).contains(rounds) else { throw ValidationError("--rounds: 1 to 1000") }
        guard payload.filter({ $0 == "-" }).count <= 1 else { throw ValidationError("--payload: standard input is read once") }
        for name in only where !CodecBench.names.contains(name) {
            throw ValidationError(
                "--only: there is no payload \(name.debugDescription); there are \(CodecBench.names.joined(separator: ", "))")
        }
    }

    func run() async throws {
        if type { return print(CodecBench.typeExample, terminator: "") }
        var bench = CodecBench()
        (bench.only, bench.files, bench.seed, bench.rounds.count) = (only, payload, seed, rounds)
        bench.version = RootCommand.configuration.version
        (bench.compares, bench.installsPeers, bench.command) = (compare, installPeers, CommandLine.arguments)
        let run = bench
        try await BenchRun.run(json: json, plot: plot) { watcher in
            let report = try await run.run(say: watcher.say, progress: watcher.progress)
            return BenchOutput(
                json: JSONReport.value(report), text: TextReport(report, style: .terminal).text, picture: Plot(report).svg)
        }
    }
}
