# frozen_string_literal: true

# A Redis that refuses for a while: workers wait, neither crash nor hammer, and go on.

require_relative "harness"

class TestPassingTrouble < RedisTest
  def setup
    super
    @redis = PrivateRedis.new("--enable-protected-configs", "yes")
    @endings << -> { @redis.stop }
  end

  # A job ends while Redis refuses; its answer comes when Redis does not.
  #
  # @yield to make Redis refuse, and gives what makes it go on
  def trouble(word)
    gate = Thread::Queue.new
    log = worker(lease: 2) { |w| w.handle("wait") { gate.pop } }
    c = client
    answer = Thread.new { c.call("wait", timeout: 30) }
    Await.until("the claim") { processes.any? { |name| !held(name).empty? } }
    over = yield
    began = Tempest.now
    gate << "done"
    Await.until("the trouble:\n#{log.string}") { log.string.match?(/cannot use Redis; trying again error=.*#{word}/) }
    # Some tries, which wait ever longer.
    Await.until("0.5 s") { Tempest.now - began > 0.5 }
    over.call
    assert_equal "done", answer.value
    # The beat may be the last to notice.
    Await.until("the word that it is over:\n#{log.string}") { log.string.include?("Redis is back") }
    assert_equal 1, log.string.scan("trying again").size, "not a line a try"
    gate << "again"
    assert_equal "again", answer_of(c)
  end

  def answer_of(client)
    client.call("wait", timeout: 30)
  rescue Tempest::ConnectionLost
    retry
  end

  def test_a_replica_that_is_read_only
    trouble("READONLY") do
      call("REPLICAOF", "127.0.0.1", "1")
      -> { call("REPLICAOF", "NO", "ONE") }
    end
  end

  def test_too_few_replicas
    trouble("NOREPLICAS") do
      call("CONFIG", "SET", "min-replicas-to-write", "1")
      -> { call("CONFIG", "SET", "min-replicas-to-write", "0") }
    end
  end

  def test_a_redis_that_cannot_save
    trouble("MISCONF") do
      folder = File.join(@redis.folder, "gone")
      Dir.mkdir(folder)
      call("CONFIG", "SET", "dir", folder)
      call("CONFIG", "SET", "save", "3600 1")
      Dir.rmdir(folder)
      call("SET", "x", "1")
      begin
        call("BGSAVE")
      rescue Tempest::ServerError
        nil
      end
      Await.until("the failure") { call("INFO", "persistence").include?("rdb_last_bgsave_status:err") }
      -> { call("CONFIG", "SET", "save", "") }
    end
  end

  def test_the_ticks_go_on_when_the_functions_are_gone
    worker(lease: 1) { |w| w.handle("echo") { |arg| arg } }
    ticks = -> { call("HGET", "{#{Q}}:!procs", processes.first).to_i }
    process = processes.first
    call("FUNCTION", "FLUSH")
    before = ticks.call
    Await.until("five ticks") { ticks.call >= before + 5 }
    assert_equal [process], processes
  end
end
