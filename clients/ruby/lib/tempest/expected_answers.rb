# frozen_string_literal: true

# What one caller expects for one job: puts answers in order, drops what comes twice, and never splices two attempts.
# Before it: Inbox, whose thread accepts answers. After it: the caller's thread, which takes them.

module Tempest
  # The answers of one job, between the inbox's thread and the caller's.
  class ExpectedAnswers
    # @return [String] the job's id
    attr_reader :job_id

    def initialize(job_id)
      @job_id = job_id
      @lock = Mutex.new
      @arrived = ConditionVariable.new
      @waiting = {}
      @next = 0
      @token = nil
      @known = false
      @left_behind = []
      @interrupted = false
      @failure = nil
    end

    # One more answer, in whatever order.
    # @param answer [Answer]
    # @return [Boolean] whether it was of use; false: it came twice, or from an attempt that was replaced
    def accept(answer)
      @lock.synchronize do
        return false if @interrupted || @left_behind.include?(answer.token)

        return false unless follow(answer.token)
        return false if answer.seq < @next || @waiting.key?(answer.seq)

        @waiting[answer.seq] = answer
        @arrived.signal
        true
      end
    end

    # The reader of the inbox has ended: nothing will come any more.
    def fail(error)
      @lock.synchronize do
        @failure ||= error
        @arrived.signal
      end
    end

    # Waits for the next answer in order.
    #
    # @param deadline [Float, nil] on {Tempest.now}'s clock; nil: no end
    # @return [Answer, nil] nil if the deadline passed
    # @raise [RemoteError] `interrupted` if the job was run again after some of its answers had been used
    def take(deadline)
      @lock.synchronize do
        loop do
          answer = @waiting.delete(@next)
          if answer
            @next += 1
            return answer
          end
          raise RemoteError.new("interrupted", "the job was run again after some of its answers had been used") if @interrupted
          raise @failure if @failure

          left = deadline && deadline - Tempest.now
          return nil if left && left <= 0

          @arrived.wait(@lock, left)
        end
      end
    end

    private

    # Keeps to the first token; a later one replaces it as long as none of the first one's answers has been used.
    def follow(token)
      if !@known
        @known = true
        @token = token
      elsif token != @token
        if @next.positive?
          @interrupted = true
          @waiting.clear
          @arrived.signal
          return false
        end
        @left_behind << @token
        @waiting.clear
        @token = token
      end
      true
    end
  end
end
