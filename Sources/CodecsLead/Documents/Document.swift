// A parsed document: the codec's flat parse over the bytes that it came in. Value and Codable both read from here, so that a typed
// argument never pays for an untyped tree.

/// The parse of one document, made by a codec. `root` is where to begin.
public final class Document: Sendable {
    let entries: [Entry]
    let source: [UInt8]
    /// Bytes that do not stand in the source as they are: unescaped text, decoded base64.
    let aside: [UInt8]

    init(entries: [Entry], source: [UInt8], aside: [UInt8]) {
        (self.entries, self.source, self.aside) = (entries, source, aside)
    }

    public var root: Node { Node(document: self, index: 0) }

    func withBytes<R, E: Error>(_ entry: Entry, _ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        var result: Result<R, E>?
        (entry.isAside ? aside : source).withUnsafeBytes { bytes in
            do throws(E) {
                result = .success(try body(UnsafeRawBufferPointer(rebasing: bytes[entry.offset..<entry.offset + entry.count])))
            } catch {
                result = .failure(error)
            }
        }
        return try result.unsafelyUnwrapped.get()
    }

    func text(_ entry: Entry) -> String {
        withBytes(entry) { String(decoding: $0, as: UTF8.self) }
    }

    func bytes(_ entry: Entry) -> [UInt8] {
        withBytes(entry) { Array($0) }
    }

    /// The index of the entry after a value.
    func next(_ index: Int) -> Int {
        let entry = entries[index]
        return entry.isContainer ? entry.offset : index + 1
    }

    func isKey(_ index: Int, _ key: String) -> Bool {
        let entry = entries[index]
        var key = key
        return key.withUTF8 { key in
            entry.count == key.count && withBytes(entry) { $0.elementsEqual(UnsafeRawBufferPointer(key)) }
        }
    }
}
