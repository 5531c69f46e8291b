# frozen_string_literal: true

# A Redis that was killed and is there again, and has forgotten its last writes: what an idle worker makes of it.

require_relative "harness"
require "socket"

# A Redis that can be put back to an earlier moment, as a loss of power does with what was not on the disk yet.
class ForgetfulRedis < PrivateRedis
  def initialize
    # All that it has acknowledged is in the file, though perhaps not on the disk: kill -9 loses nothing of it.
    super("--appendonly", "yes", "--appendfsync", "no")
  end

  def remember
    FileUtils.cp_r(file, "#{file}.remembered")
  end

  # It is killed, and has forgotten all since `remember`.
  def forget
    kill
    FileUtils.rm_rf(file)
    FileUtils.mv("#{file}.remembered", file)
    start
  end

  private

  def file = File.join(@folder, "appendonlydir")
end

# Stands before a Redis, as some proxies do: when Redis goes it keeps its clients' connections, and asks the next Redis what was not
# answered. Only what waits for a job is cut.
class KeepingProxy
  attr_reader :url

  def initialize(redis)
    @redis = redis.url.delete_prefix("unix://")
    @url = "#{redis.url}.proxy"
    @asked = {}
    @server = UNIXServer.new("#{@redis}.proxy")
    @thread = Thread.new { loop { Thread.new(@server.accept) { |client| serve(client) } } }
  end

  def close
    @thread.kill
    @server.close
  end

  # Whether clients wait for jobs only: what else they wait for, the next Redis would be asked.
  def all_is_answered? = @asked.values.all? { |asked| asked.empty? || asked.include?("BLMOVE") }

  private

  def serve(client)
    redis = nil
    asked = @asked[client] = +"".b
    loop do
      ready, = IO.select([client, redis].compact)
      if ready.include?(redis)
        if (reply = bytes(redis))
          asked.clear
          client.write(reply)
        else
          break if asked.include?("BLMOVE")

          redis = asked.empty? ? nil : connect(asked)
        end
      else
        break unless (more = bytes(client))

        asked << more
        redis ? redis.write(more) : redis = connect(asked)
      end
    end
  rescue SystemCallError, IOError
    nil
  ensure
    @asked.delete(client)
    [client, redis].compact.each(&:close)
  end

  def bytes(socket)
    socket.readpartial(65_536)
  rescue SystemCallError, EOFError
    nil
  end

  def connect(asked)
    Await.until("a Redis") { connected }.tap { |redis| redis.write(asked) }
  end

  # @return [UNIXSocket, nil] nil if there is no Redis yet, or one that still loads
  def connected
    redis = UNIXSocket.new(@redis)
    redis.write("PING\r\n")
    return redis if redis.gets == "+PONG\r\n"

    redis.close
  rescue SystemCallError
    redis&.close
  end
end

class TestRedisReturns < RedisTest
  def setup
    super
    @redis = ForgetfulRedis.new
    @endings << -> { @redis.stop }
    @begun = Thread::Queue.new
    @gate = Thread::Queue.new
  end

  # A worker that has settled a job and is idle; Redis remembers the moment before the settle.
  def idle_worker(**options)
    made = nil
    log = worker(concurrency: 2, **options) do |w|
      made = w
      w.handle("hold") { @begun << 1; @gate.pop }
    end
    call("RPUSH", Q, '["hold",[],null,"id"]')
    begun
    # With a slot left it claims and parks beside the job, so that nothing is to be done after the settle.
    Await.until("three parked connections") { blocked.size == 3 }
    @redis.remember
    @gate << 1
    settled
    [made, log]
  end

  def begun = Timeout.timeout(30) { @begun.pop }

  # @return [Array<String>] the ids of the connections that wait for a job
  def blocked = call("CLIENT", "LIST").lines.grep(/ flags=\w*b/).map { |line| line[/\Aid=(\d+)/, 1] }

  def run_again
    begun
    @gate << 1
    settled
  end

  # Asks twice: what Redis has replied to the worker it has sent by then.
  def settled = Await.until("the settle") { counts["settled"] == 1 && processes.all? { |process| held(process).empty? } }

  def test_an_idle_worker_runs_what_a_redis_that_was_killed_says_it_holds
    idle_worker
    before = processes
    @redis.forget
    run_again
    assert_equal before, processes
  end

  def test_a_quiet_worker_without_parked_connections_gives_back_what_such_a_redis_says_it_holds
    made, = idle_worker
    made.quiet
    Await.until("the end of all waiting") { blocked.empty? }
    @redis.forget
    Await.until("the job") { call("LLEN", Q) == 1 }
    assert(processes.all? { |process| held(process).empty? })
  end

  def test_a_worker_whose_own_connection_was_kept_finds_out_that_redis_is_another_one
    proxy = KeepingProxy.new(@redis)
    @endings << -> { proxy.close }
    _, log = idle_worker(redis_url: proxy.url)
    Await.until("the reply to the settle") { proxy.all_is_answered? }
    @redis.forget
    run_again
    refute_includes log.string, "trying again", "its connection was to be kept"
  end

  def test_a_worker_that_may_not_ask_who_redis_is_compares_when_a_connection_has_had_trouble
    call("ACL", "SETUSER", "default", "-info")
    log = worker { |w| w.handle("hold") { @begun << 1; @gate.pop } }
    process = Await.until("the worker") { processes.first }
    Await.until("three parked connections") { blocked.size == 3 }
    call("HSET", "{#{Q}}:!run:#{process}", "default.1000", '["hold",[],null,"id"]')
    call("CLIENT", "KILL", "ID", blocked.first)
    run_again
    refute_includes log.string, "trying again"
  end
end
