# frozen_string_literal: true

# What a front does, for the tests of HTTP: asks by raw jobs, and reads the answers one by one.

require_relative "harness"

class FrontTest < RedisTest
  # Pushes a job whose answers come to the inbox.
  def ask(action, *args, meta: {}, inbox: SecureRandom.hex(8), job_id: SecureRandom.hex(16), queue: Q)
    call("RPUSH", queue, JSON.generate([action, args, inbox, job_id, meta]))
    inbox
  end

  # @return [(Array, Hash)] the args and the meta of the next answer
  def answer(inbox, queue = Q)
    found = call("BLPOP", "{#{queue}}:in:#{inbox}", "20")
    raise "no answer; the log says:\n#{@log&.string}" unless found

    _, _, args, meta = JSON.parse(found.last)
    [args, meta || {}]
  end

  # @return [(Array<Array>, Hash)] the args of all answers to a job, and the meta of the last
  def answers(*job, **options)
    inbox = ask(*job, **options)
    found = []
    loop do
      args, meta = answer(inbox, options.fetch(:queue, Q))
      found << args
      return [found, meta] unless meta["more"]
    end
  end

  def get(action, url = "/", method: "GET", meta: {}, **more)
    answers(action, { "method" => method, "url" => url, "headers" => {} }.merge(more.transform_keys(&:to_s)), meta: meta)
  end
end
