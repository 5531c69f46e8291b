// Foundation's types as they are read: in the form that this package writes, and in every other that languages have for them
// (protocol/codecs.md, "Types of languages"). Before it: a value of a document. After it: what the type's own `init(from:)` understands.

extension NodeDecoder {
    /// Reads a value of one of Foundation's types.
    func decode<T: Decodable>(_ type: T.Type, as foundation: FoundationType) throws -> T {
        switch foundation {
        case .data:
            guard let collection = type as? any RangeReplaceableCollection<UInt8>.Type,
                let data = Self.make(collection, try bytes()) as? T
            else { return try T(from: self) }
            return data
        case .date:
            guard let moment = try moment(type) else { throw corrupted("expected a time (RFC 3339, with its offset)") }
            return try own(type, .double(moment.sinceReference))
        case .url:
            guard let text = view.text(entry) else { break }
            return try own(type, ["relative": .text(text)])
        case .uuid:
            guard entry.kind == .binary, entry.low == 16 else { break }
            return try own(type, .text(Self.uuid([UInt8](view.bytes(entry)))))
        case .decimal:
            guard let text = decimalText else { break }
            let digits: DecimalDigits
            do throws(DecimalDigits.Refusal) {
                digits = try DecimalDigits(text)
            } catch {
                throw corrupted(
                    error == .noNumber
                        ? "expected a decimal number" : "a decimal number of more than 38 digits, or too large or small")
            }
            return try own(type, digits.parts)
        }
        return try T(from: self)
    }

    /// nil: it is no time. Throws for a value of a kind that never is.
    private func moment(_ type: any Any.Type) throws -> Moment? {
        switch entry.kind {
        case .int: return Moment(seconds: Int64(bitPattern: entry.payload))
        case .double: return Moment(sinceEpoch: Double(bitPattern: entry.payload))
        case .ext where entry.type == -1: return Moment(timestamp: [UInt8](view.bytes(entry)))
        case .text, .binary: return view.text(entry).flatMap { Moment(text: $0) }
        default: throw mismatch(type, "a time")
        }
    }

    /// The number as text; of a float its fewest digits, so that 0.1 stays 0.1.
    private var decimalText: String? {
        switch entry.kind {
        case .int: "\(Int64(bitPattern: entry.payload))"
        case .uint: "\(entry.payload)"
        case .double: FloatText.text(Double(bitPattern: entry.payload))
        default: view.text(entry)
        }
    }

    private static func uuid(_ bytes: [UInt8]) -> String {
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
        return [digits[0..<4], digits[4..<6], digits[6..<8], digits[8..<10], digits[10...]].map { $0.joined() }.joined(
            separator: "-")
    }

    private static func make<C: RangeReplaceableCollection>(_ type: C.Type, _ bytes: [UInt8]) -> any Collection
    where C.Element == UInt8 { C(bytes) }

    /// What the type's own `init(from:)` makes of a value, at this place.
    private func own<T: Decodable>(_ type: T.Type, _ value: Value) throws -> T {
        var buffer = TokenBuffer()
        do throws(CodecError) { try buffer.write(value) } catch { throw corrupted(error.description) }
        let document = Document(tape: buffer.tape, keys: LargeMaps())
        return try T(from: NodeDecoder(context: DecodingState(document: document, root: 0, path: codingPath), index: 0))
    }

    private func corrupted(_ what: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: codingPath, debugDescription: what))
    }
}
