// What kind of content a file has, by the end of its name.

/// Content types of files.
enum FileType {
    static let unknown = "application/octet-stream"

    /// - Parameters:
    ///   - name: of the file, or its path.
    ///   - more: types by extension in lower case, or by whole name; they come first.
    static func of(_ name: String, more: [String: String] = [:]) -> String {
        let name = name.utf8.lastIndex(of: UInt8(ascii: "/")).map { name[name.utf8.index(after: $0)...] } ?? name[...]
        if let type = more[String(name)] { return type }
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return unknown }
        let end = name[name.utf8.index(after: dot)...].lowercased()
        return more[end] ?? types[end] ?? unknown
    }

    /// Texts are taken for UTF-8; XML says itself what it is.
    private static let types: [String: String] = {
        var types: [String: String] = [:]
        for (type, ends) in table { for end in ends.split(separator: " ") { types[String(end)] = type } }
        return types
    }()

    private static let table: [(String, String)] = [
        ("text/html; charset=utf-8", "html htm shtml"), ("text/css; charset=utf-8", "css"),
        ("text/javascript; charset=utf-8", "js mjs cjs"), ("text/plain; charset=utf-8", "txt text log conf ini asc"),
        ("text/markdown; charset=utf-8", "md markdown"), ("text/csv; charset=utf-8", "csv"),
        ("text/tab-separated-values; charset=utf-8", "tsv"), ("text/calendar; charset=utf-8", "ics"),
        ("text/vcard; charset=utf-8", "vcf vcard"), ("text/vtt; charset=utf-8", "vtt"),
        ("text/x-component; charset=utf-8", "htc"),
        ("text/yaml; charset=utf-8", "yaml yml"), ("application/json; charset=utf-8", "json map topojson"),
        ("application/geo+json; charset=utf-8", "geojson"), ("application/ld+json; charset=utf-8", "jsonld"),
        ("application/feed+json; charset=utf-8", "jsonfeed"), ("application/manifest+json; charset=utf-8", "webmanifest"),
        ("image/svg+xml; charset=utf-8", "svg"), ("application/xml", "xml xsl xsd"), ("application/xhtml+xml", "xhtml xht"),
        ("application/rss+xml", "rss"), ("application/atom+xml", "atom"), ("application/mathml+xml", "mathml"),
        ("application/xslt+xml", "xslt"), ("application/gpx+xml", "gpx"), ("application/vnd.google-earth.kml+xml", "kml"),
        ("application/vnd.google-earth.kmz", "kmz"), ("application/dash+xml", "mpd"),
        ("image/png", "png"), ("image/apng", "apng"), ("image/jpeg", "jpg jpeg jpe jfif"), ("image/gif", "gif"),
        ("image/webp", "webp"), ("image/avif", "avif"), ("image/jxl", "jxl"), ("image/heic", "heic"), ("image/heif", "heif"),
        ("image/bmp", "bmp"), ("image/tiff", "tif tiff"), ("image/vnd.microsoft.icon", "ico cur"), ("image/svg+xml", "svgz"),
        ("audio/mpeg", "mp3"), ("audio/mp4", "m4a"), ("audio/aac", "aac"), ("audio/ogg", "oga ogg"), ("audio/opus", "opus"),
        ("audio/flac", "flac"), ("audio/wav", "wav"), ("audio/webm", "weba"), ("audio/midi", "mid midi"),
        ("audio/x-aiff", "aif aiff"),
        ("video/mp4", "mp4 m4v"), ("video/webm", "webm"), ("video/ogg", "ogv"), ("video/mpeg", "mpeg mpg"),
        ("video/quicktime", "mov qt"), ("video/x-msvideo", "avi"), ("video/x-matroska", "mkv"), ("video/mp2t", "ts m2ts"),
        ("video/3gpp", "3gp"), ("video/3gpp2", "3g2"), ("application/vnd.apple.mpegurl", "m3u8"), ("audio/x-mpegurl", "m3u"),
        ("application/ogg", "ogx"),
        ("font/woff2", "woff2"), ("font/woff", "woff"), ("font/ttf", "ttf"), ("font/otf", "otf"), ("font/collection", "ttc"),
        ("application/vnd.ms-fontobject", "eot"),
        ("application/wasm", "wasm"), ("application/pdf", "pdf"), ("application/rtf", "rtf"),
        ("application/postscript", "ps eps ai"),
        ("application/epub+zip", "epub"), ("application/vnd.amazon.ebook", "azw"), ("application/x-mobipocket-ebook", "mobi"),
        ("application/zip", "zip"), ("application/gzip", "gz tgz"), ("application/x-bzip2", "bz2"), ("application/x-bzip", "bz"),
        ("application/x-xz", "xz"), ("application/zstd", "zst"), ("application/x-7z-compressed", "7z"),
        ("application/vnd.rar", "rar"),
        ("application/x-tar", "tar"), ("application/java-archive", "jar war"), ("application/vnd.android.package-archive", "apk"),
        ("application/vnd.debian.binary-package", "deb"), ("application/x-rpm", "rpm"), ("application/x-apple-diskimage", "dmg"),
        ("application/x-iso9660-image", "iso"), ("application/x-xpinstall", "xpi"),
        ("application/msword", "doc dot"), ("application/vnd.ms-excel", "xls"), ("application/vnd.ms-powerpoint", "ppt"),
        ("application/vnd.visio", "vsd"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
        ("application/vnd.oasis.opendocument.text", "odt"), ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
        ("application/vnd.oasis.opendocument.presentation", "odp"), ("application/vnd.oasis.opendocument.graphics", "odg"),
        ("application/sql", "sql"), ("application/x-sh", "sh"), ("application/x-csh", "csh"), ("application/x-httpd-php", "php"),
        ("application/x-x509-ca-cert", "crt der"), ("application/x-pem-file", "pem"), ("application/pgp-signature", "sig"),
        ("application/x-bittorrent", "torrent"), ("model/gltf-binary", "glb"), ("model/gltf+json", "gltf"), ("model/stl", "stl"),
        ("model/vnd.usdz+zip", "usdz"), ("application/x-abiword", "abw"), ("application/vnd.sqlite3", "sqlite sqlite3"),
    ]
}
