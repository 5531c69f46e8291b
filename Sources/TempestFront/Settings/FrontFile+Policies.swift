// The keys of a front's file that say what responses allow: headers, and pages of other origins.

extension FrontFile {
    static func headers(_ node: SettingNode, _ rules: inout HeaderRules) throws(FrontConfigurationError) {
        for value in try node.pairs("`headers`") {
            let text = try value.anyText()
            try value.locating { () throws(FrontConfigurationError) in try rules.set(value.key, to: text) }
        }
    }

    static func policy(_ node: SettingNode) throws(FrontConfigurationError) -> CORSPolicy {
        var policy = CORSPolicy(origins: .these([]))
        if node.isMap {
            try cors.read(node, into: &policy)
        } else {
            policy.origins = origins(try node.texts())
        }
        guard policy.origins != .these([]) else {
            throw node.error("cors needs `origins`: `'*'`, or such as https://example.com")
        }
        try node.locating { () throws(FrontConfigurationError) in try policy.check() }
        return policy
    }

    private static func origins(_ texts: [String]) -> CORSPolicy.Origins { texts == ["*"] ? .any : .these(Set(texts)) }

    static var cors: SettingTable<CORSPolicy> {
        SettingTable("cors", reference: CORSPolicy(origins: .any)) { make in
            [
                Setting("origins", "`'*'`, or a list such as `https://example.com`; needed") {
                    node, policy throws(FrontConfigurationError) in policy.origins = origins(try node.texts())
                },
                Setting("methods", default: "GET, HEAD, POST, PUT, PATCH, DELETE", "methods that pages may use") {
                    node, policy throws(FrontConfigurationError) in policy.methods = try node.texts()
                },
                Setting("headers", default: "all that a page asks for", "request headers that pages may send") {
                    node, policy throws(FrontConfigurationError) in policy.headers = try node.texts()
                },
                Setting("expose", "response headers that pages may read") {
                    node, policy throws(FrontConfigurationError) in policy.exposed = try node.texts()
                },
                make.bool("credentials", \.allowsCredentials, "whether pages may send cookies; not with `'*'`"),
                make.seconds("max_age", \.maxAge, "seconds that a browser may remember the answer"),
            ]
        }
    }
}
