# frozen_string_literal: true

# How long clients wait for a Redis that is away (docs/redis-away.md).

require_relative "harness"
require "socket"

class TestRedisAway < RedisTest
  def setup
    super
    @redis = PrivateRedis.new
    @gone = false
    @endings << -> { @gone ? FileUtils.rm_rf(@redis.folder) : @redis.stop }
  end

  def take_away
    @redis.kill
    @gone = true
  end

  def back_after(seconds)
    thread = Thread.new do
      sleep(seconds)
      @redis.launch
      @gone = false
    end
    @endings << -> { thread.join }
  end

  def took
    began = Tempest.now
    yield
    Tempest.now - began
  end

  def test_a_push_and_a_call_wait_for_it
    c = client(patience: 20)
    c.push("warm")
    take_away
    # For a second after its last use a connection is trusted.
    c.instance_variable_get(:@line).instance_variable_set(:@used, 0)
    assert_operator took { back_after(0.5) && c.push("note", 1) }, :>, 0.4
    Await.until("Redis") { call("PING") rescue nil }
    assert_equal 1, call("LLEN", Q), "once"
    call("DEL", Q)
    worker { |w| w.handle("echo") { |arg| arg } }
    take_away
    c.instance_variable_get(:@line).instance_variable_set(:@used, 0)
    back_after(0.5)
    assert_equal 1, c.call("echo", 1, timeout: 30)
  end

  def test_the_error_comes_after_the_patience_and_names_the_host
    c = client(patience: 0.7)
    take_away
    [-> { c.push("a") }, -> { c.push("a", after: 60) }, -> { c.call("a") }, -> { c.cancel("id") }].each do |ask|
      error = nil
      assert_includes 0.7..10, took { error = assert_raises(Tempest::ConnectionLost, &ask) }
      assert_includes error.message, "#{@redis.folder}/redis.sock"
      assert_includes error.message, "Is redis-server running there?"
    end
  end

  def test_a_call_waits_no_longer_than_its_timeout
    c = client(patience: 60)
    take_away
    assert_operator took { assert_raises(Tempest::ConnectionLost) { c.call("a", timeout: 0.3) } }, :<, 10
  end

  def test_without_patience_it_is_one_attempt
    c = client(patience: 0)
    c.push("a")
    assert_raises(Tempest::CallTimeout) { c.call("nobody", timeout: 1) }
    take_away
    assert_operator took { assert_raises(Tempest::ConnectionLost) { c.push("a") } }, :<, 3
    assert_raises(ArgumentError) { client(patience: -1) }
  end

  def test_credentials_that_are_refused_fail_at_once
    c = Tempest::Client.new(redis_url: "unix://me:wrong@#{@redis.folder}/redis.sock", patience: 60)
    assert_operator took { assert_raises(Tempest::ServerError) { c.push("a") } }, :<, 10
  end

  # A server that takes a push and never answers.
  def test_what_was_sent_is_not_sent_again
    server = TCPServer.new("127.0.0.1", 0)
    seen = []
    thread = Thread.new do
      loop do
        socket = server.accept
        while (data = socket.readpartial(65_536))
          break seen << data if data.include?("RPUSH")

          socket.write("+OK\r\n" * data.scan(/^\*/).size)
        end
        socket.close
      rescue EOFError
        socket.close
      end
    end
    c = Tempest::Client.new(redis_url: "redis://127.0.0.1:#{server.addr[1]}", patience: 5)
    assert_raises(Tempest::ConnectionLost) { c.push("a") }
    assert_equal 1, seen.size
  ensure
    thread&.kill
    server&.close
  end
end
