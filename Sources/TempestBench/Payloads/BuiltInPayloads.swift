// The payloads that the program brings: small and large, text, numbers, depth, bytes.
// Before it: SplitMix64. After it: the runs of `tempest bench codecs`.

package import TempestCodecs

/// The built-in payloads, made of a seed.
package enum BuiltInPayloads {
    package static let names = [
        "job", "http", "records", "text", "numbers", "nested", "binary", "posts", "catalogue", "coordinates", "manifest",
    ]

    /// The payload of this name; nil if there is none. Each has a generator of its own: one more changes no other.
    package static func make(_ name: String, seed: UInt64) throws(CodecError) -> Payload? {
        var random = SplitMix64(seed: seed ^ UInt64(names.firstIndex(of: name) ?? 0) &* 0xD6E8_FEB8_6659_FD93)
        switch name {
        case "job":
            return try Payload(name: name, about: "arguments of a job, about 120 bytes of JSON", sample: JobArguments(&random))
        case "http":
            return Payload(name: name, about: "an HTTP request: method, path, query, headers, a small body", value: http(&random))
        case "records":
            let sample = RecordList(records: (0..<100).map { Record($0, &random) })
            return try Payload(name: name, about: "100 records, about 20 KB of JSON", sample: sample)
        case "text":
            return try Payload(name: name, about: "articles in 11 scripts, some escapes, about 1 MB", sample: TextSample(&random))
        case "numbers":
            return try Payload(
                name: name, about: "integers and floats of full precision, about 1 MB", sample: NumberSample(&random))
        case "nested":
            return try Payload(
                name: name, about: "a tree, up to 60 levels deep, about 1 MB", sample: TreeNode(bytes: 900_000, &random))
        case "binary":
            return Payload(name: name, about: "256 KiB of random bytes in a map", value: binary(&random))
        case "posts":
            return try Payload(name: name, about: "a page of 100 posts, many scripts and escapes", sample: PostPage(&random))
        case "catalogue":
            return try Payload(
                name: name, about: "a catalogue of events, the same keys again and again", sample: Catalogue(&random),
                sorted: true)
        case "coordinates":
            return try Payload(name: name, about: "an outline in GeoJSON, pairs of floats", sample: Coordinates(&random))
        case "manifest":
            return try Payload(name: name, about: "the manifest of a package", sample: Manifest(&random), sorted: true)
        default:
            return nil
        }
    }

    private static func http(_ random: inout SplitMix64) -> Value {
        let id = random.integer(10_000...99_999)
        return [
            "method": "POST", "scheme": "https", "path": .text("/api/v2/orders/\(id)/items"),
            "query": ["page": .text(String(random.integer(1...40))), "sort": "created", "q": "größe & farbe"],
            "headers": [
                "host": "shop.example.com",
                "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "accept": "application/json, text/plain;q=0.9, */*;q=0.8", "accept-language": "de-DE,de;q=0.9,en;q=0.7",
                "accept-encoding": "gzip, deflate, br, zstd", "content-type": "application/json", "connection": "keep-alive",
                "cookie": .text("session=\(random.hex(48)); theme=dark"), "x-request-id": .text(random.hex(32)),
                "x-forwarded-for": .text("203.0.113.\(random.integer(1...254))"), "content-length": "64",
            ],
            "body": .text(#"{"sku": "\#(random.hex(8))", "count": \#(random.integer(1...20)), "gift": false}"#),
        ]
    }

    private static func binary(_ random: inout SplitMix64) -> Value {
        ["name": "photo.jpg", "type": "image/jpeg", "width": 1920, "height": 1080, "data": .binary(random.bytes(256 * 1024))]
    }
}
