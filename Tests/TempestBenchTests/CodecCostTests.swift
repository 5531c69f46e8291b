import TempestCodecs
import Testing

@testable import TempestBench

@Suite("What codecs cost and lose")
struct CodecCostTests {
    @Test("What is lost of a payload is said: integers for JavaScript, base64 in JSON, text for bytes in tnetstring")
    func losses() {
        let value: Value = [
            "id": .int(1 << 60), "small": .int(1 << 53), "large": .uint(.max), "data": .binary([0xFF, 0xFE]), "f": .double(1e300),
        ]
        #expect(
            Losses.of(value, in: .json) == [
                "json: 2 integers beyond 2^53: JavaScript rounds them",
                "json: bytes are base64, a third larger, in a map {\"$b64\": …} that other programs have to know",
            ])
        #expect(
            Losses.of(value, in: .messagePack) == [
                "msgpack: 2 integers beyond 2^53: JavaScript rounds them, unless its library makes BigInt of them"
            ])
        #expect(Losses.of(["a": 1, "b": "c"], in: .json).isEmpty)
        #expect(
            Losses.of(["data": .binary([0x61])], in: .tnetstring) == [
                "tnetstring: comes back as another value: bytes that are UTF-8 are text"
            ])
    }

    @Test("Compressors of the system are found, and their sizes are gzip's and zstd's", .enabled(if: Compressor.all.count == 2))
    func compressors() {
        let (gzip, zstd) = (Compressor.all[0], Compressor.all[1])
        #expect(gzip.name == "gzip -6" && zstd.name == "zstd -3")
        let zeros = [UInt8](repeating: 0, count: 100_000)
        // As the programs print for the same bytes.
        #expect(gzip.size(zeros) == 132 && gzip.size([]) == 20)
        #expect((zstd.size(zeros) ?? 0) < 100)
    }

    #if os(Linux)
    @Test("The memory at the peak of an operation is seen, and too little is not told")
    func peak() async {
        // In a process of its own: what others take is not in it.
        await #expect(processExitsWith: .success) {
            let bytes = PeakMemory.bytes { [UInt8](repeating: 1, count: 64 << 20) }
            #expect(bytes.map { (60 << 20...80 << 20).contains($0) } == true, "\(bytes ?? 0)")
            #expect(PeakMemory.bytes { 1 } == nil)
        }
    }
    #endif
}
