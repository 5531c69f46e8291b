// The coordinates: the outline of a country as GeoJSON, in the shape of canada.json of the JSON benchmarks: hundreds of rings of points, each a
// small array of two floats with 15 digits and more.
// Before it: SplitMix64. After it: the candidates.

package import TempestCodecs

/// An outline, about 1 MB of JSON.
package struct Coordinates: Sample, Equatable {
    package var type: String
    package var features: [Feature]

    /// A country.
    package struct Feature: Codable, Sendable, Equatable {
        package var type: String
        package var properties: [String: String]
        package var geometry: Geometry
    }

    /// Its outline.
    package struct Geometry: Codable, Sendable, Equatable {
        package var type: String
        /// Rings of points: longitude and latitude.
        package var coordinates: [[[Double]]]
    }

    init(_ random: inout SplitMix64) {
        type = "FeatureCollection"
        let rings = (0..<240).map { _ in Self.ring(points: random.integer(10...190), &random) }
        features = [
            Feature(
                type: "Feature", properties: ["name": "Tempesta"],
                geometry: Geometry(type: "Polygon", coordinates: rings))
        ]
    }

    /// A walk along a coast. Sums of steps have the digits that measured and converted coordinates have.
    private static func ring(points: Int, _ random: inout SplitMix64) -> [[Double]] {
        var (x, y) = ((random.unit() - 0.5) * 180, 42 + random.unit() * 40)
        return (0..<points).map { _ in
            x += (random.unit() - 0.5) / 16
            y += (random.unit() - 0.5) / 16
            return [x, y]
        }
    }
}

extension Coordinates: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        type = try map.read("type")
        features = try map.read("features")
    }
}

extension Coordinates: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 2)
        try writer.write("type", type)
        try writer.write("features", features)
        try writer.endMap()
    }
}

extension Coordinates.Feature: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        type = try map.read("type")
        properties = try map.read("properties")
        geometry = try map.read("geometry")
    }
}

extension Coordinates.Feature: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 3)
        try writer.write("type", type)
        try writer.write("properties", properties)
        try writer.write("geometry", geometry)
        try writer.endMap()
    }
}

extension Coordinates.Geometry: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        type = try map.read("type")
        coordinates = try map.read("coordinates")
    }
}

extension Coordinates.Geometry: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 2)
        try writer.write("type", type)
        try writer.write("coordinates", coordinates)
        try writer.endMap()
    }
}
