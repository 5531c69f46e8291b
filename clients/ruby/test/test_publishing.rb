# frozen_string_literal: true

# Events for browsers: what a client publishes, and what is refused before it is.

require_relative "harness"

class TestPublishing < RedisTest
  KEY = "tempest:channel:news:1"

  def followed
    messages = Queue.new
    redis = ::Redis.new(**Tempest::RedisURL.new(PrivateRedis.shared.url).options)
    thread = Thread.new do
      redis.subscribe("news:1") do |on|
        on.subscribe { messages << :subscribed }
        on.message { |_, message| messages << message.dup.force_encoding("UTF-8") }
      end
    end
    assert_equal :subscribed, Timeout.timeout(30) { messages.pop }
    yield -> { Timeout.timeout(30) { messages.pop } }
  ensure
    thread&.kill
    thread&.join
    redis&.close
  end

  def test_an_event_is_published_and_kept
    followed do |heard|
      assert_equal 1, client.publish("news:1", { "a" => "é" }, event: :price)
      id, fields = call("XRANGE", KEY, "-", "+").first
      assert_equal ["message", '["price",{"a":"é"}]'.b], fields
      assert_equal ["price", { "a" => "é" }, { "id" => id }], JSON.parse(heard.call)
      5.times { |n| client.publish("news:1", n, keep: 3) }
      assert_equal 3, call("XLEN", KEY)
    end
  end

  def test_what_is_not_kept_and_the_end_have_no_id
    followed do |heard|
      assert_equal 1, client.publish("news:1", "text", keep: 0)
      assert_equal '["","text"]', heard.call
      assert_equal 1, client.end_streams("news:1")
      assert_equal '["$unsubscribe"]', heard.call
      assert_equal 0, call("EXISTS", KEY)
      assert_equal 0, client.publish("other", 1)
    end
  end

  def test_nothing_is_published_that_browsers_would_not_get
    c = client
    ["", "a b", "a*", "x" * 129, "a\n"].each { |channel| assert_raises(ArgumentError) { c.publish(channel, 1) } }
    %W[a\nb a\r \0].each { |event| assert_raises(ArgumentError) { c.publish("news:1", 1, event: event) } }
    assert_raises(Tempest::CodecError) { c.publish("news:1", Float::NAN) }
    assert_raises(Tempest::ServerError) { c.publish("news:1", 1, keep: -1) }
    assert_equal 0, call("EXISTS", KEY)
  end
end
