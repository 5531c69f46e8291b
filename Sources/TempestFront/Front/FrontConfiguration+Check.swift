// Whether a front can run with a configuration, as far as that is known without Redis.

extension FrontConfiguration {
    /// Throws ``FrontConfigurationError`` for what a front cannot run with: routes, rules, folders that are not there, certificates.
    public func check() throws(FrontConfigurationError) {
        for setting in ["routes", "redirect", "files", "uploads", "sessions", "sub"] { try check(setting) }
    }

    /// The same of one setting, by its name in the file, which knows its line.
    func check(_ setting: String) throws(FrontConfigurationError) {
        switch setting {
        case "routes":
            _ = try RouteTable(routes)
            for route in routes { try check(route) }
        case "redirect": try checkRedirect()
        case "files": if let files { _ = try StaticFiles(files) }
        case "uploads": if let uploads { try FolderCheck.check(uploads: uploads.folder) }
        case "sessions": do { try sessions?.check() } catch { throw FrontConfigurationError("\(error)") }
        case "sub":
            do {
                let nobody: ChannelPolicy.User = { _ in nil }
                _ = try ChannelPolicy(patterns: subscriptions, user: sessions == nil ? nil : nobody)
            } catch {
                throw FrontConfigurationError("sub: \(error)")
            }
        default: break
        }
    }

    private func checkRedirect() throws(FrontConfigurationError) {
        guard let redirect else { return }
        if tls == nil {
            throw FrontConfigurationError("`redirect` sends browsers to https, and there is no certificate: set `tls`")
        }
        if let twice = redirect.addresses.first(where: { other in addresses.contains { $0.isTaken(by: other) } }) {
            throw FrontConfigurationError("`redirect` listens on \(twice), where `listen` does already")
        }
    }

    /// What would leave open what is meant to be closed, or closed what is meant to be open.
    func check(_ route: FrontRoute) throws(FrontConfigurationError) {
        do { try route.cors?.check() } catch { throw FrontConfigurationError("\(route.pattern): \(error)") }
        if let problem = route.origins.sorted().lazy.compactMap(PageOrigin.problem).first {
            throw FrontConfigurationError("\(route.pattern): origins: \(problem)")
        }
        if route.takesUploads, uploads == nil {
            throw FrontConfigurationError("\(route.pattern) takes uploads, and there is no folder for them: set `uploads`")
        }
        guard sessions != nil || !route.requiresUser else {
            throw FrontConfigurationError(
                "\(route.pattern) is for users, and nobody can be one without sessions: set `sessions`")
        }
        guard let login = route.login, SessionRequirement(login: login) == nil else { return }
        throw FrontConfigurationError(
            "\(route.pattern): `login` is a path of this host, such as /login, not \(login.debugDescription)")
    }
}
