// Codable types to tokens. Containers may be filled in any order and at the same time (nested ones, superEncoder), so what is encoded is
// gathered in a small tree of boxes and written as tokens at the end; scalars of a container stay flat within their box.

final class TokenEncoder: Encoder {
    /// What was encoded here.
    enum Content {
        case nothing
        case scalar(Value)
        case array([Content2])
        case map([(String, Content2)])
    }
    typealias Content2 = TokenElement

    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    var content = Content.nothing

    init(_ codingPath: [any CodingKey]) { self.codingPath = codingPath }

    static func encode<T: Encodable>(_ value: T, into buffer: inout TokenBuffer) throws {
        let element = try element(value, [])
        try element.write(to: &buffer)
    }

    /// One value as an element of its container.
    static func element<T: Encodable>(_ value: T, _ path: @autoclosure () -> [any CodingKey]) throws -> TokenElement {
        switch value {
        case let value as Value: return .value(value)
        case let bytes as [UInt8]: return .value(.binary(bytes))
        case let text as String: return .value(.text(text))
        case let int as Int: return .value(.int(Int64(int)))
        case let double as Double: return .value(try finite(double, path()))
        case let bool as Bool: return .value(.bool(bool))
        default:
            let path = path()
            guard path.count <= 256 else {
                throw EncodingError.invalidValue(value, .init(codingPath: path, debugDescription: "nested deeper than 256"))
            }
            let encoder = TokenEncoder(path)
            try value.encode(to: encoder)
            if case .nothing = encoder.content {
                throw EncodingError.invalidValue(value, .init(codingPath: path, debugDescription: "\(T.self) encodes nothing"))
            }
            return .encoder(encoder)
        }
    }

    static func finite(_ value: Double, _ path: [any CodingKey]) throws -> Value {
        guard value.isFinite else {
            throw EncodingError.invalidValue(
                value, .init(codingPath: path, debugDescription: "\(value) has no form in any codec"))
        }
        return .double(value)
    }

    func container<Key: CodingKey>(keyedBy _: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .nothing = content { content = .map([]) }
        return KeyedEncodingContainer(KeyedTokens<Key>(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .nothing = content { content = .array([]) }
        return UnkeyedTokens(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleToken(encoder: self) }

    func append(_ element: TokenElement) {
        guard case .array(var elements) = content else { return }
        content = .nothing
        elements.append(element)
        content = .array(elements)
    }

    func set(_ key: String, _ element: TokenElement) {
        guard case .map(var members) = content else { return }
        content = .nothing
        if members.count < 64, let index = members.firstIndex(where: { $0.0 == key }) {
            members[index].1 = element
        } else {
            members.append((key, element))
        }
        content = .map(members)
    }

    var count: Int { if case .array(let elements) = content { elements.count } else { 0 } }
}

/// What stands at one place of a container.
enum TokenElement {
    case value(Value)
    case encoder(TokenEncoder)

    func write(to buffer: inout TokenBuffer) throws(CodecError) {
        switch self {
        case .value(let value): try value.write(to: &buffer)
        case .encoder(let encoder):
            switch encoder.content {
            case .nothing: buffer.null()
            case .scalar(let value): try value.write(to: &buffer)
            case .array(let elements):
                buffer.beginArray(count: elements.count)
                for element in elements { try element.write(to: &buffer) }
                buffer.endArray()
            case .map(let members):
                buffer.beginMap(count: members.count)
                for (key, element) in members {
                    try buffer.key(key)
                    try element.write(to: &buffer)
                }
                buffer.endMap()
            }
        }
    }
}
