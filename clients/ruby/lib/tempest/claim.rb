# frozen_string_literal: true

# One claimed job on its way through this process. Before it: a reply of claim or adopt. After it: a Runner, an Outcome.

module Tempest
  # A job's bytes and the name under which this process holds them.
  class Claim
    attr_reader :station, :process, :field, :level, :payload

    # @return [Boolean] whether a handler thread has it
    attr_accessor :started

    # @return [Boolean] whether it was marked as begun, because its job is to be run once
    attr_accessor :once

    # @return [Job, nil] once it was read
    attr_accessor :job

    # @return [String, Integer, nil] nil until a handler thread has begun it
    attr_reader :job_id
    # @return [String, nil]
    attr_reader :action
    # @return [Integer, nil] when it was begun, in milliseconds of Redis' clock
    attr_reader :begun

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
      @once = false
      @lost = false
      @cancelled = false
    end

    # A handler thread knows now which job this is.
    def begin(job, now)
      @job = job
      @action = job.action
      @begun = now
      @job_id = job.job_id
      # Heard between the claim and now.
      @cancelled = true if @heard&.include?(@job_id.to_s.b)
    end

    # Somebody cancelled a job, perhaps this one. Heard in the dispatcher's thread while a handler thread reads the job: each
    # leaves word first and looks after that, so that neither misses the other.
    #
    # @param id [String]
    def hear_cancel(id)
      (@heard ||= []) << id.b unless @job_id
      @cancelled = true if @job_id.to_s.b == id.b
    end

    # @return [Boolean] whether the job was cancelled
    def cancelled?
      @cancelled
    end

    # It is known that the job was cancelled.
    def cancel
      @cancelled = true
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
