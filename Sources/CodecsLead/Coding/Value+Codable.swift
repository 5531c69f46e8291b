// A dynamic value as a field of a typed one. Our own coders take it as it is; others see its nearest form.

extension Value: Codable {
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? NodeDecoder {
            self = decoder.node.value
            return
        }
        if let keyed = try? decoder.container(keyedBy: PathKey.self) {
            var map = ValueMap()
            for key in keyed.allKeys { map[key.stringValue] = try keyed.decode(Value.self, forKey: key) }
            self = .map(map)
            return
        }
        if var unkeyed = try? decoder.unkeyedContainer() {
            var elements: [Value] = []
            while !unkeyed.isAtEnd { elements.append(try unkeyed.decode(Value.self)) }
            self = .array(elements)
            return
        }
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let bool = try? single.decode(Bool.self) {
            self = .bool(bool)
        } else if let int = try? single.decode(Int64.self) {
            self = .int(int)
        } else if let uint = try? single.decode(UInt64.self) {
            self = .uint(uint)
        } else if let double = try? single.decode(Double.self) {
            self = .double(double)
        } else {
            self = .text(try single.decode(String.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        if let encoder = encoder as? TokenEncoder {
            encoder.content = .scalar(self)
            return
        }
        switch self {
        case .map(let map):
            var keyed = encoder.container(keyedBy: PathKey.self)
            for (key, value) in map { try keyed.encode(value, forKey: PathKey(key)) }
        case .array(let elements):
            var unkeyed = encoder.unkeyedContainer()
            for element in elements { try unkeyed.encode(element) }
        default:
            var single = encoder.singleValueContainer()
            switch self {
            case .null: try single.encodeNil()
            case .bool(let bool): try single.encode(bool)
            case .int(let int): try single.encode(int)
            case .uint(let uint): try single.encode(uint)
            case .double(let double): try single.encode(double)
            case .text(let text): try single.encode(text)
            default: try single.encode(asBinary ?? [])
            }
        }
    }
}
