// Keys of coding paths that no type declares: places in arrays, keys of documents, `super`.
// Made when a path is asked for, mostly for an error.

/// A key of a coding path.
struct PathKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = "Index \(intValue)"
        self.intValue = intValue
    }

    init(index: Int) {
        self.init(intValue: index)
    }

    /// The key of a superclass's value.
    static let `super` = PathKey(stringValue: "super")
}
