# frozen_string_literal: true

# Who waits for the answers that come to one inbox. Before it: Inbox, which reads them. After it: ExpectedAnswers, by their job id.

module Tempest
  # The jobs of one inbox that somebody waits for, and how many answers came for nobody.
  class Deliveries
    # @return [Integer] answers that were of no use to anybody
    attr_reader :late

    # @param queue [String]
    # @param logger [Logger, nil]
    def initialize(queue, logger)
      @queue = queue
      @logger = logger
      @lock = Mutex.new
      @expected = {}
      @late = 0
    end

    # @param expected [ExpectedAnswers] gets its job's answers from now on
    def expect(expected)
      @lock.synchronize { @expected[expected.job_id] = expected }
    end

    def forget(job_id)
      @lock.synchronize { @expected.delete(job_id) }
    end

    # @return [Array<ExpectedAnswers>]
    def all
      @lock.synchronize { @expected.values }
    end

    # Passes an answer on. What is no answer is logged, and dropped.
    # @param bytes [String] as they came from Redis
    def deliver(bytes)
      answer = Answer.read(bytes)
      expected = @lock.synchronize { @expected[answer.job_id] }
      return if expected&.accept(answer)

      @late += 1
    rescue Refused => e
      @logger&.warn(LogLine.of("what came to the inbox is not an answer", queue: @queue, reason: e.reason, error: e.message))
    end
  end
end
