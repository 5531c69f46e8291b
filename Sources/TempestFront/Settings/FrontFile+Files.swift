// The keys of static files in a front's file.

extension FrontFile {
    static func files(_ node: SettingNode) throws(FrontConfigurationError) -> StaticFilesOptions {
        if node.isScalar { return StaticFilesOptions(folder: try node.text()) }
        var options = StaticFilesOptions(folder: "")
        try files.read(node, into: &options)
        guard !options.folder.isEmpty else { throw node.error("files need a `folder`") }
        return options
    }

    static var files: SettingTable<StaticFilesOptions> {
        SettingTable("files", reference: StaticFilesOptions(folder: "")) { make in
            [
                make.text("folder", \.folder, "whose files are served; needed"),
                Setting(
                    "cache",
                    "`Cache-Control` by pattern, the first that fits: seconds (`max-age`) or the header's text. `*` stands for any characters; a pattern that begins with `/` is compared with the path, any other with the file's name"
                ) { node, options throws(FrontConfigurationError) in
                    for rule in try node.pairs("`cache`") {
                        let text = try rule.text()
                        options.cache.append(
                            try rule.locating { () throws(FrontConfigurationError) in
                                guard let seconds = Int(text) else { return try CacheRule(rule.key, text) }
                                return try CacheRule(rule.key, seconds: seconds)
                            })
                    }
                },
                make.optionalText(
                    "fallback", \.fallback,
                    "for applications that run in one page: sent with 200 where there is no file, to GET and HEAD that accept HTML, not for names with a dot; before the route `/*`"
                ),
                Setting(
                    "errors",
                    "pages of the folder by status, 400 to 599, in place of the front's own sentences, for those who accept HTML; read at the start"
                ) { node, options throws(FrontConfigurationError) in
                    for page in try node.pairs("`errors`") {
                        guard let code = Int(page.key), (400...599).contains(code) else {
                            throw page.error("`errors`: \(page.key.debugDescription) is not a status from 400 to 599")
                        }
                        options.errors[code] = try page.text()
                    }
                },
                Setting("types", "content types besides the known ones, by extension or whole name") {
                    node, options throws(FrontConfigurationError) in
                    for type in try node.pairs("`types`") { options.types[type.key] = try contentType(type) }
                },
                make.bool(
                    "precompressed", \.usesCompressed,
                    "`app.js.br` and `app.js.gz` are sent for `app.js` to those who accept them, unless they are older"),
            ]
        }
    }

    private static func contentType(_ node: SettingNode) throws(FrontConfigurationError) -> String {
        let type = try node.text()
        guard type.utf8.contains(UInt8(ascii: "/")), type.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw node.error("`types`: \(type.debugDescription) is not a content type, such as text/plain")
        }
        return type
    }
}
