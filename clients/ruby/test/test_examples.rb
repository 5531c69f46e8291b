# frozen_string_literal: true

# The examples as a person starts them: the three workers, each with a malformed job before the good one, and the producer.

require_relative "harness"
require "open3"

class TestExamples < RedisTest
  EXAMPLES = File.expand_path("../../../examples", __dir__)
  WORKERS = {
    "ruby" => [[RbConfig.ruby, File.expand_path("../examples/wordcount.rb", __dir__), Q], "tempest worker ready"],
    "raw ruby" => [[RbConfig.ruby, File.join(EXAMPLES, "raw-ruby/worker.rb"), Q], "raw worker ready"],
    "raw node" => [["node", File.join(EXAMPLES, "raw-node/worker.js"), Q], "raw worker ready"]
  }.freeze
  BAD = ["junk", "", "[1,", "{}", "[]", '["add",{},null,"i"]', '["add",[1,2],"{q}:!procs","i"]', '["add",[1,2],7,"i"]', "\xFF\xC1".b,
         '["add",[1,2],null,null]'].freeze

  def answer(inbox)
    _, bytes = call("BLPOP", "{#{Q}}:in:#{inbox}", "30")
    JSON.parse(bytes)
  end

  WORKERS.each do |language, (command, ready)|
    name = language.tr(" ", "_")

    define_method("test_#{name}_survives_what_is_no_job_and_answers_the_next_with_its_words") do
      started = program(*command).wait_for(ready)
      BAD.each { |bytes| call("RPUSH", Q, bytes) }
      text = "Être or not\tto BE\r\nto be, be\n\u{1F600} be"
      call("RPUSH", Q, JSON.generate(["wordcount", [text], "box", 12, { "unknown" => 1 }]))
      action, id, results = answer("box")
      result = results.first
      assert_equal ["wordcount", 12, language, 2, 10, text.length], [action, id, *result.values_at("language", "lines", "words", "characters")]
      assert_equal [["be", 3], ["to", 2], ["be,", 1], ["not", 1], ["or", 1], ["Être".b.force_encoding("UTF-8"), 1], ["\u{1F600}", 1]], result["top"]
      started.signal("TERM")
      assert_predicate started.wait, :success?
    end

    define_method("test_#{name}_answers_errors_and_serves_its_levels") do
      program(*command).wait_for(ready)
      # Names that an object or a class has, but no handler.
      %w[constructor __proto__ send nonsense].each do |action|
        call("RPUSH", "{#{Q}}:low", JSON.generate([action, [], "box", "i", { "deadline" => (Time.now.to_f * 1000).to_i + 2000 }]))
        assert_equal "unknown_action", answer("box").dig(3, "error", "code"), action
      end
      call("RPUSH", "{#{Q}}:high", JSON.generate(["wordcount", [], "box", "i"]))
      assert_equal "bad_args", answer("box").dig(3, "error", "code")
      call("RPUSH", "{#{Q}}:high", JSON.generate(["wordcount", [5], "box", "i"]))
      assert_includes %w[handler bad_args], answer("box").dig(3, "error", "code")
      call("RPUSH", Q, JSON.generate(["wordcount", [""], "keep", "j"]))
      Await.until("the answer") { call("EXISTS", "{#{Q}}:in:keep") == 1 && call("TTL", "{#{Q}}:in:keep").between?(1, 300) }
      assert_equal [["wordcount", "j"], []], answer("keep").then { |found| [found[0, 2], found[2][0]["top"]] }
    end
  end

  def test_the_raw_workers_refuse_routes_and_answer_into_other_queues
    WORKERS.values.drop(1).each do |command, ready|
      started = program(*command).wait_for(ready)
      jobs = [["add", [1, 2], "box@other", 1], ["add", [1, 2], "box@other", 2, { "route" => [{ "action" => "add" }] }],
              ["add", [1, 2], "box@other", 3, { "gather" => nil }], ["add", [1, 2], "box@o/ther", 4], ["add", [1, 2], "box@other", 5, []],
              ["add", [1, 2], "box@other", 6]]
      jobs.each { |job| call("RPUSH", Q, JSON.generate(job)) }
      answers = Array.new(4) { JSON.parse(call("BLPOP", "{other}:in:box", "30").last) }
      assert_equal [[1, [3], nil], [2, [], "bad_route"], [3, [], "bad_route"], [6, [3], nil]],
                   answers.map { |answer| [answer[1], answer[2], answer.dig(3, "error", "code")] }
      started.signal("TERM")
      started.wait
    end
  end

  def test_the_raw_workers_answer_a_registered_caller_whose_inbox_never_expires
    WORKERS.values.drop(1).each do |command, ready|
      started = program(*command).wait_for(ready)
      assert_equal 3, client.call("add", 1, 2, timeout: 30)
      started.signal("INT")
      started.wait
    end
  end

  def push(*arguments, **environment)
    Open3.capture3({ "REDIS_URL" => @redis.url }.merge(environment.transform_keys(&:to_s)), File.join(EXAMPLES, "producer-redis-cli/push.sh"), *arguments)
  end

  def test_push_sh_prints_the_answer
    program(*WORKERS["raw ruby"][0]).wait_for("raw worker ready")
    out, err, status = push(Q, "add", '[1, 2.5]', "high")
    assert_predicate status, :success?, err
    assert_match(/\A\["add","\h{32}",\[3\.5\]\]\n\z/, out)
    out, = push(Q, "wordcount", '["line\\nline"]')
    assert_equal 1, JSON.parse(out)[2][0]["lines"]
    out, = push(Q, "nonsense")
    assert_equal "unknown_action", JSON.parse(out).dig(3, "error", "code")
  end

  def test_push_sh_says_what_is_wrong
    out, err, status = push(Q, "add", "[1,2]", TIMEOUT: "1")
    assert_equal [1, ""], [status.exitstatus, out]
    assert_includes err, "no answer"
    [[], [Q], ["a b", "add"], [Q, 'a"b'], [Q, "a\nb"], [Q, "add", "1"], [Q, "add", "[]", "9"], [Q, "add", "[]", "low", "x"]].each do |arguments|
      _, err, status = push(*arguments)
      assert_equal 2, status.exitstatus, arguments.inspect
      assert_includes err, "usage", arguments.inspect
    end
    _, err, status = push(Q, "add", REDIS_URL: "unix:///nowhere/redis.sock")
    assert_equal 2, status.exitstatus, err
  end

  def test_push_sh_passes_shellcheck
    skip "shellcheck is not installed" unless system("command -v shellcheck > /dev/null")

    out, status = Open3.capture2e("shellcheck", File.join(EXAMPLES, "producer-redis-cli/push.sh"))
    assert_predicate status, :success?, out
  end

  def test_wordcount_serves_the_levels_and_queues_it_is_told
    program(*WORKERS["ruby"][0], "r", "--concurrency", "2", "--levels", "low").wait_for("queues=q,r levels=low ")
    assert_equal [1, "a", nil], client.call("echo", 1, "a", nil, queue: "r", level: "low", timeout: 30)
    out, status = Open3.capture2e(*WORKERS["ruby"][0], "--levels", "9")
    assert_equal 1, status.exitstatus
    assert_includes out, "usage"
  end
end
