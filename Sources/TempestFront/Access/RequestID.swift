// The id of a request, by which the log, the worker and the browser speak of the same one.

import HTTPTypes
import TempestProtocol

enum RequestID {
    static let header = "x-request-id"

    /// The id that the client or a proxy has given, if it is one that is safe to log and to pass on; else a new one, 32 hex digits.
    static func taken(_ given: [String]) -> String {
        if given.count == 1, let id = given.first, isValid(id) { return id }
        return made()
    }

    /// 1 to 128 of the characters that common tools use in ids: letters, digits and `-_.=+/@:`.
    static func isValid(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-_.=+/@:".utf8.contains(byte)
                }
            }
    }

    /// The id that an access handler has given; nil where there is none that is safe to log.
    static func of(_ headers: HTTPFields) -> String? { name.flatMap { headers[$0] }.flatMap { isValid($0) ? $0 : nil } }

    /// Gives a response the id of its request, so that it need not be added when it goes out.
    static func pass(from request: HTTPFields, to response: inout HTTPFields) {
        // Not by `request[name]`, which makes a text of all lines.
        if let name, let field = request.first(where: { $0.name == name }) { response[name] = field.value }
    }

    private static let name = HTTPField.Name(header)

    private static func made() -> String {
        let bits = RandomBits.next()
        return String(unsafeUninitializedCapacity: 32) { place in
            let (high, low) = (UInt64(truncatingIfNeeded: bits >> 64), UInt64(truncatingIfNeeded: bits))
            for index in 0..<16 {
                place[index] = digit(high >> (4 * index))
                place[index + 16] = digit(low >> (4 * index))
            }
            return 32
        }
    }

    private static func digit(_ bits: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: bits) & 0xF
        return digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
    }
}
