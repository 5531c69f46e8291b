// All peers of a run: the children, what they have, what is missing.
// Before it: --compare. After it: candidates beside ours, in the same rounds.

import TempestCodecs

/// The running peers.
final class Peers {
    private let folder: String
    private let python: PeerProcess?
    private let ruby: PeerProcess?

    private init(folder: String, python: PeerProcess?, ruby: PeerProcess?) {
        (self.folder, self.python, self.ruby) = (folder, python, ruby)
    }

    /// Starts them for the time of the body; `folder`: a temporary one.
    static func run<R: Sendable>(
        _ environment: PeerEnvironment, folder: String, _ body: (Peers) async throws -> R
    ) async throws -> R {
        let (pythonScript, rubyScript) = (folder + "/python_peer.py", folder + "/ruby_peer.rb")
        try Files.write(PackageResources.python_peer_py, to: pythonScript)
        try Files.write(PackageResources.ruby_peer_rb, to: rubyScript)
        // Without the virtual environment the system's Python still has its own json.
        let interpreter = environment.venvPython ?? environment.python
        return try await PeerProcess.run(interpreter, script: pythonScript, language: .python) { python in
            try await PeerProcess.run(environment.ruby, script: rubyScript, language: .ruby) { ruby in
                try await body(Peers(folder: folder, python: python, ruby: ruby))
            }
        }
    }

    private func process(_ library: PeerLibrary) -> PeerProcess? { library.language == .python ? python : ruby }

    /// The libraries that are there, with their versions.
    var versions: [(name: String, version: String)] {
        var versions: [(String, String)] = []
        if let version = python?.versions["python"] { versions.append(("Python", version)) }
        if let version = ruby?.versions["ruby"] { versions.append(("Ruby", version)) }
        for library in PeerLibrary.all {
            if let version = process(library)?.versions[library.name] { versions.append((library.name, version)) }
        }
        return versions
    }

    /// The libraries that are not there.
    var missing: [PeerLibrary] { PeerLibrary.all.filter { process($0)?.versions[$0.name] == nil } }

    /// The candidates of a payload in a codec, and why some are not there.
    func candidates(
        _ payload: Payload, codec: any Codec, bytes: [UInt8]
    ) async throws -> (candidates: [Candidate], remarks: [String]) {
        var candidates: [Candidate] = []
        var remarks: [String] = []
        let (file, written) = (folder + "/payload", folder + "/written")
        try Files.write(bytes, to: file)
        for library in PeerLibrary.all where library.codec == codec.name {
            guard let process = process(library), process.versions[library.name] != nil else { continue }
            do {
                let size = try await process.load(library.name, file: file, written: written)
                let again = try codec.value(try Files.read(written, most: Limits.standard.bytes))
                guard again == payload.value else {
                    remarks.append("\(library.name) writes another value than it was given: not compared")
                    continue
                }
                for direction in CandidateKey.Direction.allCases {
                    let key = CandidateKey(library.name, library.codec, .value, direction)
                    candidates.append(
                        Candidate(key, bytes: direction == .decode ? bytes.count : size) { iterations in
                            try await process.time(library.name, direction, iterations)
                        })
                }
            } catch let error as BenchError {
                remarks.append("\(library.name) does not do it: \(error)")
            } catch let error as CodecError {
                remarks.append("what \(library.name) writes is refused: \(error)")
            }
        }
        return (candidates, remarks)
    }
}
