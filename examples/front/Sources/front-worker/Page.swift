// What a browser asks for and sends along, as the front's job has it. Before it: a job. After it: the handlers of Program.

import Tempest

/// A request and its uploads.
struct Page: Decodable {
    var request: WebRequest
    var uploads: [UploadReference]

    private enum CodingKeys: String, CodingKey { case uploads }

    init(from decoder: any Decoder) throws {
        request = try WebRequest(from: decoder)
        uploads = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent([UploadReference].self, forKey: .uploads) ?? []
    }
}

/// A job of a WebSocket connection.
struct Frame: Decodable {
    var event: String
    var data: String?
}
