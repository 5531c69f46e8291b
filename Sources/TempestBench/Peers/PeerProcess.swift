// A child process that measures: requests and answers are lines of JSON, as python_peer.py and ruby_peer.rb describe.
// Before it: Peers. After it: candidates whose batches run over there.

import Subprocess
import TempestCodecs

/// What a child process is for, and how it is started.
struct PeerStart: Sendable {
    let language: PeerLibrary.Language
    /// Whether it measures our client, or the libraries that we compare ourselves with.
    let isClient: Bool
    let interpreter: String
    let script: String

    var program: Program { Program(name: interpreter) }

    var arguments: [String] {
        guard isClient else {
            // Isolated: neither the current folder nor the environment adds modules.
            return (language == .python ? ["-I", "-B"] : []) + [script, "peers"]
        }
        // As a user's programs are started: PYTHONPATH and RUBYLIB name the client too.
        return (language == .python ? ["-B"] : []) + [script, "client"] + (ClientCheckout.folder(language).map { [$0] } ?? [])
    }
}

/// A running peer. Lives within ``run(_:_:)``; used by one task.
final class PeerProcess {
    let start: PeerStart
    private let writer: StandardInputWriter
    private var lines: SubprocessOutputSequence.StringSequence<UTF8>.AsyncIterator
    /// The libraries that it has, with their versions, and its own under the language's name.
    private(set) var versions: [String: String] = [:]
    /// Why it has no client, if it should have one.
    private(set) var reason: String?

    private init(
        _ start: PeerStart, _ writer: StandardInputWriter,
        _ lines: SubprocessOutputSequence.StringSequence<UTF8>.AsyncIterator
    ) {
        (self.start, self.writer, self.lines) = (start, writer, lines)
    }

    /// Starts the interpreter with its script, and ends it after the body. The body gets nil if it could not be started.
    static func run<R: Sendable>(_ start: PeerStart, _ body: (PeerProcess?) async throws -> R) async throws -> R {
        guard start.program.mayExist else { return try await body(nil) }
        var isStarted = false
        do {
            return try await Subprocess.run(
                start.program.executable, arguments: start.program.arguments(start.arguments), input: .inputWriter,
                output: .sequence, error: .currentStandardError
            ) { execution in
                isStarted = true
                let lines = execution.standardOutput.strings(bufferingPolicy: .maxLineLength(1 << 16)).makeAsyncIterator()
                let result = try await body(PeerProcess(start, execution.standardInputWriter, lines))
                try? await execution.standardInputWriter.finish()
                return result
            }.closureResult
        } catch is SubprocessError where !isStarted {
            try Task.checkCancellation()
            return try await body(nil)
        }
    }

    /// Asks what it has. False if it ended instead: an interpreter that is too old says so itself, on standard error.
    func askVersions() async throws -> Bool {
        let answer: Value
        do {
            answer = try await ask(["do": "versions"])
        } catch is BenchError {
            return false
        }
        for (name, version) in answer["versions"]?.asMap ?? [:] { versions[name] = Shown.name(version.asText ?? "?") }
        reason = answer["reason"]?.asText.map { Shown.name($0, most: 400) }
        return true
    }

    /// Gives a library the bytes of a payload, by a file; what it makes of them again goes to `written`. The size of that.
    func load(_ library: PeerLibrary, payload: String, file: String, written: String) async throws -> Int {
        let answer = try await ask([
            "do": "load", "library": .text(library.name), "codec": .text(library.codec), "kind": .text(library.kind.rawValue),
            "payload": .text(payload), "file": .text(file), "written": .text(written),
        ])
        return Int(answer["bytes"]?.asInt ?? 0)
    }

    /// Runs a batch of what was loaded; the nanoseconds that it took.
    func time(_ library: PeerLibrary, _ direction: CandidateKey.Direction, _ iterations: Int) async throws -> Double {
        let answer = try await ask([
            "do": "time", "library": .text(library.name), "codec": .text(library.codec), "kind": .text(library.kind.rawValue),
            "direction": .text(direction.rawValue), "iterations": Value(iterations),
        ])
        guard let time = answer["nanoseconds"]?.asInt else {
            throw BenchError("\(start.language.rawValue): an answer without nanoseconds")
        }
        return Double(time)
    }

    private func ask(_ request: Value) async throws -> Value {
        var line = try JSONCodec().encode(request)
        line.append(UInt8(ascii: "\n"))
        do {
            _ = try await writer.write(line)
        } catch {
            throw try ended()
        }
        guard let text = try await lines.next() else { throw try ended() }
        let answer = try JSONCodec().value(Array(text.utf8))
        if let error = answer["error"]?.asText { throw BenchError(Shown.name(error)) }
        return answer
    }

    private func ended() throws -> BenchError {
        try Task.checkCancellation()
        return BenchError("the peer in \(start.language.rawValue) has ended: what it wrote to standard error says why")
    }
}
