// All child processes of a run: our clients' codecs, and with --compare other libraries; what they have, what is missing.
// Before it: CodecBench. After it: candidates beside ours, in the same rounds.

import TempestCodecs

/// The running peers.
final class Peers {
    private let folder: String
    private let interpreters: Interpreters
    private let compares: Bool
    private let processes: [PeerProcess]

    private init(folder: String, _ interpreters: Interpreters, compares: Bool, _ processes: [PeerProcess]) {
        (self.folder, self.interpreters, self.compares, self.processes) = (folder, interpreters, compares, processes)
    }

    /// Starts them for the time of the body; `environment`: where those of a comparison are, nil for our clients alone; `folder`: a
    /// temporary one.
    static func run<R: Sendable>(
        _ interpreters: Interpreters, comparing environment: PeerEnvironment?, folder: String,
        _ body: (Peers) async throws -> R
    ) async throws -> R {
        let (python, ruby) = (folder + "/python_peer.py", folder + "/ruby_peer.rb")
        try Files.write(PackageResources.python_peer_py, to: python)
        try Files.write(PackageResources.msgspec_types_py, to: folder + "/msgspec_types.py")
        try Files.write(PackageResources.ruby_peer_rb, to: ruby)
        // Our clients need packages of the system; each is alone in its process, so that nothing of another slows it.
        var starts = [
            PeerStart(language: .python, isClient: true, interpreter: interpreters.python, script: python),
            PeerStart(language: .ruby, isClient: true, interpreter: interpreters.ruby, script: ruby),
        ]
        if let environment {
            // Without the virtual environment the system's Python still has its own json.
            let venv = environment.venvPython ?? environment.python
            starts.append(PeerStart(language: .python, isClient: false, interpreter: venv, script: python))
            starts.append(PeerStart(language: .ruby, isClient: false, interpreter: environment.ruby, script: ruby))
        }
        return try await run(starts[...], []) { processes in
            // They are asked when all are started: interpreters take a while to load, and do it side by side.
            var answering: [PeerProcess] = []
            for process in processes where try await process.askVersions() { answering.append(process) }
            return try await body(Peers(folder: folder, interpreters, compares: environment != nil, answering))
        }
    }

    private static func run<R: Sendable>(
        _ starts: ArraySlice<PeerStart>, _ processes: [PeerProcess], _ body: ([PeerProcess]) async throws -> R
    ) async throws -> R {
        guard let first = starts.first else { return try await body(processes) }
        return try await PeerProcess.run(first) { process in
            try await run(starts.dropFirst(), processes + (process.map { [$0] } ?? []), body)
        }
    }

    private func process(_ language: PeerLibrary.Language, isClient: Bool) -> PeerProcess? {
        processes.first { $0.start.language == language && $0.start.isClient == isClient }
    }

    private func version(_ library: PeerLibrary) -> String? {
        process(library.language, isClient: library.isClient)?.versions[library.name]
    }

    /// The libraries that are there, with their versions.
    var versions: [(name: String, version: String)] {
        var versions: [(String, String)] = []
        for language in PeerLibrary.Language.allCases {
            let key = language.rawValue.lowercased()
            let (client, peers) = (process(language, isClient: true), process(language, isClient: false))
            let (own, other) = (client?.versions[key], peers?.versions[key])
            if let version = other ?? own { versions.append((language.rawValue, version)) }
            // The virtual environment may have been made by another interpreter.
            if let own, let other, own != other { versions.append(("\(language.rawValue) of the client", own)) }
        }
        for library in PeerLibrary.named {
            if let version = version(library) { versions.append((library.name, version)) }
        }
        return versions
    }

    /// The libraries that are not there, of those that this run should measure.
    var missing: [PeerLibrary] { PeerLibrary.named.filter { ($0.isClient || compares) && version($0) == nil } }

    /// Why a client is not measured, in a line; nil if it is.
    func reason(_ language: PeerLibrary.Language) -> String? {
        let name = PeerLibrary.client(language)
        guard let process = process(language, isClient: true) else {
            let (program, variable) = language == .python ? (interpreters.python, "PYTHON") : (interpreters.ruby, "RUBY")
            return "\(name) is not measured: \(program) does not run; \(variable) names another interpreter"
        }
        guard process.versions[name] == nil else { return nil }
        let (program, why) = (process.start.interpreter, process.reason ?? "no reason given")
        if let checkout = ClientCheckout.folder(language) {
            return "\(name) is not measured: \(program) cannot load it, neither installed nor from \(checkout): \(why)"
        }
        let place = ClientCheckout.place(language)
        return "\(name) is not measured: it is not installed for \(program) (\(why)), and there is no \(place) here or above"
    }

    /// The candidates of a payload in a codec, and why some are not there.
    func candidates(
        _ payload: Payload, codec: any Codec, bytes: [UInt8]
    ) async throws -> (candidates: [Candidate], remarks: [String]) {
        var candidates: [Candidate] = []
        var remarks: [String] = []
        let (file, written) = (folder + "/payload", folder + "/written")
        try Files.write(bytes, to: file)
        for library in PeerLibrary.all where library.codec == codec.name && does(library, payload) {
            guard let process = process(library.language, isClient: library.isClient), version(library) != nil else { continue }
            let name = library.kind == .value ? library.name : "\(library.name) (\(library.kind))"
            do {
                let size = try await process.load(library, payload: payload.name, file: file, written: written)
                let again = try codec.value(try Files.read(written, most: Limits.standard.bytes))
                guard again == payload.value else {
                    remarks.append("\(name) writes another value than it was given: not compared")
                    continue
                }
                for direction in CandidateKey.Direction.allCases {
                    let key = CandidateKey(library.name, library.codec, library.kind, direction)
                    candidates.append(
                        Candidate(key, bytes: direction == .decode ? bytes.count : size) { iterations in
                            try await process.time(library, direction, iterations)
                        })
                }
            } catch let error as BenchError {
                remarks.append("\(name) does not do it: \(error)")
            } catch let error as CodecError {
                remarks.append("what \(name) writes is refused: \(error)")
            }
        }
        return (candidates, remarks)
    }

    /// Whether a library has a form for a payload: other libraries' JSON has none for bytes, and only built-in payloads have types.
    private func does(_ library: PeerLibrary, _ payload: Payload) -> Bool {
        if library.isClient { return true }
        if library.codec == "json", payload.holdsBytes { return false }
        return library.kind == .value || payload.sample != nil
    }
}
