# frozen_string_literal: true

# What became of a claim: decided by the Runner in a handler thread, applied by the Dispatcher in one place.

module Tempest
  # The four arguments of settle for one job, and the answer's way if it leads to another queue.
  class Outcome
    attr_reader :claim, :verdict, :answer, :address

    # @return [Boolean] whether an answer to another queue has been pushed already
    attr_accessor :delivered

    # @param verdict [String] `done`, `failed` or `dead <reason> <sentence>`
    # @param answer [String] bytes; empty: none
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
      new(claim, "dead #{reason} #{sentence.gsub(/[[:cntrl:]]+/, ' ')}", answer, address)
    end

    # @return [String] the inbox that settle answers to; empty: none, or on another queue
    def inbox
      @address&.kind == :inbox ? @address.inbox : ""
    end

    # @return [Array<String>]
    def arguments
      [@claim.field, @verdict, inbox, inbox.empty? ? "" : @answer]
    end

    def elsewhere?
      @address&.kind == :elsewhere && !@delivered
    end

    def bytesize
      @answer.bytesize + @verdict.bytesize + 64
    end
  end
end
