# frozen_string_literal: true

# What a client keeps between calls: Redis' clock, and connections and threads that end with it.

require_relative "harness"

class TestClientLife < RedisTest
  ECHO = ->(made) { made.handle("echo") { |word| word } }

  def skew(by) = client.instance_variable_get(:@clock).offset += by

  def client = @client ||= super

  def test_redis_time_is_asked_again_by_a_new_connection_and_after_a_second
    worker(&ECHO)
    assert_equal 1, client.call("echo", 1, timeout: 10)
    # Another Redis, whose clock is an hour ahead, has taken the place of the one that was asked.
    skew(-3_600_000)
    call("CLIENT", "LIST").lines.grep(/cmd=rpush/).each { |line| call("CLIENT", "KILL", "ID", line[/id=(\d+)/, 1]) }
    client.instance_variable_get(:@line).instance_variable_set(:@used, Tempest.now - 2)
    assert_equal 2, client.call("echo", 2, timeout: 10)
    # Its clock was set.
    skew(-3_600_000)
    client.instance_variable_set(:@clock_set, Tempest.now - 1.1)
    assert_equal 3, client.call("echo", 3, timeout: 10)
  end

  def test_clients_that_nobody_closes_leave_no_threads_connections_and_inboxes
    worker(&ECHO)
    assert_equal 0, client.call("echo", 0, timeout: 10)
    threads = Thread.list.size
    connections = call("CLIENT", "LIST").lines.size
    make_and_forget
    Await.until("their threads to end") { GC.start && false || Thread.list.size <= threads + 2 }
    Await.until("their connections to end") { GC.start && false || call("CLIENT", "LIST").lines.size <= connections + 4 }
    Await.until("their inboxes to go") { call("HKEYS", "{q}:!inboxes").grep_v(/#/).size <= 3 }
  end

  # The collector of Ruby looks at the stack for what may be a reference, so that one or two clients may seem to be in use.
  def make_and_forget
    Array.new(10) { |number| Thread.new { Tempest::Client.new(queue: Q, redis_url: @redis.url).call("echo", number, timeout: 10) } }.each(&:join)
  end

  def test_a_caller_who_may_not_ask_for_the_time_calls_without_a_deadline
    worker(&ECHO)
    call("ACL", "SETUSER", "caller", "on", "nopass", "~*", "&*", "+@all", "-time", "-ping")
    made = Tempest::Client.new(queue: Q, redis_url: @redis.url.sub("unix://", "unix://caller:x@"))
    assert_equal 1, made.call("echo", 1, timeout: 10)
    made.instance_variable_get(:@line).instance_variable_set(:@used, Tempest.now - 2)
    made.push("echo", 2)
    assert_match(/Redis' clock/, assert_raises(ArgumentError) { made.push("echo", 3, expires: 5) }.message)
  ensure
    made&.close
    call("ACL", "DELUSER", "caller")
  end
end
