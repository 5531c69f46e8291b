import Foundation
import TempestCodecs
import Testing

@testable import TempestBench

/// What is measured in other languages, as far as it needs no interpreter: ProcessTests has the runs.
@Suite("Peers")
struct PeerTests {
    @Test("Both clients are candidates in all three codecs, and nothing is installed for them")
    func clients() {
        let clients = PeerLibrary.all.filter(\.isClient)
        for name in ["tempest (Python)", "tempest (Ruby)"] {
            #expect(clients.filter { $0.name == name }.map(\.codec) == ["json", "msgpack", "tnetstring"])
        }
        #expect(clients.count == 6 && clients.allSatisfy { $0.package == nil && $0.kind == .value })
    }

    @Test("Every package is installed once, msgspec among them")
    func packages() {
        #expect(PeerLibrary.packages.count == Set(PeerLibrary.packages).count)
        #expect(PeerLibrary.packages.contains("msgspec") && PeerLibrary.packages.contains("orjson"))
    }

    @Test("A checkout is found in a folder and above it, the nearest first; elsewhere there is none")
    func checkout() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("tempest-checkout-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        let deep = root + "/a/b"
        for folder in [
            deep, root + "/clients/python/src/tempest", root + "/a/clients/ruby/lib/tempest", root + "/clients/ruby/lib/tempest",
        ] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        for file in [
            "/clients/python/src/tempest/codecs.py", "/clients/ruby/lib/tempest/codecs.rb",
            "/a/clients/ruby/lib/tempest/codecs.rb",
        ] { try Data().write(to: URL(fileURLWithPath: root + file)) }
        #expect(ClientCheckout.folder(.python, startingAt: ["/nonexistent", deep]) == root + "/clients/python/src")
        #expect(ClientCheckout.folder(.ruby, startingAt: [deep]) == root + "/a/clients/ruby/lib")
        #expect(ClientCheckout.folder(.python, startingAt: ["/nonexistent"]) == nil)
    }

    @Test("msgspec has a struct for every payload that has a type here")
    func structs() throws {
        let source = String(decoding: PackageResources.msgspec_types_py, as: UTF8.self)
        for name in BuiltInPayloads.names {
            let isTyped = try #require(try BuiltInPayloads.make(name, seed: 1)).sample != nil
            #expect(source.contains("    \"\(name)\": ") == isTyped, "\(name)")
        }
    }
}
