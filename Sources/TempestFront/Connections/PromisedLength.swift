// Whether the body of a response has the length that its head promised.

/// What is left of a promised `content-length`.
struct PromisedLength {
    /// nil: nothing was promised.
    private(set) var left: Int?
    private(set) var isExceeded = false

    /// - Parameter header: the value of `content-length`; nil when there is none, or no body follows, as for HEAD.
    init(_ header: String? = nil) { left = header.flatMap { Int($0) } }

    /// How many of the next `count` bytes of the body belong to it.
    mutating func take(_ count: Int) -> Int {
        guard let left else { return count }
        let taken = min(left, count)
        if taken < count { isExceeded = true }
        self.left = left - taken
        return taken
    }

    /// Whether a body that ends here lacks something.
    var isShort: Bool { left ?? 0 > 0 }
}
