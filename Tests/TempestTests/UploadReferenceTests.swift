import Foundation
import NIOCore
import TempestCodecs
import TempestTesting
import Testing

@testable import Tempest

@Suite("Uploads as workers get them")
struct UploadReferenceTests {
    static let token = String(repeating: "t", count: 43)
    /// Of `hello`.
    static let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

    private func reference(size: Int = 5, sha256: String = hash) throws -> UploadReference {
        try #require(UploadReference(token: Self.token, field: "f", filename: "../x", size: size, sha256: sha256))
    }

    @Test("It is decoded from a job's uploads and encoded as they are", arguments: CodecSet.standard.names)
    func codable(_ name: String) throws {
        let codec = try #require(CodecSet.standard.named(name))
        let map: Value = [
            "token": .text(Self.token), "field": "f", "filename": "../x", "type": nil, "size": 5, "sha256": .text(Self.hash),
        ]
        let reference = try codec.decode(UploadReference.self, from: codec.encode(map))
        #expect(reference == (try self.reference()))
        #expect(reference.value == map)
        #expect(try codec.value(codec.encode(encoding: reference)) == map)
    }

    @Test(
        "Tokens that are none, paths among them, are refused before anything is opened",
        arguments: ["", "../../etc/passwd", String(repeating: "/", count: 43), String(repeating: "t", count: 44), "."])
    func tokens(_ token: String) throws {
        #expect(UploadReference(token: token, size: 1, sha256: Self.hash) == nil)
        let json = #"{"token":"\#(token)","size":1,"sha256":"\#(Self.hash)"}"#
        #expect(throws: (any Error).self) { try JSONCodec().decode(UploadReference.self, from: Array(json.utf8)) }
        #expect(UploadReference(token: Self.token, size: -1, sha256: Self.hash) == nil)
        #expect(UploadReference(token: Self.token, size: 1, sha256: "ABC") == nil)
    }

    @Test("The content is read in chunks, and is what the browser sent or an error")
    func reading() async throws {
        try await withTemporaryDirectory { folder in
            #expect(await code { try await self.reference().bytes(in: folder) } == .missing)
            try "hello".write(toFile: "\(folder)/\(Self.token)", atomically: false, encoding: .utf8)
            #expect(try await reference().bytes(in: folder) == Array("hello".utf8))
            #expect(await code { try await self.reference(size: 6).bytes(in: folder) } == .changed)
            #expect(await code { try await self.reference().bytes(upTo: 4, in: folder) } == .tooLarge)
            try "hallo".write(toFile: "\(folder)/\(Self.token)", atomically: false, encoding: .utf8)
            #expect(await code { try await self.reference().bytes(in: folder) } == .changed)

            let big = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0) })
            try big.write(to: URL(fileURLWithPath: "\(folder)/\(Self.token)"))
            let hash = "0".padding(toLength: 64, withPad: "0", startingAt: 0)
            var sizes: [Int] = []
            await #expect(throws: UploadError.self) {
                for try await chunk in try await self.reference(size: 300_000, sha256: hash).open(in: folder) {
                    sizes.append(chunk.readableBytes)
                }
            }
            #expect(sizes == [131_072, 131_072, 37_856])
        }
    }

    @Test("Links are not followed, and a folder that is not set is said to be so")
    func folders() async throws {
        try await withTemporaryDirectory { folder in
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(Self.token)", withDestinationPath: "/etc/passwd")
            #expect(await code { try await self.reference().bytes(in: folder) } == .file)
            #expect(await code { try await self.reference().bytes() } == .folder)
        }
    }

    private func code(_ body: @escaping () async throws -> [UInt8]) async -> UploadError.Code? {
        do {
            _ = try await body()
            return nil
        } catch {
            return (error as? UploadError)?.code
        }
    }
}
