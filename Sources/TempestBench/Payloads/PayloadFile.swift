// A payload from the user's own file.
// Before it: --payload FILE. After it: the same measurements as for the built-in payloads.

package import TempestCodecs

/// A file in one of the codecs, or lines of JSON.
package enum PayloadFile {
    /// The codecs by the ends of file names.
    static let extensions: [(end: String, codec: any Codec)] = [
        (".json", .json), (".msgpack", .messagePack), (".mpk", .messagePack), (".tnet", .tnetstring),
        (".tnetstring", .tnetstring),
    ]
    /// The ends of names of files with a document of JSON on each line.
    static let lineExtensions = [".ndjson", ".jsonl"]

    /// The payload in a file; `-` is standard input. The end of the name tells the codec; where it tells none, the first byte does, for
    /// arrays and maps (and tnetstrings). Throws ``BenchError`` that says what to do.
    package static func read(_ path: String, limits: Limits = .standard) throws -> Payload {
        let bytes = try Files.read(path, most: limits.bytes, cure: "measure a part of it")
        let name = path == "-" ? "standard input" : Shown.name(path.split(separator: "/").last.map(String.init) ?? path)
        if lineExtensions.contains(where: { path.hasSuffix($0) }) {
            let documents = try lines(bytes, path: path, limits: limits)
            let count = documents.count == 1 ? "1 line" : "\(Units.grouped(documents.count)) lines"
            return Payload(name: name, about: "your file, \(count) of json, \(Units.size(bytes.count))", documents: documents)
        }
        let (value, codec) = try parse(bytes, path: path, limits: limits)
        return Payload(name: name, about: "your file, \(codec), \(Units.size(bytes.count))", value: value)
    }

    /// The value of the bytes and the name of their codec.
    static func parse(_ bytes: [UInt8], path: String, limits: Limits) throws(BenchError) -> (value: Value, codec: String) {
        let shown = path == "-" ? "standard input" : Shown.name(path)
        guard let first = bytes.first else { throw BenchError("\(shown) is empty: a payload is one document") }
        let named = extensions.first { path.hasSuffix($0.end) }?.codec
        let detected = CodecSet.standard.detect(bytes) ?? marked(bytes)
        guard let codec = named ?? detected else {
            throw BenchError(
                "\(shown) begins with 0x\(String(first, radix: 16)), as no codec's array or map: for a bare scalar let the name end "
                    + "with .json, .msgpack or .tnet")
        }
        do throws(CodecError) {
            return (try codec.value(bytes, limits: limits), codec.name)
        } catch {
            if error.code == .depth || error.code == .values || error.code == .size {
                throw BenchError("\(shown) is over the limits of a document: \(error)")
            }
            throw BenchError("\(shown) is not a valid document. \(error)\(hint(error, codec, named, detected, bytes))")
        }
    }

    /// The values of the lines; empty lines are skipped.
    static func lines(_ bytes: [UInt8], path: String, limits: Limits) throws(BenchError) -> [Value] {
        var values: [Value] = []
        var number = 0
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
            do throws(CodecError) {
                values.append(try JSONCodec().value([UInt8](line), limits: limits))
            } catch {
                let ofLine = error.offset == nil ? "" : " of the line"
                throw BenchError("\(Shown.name(path)): line \(number) is not a valid document. \(error)\(ofLine)")
            }
        }
        guard !values.isEmpty else { throw BenchError("\(Shown.name(path)) is empty: a payload is one document a line") }
        return values
    }

    /// What else may be meant; the codec's own words come first.
    private static func hint(
        _ error: CodecError, _ codec: any Codec, _ named: (any Codec)?, _ detected: (any Codec)?, _ bytes: [UInt8]
    ) -> String {
        if error.code == .trailing, codec.name == "json", error.message.contains("ndjson") {
            return ". To measure each line let the name end with .ndjson"
        }
        guard named != nil else {
            return ". It begins as \(codec.name) does: if it is another codec's, let the name end with .json, .msgpack or .tnet"
        }
        guard let detected, detected.name != codec.name, (try? detected.value(bytes)) != nil else { return "" }
        return ". It is \(detected.name), which its name does not say"
    }

    /// JSON says itself what a byte order mark is.
    private static func marked(_ bytes: [UInt8]) -> (any Codec)? {
        bytes.withUnsafeBytes { ForeignText.isMarked($0) } ? .json : nil
    }
}
