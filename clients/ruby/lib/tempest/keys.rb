# frozen_string_literal: true

# The keys in Redis, each made in one place. protocol/queues.md says what they hold.

module Tempest
  # Names of queues and levels, and the keys made of them.
  module Keys
    QUEUES = "tempest:queues"
    # The hash of the running nodes, node id -> JSON.
    NODES = "tempest:nodes"
    QUEUE = /\A[A-Za-z0-9_.-]{1,128}\z/.freeze
    LEVEL = /\A[A-Za-z][A-Za-z0-9_.-]{0,127}\z/.freeze

    CHANNEL = /\A[A-Za-z0-9_.:-]{1,128}\z/.freeze

    module_function

    # @return [String] the list that holds a level's waiting jobs
    def level(queue, level)
      level == "default" ? queue : "{#{queue}}:#{level}"
    end

    # @return [String] the list that answers are pushed to
    def inbox(queue, id)
      "{#{queue}}:in:#{id}"
    end

    def inboxes(queue)
      "{#{queue}}:!inboxes"
    end

    # @return [String] the set of a process's connections
    def connections(queue, process)
      "{#{queue}}:!cid:#{process}"
    end

    # @return [String] the channel on which the functions tell workers what is new
    def news(queue, database)
      channel("{#{queue}}:!news", database)
    end

    # @return [String] the channel on which operators speak to nodes
    def control(database)
      channel("tempest:control", database)
    end

    # What is published in one database is heard in all: in all but database 0 a channel has `@n` at its end, which no name has.
    def channel(name, database)
      database.zero? ? name : "#{name}@#{database}"
    end

    # @return [String] the hash of the jobs that a process holds
    def run(queue, process)
      "{#{queue}}:!run:#{process}"
    end

    # @return [String] the list into which a parked BLMOVE drops a job
    def land(queue, process, level)
      "{#{queue}}:!land:#{process}:#{level}"
    end

    # @return [String] the stream of the events that a channel has kept
    def history(channel)
      "tempest:channel:#{channel}"
    end

    # @raise [ArgumentError] for what is no channel's name
    def check_channel(name)
      text = name.to_s
      CHANNEL.match?(text) ? text : raise(ArgumentError, "a channel is 1 to 128 of A-Z a-z 0-9 _ . : -, and #{text.inspect} is not")
    end

    # @raise [ArgumentError] for what is no queue's name
    def check_queue(name)
      text = name.to_s
      QUEUE.match?(text) ? text : raise(ArgumentError, "a queue is 1 to 128 of A-Z a-z 0-9 _ . -, and #{text.inspect} is not")
    end

    # @raise [ArgumentError] for what is no level's name
    def check_level(name)
      text = name.to_s
      LEVEL.match?(text) ? text : raise(ArgumentError, "a level is a letter, then A-Z a-z 0-9 _ . -, and #{text.inspect} is not")
    end
  end
end
