// What the fault harness asks of a front's workers: whole answers, answers in pieces, and long ones made of a seed, all of which say which
// request they belong to. Before it: FaultJournal. After it: the harness's browsers, which check each byte.

import Crypto
import Tempest

/// The action `url`: echoes the body and the header `x-id`, after `nap` milliseconds of the query; `…/stream` does so in pieces,
/// `…/bytes?seed&pieces&size` sends so many pieces of so many bytes; `…/append` does what must not be done twice: it notes `x-id`.
struct FaultPages {
    /// Adds a line about the request to a file.
    let note: @Sendable (_ request: String, _ event: String) -> Void

    func register(on worker: Worker) {
        worker.handle("url") { (context: JobContext, request: WebRequest) async throws -> WebAnswer? in
            let query = Self.query(request.url)
            let headers = [("content-type", "application/octet-stream"), ("x-id", request.headers["x-id"] ?? "")]
            let nap = min(max(query["nap"].flatMap { Double($0) } ?? 0, 0), 600_000)
            if request.path.hasSuffix("/bytes") {
                guard let seed = query["seed"], let pieces = query["pieces"].flatMap({ Int($0) }),
                    let size = query["size"].flatMap({ Int($0) }), (32...1 << 20).contains(size), (1...1 << 20).contains(pieces)
                else { return WebAnswer(status: 400, text: "seed, pieces and size\n") }
                for number in 0..<pieces {
                    let piece = Self.piece(seed, number, size)
                    if number == 0 {
                        try await context.send(WebAnswer(headers: headers, body: piece))
                    } else {
                        try await context.send(Bytes(piece))
                    }
                }
                return nil
            }
            if request.path.hasSuffix("/append"), let id = request.headers["x-id"], !id.isEmpty,
                !id.contains(where: \.isWhitespace)
            {
                note(id, "begin")
                try await Task.sleep(for: .milliseconds(nap))
                note(id, "end")
                return WebAnswer(headers: headers, body: Array(id.utf8))
            }
            let body = request.body.isEmpty ? Array("hello, world\n".utf8) : request.body
            guard request.path.hasSuffix("/stream") else {
                try await Task.sleep(for: .milliseconds(nap))
                return WebAnswer(headers: headers, body: body)
            }
            let size = body.count / 7 + 1
            for start in stride(from: 0, to: body.count, by: size) {
                let piece = Array(body[start..<min(body.count, start + size)])
                if start == 0 {
                    try await context.send(WebAnswer(headers: headers, body: piece))
                } else {
                    try await context.send(Bytes(piece))
                }
                try await Task.sleep(for: .milliseconds(nap / 7))
            }
            return nil
        }
    }

    /// SHA-256 of `seed/number`, over and over.
    private static func piece(_ seed: String, _ number: Int, _ size: Int) -> [UInt8] {
        let digest = Array(SHA256.hash(data: Array("\(seed)/\(number)".utf8)))
        var piece: [UInt8] = []
        piece.reserveCapacity(size)
        for _ in 0..<size / digest.count { piece += digest }
        return piece
    }

    private static func query(_ url: String) -> [String: String] {
        var query: [String: String] = [:]
        for pair in url.split(separator: "?", maxSplits: 1).dropFirst().joined().split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            query[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        return query
    }
}
