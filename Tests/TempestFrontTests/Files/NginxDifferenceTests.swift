import Foundation
import TempestTesting
import Testing

/// The same requests to nginx and to the front's server, for the same folder, where RFC 9110 leaves no choice.
@Suite(
    "Files as nginx serves them", .timeLimit(.minutes(2)),
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/sbin/nginx")))
struct NginxDifferenceTests {
    @Test("Status, place and body are nginx's")
    func same() async throws {
        try await FileServer.run(["a.txt": (0..<1000).map { "\($0)\n" }.joined(), "one.txt": "x", "dir/index.html": "index"]) {
            server in
            try await Self.withNginx(server.folder) { port in
                let nginx = FileServer(port: port, folder: server.folder)
                for path in ["/a.txt", "/one.txt"] {
                    for headers in Self.corpus {
                        for method in ["GET", "HEAD"] where method == "GET" || !headers.contains(where: { $0.hasPrefix("Range") })
                        {
                            let (theirs, ours) = (
                                try await nginx.ask(method, path, headers), try await server.ask(method, path, headers)
                            )
                            let what = "\(method) \(path) \(headers): nginx \(theirs.status), here \(ours)"
                            #expect(theirs.status == ours.status, "\(what)")
                            #expect(theirs.header("content-range") == ours.header("content-range"), "\(what)")
                            #expect(
                                theirs.header("last-modified") == ours.header("last-modified") || ours.status >= 400, "\(what)")
                            if ours.status < 300 {
                                #expect(
                                    theirs.body == ours.body && theirs.header("content-length") == ours.header("content-length"),
                                    "\(what)")
                            }
                        }
                    }
                }
                for path in ["/dir", "/dir/", "/none", "/a.txt?x=1", "/%61.txt", "//a.txt", "/dir/../a.txt", "/dir/./index.html"]
                {
                    let (theirs, ours) = (try await nginx.get(path), try await server.get(path))
                    #expect(theirs.status == ours.status && (ours.status != 200 || theirs.body == ours.body), "\(path): \(ours)")
                }
            }
        }
    }

    private static let corpus: [[String]] = {
        let date = "Sun, 09 Sep 2001 01:46:40 GMT"
        let (earlier, later) = ("Sun, 09 Sep 2001 01:46:39 GMT", "Sun, 09 Sep 2001 01:46:41 GMT")
        var corpus: [[String]] = [[]]
        for range in [
            // What is not a range may be ignored or refused (section 14.2): nginx refuses it.
            "0-0", "0-", "-1", "0-999999999", "999999999-", "-0", "3889-", "3890-", "3888-3890",
            "-999999999", "99999999999999999999999-",
        ] {
            corpus.append(["Range: bytes=\(range)"])
        }
        corpus.append(["Range: lines=0-1"])
        for header in ["If-Modified-Since", "If-Unmodified-Since"] {
            // nginx takes a date that is not the file's for a change by default; told `before`, it compares.
            for value in [date, earlier, later, "Sunday, 09-Sep-01 01:46:40 GMT", "Sun Sep  9 01:46:40 2001"] {
                corpus.append(["\(header): \(value)"])
            }
        }
        for value in ["*", "\"x\"", "\"x\", W/\"y\""] { corpus.append(["If-None-Match: \(value)"]) }
        for value in ["*", "\"x\"", "\"x\", \"y\""] { corpus.append(["If-Match: \(value)"]) }
        for value in [date, earlier, "\"x\"", "W/\"x\""] { corpus.append(["Range: bytes=0-0", "If-Range: \(value)"]) }
        corpus.append(["If-Match: \"x\"", "If-None-Match: *"])
        corpus.append(["If-None-Match: \"x\"", "If-Modified-Since: \(later)"])
        corpus.append(["Range: bytes=0-0", "If-None-Match: *"])
        return corpus
    }()

    private static func withNginx<R>(_ folder: String, _ body: (Int) async throws -> R) async throws -> R {
        try await withTemporaryDirectory { place in
            let port = try FreePort.find(1)[0]
            try write(
                """
                worker_processes 1; daemon off; master_process off; pid \(place)/pid; error_log stderr;
                events { worker_connections 64; }
                http {
                    access_log off; if_modified_since before; default_type application/octet-stream;
                    client_body_temp_path \(place)/b; proxy_temp_path \(place)/p; fastcgi_temp_path \(place)/f;
                    uwsgi_temp_path \(place)/u; scgi_temp_path \(place)/s;
                    server { listen 127.0.0.1:\(port); root \(folder); }
                }
                """, to: "\(place)/nginx.conf")
            return try await ProcessRunner("/usr/sbin/nginx", ["-p", place, "-c", "\(place)/nginx.conf", "-e", "stderr"]).run {
                nginx in
                try await eventually(within: .seconds(20), "nginx answers") {
                    (try? await FileServer(port: port, folder: folder).get("/"))?.status != nil
                }
                return try await body(port)
            }
        }
    }
}
