// Whether a front can run with a configuration, as far as that is known without Redis.

extension FrontConfiguration {
    /// Throws ``FrontConfigurationError`` for what a front cannot run with: routes, rules, folders that are not there, certificates.
    public func check() throws(FrontConfigurationError) {
        for setting in ["routes", "listen", "mode", "redirect", "files", "uploads", "sessions", "sub"] { try check(setting) }
    }

    /// The same of one setting, by its name in the file, which knows its line.
    func check(_ setting: String) throws(FrontConfigurationError) {
        switch setting {
        case "routes":
            _ = try RouteTable(routes)
            for route in routes { try check(route) }
        case "listen": for address in addresses { try FolderCheck.check(socket: address) }
        case "mode": try checkMode()
        case "redirect": try checkRedirect()
        case "files": if let files { _ = try StaticFiles(files) }
        case "uploads": try uploads?.check()
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

    private func checkMode() throws(FrontConfigurationError) {
        guard socketMode != nil else { return }
        for case .unix in addresses + (redirect?.addresses ?? []) { return }
        throw FrontConfigurationError(
            "`mode` is of a unix socket, and the front listens on none: leave it out, or listen on unix:PATH")
    }

    private func checkRedirect() throws(FrontConfigurationError) {
        guard let redirect else { return }
        if tls == nil {
            throw FrontConfigurationError("`redirect` sends browsers to https, and there is no certificate: set `tls`")
        }
        for address in redirect.addresses { try FolderCheck.check(socket: address) }
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
        if route.login != nil, !route.requiresUser {
            throw FrontConfigurationError(
                "\(route.pattern): `login` is where those go who are no user: set `user: true`, or leave it out")
        }
        guard let login = route.login, SessionRequirement(login: login) == nil else { return }
        throw FrontConfigurationError(
            "\(route.pattern): `login` is a path of this host, such as /login, not \(login.debugDescription)")
    }
}
