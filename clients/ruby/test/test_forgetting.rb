# frozen_string_literal: true

# A Redis that forgets its last second, as one with `appendfsync everysec` does when it is killed: no answer is lost by it.

require_relative "harness"

class TestForgetting < RedisTest
  # Begins a call for each word. Their threads, and the jobs in the order of the words.
  def calls(client, *words)
    threads = words.map { |word| Thread.new { client.call("echo", word, timeout: 10) } }
    jobs = words.map { JSON.parse(call("BLPOP", Q, "10")[1]) }.sort_by { |job| job[1] }
    [threads, jobs]
  end

  def inbox(job) = "{#{Q}}:in:#{job[2]}"

  def answer(job) = JSON.generate([job[0], job[3], job[1], { token: "t" }])

  # Redis is another one all of a sudden: it knows this reader at `position`, and these answers after it.
  def forget(inbox, position, *answers)
    call("MULTI")
    call("HSET", "{#{Q}}:!inboxes", "#{inbox[/[^:]+\z/]}#", position.to_s)
    call("DEL", inbox)
    call("RPUSH", inbox, *answers)
    call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    call("EXEC")
  end

  def test_new_answers_in_the_places_of_forgotten_ones_arrive
    c = client
    threads, old = calls(c, "a", "b", "c")
    old.each { |job| call("RPUSH", inbox(job), answer(job)) }
    assert_equal %w[a b c], threads.map(&:value)
    threads, new = calls(c, "d", "e", "f")
    # It knows the first answer, which is read a second time, and none of the others.
    forget(inbox(new[0]), 0, *[old[0], *new].map { |job| answer(job) })
    assert_equal %w[d e f], threads.map(&:value)
    Await.until("what was read is gone") { call("LLEN", inbox(new[0])).zero? }
  end

  def test_a_stream_goes_on_and_gives_nothing_twice
    c = client
    got = Thread::Queue.new
    stream = Thread.new { c.stream("echo", "x", timeout: 10) { |value| got << value } }
    job = JSON.parse(call("BLPOP", Q, "10")[1])
    parts = (0..5).map { |n| JSON.generate([job[0], job[3], [n], { token: "t", seq: n }.merge(n < 5 ? { more: true } : {})]) }
    call("RPUSH", inbox(job), *parts[0..2])
    assert_equal [0, 1, 2], Array.new(3) { got.pop }
    forget(inbox(job), 0, parts[0], parts[1], *parts[3..])
    stream.join
    assert_equal [3, 4, 5], Array.new(got.size) { got.pop }
  end
end
