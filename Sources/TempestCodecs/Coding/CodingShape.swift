// What decoder and recorder know of a type beside its own Codable, looked up once a type and process.
// Before it: a type that is no scalar. After it: the way that is quickest for it.

import Synchronization

/// Arrays and dictionaries: their own `init(from:)` opens a container of the standard library, which takes longer than what is in it.
protocol NodeCollection {
    /// Reads the value into memory that is not initialized.
    static func decode(_ decoder: NodeDecoder, into place: UnsafeMutableRawPointer) throws
}

/// The same for writing.
protocol RecordedCollection {
    /// Records the value that lies at a place.
    static func record(_ place: UnsafeRawPointer, in recorder: Recorder) throws
}

/// How values of a type are read and written.
struct CodingShape {
    /// Which of Foundation's types it is, if any.
    let foundation: FoundationType?
    /// It as an array or dictionary to read.
    let readable: (any NodeCollection.Type)?
    /// It as an array or dictionary to write.
    let writable: (any RecordedCollection.Type)?
    private let type: ObjectIdentifier

    private init(_ type: any Any.Type) {
        self.type = ObjectIdentifier(type)
        foundation = FoundationType.of(type)
        readable = type as? any NodeCollection.Type
        writable = type as? any RecordedCollection.Type
    }

    /// The shape of a type.
    @inline(__always)
    static func of(_ type: any Any.Type) -> CodingShape {
        let wanted = ObjectIdentifier(type)
        if let known = shapes.place(wanted, 0).pointee.load(ordering: .acquiring), known.pointee.type == wanted {
            return known.pointee
        }
        return shapes.find(type, wanted)
    }

    private static let shapes = Shapes()

    /// A table of fixed size, read without a lock. What is in it stays as long as the process; a type that finds no place is looked at
    /// again each time.
    private struct Shapes: @unchecked Sendable {
        typealias Place = Atomic<UnsafePointer<CodingShape>?>

        private static let capacity = 1024
        private static let steps = 8
        private let places = UnsafeMutablePointer<Place>.allocate(capacity: capacity)

        init() {
            for index in 0..<Self.capacity { (places + index).initialize(to: Place(nil)) }
        }

        /// Where a type may stand, of so many places.
        @inline(__always)
        func place(_ type: ObjectIdentifier, _ step: Int) -> UnsafeMutablePointer<Place> {
            let mixed = UInt64(UInt(bitPattern: type)) &* 0x9E37_79B9_7F4A_7C15
            return places + (Int(truncatingIfNeeded: mixed &>> 54) &+ step) & (Self.capacity - 1)
        }

        @inline(never)
        func find(_ type: any Any.Type, _ wanted: ObjectIdentifier) -> CodingShape {
            var new: UnsafeMutablePointer<CodingShape>?
            for step in 0..<Self.steps {
                let place = place(wanted, step)
                if place.pointee.load(ordering: .acquiring) == nil {
                    let shape = new ?? .allocate(capacity: 1)
                    if new == nil { shape.initialize(to: CodingShape(type)) }
                    new = shape
                    let (isOurs, _) = place.pointee.compareExchange(
                        expected: nil, desired: UnsafePointer(shape), ordering: .acquiringAndReleasing)
                    if isOurs { return shape.pointee }
                }
                if let known = place.pointee.load(ordering: .acquiring), known.pointee.type == wanted {
                    new?.deallocate()
                    return known.pointee
                }
            }
            new?.deallocate()
            return CodingShape(type)
        }
    }
}
