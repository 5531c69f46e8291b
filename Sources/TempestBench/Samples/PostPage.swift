// The page of posts: what a social service's search returned, in the shape of twitter.json of the JSON benchmarks: entities, nulls, integers
// of 60 bits, text in many scripts with quotes, line ends and backslashes.
// Before it: SplitMix64 and Words. After it: the candidates.

/// A hundred posts, about 200 KB of JSON.
package struct PostPage: Sample, Equatable {
    package var statuses: [Post]
    package var count: Int
    package var query: String

    /// A post with its author.
    package struct Post: Codable, Sendable, Equatable {
        package var created: String
        package var id: Int
        package var idText: String
        package var text: String
        package var source: String
        package var truncated: Bool
        package var replyTo: Int?
        package var replyToName: String?
        package var user: User
        package var place: String?
        package var retweets: Int
        package var favourites: Int
        package var entities: Entities
        package var favorited: Bool
        package var retweeted: Bool
        package var sensitive: Bool?
        package var language: String

        private enum CodingKeys: String, CodingKey {
            case id, text, source, truncated, user, place, entities, favorited, retweeted
            case created = "created_at"
            case idText = "id_str"
            case replyTo = "in_reply_to_status_id"
            case replyToName = "in_reply_to_screen_name"
            case retweets = "retweet_count"
            case favourites = "favorite_count"
            case sensitive = "possibly_sensitive"
            case language = "lang"
        }
    }

    /// Who has written it.
    package struct User: Codable, Sendable, Equatable {
        package var id: Int
        package var idText: String
        package var name: String
        package var screenName: String
        package var location: String
        package var about: String
        package var url: String?
        package var isProtected: Bool
        package var followers: Int
        package var friends: Int
        package var listed: Int
        package var created: String
        package var favourites: Int
        package var offset: Int?
        package var zone: String?
        package var verified: Bool
        package var posts: Int
        package var language: String
        package var background: String
        package var image: String
        package var linkColor: String
        package var following: Bool
        package var notifications: Bool

        private enum CodingKeys: String, CodingKey {
            case id, name, location, url, verified, following, notifications
            case idText = "id_str"
            case screenName = "screen_name"
            case about = "description"
            case isProtected = "protected"
            case followers = "followers_count"
            case friends = "friends_count"
            case listed = "listed_count"
            case created = "created_at"
            case favourites = "favourites_count"
            case offset = "utc_offset"
            case zone = "time_zone"
            case posts = "statuses_count"
            case language = "lang"
            case background = "profile_background_image_url"
            case image = "profile_image_url"
            case linkColor = "profile_link_color"
        }
    }

    /// What stands in a text, and where.
    package struct Entities: Codable, Sendable, Equatable {
        package var hashtags: [Tag]
        package var links: [Link]
        package var mentions: [Mention]

        private enum CodingKeys: String, CodingKey {
            case hashtags
            case links = "urls"
            case mentions = "user_mentions"
        }
    }

    /// A word that begins with #.
    package struct Tag: Codable, Sendable, Equatable {
        package var text: String
        package var indices: [Int]
    }

    /// A shortened link.
    package struct Link: Codable, Sendable, Equatable {
        package var url: String
        package var expanded: String
        package var shown: String
        package var indices: [Int]

        private enum CodingKeys: String, CodingKey {
            case url, indices
            case expanded = "expanded_url"
            case shown = "display_url"
        }
    }

    /// Somebody who is named.
    package struct Mention: Codable, Sendable, Equatable {
        package var id: Int
        package var idText: String
        package var name: String
        package var screenName: String
        package var indices: [Int]

        private enum CodingKeys: String, CodingKey {
            case id, name, indices
            case idText = "id_str"
            case screenName = "screen_name"
        }
    }

    init(_ random: inout SplitMix64) {
        statuses = (0..<100).map { _ in Post(&random) }
        (count, query) = (100, "%E5%B5%90 OR storm")
    }
}

extension PostPage.Post {
    init(_ random: inout SplitMix64) {
        let (language, words) = random.pick(Words.scripts)
        created = PostPage.date(&random)
        id = random.integer(505_000_000_000_000_000...505_999_999_999_999_999)
        idText = String(id)
        text = Words.sentence(words, random.integer(4...18), escapes: true, &random)
        source =
            #"<a href="https://example.com/download/\#(random.pick(Words.english))" rel="nofollow">Example for \#(language)</a>"#
        truncated = false
        let isReply = random.integer(0...3) == 0
        replyTo = isReply ? id - random.integer(1...1_000_000_000) : nil
        replyToName = isReply ? random.pick(Words.english) + "_\(random.integer(1...99))" : nil
        user = PostPage.User(language, words, &random)
        place = nil
        (retweets, favourites) = (random.integer(0...900), random.integer(0...40))
        entities = PostPage.Entities(text: text, words, &random)
        (favorited, retweeted) = (false, false)
        sensitive = entities.links.isEmpty ? nil : false
        self.language = language
    }
}

extension PostPage.User {
    init(_ language: String, _ words: [String], _ random: inout SplitMix64) {
        id = random.integer(10_000_000...2_999_999_999)
        idText = String(id)
        name = "\(random.pick(words)) \(random.pick(words))"
        screenName = random.pick(Words.english) + "_\(random.integer(1...9999))"
        location = random.integer(0...2) == 0 ? random.pick(words) : ""
        about = Words.sentence(words, random.integer(3...20), escapes: true, &random)
        url = random.integer(0...2) == 0 ? "https://t.example/\(random.hex(10))" : nil
        isProtected = false
        (followers, friends, listed) = (random.integer(0...9999), random.integer(0...2000), random.integer(0...50))
        created = PostPage.date(&random)
        favourites = random.integer(0...30_000)
        let hasZone = random.integer(0...1) == 0
        (offset, zone) = hasZone ? (random.integer(-12...12) * 3600, "Irkutsk") : (nil, nil)
        verified = random.integer(0...50) == 0
        posts = random.integer(1...150_000)
        self.language = language
        background = "https://abs.example.com/images/themes/theme\(random.integer(1...19))/bg.png"
        image = "https://pbs.example.com/profile_images/\(random.integer(1...999_999_999))/\(random.hex(8))_normal.jpeg"
        linkColor = random.hex(6)
        (following, notifications) = (false, false)
    }
}

extension PostPage.Entities {
    init(text: String, _ words: [String], _ random: inout SplitMix64) {
        func indices(_ random: inout SplitMix64) -> [Int] {
            let start = random.integer(0...100)
            return [start, start + random.integer(5...22)]
        }
        hashtags = (0..<random.integer(0...2)).map { _ in PostPage.Tag(text: random.pick(words), indices: indices(&random)) }
        links = (0..<random.integer(0...2)).map { _ in
            let page = "\(random.pick(Words.english))/\(random.hex(6))"
            return PostPage.Link(
                url: "https://t.example/\(random.hex(10))", expanded: "https://www.example.com/\(page)?from=post&n=1",
                shown: "example.com/\(page)…", indices: indices(&random))
        }
        mentions = (0..<random.integer(0...3)).map { _ in
            let id = random.integer(10_000_000...2_999_999_999)
            return PostPage.Mention(
                id: id, idText: String(id), name: random.pick(words), screenName: random.pick(Words.english) + "_7",
                indices: indices(&random))
        }
    }
}

extension PostPage {
    fileprivate static func date(_ random: inout SplitMix64) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let time = "\(two(random.integer(0...23))):\(two(random.integer(0...59))):\(two(random.integer(0...59)))"
        return "Sun Aug \(two(random.integer(1...31))) \(time) +0000 2014"
    }
}
