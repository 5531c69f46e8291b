// What stops a measurement, in a sentence.

/// A measurement that cannot go on.
package struct LoadError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
