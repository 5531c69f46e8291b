// Where something is in a document, as people read it: $.users[3].id.
// Before it: a reader that has stopped, a coding path, or a value that a codec refuses. After it: a CodecError.

/// The way from the root to a value.
struct DocumentPlace {
    enum Step {
        case key(String)
        case element(Int)
    }

    var steps: [Step] = []

    /// The place for messages; nil at the root. Keys are cut, and so is a long way in its middle: the keys are a sender's.
    var shown: String? {
        guard !steps.isEmpty else { return nil }
        let parts = steps.map(Self.shown)
        guard parts.count > 2 * Self.most else { return "$" + parts.joined() }
        return "$" + parts.prefix(Self.most).joined() + "…" + parts.suffix(Self.most).joined()
    }

    /// Steps at the beginning and at the end of a long way.
    private static let most = 5

    private static func shown(_ step: Step) -> String {
        switch step {
        case .element(let number): return "[\(number)]"
        case .key(let key):
            let isWord = key.utf8.allSatisfy { byte in byte == 0x5F || byte &- 48 < 10 || (byte | 0x20) &- 97 < 26 }
            if isWord, !key.isEmpty, key.utf8.count <= longest { return ".\(key)" }
            return "[\(KeyText.quoted(key))]"
        }
    }

    private static let longest = 40
}

extension CodecError {
    /// The same error with the place of the first value in a node that the codec refuses by itself.
    func placed(in node: Node, by codec: any Codec) -> CodecError {
        guard path == nil, offset == nil, code == .unencodable || code == .number || code == .text else { return self }
        let document = node.document
        for index in node.index..<document.tape.next(node.index) {
            let entry = document.tape.entries[index]
            guard !entry.isContainer, entry.flags & Entry.isKey == 0 else { continue }
            do throws(CodecError) {
                _ = try codec.encode(Node(document: document, index: index), limits: .standard)
            } catch {
                guard error.code == code else { continue }
                let place = DocumentPlace(
                    steps: document.path(to: index).map { key in key.intValue.map { .element($0) } ?? .key(key.stringValue) })
                return CodecError(code, message, at: Int(entry.offset), in: place.shown)
            }
        }
        return self
    }

    /// The same error with the place of the first ext or float in a value that no codec but MessagePack, or none, has a form for.
    package func placed(in value: Value) -> CodecError {
        guard path == nil, code == .unencodable || code == .number else { return self }
        var place = DocumentPlace()
        guard find(value, &place) else { return self }
        return CodecError(code, message, at: offset, in: place.shown)
    }

    /// As deep as the writer came.
    private func find(_ value: Value, _ place: inout DocumentPlace) -> Bool {
        switch value {
        case .ext: return code == .unencodable
        case .double(let number): return code == .number && !number.isFinite
        case .array(let elements):
            for (number, element) in elements.enumerated() {
                place.steps.append(.element(number))
                if find(element, &place) { return true }
                place.steps.removeLast()
            }
        case .map(let map):
            for (key, element) in map {
                place.steps.append(.key(key))
                if find(element, &place) { return true }
                place.steps.removeLast()
            }
        default: break
        }
        return false
    }
}
