// The small payload: what a job's arguments look like. Read and written in full by hand: the tokens kind.
// Before it: SplitMix64. After it: the candidates.

package import TempestCodecs

/// Arguments of a job, about 120 bytes of JSON.
package struct JobArguments: Sample, Equatable {
    package var id: Int
    package var name: String
    package var n: [Int]
    package var nested: Address

    package struct Address: Codable, Sendable, Equatable {
        package var street: String
        package var city: String
        package var country: String
    }

    init(_ random: inout SplitMix64) {
        id = random.integer(1_000_000...9_999_999)
        name = random.pick(["Ada Lovelace", "Grace Hopper", "Alan Turing"])
        n = (0..<5).map { _ in random.integer(0...999) }
        nested = Address(street: "\(random.integer(1...99)) Harbour Road", city: "Bergen", country: "NO")
    }
}

extension JobArguments: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        id = try map.read("id")
        name = try map.read("name")
        n = try map.read("n")
        nested = try map.read("nested")
    }
}

extension JobArguments.Address: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        street = try map.read("street")
        city = try map.read("city")
        country = try map.read("country")
    }
}

extension JobArguments: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 4)
        try writer.write("id", id)
        try writer.write("name", name)
        try writer.write("n", n)
        try writer.key("nested")
        try writer.beginMap(count: 3)
        try writer.write("street", nested.street)
        try writer.write("city", nested.city)
        try writer.write("country", nested.country)
        try writer.endMap()
        try writer.endMap()
    }
}
