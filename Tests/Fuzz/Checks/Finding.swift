// How a fuzzer stops: with a sentence on what does not hold. libFuzzer then keeps the input.
// Called by every check; after it comes nothing.

import TempestCodecs

/// Stops when something that must hold does not.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { finding(what()) }
}

/// Stops the fuzzer; libFuzzer writes the input to a file.
func finding(_ what: String) -> Never {
    fatalError("FINDING: \(what)")
}

/// What a call that must not throw gives.
func certain<R>(_ what: @autoclosure () -> String, _ body: () throws -> R) -> R {
    do {
        return try body()
    } catch {
        finding("\(what()): \(error)")
    }
}

/// The bytes that libFuzzer hands to an entry point.
func input(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    [UInt8](UnsafeBufferPointer(start: start, count: count))
}
