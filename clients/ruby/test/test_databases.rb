# frozen_string_literal: true

# Two databases of one Redis server: what is published in one is heard in all, and must concern only those of its own.

require_relative "harness"

class TestDatabases < RedisTest
  HANDLERS = <<~RUBY
    worker.handle("patient", context: true) do |context|
      sleep(0.005) until context.cancelled?
      context.check
    end
    worker.handle("count", context: true) do |context|
      200.times { |number| context.send_answer(number) }
      "end"
    end
    worker.handle("nothing") { nil }
  RUBY
  Place = Struct.new(:url, :folder)

  # @return [Tempest::Connection] to a database of the shared server
  def redis(number)
    (@connections ||= {})[number] ||= Tempest::Connection.new(url(number), blocking: 30).tap { |made| @endings << -> { made.close } }
  end

  def url(number) = "#{@redis.url}?db=#{number}"

  def caller_of(number) = client(redis_url: url(number))

  # A worker in each, both of which listen.
  def start
    script = "require 'tempest'\nworker = Tempest::Worker.new('#{Q}')\n#{HANDLERS}\nworker.run"
    [0, 5].each do |number|
      made = Program.new(Place.new(url(number), @redis.folder), RbConfig.ruby, "-I", LIBRARY, "-e", script)
      @endings << -> { made.kill }
      made.wait_for("tempest worker ready")
    end
    ["tempest:control", "tempest:control@5", "{#{Q}}:!news", "{#{Q}}:!news@5"].each do |channel|
      Await.until("one who listens to #{channel}") { call("PUBSUB", "NUMSUB", channel).last == 1 }
    end
    [0, 5].each { |number| Await.until("a record in database #{number}") { redis(number).call("HLEN", "tempest:nodes") == 1 } }
  end

  def state(number) = JSON.parse(redis(number).call("HVALS", "tempest:nodes").first)["state"]

  def cancelled(number) = redis(number).call("HGET", "{#{Q}}:!counts", "cancelled").to_i

  # All that is published on these channels, or on all.
  def listening(*channels)
    messages, listener = Queue.new, ::Redis.new(**Tempest::RedisURL.new(@redis.url).options)
    thread = Thread.new do
      listener.psubscribe(*channels) do |on|
        on.psubscribe { |_, count| messages << :listens if count == channels.size }
        on.pmessage { |_, channel, message| messages << [channel, message] }
      end
    end
    heard = -> { Timeout.timeout(30) { messages.pop } }
    assert_equal :listens, heard.call
    yield heard
  ensure
    thread&.kill
    thread&.join
    listener&.close
  end

  def test_an_order_is_heard_in_its_own_database
    start
    [[5, "tempest:control@5"], [0, "tempest:control"]].each do |number, channel|
      assert_equal %w[running running], [state(0), state(number)]
      assert_equal 1, redis(number).call("PUBLISH", channel, JSON.generate({ "to" => "*", "do" => "quiet" }))
      Await.until("the quiet one") { state(number) == "quiet" }
    end
  end

  def test_a_running_job_is_cancelled_in_its_own_database
    start
    [0, 5].each do |number|
      redis(number).call("RPUSH", Q, '["patient",[],null,"one"]')
      Await.until("the claim") { redis(number).call("HGET", "{#{Q}}:!counts", "claimed").to_i == 1 }
    end
    assert_equal 1, caller_of(5).cancel("one")
    Await.until("the cancelled") { cancelled(5) == 1 }
    assert_equal 0, cancelled(0)
    assert_equal 1, caller_of(0).cancel("one")
    Await.until("the cancelled") { cancelled(0) == 1 }
  end

  def test_a_worker_hears_at_once_that_it_is_to_tick
    start
    process = redis(5).call("HKEYS", "{#{Q}}:!procs").first
    Await.until("the keeper") { redis(5).call("HGET", "{#{Q}}:!clock", "keeper") == process }
    assert_equal ["5", nil], ([5, 0].map { |number| redis(number).call("HGET", "{#{Q}}:!clock", "database") })
    listening("*") do |heard|
      caller_of(5).push("nothing", after: 0.5)
      assert_equal ["{#{Q}}:!news@5", "tick #{process}"], heard.call
    end
    Await.until("the end") { redis(5).call("HGET", "{#{Q}}:!counts", "settled") == "1" }
  end

  def test_events_go_to_the_fronts_of_their_database
    # An earlier library, which knows no databases, is replaced before anything is published.
    earlier = Tempest::Functions.source.sub(/REVISION = \d+/, "REVISION = 7").sub("channel_in(database, channel)", "channel")
    call("FUNCTION", "LOAD", "REPLACE", earlier)
    clients = [0, 5].to_h { |number| [number, caller_of(number)] }
    listening("news", "news@5") do |heard|
      [[5, "news@5"], [0, "news"], [5, "news@5"]].each do |number, channel|
        assert_equal 1, clients[number].publish("news", number, keep: 1)
        name, message = heard.call
        assert_equal [channel, number], [name, JSON.parse(message)[1]]
      end
      assert_equal 1, clients[5].end_streams("news")
    end
    assert_equal [1, 1], ([0, 5].map { |number| redis(number).call("XLEN", "tempest:channel:news") })
    assert_raises(ArgumentError) { clients[0].publish("news@5", 1) }
  end

  def test_a_stream_with_credits_goes_on_as_its_answers_are_used
    start
    redis(5).call("RPUSH", Q, '["count",[],"box","flow",{"credits":4}]')
    found = []
    until found.last == "end"
      _, answer = redis(5).call("BLPOP", "{#{Q}}:in:box", "20")
      found << JSON.parse(answer)[2].first
      redis(5).fcall("credit", Q, "flow", found.size)
    end
    assert_equal [*0...200, "end"], found
  end
end
