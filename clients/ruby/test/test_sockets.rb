# frozen_string_literal: true

# Jobs of WebSocket connections, and frames that are told to a connection at any later time.

require_relative "front"

class TestSockets < FrontTest
  S = Tempest::Sockets

  def setup
    super
    @known = known = []
    chat = S.endpoint do |event|
      known << event
      raise Tempest::HandlerError.new("forbidden", "not for you") if event.request&.path == "/secret"
      next [S.choose(event.protocols.first), "welcome"] if event.request&.path == "/choose"
      next if event.kind != "message"

      { "one" => "1", "two" => ["1", "\xFF".b], "end" => S.close(4000, "bye"), "wrong" => 7 }.fetch(event.data, event.data)
    end
    @log = worker { |w| w.handle("websocket", chat, context: true) }
  end

  def say(**event) = answers("websocket", event.transform_keys(&:to_s))

  def test_each_event_is_answered_by_frames
    assert_equal [[[]], {}], say(event: "open", method: "GET", url: "/chat?a=1", headers: {})
    assert_equal ["/chat", { "a" => "1" }], [@known.last.request.path, @known.last.request.query.to_h]
    assert_equal [["1"]], say(event: "message", data: "one").first
    assert_equal [["1", { "binary" => { "$b64" => "/w==" } }]], say(event: "message", data: "two").first
    assert_equal [[{ "binary" => { "$b64" => "/w==" } }]], say(event: "message", data: "/w==", data_encoding: "base64").first
    assert_equal [[{ "close" => 4000, "reason" => "bye" }]], say(event: "message", data: "end").first
    assert_equal [[]], say(event: "close", code: 1001, reason: "away").first
    assert_equal [1001, "away"], [@known.last.code, @known.last.reason]
  end

  def test_text_stays_text_and_bytes_stay_bytes_in_every_codec
    call("FCALL", "tempest1_listen", "1", Q, "front")
    teller = client
    %w[json msgpack tnetstring].map { |name| Tempest::Codecs.named(name) }.each do |codec|
      ["grüße", "", "abc".b, "".b, "\xFF\0".b, "grüße".b].each do |data|
        is_bytes = data.encoding == Encoding::BINARY
        event = { "event" => "message", "data" => data }
        event = { "event" => "message", "data" => [data].pack("m0").encode("UTF-8"), "data_encoding" => "base64" } if is_bytes && codec.name != "msgpack"
        call("RPUSH", Q, codec.encode(["websocket", [event], "front", "typed"]))
        raw = call("BLPOP", "{#{Q}}:in:front", "10").last
        assert_equal [data, data.encoding], [@known.last.data, @known.last.data.encoding], codec.name
        told = codec.encode(["websocket", "typed", [is_bytes ? { "binary" => data } : data]])
        assert_equal codec.decode(told)[2], codec.decode(raw)[2], codec.name
        assert teller.tell(Q, "front", "typed", [data], codec: codec)
        assert_equal told.b, call("LPOP", "{#{Q}}:in:front").b, codec.name
      end
    end
    call("FCALL", "tempest1_unlisten", "1", Q, "front")
  end

  def test_a_worker_chooses_the_subprotocol
    headers = { "sec-websocket-protocol" => "graphql-ws, chat.1" }
    assert_equal [[[{ "protocol" => "graphql-ws" }, "welcome"]], {}], say(event: "open", method: "GET", url: "/choose", headers: headers, protocol: "chat.1")
    assert_equal [%w[graphql-ws chat.1], "chat.1"], [@known.last.protocols, @known.last.protocol]
    ["", "a b", "a,b", 7].each { |bad| assert_raises(ArgumentError) { S.choose(bad) } }
  end

  def test_a_connection_may_be_refused
    assert_equal "forbidden", say(event: "open", method: "GET", url: "/secret", headers: {}).last["error"]["code"]
  end

  def test_what_is_no_event_and_what_is_no_frame
    [{}, { event: "ping" }, { event: "message" }, { event: "message", data: 1 }, { event: "close" }, { event: "open" }, { event: "close", code: "1" },
     { event: "message", data: "?", data_encoding: "base64" }].each { |bad| assert_equal "bad_args", say(**bad).last["error"]["code"], bad.inspect }
    assert_equal "handler", say(event: "message", data: "wrong").last["error"]["code"]
    assert_includes @log.string, "a frame is text"
  end

  def test_telling_a_connection_later
    call("FCALL", "tempest1_listen", "1", Q, "front")
    ask("websocket", { event: "message", data: "hello" }, inbox: "front", job_id: "conn")
    assert_equal [["hello"], {}], answer("front")
    connection = @known.last.connection
    assert_equal [Q, "front", "conn"], connection.to_a
    other = client
    assert_equal true, other.tell(*connection, ["a", "\xFF".b, S.close])
    assert_equal ["websocket", "conn", ["a", { "binary" => { "$b64" => "/w==" } }, { "close" => 1000, "reason" => "" }]], JSON.parse(call("LPOP", "{#{Q}}:in:front"))
    call("FCALL", "tempest1_unlisten", "1", Q, "front")
    assert_equal false, other.tell(*connection, ["a"])
    assert_equal 0, call("EXISTS", "{#{Q}}:in:front")
  end

  def test_telling_a_front_on_another_queue
    call("FCALL", "tempest1_listen", "1", "far", "front")
    assert_equal true, client.tell(Q, "front@far", 7, ["a"])
    assert_equal ['["websocket",7,["a"]]'], call("LRANGE", "{far}:in:front", "0", "-1")
  end

  def test_what_cannot_be_told
    teller = client
    [nil, "", "a b", "10.0.0.5:80", "{q}:!procs", 7].each { |address| assert_raises(ArgumentError) { teller.tell(Q, address, "conn", ["a"]) } }
    assert_raises(ArgumentError) { teller.tell(Q, "front", "conn", [7]) }
    assert_raises(ArgumentError) { teller.tell("a b", "front", "conn", ["a"]) }
    assert_raises(ArgumentError) { S.close(999) }
    assert_raises(ArgumentError) { S.close(1000, "x" * 124) }
  end
end
