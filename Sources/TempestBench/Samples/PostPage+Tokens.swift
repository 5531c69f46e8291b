// How a page of posts is read from tokens and written to them: as a program would do it for its own types.

package import TempestCodecs

extension PostPage: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        statuses = try map.read("statuses")
        count = try map.read("count")
        query = try map.read("query")
    }
}

extension PostPage: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 3)
        try writer.write("statuses", statuses)
        try writer.write("count", count)
        try writer.write("query", query)
        try writer.endMap()
    }
}

extension PostPage.Post: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        created = try map.read("created_at")
        id = try map.read("id")
        idText = try map.read("id_str")
        text = try map.read("text")
        source = try map.read("source")
        truncated = try map.read("truncated")
        replyTo = try map.readIfPresent("in_reply_to_status_id")
        replyToName = try map.readIfPresent("in_reply_to_screen_name")
        user = try map.read("user")
        place = try map.readIfPresent("place")
        retweets = try map.read("retweet_count")
        favourites = try map.read("favorite_count")
        entities = try map.read("entities")
        favorited = try map.read("favorited")
        retweeted = try map.read("retweeted")
        sensitive = try map.readIfPresent("possibly_sensitive")
        language = try map.read("lang")
    }
}

extension PostPage.Post: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 17)
        try writer.write("created_at", created)
        try writer.write("id", id)
        try writer.write("id_str", idText)
        try writer.write("text", text)
        try writer.write("source", source)
        try writer.write("truncated", truncated)
        try writer.write("in_reply_to_status_id", replyTo)
        try writer.write("in_reply_to_screen_name", replyToName)
        try writer.write("user", user)
        try writer.write("place", place)
        try writer.write("retweet_count", retweets)
        try writer.write("favorite_count", favourites)
        try writer.write("entities", entities)
        try writer.write("favorited", favorited)
        try writer.write("retweeted", retweeted)
        try writer.write("possibly_sensitive", sensitive)
        try writer.write("lang", language)
        try writer.endMap()
    }
}

extension PostPage.User: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        id = try map.read("id")
        idText = try map.read("id_str")
        name = try map.read("name")
        screenName = try map.read("screen_name")
        location = try map.read("location")
        about = try map.read("description")
        url = try map.readIfPresent("url")
        isProtected = try map.read("protected")
        followers = try map.read("followers_count")
        friends = try map.read("friends_count")
        listed = try map.read("listed_count")
        created = try map.read("created_at")
        favourites = try map.read("favourites_count")
        offset = try map.readIfPresent("utc_offset")
        zone = try map.readIfPresent("time_zone")
        verified = try map.read("verified")
        posts = try map.read("statuses_count")
        language = try map.read("lang")
        background = try map.read("profile_background_image_url")
        image = try map.read("profile_image_url")
        linkColor = try map.read("profile_link_color")
        following = try map.read("following")
        notifications = try map.read("notifications")
    }
}

extension PostPage.User: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 23)
        try writer.write("id", id)
        try writer.write("id_str", idText)
        try writer.write("name", name)
        try writer.write("screen_name", screenName)
        try writer.write("location", location)
        try writer.write("description", about)
        try writer.write("url", url)
        try writer.write("protected", isProtected)
        try writer.write("followers_count", followers)
        try writer.write("friends_count", friends)
        try writer.write("listed_count", listed)
        try writer.write("created_at", created)
        try writer.write("favourites_count", favourites)
        try writer.write("utc_offset", offset)
        try writer.write("time_zone", zone)
        try writer.write("verified", verified)
        try writer.write("statuses_count", posts)
        try writer.write("lang", language)
        try writer.write("profile_background_image_url", background)
        try writer.write("profile_image_url", image)
        try writer.write("profile_link_color", linkColor)
        try writer.write("following", following)
        try writer.write("notifications", notifications)
        try writer.endMap()
    }
}

extension PostPage.Entities: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        hashtags = try map.read("hashtags")
        links = try map.read("urls")
        mentions = try map.read("user_mentions")
    }
}

extension PostPage.Entities: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 3)
        try writer.write("hashtags", hashtags)
        try writer.write("urls", links)
        try writer.write("user_mentions", mentions)
        try writer.endMap()
    }
}

extension PostPage.Tag: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        text = try map.read("text")
        indices = try map.read("indices")
    }
}

extension PostPage.Tag: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 2)
        try writer.write("text", text)
        try writer.write("indices", indices)
        try writer.endMap()
    }
}

extension PostPage.Link: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        url = try map.read("url")
        expanded = try map.read("expanded_url")
        shown = try map.read("display_url")
        indices = try map.read("indices")
    }
}

extension PostPage.Link: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 4)
        try writer.write("url", url)
        try writer.write("expanded_url", expanded)
        try writer.write("display_url", shown)
        try writer.write("indices", indices)
        try writer.endMap()
    }
}

extension PostPage.Mention: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        id = try map.read("id")
        idText = try map.read("id_str")
        name = try map.read("name")
        screenName = try map.read("screen_name")
        indices = try map.read("indices")
    }
}

extension PostPage.Mention: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 5)
        try writer.write("id", id)
        try writer.write("id_str", idText)
        try writer.write("name", name)
        try writer.write("screen_name", screenName)
        try writer.write("indices", indices)
        try writer.endMap()
    }
}
