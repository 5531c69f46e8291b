// A browser of TLS and HTTP/2 that is not ours: curl, and the certificate that it believes. Used by tests of the whole front.

import Logging
import NIOCore
import Tempest
import TempestFront
import TempestTesting

/// A certificate for 127.0.0.1 and its key, in files of a folder.
struct Certificate {
    let file: String
    let key: String

    static func make(in folder: String) async throws -> Certificate {
        let words = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
            "/CN=front", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", "front.key", "-out", "front.crt",
        ]
        try await ProcessRunner("openssl", words, workingDirectory: folder).run { openssl in
            _ = try await openssl.waitForExit()
        }
        return Certificate(file: "\(folder)/front.crt", key: "\(folder)/front.key")
    }
}

/// curl in front of one front by TLS.
struct Curl {
    let front: RunningFront
    let certificate: Certificate

    /// Runs a front by TLS and gives it a curl that believes it.
    static func run<R: Sendable>(
        _ change: @escaping (inout FrontConfiguration) throws -> Void = { _ in }, logger: Logger? = nil,
        handlers: (Worker) -> Void = { _ in },
        _ body: (Curl, _ folder: String) async throws -> R
    ) async throws -> R {
        try await withTemporaryDirectory { folder in
            let certificate = try await Certificate.make(in: folder)
            return try await RunningFront.run(
                ["/*=pages"],
                {
                    try $0.secure(certificate: certificate.file, key: certificate.key)
                    try change(&$0)
                }, logger: logger, handlers: { handlers($0) }
            ) { front in
                try await body(Curl(front: front, certificate: certificate), folder)
            }
        }
    }

    /// What it prints, and its exit status: 0 when the response has come to its proper end.
    func callAsFunction(_ path: String, _ words: String...) async throws -> (status: TempestTesting.ExitStatus, output: [String])
    {
        try await run(path, words)
    }

    func run(_ path: String, _ words: [String]) async throws -> (status: TempestTesting.ExitStatus, output: [String]) {
        let url = "https://127.0.0.1:\(front.port)\(path)"
        let runner = ProcessRunner(
            "curl", ["-sS", "--max-time", "30", "--cacert", certificate.file] + words + [url])
        return try await runner.run { curl in (try await curl.waitForExit(within: .seconds(40)), curl.output) }
    }
}
