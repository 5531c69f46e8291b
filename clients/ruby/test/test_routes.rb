# frozen_string_literal: true

# Routes: the vectors, and workers that hand jobs on to each other.

require_relative "harness"

class TestRouteVectors < Minitest::Test
  CASES = JSON.parse(File.read(File.expand_path("../../../protocol/vectors/routes.json", __dir__)))

  def bytes(spec) = spec.key?("hex") ? [spec["hex"]].pack("H*") : spec["utf8"].b
  def args(spec) = Tempest::Codecs.detect(bytes(spec)).decode(bytes(spec))
  def with(meta) = Tempest::Job.read(JSON.generate(["x", [], "in", "j", meta]))
  def journey(entry) = Tempest::Journey.of(Tempest::Job.read(bytes(entry["job"])), entry["queue"])
  def jobs(onward) = onward.map { |job| [job.queue, job.level, job.payload.b] }
  def wanted(entry) = entry["jobs"].map { |job| [job["queue"], job["level"], bytes(job["job"])] }

  CASES.each_value { |list| raise "no vectors" if list.empty? }

  def test_valid
    CASES["valid"].each { |entry| Tempest::Journey.of(with(entry["meta"]), "q") }
  end

  def test_invalid
    CASES["invalid"].each { |entry| assert_raises(Tempest::BadRoute, entry["name"]) { Tempest::Journey.of(with(entry["meta"]), "q") } }
  end

  def test_onward
    CASES["onward"].each { |entry| assert_equal wanted(entry), jobs(journey(entry).onward(args(entry["args"]), entry["fresh"])), entry["name"] }
  end

  def test_gathered
    CASES["gathered"].each do |entry|
      after, found = journey(entry).gathered(entry["results"].map { |result| bytes(result) })
      if entry["jobs"]
        assert_equal wanted(entry), jobs(after.onward(found, entry["fresh"])), entry["name"]
      elsif entry["args"]
        assert_equal [[], nil, args(entry["args"])], [after.route, after.gather, found], entry["name"]
      else
        gather = entry["gather"]
        assert_equal gather.values_at("queue", "id", "index", "count"), after.gather.to_a.first(4).values_at(1, 0, 2, 3), entry["name"]
        assert_equal [[], bytes(gather["result"])], [after.route, after.job.codec.encode(found).b], entry["name"]
      end
    end
  end

  def test_answer_ids
    CASES["answer_ids"].each { |entry| assert_equal entry["job_id"], Tempest::Journey.answer_id(Tempest::Job.read(bytes(entry["job"]))), entry["name"] }
  end

  def test_what_a_caller_may_write
    step = { action: :a, queue: "q", level: :low, route: ["b", ["c", { "action" => "d" }]] }
    assert_equal [{ "action" => "a", "queue" => "q", "level" => "low", "route" => [{ "action" => "b" }, [{ "action" => "c" }, { "action" => "d" }]] }],
                 Tempest::Journey.meta([step])
    ["a", ["\n"], [[]], [{ queue: "q" }], [1], ["a"] * 65, [{ action: "a", queue: "a b" }]].each do |route|
      assert_raises(Tempest::BadRoute, route.inspect) { Tempest::Journey.meta(route) }
    end
  end
end

class TestRoutes < RedisTest
  def setup
    super
    [[Q, "x"], ["y"]].each do |queues|
      worker(queues, concurrency: 4) do |w|
        w.handle("echo") { |*args| args }
        w.handle("upper") { |text| text.upcase }
        w.handle("join") { |*texts| texts.join("+") }
        w.handle("refuse") { |*| raise Tempest::HandlerError.new("no_luck", "not here") }
        w.handle("odd") { Object.new }
        w.handle("flaky", context: true, backoff: [0.01, 0.02]) do |context, text|
          raise "not yet" if context.attempt < 2

          "#{text}#{context.attempt}"
        end
        w.handle("count", context: true) do |context, to|
          to.times { |number| context.send_answer(number) }
          to
        end
      end
    end
  end

  def answer(inbox)
    JSON.parse(Await.until("an answer in #{inbox}") { call("LPOP", "{q}:in:#{inbox}") })
  end

  def failure(route)
    assert_raises(Tempest::RemoteError) { client.call("upper", "a", route: route, timeout: 5) }.code
  end

  def test_in_sequence_through_queues_and_back
    %i[json msgpack tnetstring].each do |codec|
      route = ["upper", { action: "upper", queue: "y" }, { action: "upper", queue: "x", level: "low" }, { action: "upper", queue: Q }]
      assert_equal "A", client.call("upper", "a", codec: codec, route: route, timeout: 30)
    end
    assert_equal 9, counts["settled"]
  end

  def test_in_parallel_and_in_parallel_within
    c = client
    assert_equal "A+A", c.call("upper", "a", route: [["upper", { action: "upper", queue: "y" }], "join"], timeout: 30)
    inner = { action: "upper", queue: "y", route: [["upper", { action: "upper", queue: "x" }], "join"] }
    assert_equal "A+A+A", c.call("upper", "a", route: [[inner, "upper"], "join"], timeout: 30)
    assert_equal [["A", "A"], "A"], c.call("upper", "a", route: [[{ action: "upper", route: [%w[upper upper]] }, "upper"]], timeout: 30)
    assert_equal 0, c.late
  end

  def test_nobody_waits
    client.push("upper", "a", attempts: 1, route: [["upper", { action: "upper", queue: "y" }], { action: "refuse", queue: Q }])
    Await.until("the dead") { dead.any? }
    job = JSON.parse(dead.first["job"])
    assert_equal ["exhausted", "refuse", %w[A A], nil, { "attempts" => 1 }], [dead.first["reason"], *job.values_at(0, 1, 2, 4)]
  end

  def test_only_the_last_step_sends_several_answers
    assert_equal [0, 1, 2], client.stream("count", 2, route: [{ action: "count", queue: "y" }], timeout: 30).to_a
  end

  def test_attempts_begin_anew_with_each_step
    assert_equal "a22", client.call("flaky", "a", attempts: 2, route: [{ action: "flaky", queue: "y" }], timeout: 30)
  end

  def test_failures
    assert_equal "no_luck", failure([{ action: "refuse", queue: "y" }, "upper"])
    assert_equal "unknown_action", failure([{ action: "nobody", queue: "y" }])
    assert_equal "bad_answer", assert_raises(Tempest::RemoteError) { client.call("odd", route: ["echo"], timeout: 30) }.code
    call("SET", "broken", "no list")
    assert_equal "bad_route", failure([{ action: "upper", queue: "broken" }])
    client.push("upper", "a", route: [{ action: "upper", queue: "broken" }])
    Await.until("the dead") { dead.any? }
    assert_equal "bad_route", dead.first["reason"]
  end

  def test_of_several_failures_one_is_answered_under_the_id_of_the_caller
    route = [[{ action: "refuse" }, { action: "refuse", queue: "y" }, { action: "nobody" }, { action: "upper" }]]
    meta = { route: route, deadline: (Time.now.to_f * 1000).to_i + 5000 } # the unknown action waits for half of it
    call("RPUSH", Q, JSON.generate(["upper", ["a"], "in1", 7, meta]))
    found = answer("in1")
    assert_equal 7, found[1]
    assert_includes %w[no_luck unknown_action], found[3]["error"]["code"]
    Await.until("the end of all") { counts["settled"] == 4 && call("HGET", "{y}:!counts", "settled") == "1" }
    assert_equal 0, call("EXISTS", "{q}:in:in1")
  end

  def test_a_bad_route_is_not_begun
    call("RPUSH", Q, JSON.generate(["upper", ["a"], "in1", "j", { route: [{ action: "a", queue: "{x}" }] }]))
    error = answer("in1")[3]["error"]
    assert_equal "bad_route", error["code"]
    assert_match(/\Aroute\[0\]\.queue: /, error["message"])
    assert_equal "bad_route", dead.first["reason"]
  end

  def test_what_a_worker_that_died_between_gather_and_push_left_goes_on_once
    gather = { id: "g", queue: Q, count: 2, job_id: "j", route: [{ action: "join", queue: "y" }] }
    call("FCALL", "tempest1_gather", "1", Q, "g", "0", "2", '["A"]')
    call("FCALL", "tempest1_gather", "1", Q, "g", "1", "2", '["B"]')
    2.times { |index| call("RPUSH", Q, JSON.generate(["upper", ["b"], "in1", "g.#{index}", { gather: gather.merge(index: index) }])) }
    assert_equal ["join", "j", ["A+B"]], answer("in1")
    Await.until("the end of both") { counts["settled"] == 2 }
    Await.until("the end of what followed") { call("LLEN", "y").zero? && call("HGET", "{y}:!counts", "settled") == call("HGET", "{y}:!counts", "claimed") }
    assert_equal "1", call("HGET", "{y}:!counts", "settled")
  end

  def test_results_that_no_worker_has_written_end_the_route
    call("FCALL", "tempest1_gather", "1", Q, "g", "0", "2", "{no array")
    call("RPUSH", Q, JSON.generate(["upper", ["b"], "in1", "g.1", { gather: { id: "g", queue: Q, index: 1, count: 2, job_id: 3 } }]))
    found = answer("in1")
    assert_equal [3, "bad_route"], [found[1], found[3]["error"]["code"]]
  end

  def test_a_full_redis_holds_the_route_up
    gate = Thread::Queue.new
    worker("z") { |w| w.handle("hold") { gate.pop } }
    client.push("hold", queue: "z", route: [{ action: "echo", queue: "nobody" }])
    Await.until("it runs") { gate.num_waiting == 1 }
    call("CONFIG", "SET", "maxmemory", "1")
    begin
      gate << "held"
      Await.until("a refusal") { call("INFO", "errorstats").include?("errorstat_OOM") }
      assert_equal 0, call("EXISTS", "nobody")
    ensure
      call("CONFIG", "SET", "maxmemory", "0")
    end
    Await.until("it went on") { call("LLEN", "nobody") == 1 }
  end
end
