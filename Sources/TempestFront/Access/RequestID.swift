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

    private static let name = HTTPField.Name(header)

    private static func made() -> String {
        var bits = RandomBits.next()
        return String(unsafeUninitializedCapacity: 32) { place in
            for index in 0..<32 {
                let digit = UInt8(truncatingIfNeeded: bits & 0xF)
                place[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                bits >>= 4
            }
            return 32
        }
    }
}
