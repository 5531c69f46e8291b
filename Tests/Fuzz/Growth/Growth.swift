// Time linear in the input: documents that are made to be slow are read and written at n and at 2n bytes.
// Run by Tests/Fuzz/fuzz; prints a line for every family that grows faster, and the slowest at the end.

import TempestCodecs

/// The check of growth. Argument: n in bytes (default 500,000).
@main
struct Growth {
    /// Linear is 2; n log n of the sorted keys a little more; the rest is what a busy machine adds. Quadratic is 4.
    static let bound = 3.4
    /// Below this nothing can be told; milliseconds.
    static let grain = 0.5

    static func main() {
        let size = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 500_000
        let shapes = valueShapes() + byteShapes()
        var failures = 0
        var worst: [(ratio: Double, line: String)] = []
        let started = processorTime()
        for shape in shapes {
            guard let codec = CodecSet.standard.named(shape.codec) else { fatalError("no codec \(shape.codec)") }
            let small = shape.make(size)
            let large = shape.make(2 * size)
            var best = (ratio: Double.infinity, line: "")
            // A machine that is busy can only make it look worse than it is.
            for attempt in 1...5 where best.ratio > bound {
                let first = shortest(1 + attempt) { use(small, codec, shape) }
                let second = shortest(1 + attempt) { use(large, codec, shape) }
                let ratio = second < grain ? 0 : second / max(first, grain / 2)
                if ratio < best.ratio {
                    best = (ratio, "\(shape.codec), \(shape.name): \(rounded(first)) ms, \(rounded(second)) ms")
                }
            }
            worst.append(best)
            if best.ratio > bound {
                failures += 1
                print("GROWTH: x\(rounded(best.ratio)) for twice the bytes: \(best.line)")
            }
        }
        let seconds = rounded((processorTime() - started) / 1000)
        print("growth: \(shapes.count) families at \(size) and \(2 * size) bytes, \(failures) over x\(bound), \(seconds) s")
        for (ratio, line) in worst.sorted(by: { $0.ratio > $1.ratio }).prefix(3) { print("  x\(rounded(ratio))  \(line)") }
        if failures > 0 { leave(1) }
    }

    /// Reads, copies out, writes and sorts, as far as the bytes are a document.
    static func use(_ bytes: [UInt8], _ codec: some Codec, _ shape: Shape) {
        do {
            let document = try codec.parse(bytes)
            guard shape.isRead else { fatalError("\(codec.name) reads \(shape.name)") }
            let value = document.root.value
            let length = try codec.encode(value).count
            let sorted = try codec.encode(document.root, canonical: true).count
            if length != sorted || document.root.kind != value.kind { fatalError("\(codec.name), \(shape.name): not the same") }
        } catch {
            if shape.isRead { fatalError("\(codec.name) does not read \(shape.name): \(error)") }
        }
    }

    static func shortest(_ attempts: Int, _ body: () -> Void) -> Double {
        (0..<attempts).map { _ in
            let began = processorTime()
            body()
            return processorTime() - began
        }.min() ?? 0
    }

    static func rounded(_ value: Double) -> Double {
        (value * 100).rounded() / 100
    }
}
