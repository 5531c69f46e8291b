// Why bytes are no job: the reasons of protocol/envelope.md. A malformed job is settled as dead with one of these.

package struct Malformed: Error, Sendable, Equatable {
    package enum Reason: String, Sendable {
        case badCodec = "bad_codec"
        case foreign = "foreign"
        case badEnvelope = "bad_envelope"
        case badAddress = "bad_address"
    }

    package var reason: Reason
    /// A sentence that names the field or the byte.
    package var detail: String

    package init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
