# frozen_string_literal: true

# What a settlement makes of Redis' refusals, with replies that the test writes itself.

require_relative "harness"

class TestSettlement < Minitest::Test
  # What stands for a queue. Each reply of Redis is the next of `replies`; `said` are the words that it was told.
  class Queue
    attr_reader :said, :queue, :process

    def initialize(*replies)
      @replies = replies
      @said = []
      @queue = "q"
      @process = "p"
    end

    def settle(_, outcomes)
      @said << outcomes.first.verdict[/\S+/]
      reply = @replies.shift
      reply.is_a?(Exception) ? raise(reply) : reply
    end
  end

  BAD = Tempest::ServerError.new("BADARG no such outcome")

  def setup
    @log = StringIO.new
    @settlement = Tempest::Settlement.new(Logger.new(@log)) { flunk }
  end

  def deaths = @log.string.lines.grep(/a job is dead/)

  def claim(queue) = Tempest::Claim.new(queue, "p", "default.1", "job")

  def test_that_a_job_is_dead_is_said_once_and_when_redis_has_it
    queue = Queue.new(BAD, Tempest::ConnectionLost.new("gone"), BAD, [1])
    @settlement.add(Tempest::Outcome.new(claim(queue), "nonsense"))
    assert_raises(Tempest::ConnectionLost) { @settlement.settle(nil) }
    assert_empty deaths
    @settlement.settle(nil)
    assert_equal %w[nonsense dead nonsense dead], queue.said
    assert_equal 1, deaths.size
    assert_includes deaths.first, "reason=refused"
    assert_includes deaths.first, "outcome=nonsense"
    assert_predicate @settlement, :over?
  end

  def test_one_that_cannot_be_dead_either_waits_and_nothing_is_said_of_it
    queue = Queue.new(BAD, Tempest::ServerError.new("NOPERM no right"))
    @settlement.add(Tempest::Outcome.new(claim(queue), "nonsense"))
    @settlement.settle(nil)
    assert_empty deaths
    refute_predicate @settlement, :over?
  end

  def test_what_a_process_ran_that_was_fenced_is_not_said_a_second_time
    mine, other = claim(Queue.new), Tempest::Claim.new(Queue.new, "before", "default.1", "job")
    [mine, other].each do |claim|
      claim.lose
      @settlement.add(Tempest::Outcome.new(claim, "done"))
    end
    assert_equal 1, @log.string.scan("a job was given to another process while it ran").size
  end
end
