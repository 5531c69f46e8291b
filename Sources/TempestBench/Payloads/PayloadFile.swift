// A payload from the user's own file.
// Before it: --payload FILE. After it: the same measurements as for the built-in payloads.

package import TempestCodecs

/// A file in one of the codecs.
package enum PayloadFile {
    /// The codecs by the ends of file names.
    static let extensions: [(end: String, codec: any Codec)] = [
        (".json", .json), (".msgpack", .messagePack), (".mpk", .messagePack), (".tnet", .tnetstring),
        (".tnetstring", .tnetstring),
    ]

    /// The payload in a file. The first byte tells the codec of arrays and maps (and tnetstrings); where it tells none, or the bytes
    /// are none of that codec, the end of the name does. Throws ``BenchError`` that says what to do.
    package static func read(_ path: String, limits: Limits = .standard) throws -> Payload {
        let bytes = try Files.read(path, most: limits.bytes)
        let (value, codec) = try parse(bytes, path: path, limits: limits)
        let name = Shown.name(path.split(separator: "/").last.map(String.init) ?? path)
        return Payload(name: name, about: "your file, \(codec), \(Units.size(bytes.count))", value: value)
    }

    /// The value of the bytes and the name of their codec.
    static func parse(_ bytes: [UInt8], path: String, limits: Limits) throws(BenchError) -> (value: Value, codec: String) {
        let shown = Shown.name(path)
        guard let first = bytes.first else { throw BenchError("\(shown) is empty: a payload is one document") }
        let detected = CodecSet.standard.detect(bytes)
        let named = extensions.first { path.hasSuffix($0.end) }?.codec
        var reasons: [String] = []
        for codec in [detected, named] {
            guard let codec, !reasons.contains(where: { $0.hasPrefix("\(codec.name):") }) else { continue }
            do throws(CodecError) {
                return (try codec.value(bytes, limits: limits), codec.name)
            } catch {
                if error.code == .depth || error.code == .values || error.code == .size {
                    throw BenchError("\(shown) is over the limits of a document: \(error)")
                }
                reasons.append("\(error)")
            }
        }
        if reasons.isEmpty {
            throw BenchError(
                "\(shown) begins with 0x\(String(first, radix: 16)), as no codec's array or map: for a bare scalar let the name end "
                    + "with .json, .msgpack or .tnet")
        }
        throw BenchError(
            "\(shown) is in no codec. \(reasons.joined(separator: "; ")). If it is another codec's, let the name end with .json, "
                + ".msgpack or .tnet")
    }
}
