# frozen_string_literal: true

# A worker in a process of its own: what signals, kills and a held interpreter lock do to its jobs.

require_relative "harness"

class TestWorkerProcess < RedisTest
  SLOW = 'worker.handle("slow") { |seconds| sleep(seconds); "done" }'

  def test_kill_in_the_middle_of_a_handler_leaves_the_job_in_the_run_hash
    made = worker_process(SLOW)
    id = client.push("slow", 60)
    process = Await.until("the claim") { processes.find { |name| !held(name).empty? } }
    beat = Await.until("the beat process") { made.children.first }
    made.kill
    field, job = held(process).first
    assert_match(/\Adefault\.\d+\z/, field)
    assert_includes job, id
    Await.until("the end of the beat process") { !File.exist?("/proc/#{beat}") || File.read("/proc/#{beat}/stat")[/\) (.)/, 1] == "Z" }
  end

  # procrastinate#1062, rq#709: gems that fork and end their children.
  def test_signals_end_a_child_of_a_handler_and_not_the_worker
    made = worker_process(<<~RUBY)
      worker.handle("child") do |word|
        heard, told = IO.pipe
        pid = fork { told << "."; told.close; sleep 30 }
        heard.read(1)
        Process.kill(word, pid)
        status = nil
        40.times { (status = Process.wait2(pid, Process::WNOHANG | Process::WUNTRACED)&.last) ? break : sleep(0.05) }
        Process.kill("KILL", pid) if status.nil? || status.stopped?
        status && (status.termsig || status.stopsig || status.exitstatus)
      end
      worker.handle("echo") { |word| word }
    RUBY
    c = client
    assert_equal 15, c.call("child", "TERM", timeout: 20)
    refute_nil c.call("child", "INT", timeout: 20)
    # Where nobody could ever continue it, the system does not stop it either (an orphaned process group).
    assert_includes [20, nil], c.call("child", "TSTP", timeout: 20)
    assert_equal "on", c.call("echo", "on", timeout: 20)
    refute_includes made.log, "stopping"
    refute_includes made.log, "quiet"
  end

  # resque#1032, resque#1017: jobs that fork.
  def test_a_child_that_comes_back_from_its_handler_ends_as_any_program_does
    made = worker_process(<<~RUBY)
      worker.handle("fork_back") do |way|
        pid = fork
        next Process.wait2(pid).last.exitstatus if pid
        exit 3 if way == "exit"
        abort "what is wrong" if way == "abort"
        raise "in the child" if way == "raise"
      end
      worker.handle("echo") { |word| word }
    RUBY
    c = client
    statuses = { "exit" => 3, "abort" => 1, "raise" => 1, "return" => 0 }
    assert_equal(statuses, statuses.to_h { |way, _| [way, c.call("fork_back", way, timeout: 20)] })
    assert_equal "on", c.call("echo", "on", timeout: 20)
    assert_includes made.log, "in the child"
    refute_includes made.log, "Deadlock"
    refute_includes made.log, "failed"
  end

  # bundle --standalone and `ruby -I` tell the program alone where its libraries are.
  def test_the_beat_process_finds_its_libraries_where_the_program_does
    hidden = Dir.mktmpdir("tempest-load-path")
    @endings << -> { FileUtils.rm_rf(hidden) }
    File.write(File.join(hidden, "redis.rb"), "load #{$LOADED_FEATURES.find { |file| file.end_with?('/redis.rb') }.inspect}")
    File.write(File.join(hidden, "only_here.rb"), "")
    source = "$LOAD_PATH.unshift(#{hidden.inspect}, #{LIBRARY.inspect}); require 'tempest'; " \
             "File.write(File.join(#{hidden.inspect}, 'redis.rb'), 'require \"only_here\"; ' + File.read(File.join(#{hidden.inspect}, 'redis.rb'))); " \
             "worker = Tempest::Worker.new('#{Q}'); worker.handle('echo') { |word| word }; worker.run"
    program(RbConfig.ruby, "-e", source).wait_for("tempest worker ready")
    assert_equal 1, client.call("echo", 1, timeout: 20)
  end

  def test_a_beat_process_that_cannot_run_ends_the_worker_with_the_reason
    source = "require 'tempest'; Tempest::Heartbeat.send(:remove_const, :SCRIPT); Tempest::Heartbeat::SCRIPT = '/no/such/beat.rb'; " \
             "worker = Tempest::Worker.new('#{Q}'); worker.handle('echo') { |word| word }; worker.run"
    made = program(RbConfig.ruby, "-I", LIBRARY, "-e", source)
    refute_predicate made.wait, :success?
    assert_match(%r{the beat process cannot run: .*/no/such/beat.rb ended 5 times.*exit 1}, made.log)
    assert_empty processes
  end

  def test_sigterm_finishes_what_runs_and_gives_the_rest_back
    made = worker_process('worker.handle("slow") { |seconds| sleep(seconds); "done" }', "concurrency: 1")
    c = client
    answer = Thread.new { c.call("slow", 1, timeout: 30) }
    Await.until("the claim") { processes.any? { |name| !held(name).empty? } }
    made.signal("TERM")
    made.wait_for("stopping")
    c.push("slow", 2)
    assert_equal "done", answer.value
    assert_predicate made.wait, :success?
    assert_empty processes
    assert_equal 1, call("LLEN", Q)
  end

  def test_the_grace_ends_and_the_job_goes_back_to_the_head
    made = worker_process(SLOW, "grace: 0.3")
    ids = [client.push("slow", 60)]
    Await.until("the claim") { processes.any? { |name| !held(name).empty? } }
    made.signal("INT")
    assert_predicate made.wait, :success?
    ids << client.push("slow", 60)
    assert_equal ids, call("LRANGE", Q, "0", "-1").map { |job| JSON.parse(job)[3] }
    assert_equal 1, counts["returned"]
  end

  def test_a_second_signal_gives_back_at_once
    made = worker_process(SLOW, "grace: 60")
    client.push("slow", 60)
    Await.until("the claim") { processes.any? { |name| !held(name).empty? } }
    made.signal("TERM")
    made.wait_for("stopping")
    made.signal("TERM")
    assert_predicate made.wait, :success?
    assert_equal 1, call("LLEN", Q)
  end

  def test_a_handler_that_holds_the_interpreter_lock_does_not_stop_the_beat
    worker_process(<<~RUBY, "lease: 1")
      # A call into C that sleeps and does not let go of the lock, as an extension that computes does not.
      require "fiddle"
      HOLD = Fiddle::Function.new(Fiddle.dlopen(nil)["usleep"], [Fiddle::TYPE_INT], Fiddle::TYPE_INT, need_gvl: true)
      worker.handle("hog") { |seconds| HOLD.call(seconds * 1_000_000); "done" }
    RUBY
    c = client
    process = Await.until("the worker") { processes.first }
    beat = -> { call("HGET", "{#{Q}}:!procs", process).to_i }
    answer = Thread.new { c.call("hog", 4, timeout: 30) }
    Await.until("the claim") { !held(process).empty? }
    before = beat.call
    Await.until("fifteen beats", 4) { beat.call >= before + 15 }
    assert_predicate answer, :alive?, "the handler still computes"
    assert_equal "done", answer.value
  end

  def test_a_beat_process_that_ends_is_started_again
    made = worker_process(SLOW, "lease: 1")
    first = Await.until("the beat process") { made.children.first }
    Process.kill("KILL", first)
    made.wait_for("the beat process ended")
    Await.until("another") { (made.children - [first]).any? }
    before = call("HGETALL", "{#{Q}}:!procs")
    Await.until("a beat") { call("HGETALL", "{#{Q}}:!procs") != before }
  end

  def test_a_job_that_no_thread_is_free_for_stays_for_others
    made = worker_process(SLOW, "concurrency: 1")
    6.times { client.push("slow", 60) }
    Await.until("the claim") { processes.any? { |name| !held(name).empty? } }
    assert_equal 5, call("LLEN", Q)
    made.signal("TERM")
    made.wait_for("stopping")
    made.signal("TERM")
    made.wait
    assert_equal 6, call("LLEN", Q)
  end

  def test_a_redis_that_goes_and_comes_back
    own = PrivateRedis.new("--appendonly", "yes", "--appendfsync", "always")
    @redis = own
    made = worker_process('worker.handle("slow") { |seconds| sleep(seconds); "done" }')
    c = client
    assert_equal "done", c.call("slow", 0, timeout: 30)
    c.push("slow", 1)
    Await.until("the claim") { processes.any? { |name| !held(name).empty? } }
    own.kill
    made.wait_for("trying again")
    own.start
    made.wait_for("Redis is back")
    assert_equal "done", call_again(c, "slow", 0)
    Await.until("the settle of what ran meanwhile") { counts["settled"] == 3 }
    made.signal("TERM")
    assert_predicate made.wait, :success?
  ensure
    @endings.reverse_each(&:call)
    @endings.clear
    own&.stop
  end

  # A client finds out that its connection is gone by the first command that it sends.
  def call_again(client, *job)
    client.call(*job, timeout: 30)
  rescue Tempest::ConnectionLost
    retry
  end

  def test_a_worker_waits_for_a_redis_that_is_not_there_and_can_be_stopped
    made = program(RbConfig.ruby, "-I", LIBRARY, "-e",
                   'require "tempest"; Tempest::Worker.new("q", redis_url: "unix:///nowhere/redis.sock").handle("a") { 1 }.run')
    made.wait_for("trying again")
    made.signal("TERM")
    assert_predicate made.wait, :success?
  end
end
