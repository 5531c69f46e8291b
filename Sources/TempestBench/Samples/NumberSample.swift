// The number-heavy payload: integers of all widths, and floats of full precision.
// Before it: SplitMix64. After it: the candidates.

package import TempestCodecs

/// Numbers, about 1 MB of JSON.
package struct NumberSample: Sample, Equatable {
    /// From one digit to eighteen, of both signs.
    package var integers: [Int]
    package var series: [Series]

    /// A measurement series: floats of 53 random bits.
    package struct Series: Codable, Sendable, Equatable {
        package var start: Int
        package var step: Double
        package var points: [Double]
    }

    init(_ random: inout SplitMix64) {
        integers = (0..<40_000).map { _ in
            let magnitude = Int(random.next() >> UInt64(random.integer(5...62)))
            return random.integer(0...3) == 0 ? -magnitude : magnitude
        }
        series = (0..<120).map { _ in
            Series(
                start: 1_760_000_000 + random.integer(0...9_999_999), step: 0.25,
                points: (0..<250).map { _ in (random.unit() - 0.5) * random.pick([1, 100, 10_000]) })
        }
    }
}

extension NumberSample: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        integers = try map.read("integers")
        series = try map.read("series")
    }
}

extension NumberSample: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 2)
        try writer.write("integers", integers)
        try writer.key("series")
        try writer.beginArray(count: series.count)
        for one in series { try one.write(to: &writer) }
        try writer.endArray()
        try writer.endMap()
    }
}

extension NumberSample.Series: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        start = try map.read("start")
        step = try map.read("step")
        points = try map.read("points")
    }
}

extension NumberSample.Series: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 3)
        try writer.write("start", start)
        try writer.write("step", step)
        try writer.write("points", points)
        try writer.endMap()
    }
}
