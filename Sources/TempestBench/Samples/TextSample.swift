// The text-heavy payload: articles in many scripts.
// Before it: SplitMix64 and Words. After it: the candidates.

package import TempestCodecs

/// Articles, about 1 MB.
package struct TextSample: Sample, Equatable {
    package var articles: [Article]

    package struct Article: Codable, Sendable, Equatable {
        package var language: String
        package var title: String
        package var body: String
    }

    init(_ random: inout SplitMix64) {
        articles = []
        var bytes = 0
        while bytes < 1_000_000 {
            let (language, words) = Words.scripts[articles.count % Words.scripts.count]
            let title = Words.sentence(words, 6, escapes: false, &random)
            let body = Words.sentence(words, random.integer(20...400), escapes: true, &random)
            bytes += title.utf8.count + body.utf8.count
            articles.append(Article(language: language, title: title, body: body))
        }
    }
}

extension TextSample: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        articles = try map.read("articles")
    }
}

extension TextSample: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 1)
        try writer.key("articles")
        try writer.beginArray(count: articles.count)
        for article in articles { try article.write(to: &writer) }
        try writer.endArray()
        try writer.endMap()
    }
}

extension TextSample.Article: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        language = try map.read("language")
        title = try map.read("title")
        body = try map.read("body")
    }
}

extension TextSample.Article: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 3)
        try writer.write("language", language)
        try writer.write("title", title)
        try writer.write("body", body)
        try writer.endMap()
    }
}
