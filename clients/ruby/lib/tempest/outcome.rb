# frozen_string_literal: true

# What became of a claim: decided by the Runner in a handler thread, applied by the Dispatcher in one place.

module Tempest
  # The four arguments of settle for one job, and the answer's way if it leads to another queue.
  class Outcome
    attr_reader :claim, :verdict, :answer, :address

    # @return [Boolean] whether an answer to another queue has been pushed already, or one to a node has reached it
    attr_accessor :delivered

    # @return [Journey, nil] where the job's route goes on before it is settled
    attr_accessor :journey
    # @return [Array, nil] of the answer that goes on; nil: the job failed
    attr_accessor :args
    # @return [Array<Onward>, nil] the jobs that follow, as far as they are known
    attr_accessor :onward

    # @return [FailedRun, nil] what the log says of a run that failed
    attr_accessor :failed_run
    # @return [Boolean] whether a call whose reply was lost has named it: what the next one says of the claim may be due to that
    attr_accessor :was_sent

    # @param verdict [String] as settle takes it: `done`, `failed`, `expired`, `cancelled <job id>`, `dead <reason> <sentence>`,
    #   `retry <ms>`, `next <level>`, `unknown <ms> <action>`
    # @param answer [String] bytes; empty: none. Of a retry: the job as it is to be run next; of `next`: the job that follows
    # @param address [Address, nil] nil: nobody waits
    def initialize(claim, verdict, answer = "", address = nil)
      @claim = claim
      @verdict = verdict
      @answer = answer
      @address = address
      @delivered = false
    end

    # @return [Outcome] for what never reaches a handler
    def self.dead(claim, reason, sentence, answer = "", address = nil)
      new(claim, "", answer, address).tap { |made| made.become_dead(reason, sentence) }
    end

    # @param after [Integer] milliseconds until it is due
    # @param payload [String] the job as it is to be run then
    # @return [Outcome] for a job that is to be run again
    def self.retry(claim, after, payload)
      new(claim, "retry #{after}", payload)
    end

    # @return [Boolean] whether the job is to be run again, or elsewhere: it is not over
    def goes_back?
      @verdict.start_with?("retry ", "unknown ")
    end

    # Done, and this job follows on the level: settle pushes it.
    def become_next(level, payload)
      @verdict = "next #{level}"
      @answer = payload
      @address = nil
    end

    def become_answer(verdict, answer, address)
      @verdict = verdict
      @answer = answer
      @address = address
    end

    def become_dead(reason, sentence)
      @verdict = "dead #{reason} #{sentence[0, Envelope::SENTENCE].gsub(/[[:cntrl:]]+/, ' ')}"
    end

    # Its caller is not to be told.
    def unanswered
      @answer = ""
      @address = nil
    end

    # @return [String] the inbox that settle answers to; empty: none, or on another queue
    def inbox
      @address&.kind == :inbox ? @address.inbox : ""
    end

    # @return [Array<String>]
    def arguments
      [@claim.field, @verdict, inbox, @address.nil? || @address.kind == :inbox ? @answer : ""]
    end

    def elsewhere?
      @address&.kind == :elsewhere && !@delivered
    end

    # @return [Boolean] whether its answer has to reach a node first
    def direct?
      @address&.kind == :direct && !@delivered
    end

    def bytesize
      @answer.bytesize + @verdict.bytesize + 64 + Array(@onward).sum { |job| job.payload.bytesize }
    end
  end
end
