// A folder behind a front's server, for tests.

import Foundation
import Hummingbird
import HummingbirdCore
import TempestTesting

@testable import TempestFront

struct FileServer: Sendable {
    let port: Int
    let folder: String

    static func run<R: Sendable>(
        _ files: [String: String] = [:], _ change: @escaping @Sendable (inout StaticFilesOptions) throws -> Void = { _ in },
        limits: ConnectionLimits = ConnectionLimits(), _ body: @escaping @Sendable (FileServer) async throws -> R
    ) async throws -> R {
        try await withTemporaryDirectory { folder in
            for (name, text) in files { try Self.write(Array(text.utf8), to: "\(folder)/\(name)") }
            var options = StaticFilesOptions(folder: folder)
            try change(&options)
            let static_ = try StaticFiles(options)
            let router = Router()
            for method in [HTTPRequest.Method.get, .head, .post, .put, .delete, .options] {
                router.on("**", method: method) { request, _ in
                    try await static_.respond(to: request) ?? Response(status: .notFound)
                }
            }
            return try await withServer(.front(limits: limits), router: router) { port in
                try await body(FileServer(port: port, folder: folder))
            }
        }
    }

    /// Writes a file of long ago, or of a time in seconds since 1970, and the folders that it is in.
    static func write(_ bytes: [UInt8], to path: String, at time: Double? = 1_000_000_000) throws {
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        if let time {
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: time)], ofItemAtPath: path)
        }
    }

    func write(_ text: String, to name: String, at time: Double? = 1_000_000_000) throws {
        try Self.write(Array(text.utf8), to: "\(folder)/\(name)", at: time)
    }

    /// Waits until the times of a file are its tag: before that the tag has a digest in it, and loses it at some moment.
    func settle(_ path: String) async throws {
        try await eventually(within: .seconds(20), "the tag is settled") {
            try await get(path).header("etag")?.contains("=") == false
        }
    }

    func get(_ path: String, _ headers: String...) async throws -> Reply { try await ask("GET", path, headers) }

    func ask(_ method: String, _ path: String, _ headers: [String] = []) async throws -> Reply {
        try await Browser.run(port: port) { browser in
            try await browser.send("\(method) \(path) HTTP/1.1\r\nHost: test\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n")
            return try await browser.reply(head: method == "HEAD")
        }
    }
}
