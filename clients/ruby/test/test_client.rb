# frozen_string_literal: true

# The caller's side: calls from many threads, streams, time-outs, and what an inbox does when connections break.

require_relative "harness"

class TestClient < RedisTest
  def echo_worker(**options)
    worker(**options) do |w|
      w.handle("echo") { |arg| arg }
      w.handle("count", context: true) do |context, upto|
        upto.times { |i| context.send_answer(i) }
        nil
      end
      w.handle("fail late", context: true) do |context|
        context.send_answer("first")
        raise Tempest::HandlerError.new("broken", "in the middle")
      end
    end
  end

  def test_values_come_back_as_they_went
    echo_worker
    values = [nil, true, 1, -1, 2**64 - 1, 1.0, -0.0, "é", "\xFF".b, [1, [2]], { "a" => { "b" => nil } }]
    %i[json msgpack tnetstring].each do |codec|
      assert_equal values, client.call("echo", values, codec: codec, timeout: 30), codec
    end
    assert_equal Tempest::Ext.new(-1, "abcd"), client.call("echo", Tempest::Ext.new(-1, "abcd"), codec: :msgpack, timeout: 30)
    assert_raises(Tempest::CodecError) { client.call("echo", Tempest::Ext.new(-1, "abcd")) }
    assert_equal({ "a" => "b" }, client.call(:echo, { a: :b }, timeout: 30))
  end

  def test_many_threads_share_a_client
    echo_worker(concurrency: 8)
    c = client
    answers = Array.new(10) { |n| Thread.new { Array.new(20) { |i| c.call("echo", n * 20 + i, timeout: 30) } } }.flat_map(&:value)
    assert_equal (0...200).to_a, answers
  end

  def test_a_call_that_is_not_answered_times_out_and_its_answer_is_late
    # Without a deadline in the job nobody knows that the caller waits no more.
    c = client(four_elements: true)
    error = assert_raises(Tempest::CallTimeout) { c.call("echo", 1, timeout: 1) }
    assert_includes error.message, "echo"
    echo_worker
    Await.until("the late answer") { c.late == 1 }
    assert_equal 2, c.call("echo", 2, timeout: 30)
  end

  def test_a_stream_comes_in_order_to_a_block_and_to_an_enumerator
    echo_worker
    c = client
    seen = []
    assert_nil c.stream("count", 50, timeout: 30) { |value| seen << value }
    assert_equal (0...50).to_a, seen
    assert_equal [0, 1, 2], c.stream("count", 3, codec: :msgpack, timeout: 30).to_a
    assert_equal [0, 1], c.stream("count", 100, timeout: 30).first(2)
    assert_nil c.call("count", 3, timeout: 30), "the last of several answers, which has no value"
    assert_equal [7], c.stream("echo", 7, timeout: 30).to_a
  end

  def test_a_stream_may_end_with_an_error
    echo_worker
    seen = []
    error = assert_raises(Tempest::RemoteError) { client.stream("fail late", timeout: 30) { |value| seen << value } }
    assert_equal ["broken", ["first"]], [error.code, seen]
  end

  def test_push_many_pushes_all_of_them_in_order
    ids = client.push_many(Array.new(1200) { |n| ["echo", n] }, level: "high")
    jobs = call("LRANGE", "{#{Q}}:high", "0", "-1").map { |job| JSON.parse(job) }
    assert_equal ids, jobs.map { |job| job[3] }
    assert_equal (0...1200).to_a, jobs.map { |job| job[1][0] }
    assert_equal ["echo", [1], nil, client.push("echo", 1)], JSON.parse(call("LINDEX", Q, "0"))
  end

  def test_names_and_values_that_are_none_are_refused_before_anything_is_sent
    c = client
    assert_raises(ArgumentError) { c.push("") }
    assert_raises(ArgumentError) { c.push("a\n") }
    assert_raises(ArgumentError) { c.push("a", queue: "{x}") }
    assert_raises(ArgumentError) { c.push("a", level: "") }
    assert_raises(ArgumentError) { c.push("a", codec: "xml") }
    assert_raises(Tempest::CodecError) { c.push("a", Object.new) }
    assert_raises(Tempest::CodecError) { c.push_many([["a", 1], ["a", Float::NAN]]) }
    assert_empty call("KEYS", "*")
  end

  def test_an_inbox_survives_cuts_and_a_redis_that_forgets
    echo_worker
    c = client
    assert_equal 1, c.call("echo", 1, timeout: 30)
    call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert_equal 2, answer_after_a_cut(c, 2)
    call("FLUSHALL")
    Await.until("the worker to be back") { !processes.empty? }
    assert_equal 3, c.call("echo", 3, timeout: 30)
    assert_equal 2, call("HLEN", "{#{Q}}:!inboxes"), "the inbox is registered again"
  end

  # The first command on a cut connection finds out; nothing was sent twice.
  def answer_after_a_cut(client, value)
    client.call("echo", value, timeout: 30)
  rescue Tempest::ConnectionLost
    client.call("echo", value, timeout: 30)
  end

  def test_what_is_no_answer_is_dropped
    echo_worker
    c = client
    c.call("echo", 1, timeout: 30)
    inbox = call("HKEYS", "{#{Q}}:!inboxes").find { |field| !field.end_with?("#") }
    ["", "junk", '["echo"]', '["echo","unknown",[1]]', "\xC1"].each { |bytes| call("RPUSH", "{#{Q}}:in:#{inbox}", bytes) }
    assert_equal 2, c.call("echo", 2, timeout: 30)
    assert_equal 1, c.late
  end

  def test_close_ends_all_waiting_and_deletes_the_inbox
    c = client
    waiting = Thread.new { c.call("echo", 1, timeout: 60) }
    waiting.report_on_exception = false
    Await.until("the push") { call("LLEN", Q) == 1 }
    c.close
    assert_raises(Tempest::ClientClosed) { waiting.value }
    assert_raises(Tempest::ClientClosed) { c.push("echo") }
    assert_empty call("KEYS", "{#{Q}}:in:*")
    assert_equal 0, call("EXISTS", "{#{Q}}:!inboxes")
  end

  def test_a_fork_gets_an_inbox_of_its_own
    echo_worker
    c = client
    assert_equal 1, c.call("echo", 1, timeout: 30)
    heard, told = IO.pipe
    child = fork do
      told.write(c.call("echo", 2, timeout: 30).to_s)
      exit!(0)
    end
    told.close
    assert_equal "2", heard.read
    Process.wait(child)
    assert_equal 3, c.call("echo", 3, timeout: 30)
  end

  def test_the_token_keeps_attempts_apart
    expected = Tempest::ExpectedAnswers.new("j")
    assert expected.accept(answer(1, "P/default.1"))
    assert expected.accept(answer(0, "R/default.9")), "a later token replaces one of which nothing was used"
    refute expected.accept(answer(0, "P/default.1")), "the replaced one is not heard any more"
    assert expected.accept(answer(2, "R/default.9"))
    refute expected.accept(answer(2, "R/default.9")), "twice"
    assert_equal 0, expected.take(Tempest.now).seq
    assert_nil expected.take(Tempest.now), "1 is missing"
    expected.accept(answer(0, "S/default.2")) # used answers are never spliced
    assert_equal "interrupted", assert_raises(Tempest::RemoteError) { expected.take(Tempest.now) }.code
  end

  def answer(seq, token)
    Tempest::Answer.new(action: "a", job_id: "j", args: [seq], meta: { "more" => true, "seq" => seq, "token" => token }, codec: Tempest::JSONCodec)
  end
end
