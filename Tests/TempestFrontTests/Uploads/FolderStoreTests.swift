import Foundation
import NIOCore
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Uploads in a folder")
struct FolderStoreTests {
    private func put(_ store: FolderStore, _ count: Int) async throws -> String {
        let draft = try await store.begin()
        do {
            try await draft.write(ByteBuffer(repeating: 7, count: count))
            return try await draft.commit()
        } catch {
            await draft.discard()
            throw error
        }
    }

    @Test("Nobody can open a content before it is whole; its file is this user's alone meanwhile")
    func drafts() async throws {
        try await UploadBench.run { bench in
            let draft = try await bench.store.begin()
            try await draft.write(ByteBuffer(string: "half"))
            let name = try #require(bench.names.first)
            #expect(name.hasPrefix(".") && name.hasSuffix(".part"))
            let mode = try FileManager.default.attributesOfItem(atPath: "\(bench.folder)/\(name)")[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try await bench.store.open(String(name.dropFirst().dropLast(5))) == nil)
            try await draft.write(ByteBuffer(string: " and half"))
            let token = try await draft.commit()
            #expect(bench.names == [token])
            let stored = try #require(try await bench.store.open(token))
            #expect(stored.size == 13)
            #expect(String(buffer: try await stored.read(5, 100)) == "and half")
            #expect(try await stored.read(13, 100).readableBytes == 0)
            // What is open stays readable.
            _ = try await bench.store.remove(token)
            #expect(String(buffer: try await stored.read(0, 4)) == "half")
            #expect(try await bench.store.open(token) == nil)
            _ = try await bench.store.remove(token)
        }
    }

    @Test("A draft that was forgotten leaves nothing, one that has ended takes no more")
    func ends() async throws {
        try await UploadBench.run { bench in
            do {
                let draft = try await bench.store.begin()
                try await draft.write(ByteBuffer(string: "x"))
                #expect(bench.names.count == 1)
            }
            // The thread that wrote may hold it for a moment longer.
            try await eventually("it has gone") { bench.names.isEmpty }
            let draft = try await bench.store.begin()
            await draft.discard()
            #expect(bench.names.isEmpty)
            await #expect(throws: UploadError.self) { try await draft.write(ByteBuffer(string: "x")) }
            await #expect(throws: UploadError.self) { try await draft.commit() }
            await draft.discard()
        }
    }

    @Test("The quota is the folder's, whoever fills it, and room that is made is used")
    func quota() async throws {
        try await UploadBench.run(quota: 1000) { bench in
            let first = try await put(bench.store, 600)
            let full = await #expect(throws: UploadError.self) { try await put(bench.store, 600) }
            #expect(full?.code == .full)
            #expect(bench.names == [first])
            _ = try await put(bench.store, 400)
            // Not even an empty one is begun.
            #expect(await #expect(throws: UploadError.self) { try await bench.store.begin() }?.code == .full)
            _ = try await bench.store.remove(first)
            _ = try await put(bench.store, 500)

            // Another front on the same folder sees what is there when it starts.
            let other = try await FolderStore(folder: bench.folder, quota: 1000)
            #expect(await #expect(throws: UploadError.self) { try await put(other, 200) }?.code == .full)
            _ = try await put(other, 100)
        }
    }

    @Test("Links and other things in the folder are not followed, and tokens that are none open nothing")
    func links() async throws {
        try await UploadBench.run { bench in
            let (link, pipe, folder) = (
                String(repeating: "l", count: 43), String(repeating: "p", count: 43), String(repeating: "f", count: 43)
            )
            try FileManager.default.createSymbolicLink(atPath: "\(bench.folder)/\(link)", withDestinationPath: "/etc/passwd")
            #expect(mkfifo("\(bench.folder)/\(pipe)", 0o600) == 0)
            try FileManager.default.createDirectory(atPath: "\(bench.folder)/\(folder)", withIntermediateDirectories: false)
            for token in [link, pipe, folder] {
                let error = await #expect(throws: UploadError.self, "\(token)") { try await bench.store.open(token) }
                #expect(error?.code == .file)
            }
            for token in [
                "", "../../etc/passwd", ".", "..", "*", String(repeating: "a", count: 44), String(repeating: "/", count: 43),
            ] {
                #expect(try await bench.store.open(token) == nil)
                _ = try await bench.store.remove(token)
            }
            _ = try await bench.store.sweep(olderThan: .seconds(-60))
            #expect(bench.names == [folder, link, pipe].sorted())
        }
    }

    @Test("A folder that is none, or where everybody may write, is refused with what to do")
    func folders() async throws {
        try await withTemporaryDirectory { directory in
            try "x".write(toFile: "\(directory)/file", atomically: false, encoding: .utf8)
            try FileManager.default.createDirectory(
                atPath: "\(directory)/open", withIntermediateDirectories: false, attributes: nil)
            #expect(chmod("\(directory)/open", 0o777) == 0)
            for folder in ["", "\(directory)/file", "\(directory)/open", "\(directory)/no/such"] {
                let error = await #expect(throws: UploadError.self, "\(folder)") { try await FolderStore(folder: folder) }
                #expect(error?.code == .folder)
            }
            _ = try await FolderStore(folder: "\(directory)/made")
            let mode = try FileManager.default.attributesOfItem(atPath: "\(directory)/made")[.posixPermissions] as? Int
            #expect(mode == 0o700)
        }
    }

    @Test("Many uploads at once are all whole")
    func many() async throws {
        try await UploadBench.run { bench in
            let store = bench.store
            let tokens = try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        let draft = try await store.begin()
                        for _ in 0..<10 { try await draft.write(ByteBuffer(repeating: UInt8(index), count: 1000)) }
                        return try await draft.commit()
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(tokens.count == 50)
            #expect(Set(bench.names) == tokens)
            for token in tokens {
                let stored = try #require(try await store.open(token))
                let bytes = try await stored.read(0, 20_000)
                #expect(bytes.readableBytes == 10_000 && Set(bytes.readableBytesView).count == 1)
            }
        }
    }
}
