// What a payload loses in a codec, or what other languages lose of it: what sizes and times do not say.
// Before it: a payload's value. After it: the table of sizes.

import TempestCodecs

enum Losses {
    /// Sentences, none if nothing is lost.
    static func of(_ value: Value, in codec: any Codec) -> [String] {
        var count = Count()
        count.visit(value)
        var losses: [String] = []
        if count.large > 0 {
            let integers = count.large == 1 ? "1 integer" : "\(Units.grouped(count.large)) integers"
            let unless = codec.name == "json" ? "" : ", unless its library makes BigInt of them"
            losses.append("\(codec.name): \(integers) beyond 2^53: JavaScript rounds them\(unless)")
        }
        if count.binaries > 0, codec.name == "json" {
            losses.append("json: bytes are base64, a third larger, in a map {\"$b64\": …} that other programs have to know")
        }
        guard let bytes = try? codec.encode(value), let again = try? codec.value(bytes), again != value else { return losses }
        losses.append(
            "\(codec.name): comes back as another value"
                + (codec.name == "tnetstring" && count.binaries > 0 ? ": bytes that are UTF-8 are text" : ""))
        return losses
    }

    private struct Count {
        var large = 0
        var binaries = 0

        mutating func visit(_ value: Value) {
            switch value {
            case .int(let int): if int.magnitude > 1 << 53 { large += 1 }
            case .uint(let uint): if uint > 1 << 53 { large += 1 }
            case .binary: binaries += 1
            case .array(let array): for element in array { visit(element) }
            case .map(let map): for (_, element) in map { visit(element) }
            default: break
            }
        }
    }
}
