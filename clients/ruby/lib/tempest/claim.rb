# frozen_string_literal: true

# One claimed job on its way through this process. Before it: a reply of claim or adopt. After it: a Runner, an Outcome.

module Tempest
  # A job's bytes and the name under which this process holds them.
  class Claim
    attr_reader :station, :process, :field, :level, :payload

    # @return [Boolean] whether a handler thread has it
    attr_accessor :started

    # @param station [Station] the queue it came from
    # @param process [String] P at the time of the claim
    # @param field [String] `<level>.<number>`
    def initialize(station, process, field, payload)
      @station = station
      @process = process
      # Names come from Redis as bytes, and are text here.
      @field = field.dup.force_encoding(Encoding::UTF_8)
      @level = @field[/\A(.*)\.\d+\z/, 1]
      @payload = payload
      @started = false
      @lost = false
    end

    # @return [String] what ties the answers of this attempt together
    def token
      "#{@process}/#{@field}"
    end

    # The job is no longer this process's: whatever comes of it is dropped.
    def lose
      @lost = true
    end

    def lost?
      @lost
    end
  end
end
