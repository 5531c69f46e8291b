import TempestCodecs
import Testing

@testable import TempestBench

@Suite("Built-in payloads")
struct PayloadTests {
    static let codecs: [any Codec] = [.json, .messagePack, .tnetstring]

    private func payload(_ name: String, seed: UInt64 = 1) throws -> Payload {
        try #require(try BuiltInPayloads.make(name, seed: seed))
    }

    @Test("SplitMix64 gives the published numbers")
    func generator() {
        var random = SplitMix64(seed: 1_234_567)
        let numbers = (0..<3).map { _ in random.next() }
        #expect(numbers == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }

    @Test("The same seed gives the same payload, another seed another", arguments: BuiltInPayloads.names)
    func deterministic(_ name: String) throws {
        let bytes = try MessagePackCodec().encode(payload(name, seed: 7).value)
        #expect(try MessagePackCodec().encode(payload(name, seed: 7).value) == bytes)
        #expect(try MessagePackCodec().encode(payload(name, seed: 8).value) != bytes)
    }

    @Test(
        "Payloads have the sizes that are promised, in JSON",
        arguments: [
            ("job", 110...140), ("http", 400...1000), ("records", 17_000...23_000), ("text", 500_000...2_000_000),
            ("numbers", 500_000...2_000_000), ("nested", 500_000...2_000_000), ("binary", 300_000...400_000),
            ("posts", 130_000...250_000), ("catalogue", 400_000...600_000), ("coordinates", 800_000...1_100_000),
            ("manifest", 1_500...2_500),
        ], [1, 2] as [UInt64])
    func sizes(_ expected: (name: String, bytes: ClosedRange<Int>), seed: UInt64) throws {
        let bytes = try JSONCodec().encode(payload(expected.name, seed: seed).value).count
        #expect(expected.bytes.contains(bytes), "\(expected.name): \(bytes)")
    }

    @Test("Every payload comes back from every codec", arguments: BuiltInPayloads.names)
    func roundTrip(_ name: String) throws {
        let payload = try payload(name)
        for codec in Self.codecs { #expect(try codec.value(codec.encode(payload.value)) == payload.value, "\(codec.name)") }
    }

    @Test(
        "Typed payloads are the same by hand and by Codable",
        arguments: [
            "job", "records", "text", "numbers", "nested", "posts", "catalogue", "coordinates", "manifest",
        ])
    func typed(_ name: String) throws {
        let payload = try payload(name)
        let sample = try #require(payload.sample)
        func check<S: Sample & Equatable>(_ sample: S) throws {
            for codec in Self.codecs {
                #expect(try codec.value(codec.encode(sample)) == payload.value, "\(codec.name)")
                // Codable leaves out what is nil.
                if !["posts", "catalogue"].contains(name) {
                    #expect(try codec.value(codec.encode(encoding: sample)) == payload.value, "\(codec.name)")
                }
                #expect(try codec.decode(S.self, from: codec.encode(encoding: sample)) == sample, "\(codec.name)")
                #expect(try codec.decode(S.self, from: codec.encode(sample)) == sample, "\(codec.name)")
                #expect(try codec.read(S.self, from: codec.encode(sample)) == sample, "\(codec.name)")
            }
        }
        switch sample {
        case let sample as JobArguments: try check(sample)
        case let sample as RecordList: try check(sample)
        case let sample as TextSample: try check(sample)
        case let sample as NumberSample: try check(sample)
        case let sample as PostPage: try check(sample)
        case let sample as Catalogue: try check(sample)
        case let sample as Coordinates: try check(sample)
        case let sample as Manifest: try check(sample)
        case let sample as TreeNode: try check(sample)
        default: Issue.record("\(name) has a type that nothing measures")
        }
    }

    @Test("The tree is deep, and within the protocol's depth")
    func depth() throws {
        let tree = try #require(try payload("nested").sample as? TreeNode)
        #expect(tree.height == TreeNode.levels)
        #expect(tree.children.count > 20)
    }

    @Test("Only what holds bytes says so")
    func bytes() throws {
        for name in BuiltInPayloads.names { #expect(try payload(name).holdsBytes == (name == "binary"), "\(name)") }
    }

    @Test("A name that is none gives nothing")
    func unknown() throws {
        #expect(try BuiltInPayloads.make("envelope", seed: 1) == nil)
    }
}
