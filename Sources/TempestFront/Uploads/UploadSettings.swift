// Where a front puts uploads aside. Part of its configuration; read by FrontParts.

/// Where uploads are put aside.
public struct UploadSettings: Sendable, Hashable {
    /// The folder; workers that share it open what is in it themselves.
    public var folder: String
    /// How many bytes there may be in it in all.
    public var quota = 10 << 30
    /// How many bytes the requests of one address that the front holds may bring together; an address of IPv6 counts with its /64. What
    /// workers keep does not count. nil: a tenth of the quota, or what one request may bring if that is more, but at most half of the quota.
    public var quotaPerAddress: Int?
    public var rules = UploadRules()

    var addressQuota: Int { quotaPerAddress ?? max(quota / 10, min(rules.requestLimit, quota / 2)) }

    public init(folder: String) { self.folder = folder }

    /// Throws for an address that workers could not use, and for a folder that cannot be used.
    func check() throws(FrontConfigurationError) {
        if let base = rules.base { try Self.check(url: base) }
        try FolderCheck.check(uploads: folder)
    }

    /// Workers add a token at its end, and get the whole.
    private static func check(url: String) throws(FrontConfigurationError) {
        guard isAddress(url) else {
            throw FrontConfigurationError(
                "`uploads`: `url` is the address that workers get an upload from, such as http://10.0.0.7:8080/uploads/, not "
                    + url.prefix(80).debugDescription)
        }
        guard url.hasSuffix("/") || url.contains("?") else {
            throw FrontConfigurationError("`uploads`: `url` ends in a slash, because a token follows: \(url.prefix(80))/")
        }
    }

    /// http or https, a host, and what may stand in an address.
    private static func isAddress(_ url: String) -> Bool {
        guard let start = ["http://", "https://"].first(where: url.hasPrefix), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !url.contains("#")
        else { return false }
        return !url.dropFirst(start.count).prefix { $0 != "/" && $0 != "?" }.isEmpty
    }
}
