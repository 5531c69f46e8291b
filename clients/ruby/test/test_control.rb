# frozen_string_literal: true

# What operators say to a worker and see of it: its record, its notes, quiet and stop, by signals and by the channel.

require_relative "harness"

class TestControl < RedisTest
  SLOW = 'worker.handle("slow") { sleep(0.01) until File.exist?(ENV.fetch("REDIS_URL")[7..] + ".go"); "done" }'

  def nodes = call("HGETALL", "tempest:nodes").each_slice(2).to_h.transform_values { |record| JSON.parse(record) }

  def let_go
    path = "#{@redis.url[7..]}.go"
    File.write(path, "")
    @endings << -> { FileUtils.rm_f(path) }
  end

  def say(message)
    Await.until("somebody who listens") { call("PUBSUB", "NUMSUB", "tempest:control").last.positive? }
    call("PUBLISH", "tempest:control", message.is_a?(String) ? message : JSON.generate(message))
  end

  def state(expected) = Await.until("a node that is #{expected}") { nodes.find { |_, record| record["state"] == expected } }

  def test_the_record_of_a_node_and_its_end
    made = worker_process(SLOW, 'name: "mine", concurrency: 3')
    id, record = state("running")
    assert_match(/\Amine\.[0-9A-HJKMNP-TV-Z]{26}\z/, id)
    assert_equal ["mine", "worker", "ruby", Tempest::VERSION, Socket.gethostname, made.pid, 3, { Q => processes.first }],
                 record.values_at("name", "kind", "language", "version", "host", "pid", "concurrency", "queues")
    assert_in_delta Time.now.to_f * 1000, record["started"], 60_000
    assert_match(/\Amine\.[0-9A-Z]{26}\z/, processes.first)
    made.signal("TERM")
    assert_predicate made.wait, :success?
    assert_empty nodes
  end

  def test_a_supervisor_names_its_children
    assert_equal "chosen", Tempest::ProcessName.chosen("mine", { "TEMPEST_PROCESS" => "chosen" })
    assert_equal "mine", Tempest::ProcessName.chosen("mine", { "TEMPEST_PROCESS" => "" })
    assert_equal "a-b", Tempest::ProcessName.chosen("a b", {})
    assert_match(/\A[A-Za-z0-9_.-]{1,128}\z/, Tempest::ProcessName.fresh(Tempest::ProcessName.chosen("x" * 300, {})))
  end

  def test_the_note_tells_of_the_running_jobs
    worker_process(SLOW)
    ids = Array.new(2) { client.push("slow", level: "high") }
    process = Await.until("the process") { processes.first }
    note = -> { JSON.parse(call("HGET", "{#{Q}}:!notes", process) || "{}") }
    Await.until("a note of both") { note.call["count"] == 2 }
    assert_equal ids.map { |id| [id, "slow", "high"] }.sort, note.call["running"].map { |job| job.first(3) }.sort
    let_go
    Await.until("an empty note") { note.call == { "running" => [], "count" => 0 } }
  end

  def test_a_quiet_worker_finishes_and_begins_nothing_more
    made = worker_process(SLOW)
    c = client
    answer = Thread.new { c.call("slow", timeout: 20) }
    Await.until("the claim") { processes.any? { |name| !held(name).empty? } }
    made.signal("TSTP")
    state("quiet")
    c.push("slow")
    ticks = -> { call("HGET", "{#{Q}}:!procs", processes.first).to_i }
    before = ticks.call
    Await.until("three ticks") { ticks.call >= before + 3 }
    assert_equal 1, call("LLEN", Q)
    let_go
    assert_equal "done", answer.value
    before = ticks.call
    Await.until("three more ticks") { ticks.call >= before + 3 }
    assert_equal 1, call("LLEN", Q)
    refute_predicate made, :ended?
    made.signal("TERM")
    assert_predicate made.wait, :success?
    assert_equal 1, call("LLEN", Q)
  end

  def test_a_quiet_worker_that_is_another_process_from_now_on_says_that_it_knows_no_actions
    made = worker_process(SLOW)
    before = processes.first
    # Its beat finds out nothing: the worker learns that it was fenced when it says that it knows no actions.
    made.children.each { |beat| Process.kill("STOP", beat) }
    call("HDEL", "{#{Q}}:!procs", before)
    made.signal("TSTP")
    after = Await.until("another process") { processes.find { |name| name != before } }
    made.children.each { |beat| Process.kill("CONT", beat) }
    Await.until("its beat") { call("HGET", "{#{Q}}:!procs", after).to_i > 2 }
    state("quiet")
    assert_equal 0, call("EXISTS", "{#{Q}}:!actions:#{after}")
  end

  def test_the_channel_reaches_a_node_by_id_by_name_and_all
    made = %w[one two three].to_h { |name| [name, worker_process(SLOW, "name: #{name.inspect}")] }
    Await.until("three nodes that listen") { nodes.size == 3 && call("PUBSUB", "NUMSUB", "tempest:control").last == 3 }
    ["no json", "[]", '{"to":"one"}', '{"to":"one","do":"explode"}', '{"to":"nobody","do":"stop"}', "\xFF", "x" * 5000].each { |junk| say(junk) }
    say(to: "one", do: "quiet")
    assert_equal "one", state("quiet").last["name"]
    say(to: nodes.find { |_, record| record["name"] == "two" }.first, do: "stop")
    assert_predicate made["two"].wait, :success?
    assert_equal [%w[one quiet], %w[three running]], nodes.values.map { |record| record.values_at("name", "state") }.sort
    say(to: "*", do: "stop")
    made.each_value { |one| assert_predicate one.wait, :success? }
    assert_empty nodes
  end

  def test_stop_lets_what_runs_finish_and_says_so
    made = worker_process(SLOW)
    c = client
    answer = Thread.new { c.call("slow", timeout: 20) }
    Await.until("the claim") { processes.any? { |name| !held(name).empty? } }
    say(to: "*", do: "stop")
    state("stopping")
    # Said twice by operators it is still one wish: only signals end at once.
    say(to: "*", do: "stop")
    let_go
    assert_equal "done", answer.value
    assert_predicate made.wait, :success?
  end
end
