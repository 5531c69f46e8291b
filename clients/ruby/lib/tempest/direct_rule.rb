# frozen_string_literal: true

# Whether a direct address of a job may be answered at all: decided from its text alone, before the job runs and before anything is looked
# up. Before it: an envelope. After it: a handler.

module Tempest
  # @api private
  class DirectRule
    LOWEST_PORT = 1024
    # Redis, its cluster bus and Sentinel: no node is there.
    REDIS_PORTS = [6379, 16_379, 26_379].freeze

    # @return [AllowedNetworks]
    attr_reader :allowed

    # @param redis_port [Integer, nil] that of the worker's own Redis, if it has one
    def initialize(allowed, redis_port)
      @allowed = allowed
      @redis_port = redis_port
    end

    # @return [String, nil] why the address is refused; nil: it is not
    def refusal(host, port, action)
      return "the answer would be a command of Redis: an action must not be called so" if RedisCommands.include?(action)
      return "no node listens at a port below #{LOWEST_PORT}" if port < LOWEST_PORT
      return "no node listens at a port of Redis" if port == @redis_port || REDIS_PORTS.include?(port)

      "the host is not in the networks that may be answered directly (#{@allowed.description})" unless @allowed.target(host)
    end

    # For jobs of which another place decides whether they may be run.
    ANY = Object.new.tap { |any| any.define_singleton_method(:refusal) { |_host, _port, _action| nil } }.freeze
    # Of a worker that answers no node.
    NONE = Object.new.tap { |none| none.define_singleton_method(:refusal) { |_host, _port, _action| "direct answers are not allowed here" } }.freeze
  end
end
