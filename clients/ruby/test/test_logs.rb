# frozen_string_literal: true

# One event is one line (docs/logs.md): each scenario writes exactly the lines that are listed there.

require_relative "harness"

class TestLogs < RedisTest
  # What a logger has written, but for a worker's start and end: severity, words, fields.
  def self.parse(text)
    lines = text.scan(/^\w, \[[^\]]*\]\s+(\w+) -- \w*: (.*)$/).map do |severity, line|
      fields = line.scan(/ ([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)/).to_h { |name, value| [name, value.delete_prefix('"').delete_suffix('"')] }
      [severity, line[/\A.*?(?= [a-z_]+=|\z)/], fields]
    end
    lines.reject { |severity, words, _| severity == "DEBUG" || words.start_with?("tempest worker") }
  end

  def lines(log) = TestLogs.parse(log.string)

  def settled(count) = Await.until("#{count} settled") { counts.fetch("settled", 0) >= count }

  def trouble = raise("the disk\nis full #{'x' * 1000}")

  def test_a_failed_attempt_is_one_line_and_the_last_one_another
    log = worker { |w| w.handle("fail") { trouble } }
    id = client.push("fail", attempts: 2, backoff: [0.01, 0.01])
    settled(2)
    retried, dead, *more = lines(log)
    assert_empty more
    expected = { "queue" => Q, "level" => "default", "action" => "fail", "job_id" => id, "attempt" => "1", "attempts" => "2" }
    assert_equal ["WARN", "a job failed and is tried again", expected], [*retried.first(2), retried[2].slice(*expected.keys)]
    assert_operator retried[2]["delay_ms"].to_i, :<=, 10
    assert_equal ["ERROR", "a job is dead", { **expected, "attempt" => "2" }], [*dead.first(2), dead[2].slice(*expected.keys)]
    assert_equal "exhausted", dead[2]["reason"]
    [retried, dead].each do |line|
      assert line[2]["error"].start_with?("RuntimeError: the disk is full"), line.inspect
      assert_operator line[2]["error"].size, :<=, 510
    end
  end

  def test_a_failure_that_a_caller_hears_of_is_one_line_and_not_recorded
    log = worker do |w|
      w.handle("fail") { trouble }
      w.handle("meant") { raise Tempest::HandlerError.new("no_luck", "try later") }
    end
    c = client
    [["fail"], ["meant"], ["meant", 1]].each { |call| assert_raises(Tempest::RemoteError) { c.call(*call, timeout: 30) } }
    told = "a job failed and its caller is told"
    assert_equal [["ERROR", told, "handler"], ["INFO", told, "no_luck"], ["INFO", told, "bad_args"]],
                 lines(log).map { |severity, words, fields| [severity, words, fields["code"]] }
    assert_equal "no_luck: try later", lines(log)[1][2]["error"]
    assert_empty dead
  end

  def test_bad_input_late_and_cancelled_jobs_are_one_line_each
    log = worker { |w| w.handle("none") { nil } }
    call("RPUSH", Q, "nonsense")
    settled(1)
    call("RPUSH", Q, '["none",[],null,"late",{"expires_at":1}]')
    settled(2)
    client.cancel("gone")
    call("RPUSH", Q, '["none",[],null,"gone"]')
    settled(3)
    assert_equal [["ERROR", "a job is dead", "bad_codec"], ["INFO", "a job came too late and is not run", "late"],
                  ["INFO", "a job was cancelled", "gone"]],
                 lines(log).map { |severity, words, fields| [severity, words, fields["reason"] || fields["job_id"]] }
  end

  def test_a_job_that_was_given_to_another_while_it_ran_is_one_line
    lost = lambda do |context|
      process = processes.first
      call("HDEL", "{#{Q}}:!run:#{process}", held(process).keys.first)
      context.send_answer(1)
    end
    log = worker { |w| w.handle("lost", context: true) { |context| lost.call(context) } }
    waiting = Thread.new { client.stream("lost", timeout: 60) { nil } }
    waiting.report_on_exception = false
    Await.until("a line") { !lines(log).empty? }
    (severity, words, fields), *more = lines(log)
    assert_empty more
    assert_equal ["WARN", "a job was given to another process while it ran: what it came to is dropped"], [severity, words]
    assert_equal %w[q default lost], fields.values_at("queue", "level", "action")
    assert_match(/\Adefault\.\d+\z/, fields["claim"])
    waiting.kill
  end

  def test_nothing_is_made_of_what_a_logger_does_not_take
    outcome = Struct.new(:verdict, :failed_run) { def claim = raise("it was asked for its fields") }
    logger = Logger.new(IO::NULL, level: Logger::FATAL)
    ["done", "retry 5", "failed", "dead exhausted of it", "expired", "cancelled x", "unknown 5 a"].each do |verdict|
      Tempest::LogLine.ended(logger, outcome.new(verdict), nil)
    end
    Tempest::LogLine.ended(Logger.new(IO::NULL), outcome.new("done"), nil)
  end

  def test_an_unknown_action_is_named_once
    log = worker { |w| w.handle("old") { nil } }
    c = client
    3.times { c.push("new") }
    Await.until("all to wait") { counts["unknown"] == 3 }
    assert_equal [["WARN", "no handler here for a job's action: it waits for a worker that has one", "new", "60000"]],
                 lines(log).map { |severity, words, fields| [severity, words, *fields.values_at("action", "patience_ms")] }
  end
end

class TestLogsWithoutRedis < RedisTest
  def setup
    super
    @redis = PrivateRedis.new
    @endings << -> { @redis.stop }
  end

  def test_a_redis_that_goes_and_comes_back_is_two_lines
    log = worker(%w[q p]) { |w| w.handle("echo") { |arg| arg } }
    @redis.kill
    Await.until("a line") { log.string.include?("cannot use Redis") }
    @redis.start
    assert_equal 1, client.call("echo", 1, timeout: 30)
    Await.until("the other line") { log.string.include?("Redis is back") }
    words = TestLogs.parse(log.string).map { |_, line, _| line } - ["joined again", "fenced: what it ran is dropped, and a new process begins"]
    assert_equal ["cannot use Redis; trying again", "Redis is back"], words
  end

  def test_a_redis_that_is_not_there_at_the_start_is_one_line
    @redis.kill
    log = StringIO.new
    made = Tempest::Worker.new(%w[q p], redis_url: @redis.url, logger: Logger.new(log)).handle("echo") { |arg| arg }
    thread = Thread.new { made.run(signals: false) }
    @endings << -> { made.stop && thread.join(30) }
    Await.until("a line") { log.string.include?("cannot use Redis") }
    @redis.start
    Await.until("the start") { log.string.include?("tempest worker ready") }
    assert_equal ["cannot use Redis; trying again", "Redis is back"], TestLogs.parse(log.string).map { |_, line, _| line }
  end
end
