// The program cbor-transcode, from outside: what goes in, what comes out, and with which status.
// The library's half is in VectorTests.

import Foundation
import TempestCodecs
import TempestTesting
import Testing

@Suite("cbor-transcode")
struct TranscodeTests {
    /// The program beside the tests, which the same build has made.
    static var program: String {
        let bundle = CommandLine.arguments.first.map { URL(filePath: $0) }
        var folder = bundle?.deletingLastPathComponent() ?? URL(filePath: ".")
        // On macOS the tests are a folder of their own in it; elsewhere they lie beside the program.
        while folder.path != "/" && !FileManager.default.isExecutableFile(atPath: folder.appending(path: "cbor-transcode").path) {
            folder.deleteLastPathComponent()
        }
        return folder.appending(path: "cbor-transcode").path
    }

    private func transcode(
        _ words: String, _ input: [UInt8]
    ) async throws -> (status: TempestTesting.ExitStatus, output: [String]) {
        return try await ProcessRunner("sh", ["-c", #"printf %b '\#(octal(input))' | "$0" \#(words)"#, Self.program]).run {
            child in
            (try await child.waitForExit(), child.output)
        }
    }

    @Test("Documents go to CBOR and back, recognised or named")
    func documents() async throws {
        let hexed = #"--to cbor | od -An -v -tx1"#
        let bytes = hex(try await transcode(hexed, Array(#"[{"b":1,"a":{"$b64":"/w=="}},1.5]"#.utf8)).output.joined())
        #expect(bytes == tag + hex("82 a2 6161 41ff 6162 01 f93e00"))
        let back = try await transcode("--to json", bytes)
        #expect(back.status == .exited(0) && back.output == [#"[{"a":{"$b64":"/w=="},"b":1},1.5]"#])
        let bare = try await transcode("--from cbor --to json", hex("f93e00"))
        #expect(bare.status == .exited(0) && bare.output == ["1.5"])
    }

    @Test("Bad input ends with 1 and names the byte and the reason; bad words end with 64")
    func refusals() async throws {
        let bad = try await transcode("--from cbor --to json", hex("8101 02"))
        #expect(bad.status == .exited(1) && bad.output == ["cbor: bytes after the value, at byte 2"])
        let scalar = try await transcode("--to json", hex("f93e00"))
        #expect(scalar.status == .exited(1) && scalar.output.joined().contains("must be named"))
        for words in ["", "--to xml", "--to", "--from json", "json", "--to json --from bson"] {
            #expect(try await transcode(words, []).status == .exited(64), "\(words)")
        }
        #expect(try await transcode("--help", []).status == .exited(0))
    }
}
