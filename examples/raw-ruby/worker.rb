#!/usr/bin/env ruby
# frozen_string_literal: true

# A tier 0 worker: at most once, no library of ours, only a Redis client and JSON.   ruby worker.rb [QUEUE]
# A job is [action, args, respond_to, job_id, meta?]; its answer is [action, job_id, [result], meta?].

require "json"
require "redis"

QUEUE = ARGV.fetch(0, "tempest")
LEVELS = ["{#{QUEUE}}:high", QUEUE, "{#{QUEUE}}:low"].freeze
# An inbox, perhaps of another queue.
ADDRESS = /\A([A-Za-z0-9_-]{1,64})(?:@([A-Za-z0-9_.-]{1,128}))?\z/

# Each handler by its action's exact name. Nothing else that a job says is ever called.
HANDLERS = {
  "add" => ->(a, b) { a + b },
  "wordcount" => lambda { |text|
    words = text.split(/[ \t\r\n]+/).reject(&:empty?).map { |word| word.tr("A-Z", "a-z") }
    top = words.tally.sort_by { |word, count| [-count, word.b] }.first(10)
    { "language" => "raw ruby", "lines" => text.count("\n"), "words" => words.size, "characters" => text.length, "top" => top }
  }
}.freeze

# A job's fields, or an ArgumentError that says what is wrong with it.
def parse(bytes)
  text = bytes.dup.force_encoding("UTF-8")
  raise ArgumentError, "not valid UTF-8" unless text.valid_encoding?

  job = JSON.parse(text)
  raise ArgumentError, "not an array of four or five elements" unless job.is_a?(Array) && job.size.between?(4, 5)

  action, args, respond_to, job_id, meta = job
  raise ArgumentError, "the action is no text" unless action.is_a?(String)
  raise ArgumentError, "the args are no array" unless args.is_a?(Array)
  raise ArgumentError, "the job_id is neither text nor integer" unless job_id.is_a?(String) || job_id.is_a?(Integer)
  raise ArgumentError, "respond_to is not an inbox" unless respond_to.nil? || (respond_to.is_a?(String) && respond_to.match?(ADDRESS))
  raise ArgumentError, "meta is not a map" unless job.size == 4 || meta.is_a?(Hash)

  [action, args, respond_to, job_id, meta || {}]
rescue JSON::ParserError
  raise ArgumentError, "not JSON"
end

def answer(action, args, job_id, meta)
  # Its caller asked for the end of the route, and would get what comes in the middle.
  return failure(action, job_id, "bad_route", "this worker does not follow routes") if meta.key?("route") || meta.key?("gather")

  handler = HANDLERS[action]
  return failure(action, job_id, "unknown_action", "no handler of that name") unless handler
  return failure(action, job_id, "bad_args", "expected #{handler.arity} arguments") unless handler.arity == args.size

  JSON.generate([action, job_id, [handler.call(*args)]])
rescue StandardError => e
  warn "#{action} failed: #{e.message}"
  failure(action, job_id, "handler", "the handler failed")
end

def failure(action, job_id, code, message)
  JSON.generate([action, job_id, [], { error: { code: code, message: message } }])
end

def send_answer(redis, respond_to, bytes)
  inbox, queue = respond_to.match(ADDRESS).captures
  queue ||= QUEUE
  redis.rpush("{#{queue}}:in:#{inbox}", bytes)
  # The inbox of a registered caller never expires; any other does.
  redis.expire("{#{queue}}:in:#{inbox}", 300) unless redis.hexists("{#{queue}}:!inboxes", inbox)
end

stopping = false
%w[TERM INT].each { |signal| trap(signal) { stopping = true } }
redis = Redis.new(url: ENV.fetch("REDIS_URL", "redis://127.0.0.1:6379"))
warn "raw worker ready on #{QUEUE}"
until stopping
  begin
    _, bytes = redis.blpop(*LEVELS, timeout: 1)
    next unless bytes

    action, args, respond_to, job_id, meta = parse(bytes)
    reply = answer(action, args, job_id, meta)
    send_answer(redis, respond_to, reply) if respond_to
  rescue ArgumentError => e
    warn "dropped what is no job: #{e.message}"
  rescue Redis::BaseConnectionError => e
    warn "#{e.message}; trying again"
    sleep 1
  end
end
