import CMessagePack
func x() -> Bool { var s = msgpack_sbuffer(); msgpack_sbuffer_init(&s); var pk = msgpack_packer(); msgpack_packer_init(&pk, &s, msgpack_sbuffer_write); msgpack_pack_int64(&pk, 5); return s.size == 1 }
