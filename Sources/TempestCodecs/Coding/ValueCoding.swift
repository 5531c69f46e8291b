// Dynamic values as fields of typed structs.
// The coders of this package take a Value as it is; this is for all others.

extension Value: Codable {
    /// Reads whatever is there. Decoders of other packages cannot tell binary from arrays of integers.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if decoder is NodeDecoder {
            // Our own decoder hands out the value without coming back here.
            self = try container.decode(Value.self)
        } else if container.decodeNil() {
            self = .null
        } else if let bool = try? container.decode(Bool.self) {
            self = .bool(bool)
        } else if let int = try? container.decode(Int64.self) {
            self = .int(int)
        } else if let uint = try? container.decode(UInt64.self) {
            self = .uint(uint)
        } else if let double = try? container.decode(Double.self) {
            self = .double(double)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let array = try? container.decode([Value].self) {
            self = .array(array)
        } else {
            let map = try container.decode([String: Value].self)
            self = .map(ValueMap(map.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
        }
    }

    /// Writes the value. Encoders of other packages get binary as an array of integers, and no ext.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .map(let map):
            var container = encoder.container(keyedBy: PathKey.self)
            for (key, value) in map { try container.encode(value, forKey: PathKey(stringValue: key)) }
        case .array(let array):
            var container = encoder.unkeyedContainer()
            for value in array { try container.encode(value) }
        default:
            var container = encoder.singleValueContainer()
            try encodeScalar(into: &container)
        }
    }

    private func encodeScalar(into container: inout any SingleValueEncodingContainer) throws {
        switch self {
        case .bool(let bool): try container.encode(bool)
        case .int(let int): try container.encode(int)
        case .uint(let uint): try container.encode(uint)
        case .double(let double): try container.encode(double)
        case .text(let text): try container.encode(text)
        case .binary(let bytes): try container.encode(bytes)
        case .ext:
            throw EncodingError.refusing(
                self,
                EncodingError.Context(codingPath: container.codingPath, debugDescription: "an ext has no form for this encoder"))
        case .null, .array, .map: try container.encodeNil()
        }
    }
}
