// The text of a float in JSON and tnetstring, the same in every language (protocol/codecs.md, "Floats"): the fewest digits that read
// back, always with a point, positional from 1e-7 to 1e21.

enum FloatText {
    /// Appends a finite float.
    static func append(_ value: Double, to output: inout [UInt8]) {
        // The standard library prints the fewest digits; most often in the form that we want as well.
        let text = value.description
        let magnitude = value.magnitude
        if magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e15) {
            output.append(contentsOf: text.utf8)
        } else {
            output.append(contentsOf: reformatted(text))
        }
    }

    static func bytes(_ value: Double) -> [UInt8] {
        var output: [UInt8] = []
        append(value, to: &output)
        return output
    }

    /// Takes `-1.25e-07`, `1e+16` or `12345.0` apart and writes it by the rule.
    private static func reformatted(_ text: String) -> [UInt8] {
        var digits: [UInt8] = []
        var (isNegative, point, exponent, seenPoint) = (false, 0, 0, false)
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "-") {
            isNegative = true
            rest = rest.dropFirst()
        }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "."): seenPoint = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                exponent = Int(String(decoding: rest, as: UTF8.self)) ?? 0
                rest = []
            default:
                digits.append(byte)
                if !seenPoint { point += 1 }
            }
        }
        point += exponent
        while digits.count > 1, digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            point -= 1
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        var output: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
        let zero = UInt8(ascii: "0")
        if point > -7 && point <= 21 {
            if point <= 0 {
                output += [zero, UInt8(ascii: ".")] + Array(repeating: zero, count: -point) + digits
            } else if digits.count <= point {
                output += digits + Array(repeating: zero, count: point - digits.count) + [UInt8(ascii: "."), zero]
            } else {
                output += digits[..<point] + [UInt8(ascii: ".")] + digits[point...]
            }
        } else {
            output += [digits[0], UInt8(ascii: ".")] + (digits.count > 1 ? digits[1...] : [zero][...])
            output += Array("e\(point - 1 < 0 ? "-" : "+")\((point - 1).magnitude)".utf8)
        }
        return output
    }
}
