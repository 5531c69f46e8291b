# frozen_string_literal: true

# What one caller expects for one job: puts answers in order, drops what comes twice, and never splices two attempts
# (protocol/answers.md, "One answer, or several"). Before it: Inbox, whose thread accepts answers. After it: the caller's thread, which
# takes them.

module Tempest
  # The answers of one job, between the inbox's thread and the caller's.
  class ExpectedAnswers
    # An answer so many places after the next one is no ordinary reordering.
    MOST_EARLY = 10_000

    # @return [String] the job's id
    attr_reader :job_id
    # @return [Integer] how many answers the caller has taken
    attr_reader :used
    # @return [Integer] how many answers may wait here; 0: any number, and the worker does not ask
    attr_reader :window

    # @param whole [Boolean] whether the caller wants only the last answer
    def initialize(job_id, whole: false, window: 0)
      @job_id = job_id
      @whole = whole
      @window = window
      @lock = Mutex.new
      @arrived = ConditionVariable.new
      @ready = []
      @early = {}
      @next = 0
      @used = 0
      @token = nil
      @known = false
      @left_behind = []
      @ended = false
      @answered = false
      @failure = nil
    end

    # One more answer, in whatever order.
    # @param answer [Answer]
    # @return [Boolean] whether it was of use; false: it came too late, twice, or from an attempt that was replaced
    def accept(answer)
      @lock.synchronize do
        return false if @ended

        useful = (error = answer.error) ? fail_with(answer, error) : follow(answer)
        @arrived.signal if useful
        useful
      end
    end

    # The reader of the inbox has ended: nothing will come any more.
    def fail(error)
      @lock.synchronize do
        @failure ||= error
        @ended = true
        @arrived.signal
      end
    end

    # @return [Boolean] whether the last answer has come: nothing of the job runs any more
    def answered?
      @answered
    end

    # @return [Boolean] whether a stream waits for answers that a worker may still make
    def wanted?
      !@whole && !@answered
    end

    # @return [Integer] how many answers wait here
    def held
      @lock.synchronize { @ready.size + @early.size }
    end

    # Waits for the next answer in order.
    #
    # @param deadline [Float, nil] on {Tempest.now}'s clock; nil: no end
    # @return [Answer, nil] nil if the deadline passed
    # @raise [RemoteError] the job failed; `interrupted` if it was run again after some of its answers had been used
    def take(deadline)
      @lock.synchronize do
        loop do
          if (answer = @ready.shift)
            @used += 1
            return answer
          end
          raise @failure if @failure

          left = deadline && (deadline - Tempest.now)
          return nil if left && left <= 0

          @arrived.wait(@lock, left)
        end
      end
    end

    private

    # Keeps to the first token; a later one replaces it as long as none of the first one's answers has been used.
    def follow(answer)
      token = answer.token
      if !@known
        @known = true
        @token = token
      elsif token != @token
        return false if @left_behind.include?(token)
        return interrupt if @used.positive?

        @left_behind << @token
        @ready.clear
        @early.clear
        @next = 0
        @token = token
      end
      return put(answer) unless @whole

      last(answer) unless answer.more?
      true
    end

    # The job has failed, whatever is still missing. What came before that in order is given first.
    def fail_with(answer, error)
      token = answer.token
      if token && @known && token != @token
        return false if @left_behind.include?(token)

        @ready.clear if @used.zero?
      end
      @answered = true
      close(error)
    end

    def interrupt
      @ready.clear
      close(RemoteError.new("interrupted", "the job was run again after some of its answers had been used"))
    end

    def close(failure = nil)
      @early.clear
      @failure = failure
      @ended = true
    end

    def last(answer)
      @ready << answer
      @answered = true
      close
    end

    def put(answer)
      # Some workers number none of their answers: without a token they count as they come, and the last one is the last in any case.
      place = answer.place || (@token ? 0 : @next)
      place = [place, @next].max unless answer.more?
      return false if place < @next || @early.key?(place) || place - @next > MOST_EARLY

      if place > @next
        @early[place] = answer
        return true
      end
      while answer
        @next += 1
        return last(answer) unless answer.more?

        @ready << answer
        answer = @early.delete(@next)
      end
      true
    end
  end
end
