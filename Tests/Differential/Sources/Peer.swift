// The Swift side of the comparison of languages: generates values, and reads bytes and writes what it read in every codec.
// Started by Tests/Differential/compare.py, as peer.py and peer.rb are.

import TempestCodecs

/// Answers frames until the input ends.
@main
struct Peer {
    static func main() {
        while let frame = readFrame() {
            var request = Intake(frame)
            var answer: [UInt8] = []
            switch request.byte() {
            case UInt8(ascii: "G"): generate(request.rest(), &answer)
            case UInt8(ascii: "D"):
                while !request.isEmpty {
                    let codec = request.byte()
                    answer.append(block: read(request.block(), codec))
                }
            default: fatalError("a request of another kind")
            }
            writeFrame(answer)
        }
    }

    /// `seed first count`: the values of these numbers.
    private static func generate(_ request: [UInt8], _ answer: inout [UInt8]) {
        let numbers = String(decoding: request, as: UTF8.self).split(separator: " ").compactMap { UInt64($0) }
        guard numbers.count == 3 else { fatalError("a request without seed, first and count") }
        for number in numbers[1]..<numbers[1] + numbers[2] {
            var generator = Generator(seed: numbers[0], number: number)
            answer.append(block: written(generator.value(), MessagePackCodec()))
        }
    }

    /// 0 and the refusal, or 1 and the value in every form.
    private static func read(_ bytes: [UInt8], _ codec: UInt8) -> [UInt8] {
        do {
            switch codec {
            case UInt8(ascii: "j"): return written(try JSONCodec().value(bytes), JSONCodec())
            case UInt8(ascii: "m"): return written(try MessagePackCodec().value(bytes), MessagePackCodec())
            case UInt8(ascii: "t"): return written(try TNetstringCodec().value(bytes), TNetstringCodec())
            default: fatalError("no codec \(codec)")
            }
        } catch {
            return [0] + Array("\(error)".utf8)
        }
    }

    /// 1, then blocks: tokens, JSON, MessagePack, tnetstring, and the canonical bytes of the codec.
    private static func written(_ value: Value, _ codec: some Codec) -> [UInt8] {
        var tokens: [UInt8] = []
        value.appendTokens(to: &tokens)
        var answer: [UInt8] = [1]
        answer.append(block: tokens)
        answer.append(block: try? JSONCodec().encode(value))
        answer.append(block: try? MessagePackCodec().encode(value))
        answer.append(block: try? TNetstringCodec().encode(value))
        answer.append(block: try? codec.encode(value, canonical: true))
        return answer
    }
}
