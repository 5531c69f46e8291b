// The fuzzer of jobs and answers in any codec: libFuzzer calls it with bytes of its choice.

import TempestCodecs
import TempestProtocol

/// Called once an input; returns 0.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = input(start, count)
    checkJob(bytes)
    checkAnswer(bytes)
    return 0
}
