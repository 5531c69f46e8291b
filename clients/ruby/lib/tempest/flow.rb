# frozen_string_literal: true

# Credits: a caller that names a number in its job's meta holds at most so many answers which it has not used yet. Context asks
# here before it sends an answer that is not the last; what the caller has used it says to Redis.

module Tempest
  # The answers of one job, counted.
  class Flow
    # Seconds after which a caller that uses nothing is given up.
    STALLED = 30.0
    # Seconds between two questions.
    FIRST = 0.005
    LONGEST = 0.05
    AWAY = 0.5

    # @param credits [Object] of meta: an Integer from 1 to 1,000,000; anything else means that nobody counts
    # @param check [#call] raises when the job is to end
    # @param clock [#call] seconds
    # @param pause [#call] sleeps so many seconds
    # @yieldreturn [Integer] how many answers the caller has used
    def initialize(credits, check:, clock: Tempest.method(:now), pause: Kernel.method(:sleep), &used)
      @most = Bounds.number({ "credits" => credits }, "credits")
      @check = check
      @clock = clock
      @pause = pause
      @ask = used
      @used = 0
    end

    # Returns once answer number `seq` may be sent.
    # @raise [CallerStalled] the caller uses nothing for 30 seconds
    def wait(seq)
      return if room?(seq)

      step = FIRST
      over = @clock.call + STALLED
      loop do
        @check.call
        pause = step * (0.5 + (rand / 2))
        step = [step * 2, LONGEST].min
        case progress
        when :some
          over = @clock.call + STALLED
          step = FIRST
        when :away
          # The caller cannot say anything either: its time begins when Redis is back.
          over = @clock.call + STALLED
          pause = AWAY
        end
        return if room?(seq)
        raise CallerStalled.new(seq - @used, STALLED) if @clock.call >= over

        @pause.call(pause)
      end
    end

    private

    def room?(seq)
      @most.nil? || seq - @used < @most
    end

    def progress
      used = @ask.call
      return :none unless used > @used

      @used = used
      :some
    rescue ConnectionLost
      :away
    end
  end
end
