// The fuzzer of the MessagePack codec, with libmsgpack as the reference: libFuzzer calls it with bytes of its choice.

import TempestCodecs

/// Called once an input; returns 0.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = input(start, count)
    checkAgainstReference(bytes, check(MessagePackCodec(), bytes))
    return 0
}
