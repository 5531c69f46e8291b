// The fuzzer of the tnetstring codec: libFuzzer calls it with bytes of its choice.

import TempestCodecs

/// Called once an input; returns 0.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    _ = check(TNetstringCodec(), input(start, count))
    return 0
}
