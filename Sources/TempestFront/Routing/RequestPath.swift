// A path as whoever serves it may understand it: routes are found by what a path means, not by how it is written. Before it: a request's
// target. After it: the route table.

/// Workers and files undo percent-encoding, and some join slashes and follow dots: `/%61dmin`, `//admin` and `/x/../admin` are `/admin` to
/// them, so they are to the route table, or else a route for users could be gone around.
enum RequestPath {
    /// Without percent-encoding, empty segments and dots. nil for a path that nobody should write: a `%` without two digits behind it, or
    /// one that hides a control character.
    static func canonical(_ path: Substring) -> Substring? {
        guard needsWork(path.utf8) else { return path }
        guard let decoded = decoded(path.utf8) else { return nil }
        var segments: [ArraySlice<UInt8>] = []
        for segment in decoded.split(separator: UInt8(ascii: "/")) {
            if segment.elementsEqual(".".utf8) { continue }
            if segment.elementsEqual("..".utf8) {
                _ = segments.popLast()
            } else {
                segments.append(segment)
            }
        }
        var bytes: [UInt8] = []
        for segment in segments { bytes += [UInt8(ascii: "/")] + segment }
        if bytes.isEmpty || decoded.last == UInt8(ascii: "/") { bytes.append(UInt8(ascii: "/")) }
        return String(decoding: bytes, as: UTF8.self)[...]
    }

    /// The same of a path that nobody should write, as if its bad percent-encodings and control characters were other characters.
    static func meaning(_ path: Substring) -> Substring {
        if let canonical = canonical(path) { return canonical }
        var (bytes, rest) = ([UInt8](), path.utf8)
        while let byte = rest.popFirst() {
            let isFine = byte != UInt8(ascii: "%") || decoded([byte] + rest.prefix(2)) != nil
            bytes.append(isFine ? byte : UInt8(ascii: "_"))
        }
        return canonical(Substring(decoding: bytes, as: UTF8.self)) ?? path
    }

    /// Whether there is a percent sign, a segment that is empty, or one that begins with a dot.
    private static func needsWork(_ path: Substring.UTF8View) -> Bool {
        var last: UInt8 = 0
        for byte in path {
            if byte == UInt8(ascii: "%") { return true }
            if last == UInt8(ascii: "/"), byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") { return true }
            last = byte
        }
        return false
    }

    static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else { return nil }
            let value = high << 4 | low
            guard value >= 0x20, value != 0x7F else { return nil }
            bytes.append(value)
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
