// A form that a browser sent: its parts in their order.

import NIOCore

/// The fields and files of a form, in the order in which the browser sent them; a name may come several times.
///
/// ```swift
/// let form = request.form
/// let title = form["title"]                       // the first of that name
/// let tags = form.all("tag")                      // all of them
/// if let photo = form.file("photo") { try await photo.content() }
/// ```
public struct WebForm: Sendable, Hashable, RandomAccessCollection, ExpressibleByArrayLiteral {
    /// How many parts a form in the body of a job may have.
    static let most = 1000

    private let parts: [FormPart]
    /// Why the body could not be read although it says that it is a form; then there are no parts. Nil: nothing is wrong.
    public let problem: FormError?

    public init(_ parts: [FormPart] = []) { (self.parts, problem) = (parts, nil) }

    public init(arrayLiteral parts: FormPart...) { self.init(parts) }

    init(problem: FormError) { (parts, self.problem) = ([], problem) }

    public var startIndex: Int { parts.startIndex }
    public var endIndex: Int { parts.endIndex }
    public subscript(position: Int) -> FormPart { parts[position] }

    /// The value of the first field of that name; nil when there is none. Files are under ``file(_:)``.
    public subscript(name: String) -> String? { first { !$0.isFile && $0.isNamed(name) }?.value }

    /// The values of all fields of that name, in order.
    public func all(_ name: String) -> [String] { filter { !$0.isFile && $0.isNamed(name) }.map(\.value) }

    /// The first file that was chosen in the input of that name; nil when there is none.
    public func file(_ name: String) -> FormPart? { first { $0.isChosenFile && $0.isNamed(name) } }

    /// All files that were chosen in the inputs of that name, in order.
    public func files(_ name: String) -> [FormPart] { filter { $0.isChosenFile && $0.isNamed(name) } }

    /// All files that were chosen, in order.
    public var files: [FormPart] { filter(\.isChosenFile) }

    // MARK: Forms in the body

    /// The form in a body; no parts when the content type is none of a form.
    static func read(_ body: [UInt8], contentType: String?) throws(FormError) -> WebForm {
        guard let contentType else { return WebForm() }
        if let boundary = try MultipartBoundary.read(contentType: contentType) { return try read(body, boundary: boundary) }
        guard MediaType.name(contentType) == "application/x-www-form-urlencoded" else { return WebForm() }
        guard body.count(where: { $0 == UInt8(ascii: "&") }) < most else { throw tooMany }
        return WebForm(PercentCoding.pairs(body).map { FormPart(MultipartPart(name: $0.name), bytes: $0.value) })
    }

    private static func read(_ body: [UInt8], boundary: [UInt8]) throws(FormError) -> WebForm {
        var limits = MultipartReader.Limits()
        limits.parts = most
        var reader = MultipartReader(boundary: boundary, limits: limits)
        reader.feed(ByteBuffer(bytes: body))
        var parts: [FormPart] = []
        while let event = try reader.next() {
            switch event {
            case .part(let part): parts.append(FormPart(part))
            case .data(let data): parts[parts.count - 1].bytes += data.readableBytesView
            case .partEnd, .end: break
            }
        }
        try reader.finish()
        return WebForm(parts)
    }

    private static var tooMany: FormError { FormError(.tooLarge, "the form has more than \(most) fields") }
}

extension FormPart {
    fileprivate func isNamed(_ name: String) -> Bool { nameBytes?.elementsEqual(name.utf8) ?? false }
    fileprivate var isChosenFile: Bool { isFile && (filenameBytes != [] || upload != nil || !bytes.isEmpty) }
}
