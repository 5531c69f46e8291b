// A child process that measures: requests and answers are lines of JSON, as python_peer.py and ruby_peer.rb describe.
// Before it: PeerEnvironment. After it: candidates whose batches run over there.

import Subprocess
import TempestCodecs

/// A running peer. Lives within ``run(_:script:_:)``; used by one task.
final class PeerProcess {
    private let language: String
    private let writer: StandardInputWriter
    private var lines: SubprocessOutputSequence.StringSequence<UTF8>.AsyncIterator
    /// The libraries that it has, with their versions, and its own under the language's name.
    private(set) var versions: [String: String] = [:]

    private init(
        _ language: String, _ writer: StandardInputWriter, _ lines: SubprocessOutputSequence.StringSequence<UTF8>.AsyncIterator
    ) {
        (self.language, self.writer, self.lines) = (language, writer, lines)
    }

    /// Starts the interpreter with a script, and ends it after the body. The body gets nil if it could not be started.
    static func run<R: Sendable>(
        _ interpreter: String?, script: String, language: PeerLibrary.Language, _ body: (PeerProcess?) async throws -> R
    ) async throws -> R {
        let program = interpreter.map { Program(name: $0) }
        guard let program, program.mayExist else { return try await body(nil) }
        // Isolated: neither the current folder nor the environment adds modules.
        let options = language == .python ? ["-I", "-B"] : []
        var isStarted = false
        do {
            return try await Subprocess.run(
                program.executable, arguments: program.arguments(options + [script]), input: .inputWriter, output: .sequence,
                error: .currentStandardError
            ) { execution in
                isStarted = true
                let lines = execution.standardOutput.strings(bufferingPolicy: .maxLineLength(1 << 16)).makeAsyncIterator()
                let peer = PeerProcess(language.rawValue, execution.standardInputWriter, lines)
                let answers = try await peer.askVersions()
                let result = try await body(answers ? peer : nil)
                try? await execution.standardInputWriter.finish()
                return result
            }.closureResult
        } catch is SubprocessError where !isStarted {
            try Task.checkCancellation()
            return try await body(nil)
        }
    }

    /// False if it ended instead: an interpreter that is too old says so itself, on standard error.
    private func askVersions() async throws -> Bool {
        let answer: Value
        do {
            answer = try await ask(["do": "versions"])
        } catch is BenchError {
            return false
        }
        for (name, version) in answer["versions"]?.asMap ?? [:] { versions[name] = Shown.name(version.asText ?? "?") }
        return true
    }

    /// Gives a library the bytes of a payload, by a file; what it makes of them again goes to `written`. The size of that.
    func load(_ library: String, file: String, written: String) async throws -> Int {
        let answer = try await ask(["do": "load", "library": .text(library), "file": .text(file), "written": .text(written)])
        return Int(answer["bytes"]?.asInt ?? 0)
    }

    /// Runs a batch of what was loaded; the nanoseconds that it took.
    func time(_ library: String, _ direction: CandidateKey.Direction, _ iterations: Int) async throws -> Double {
        let answer = try await ask([
            "do": "time", "library": .text(library), "direction": .text(direction.rawValue), "iterations": Value(iterations),
        ])
        guard let time = answer["nanoseconds"]?.asInt else { throw BenchError("\(language): an answer without nanoseconds") }
        return Double(time)
    }

    private func ask(_ request: Value) async throws -> Value {
        var line = try JSONCodec().encode(request)
        line.append(UInt8(ascii: "\n"))
        do {
            _ = try await writer.write(line)
        } catch {
            try Task.checkCancellation()
            throw BenchError("the peer in \(language) has ended: what it wrote to standard error says why")
        }
        guard let text = try await lines.next() else {
            try Task.checkCancellation()
            throw BenchError("the peer in \(language) has ended: what it wrote to standard error says why")
        }
        let answer = try JSONCodec().value(Array(text.utf8))
        if let error = answer["error"]?.asText { throw BenchError(Shown.name(error)) }
        return answer
    }
}
