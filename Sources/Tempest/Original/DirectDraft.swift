// A job as the original's nodes write it: four elements, respond_to `host:port`, an integer for an id, no meta. Before it: a letter. After
// it: RPUSH.

import TempestCodecs
import TempestProtocol

struct DirectDraft: TokenWritable {
    let letter: Letter
    let respondTo: String
    let id: Int64

    func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: 4)
        try writer.text(letter.action)
        try writer.beginArray(count: letter.count)
        try letter.args.write(to: &writer)
        try writer.endArray()
        try writer.text(respondTo)
        try writer.int(id)
        try writer.endArray()
    }
}
