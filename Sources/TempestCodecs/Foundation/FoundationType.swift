// Foundation's types as fields of Codable types: one form each (protocol/codecs.md, "Types of languages"). Known by their names, so that
// nothing here links Foundation, and a program without it pays nothing.

/// The types of Foundation whose own `Codable` no other language understands.
enum FoundationType {
    case data, date, url, uuid, decimal

    /// Which of them a type is; nil for all others.
    @inline(__always)
    static func of(_ type: any Any.Type) -> FoundationType? {
        guard names.isThere else { return nil }
        return names.find(ObjectIdentifier(type))
    }

    private static let names = Names()

    /// Asked once; what a program loads later is not found.
    private struct Names {
        private let data = Self.identify("Data")
        private let date = Self.identify("Date")
        private let url = Self.identify("URL")
        private let uuid = Self.identify("UUID")
        private let decimal = Self.identify("Decimal")
        let isThere: Bool

        init() { isThere = data != nil }

        @inline(__always)
        func find(_ type: ObjectIdentifier) -> FoundationType? {
            if type == data { return .data }
            if type == date { return .date }
            if type == url { return .url }
            if type == uuid { return .uuid }
            return type == decimal ? .decimal : nil
        }

        private static func identify(_ name: String) -> ObjectIdentifier? {
            var mangled = ["FoundationEssentials", "Foundation"].map { "\($0.utf8.count)\($0)\(name.utf8.count)\(name)V" }
            // Apple's is C's struct.
            if name == "Decimal" { mangled.append("So9NSDecimala") }
            return mangled.lazy.compactMap { _typeByName($0) }.first.map { ObjectIdentifier($0) }
        }
    }
}
