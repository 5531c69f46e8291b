# frozen_string_literal: true

# Whether a job that failed is run again, and when. Pure: the Runner asks, and makes an Outcome of what this says.

module Tempest
  # A handler's rule for its failures; what a job says itself (meta.attempts, meta.backoff) goes before it.
  class RetryPolicy
    # Attempts of a job that somebody waits for, and of one that nobody waits for.
    ANSWERED = 1
    UNANSWERED = 25
    # Seconds before the second attempt, and between attempts at most.
    BACKOFF = [15, 86_400].freeze

    # @param attempts [Integer, nil] how often a job is run at most; nil: 1 with a caller, 25 without
    # @param backoff [Array<Numeric>] seconds before the second attempt, and at most; 365 days at most
    # @param retry_on [Array<Class>, Class, nil] errors after which it is run again; nil: all
    # @raise [ArgumentError]
    def initialize(attempts: nil, backoff: BACKOFF, retry_on: nil)
      raise ArgumentError, "attempts is an integer from 1 on, not #{attempts.inspect}" unless attempts.nil? || (attempts.is_a?(Integer) && attempts >= 1)

      @attempts = attempts
      @backoff = RetryPolicy.milliseconds(backoff)
      @retry_on = retry_on && Array(retry_on)
      return if @retry_on.nil? || @retry_on.all?(Module)

      raise ArgumentError, "retry_on names classes of errors, not #{retry_on.inspect}"
    end

    # @param job [Job]
    # @param error [Exception] what the handler raised
    # @param now [Integer] Redis' clock
    # @return [Integer, nil] milliseconds until the job is to be run again; nil: that was its last attempt
    def again(job, error, now)
      attempt = job.attempt
      return nil if attempt >= attempts(job, error) || !retried?(error)

      after = error.is_a?(Retry) && error.after ? Bounds.milliseconds("after", error.after) : delay(job, attempt)
      # Nobody waits any more when it would be due: the caller is told now.
      deadline = job.number("deadline")
      deadline && now + after > deadline ? nil : after
    end

    # @param backoff [Array<Numeric>] seconds
    # @return [Array<Integer>] milliseconds
    # @raise [ArgumentError]
    def self.milliseconds(backoff)
      unless backoff.is_a?(Array) && backoff.size == 2 && backoff.all? { |time| time.is_a?(Numeric) && time >= 0 } && backoff[0] <= backoff[1]
        raise ArgumentError, "backoff is [first, longest] in seconds, the first no longer than the longest, not #{backoff.inspect}"
      end

      backoff.map { |seconds| Bounds.milliseconds("backoff", seconds) }
    end

    # Who asks for another attempt gets some where nobody has said how many there are, also while a caller waits.
    #
    # @param error [Exception] what the handler raised
    # @return [Integer] how often the job is run at most
    def attempts(job, error)
      most = job.number("attempts") || @attempts || (job.respond_to && !error.is_a?(Retry) ? ANSWERED : UNANSWERED)
      [most, Bounds::ATTEMPTS].min
    end

    private

    def retried?(error)
      case error
      when Retry then true
      when HandlerError then error.code != "bad_args" && listed?(error)
      else listed?(error)
      end
    end

    def listed?(error)
      @retry_on.nil? || @retry_on.any? { |kind| kind === error }
    end

    # Twice as long each time, and never in step with the others that failed.
    def delay(job, attempt)
      first, longest = Bounds.delays(job.meta) || @backoff
      ([longest, first * (2**[attempt - 1, 60].min)].min * (0.5 + (rand / 2))).round
    end
  end
end
