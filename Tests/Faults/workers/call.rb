#!/usr/bin/env ruby
# frozen_string_literal: true

# The harness's caller in Ruby: calls as a user would, each time with another number, and writes down what became of it.
#
#   REDIS_URL=… call.rb QUEUE --record FILE --first NUMBER --threads N --timeout SECONDS
#
# The lines are those of call.py. SIGTERM: no new calls; it ends with the last one.

require "optparse"
require_relative "../../../clients/ruby/lib/tempest"

options = { threads: 8, timeout: 20.0 }
queue, = OptionParser.new do |o|
  o.on("--record FILE") { |path| options[:record] = path }
  o.on("--first NUMBER", Integer) { |number| options[:first] = number }
  o.on("--threads N", Integer) { |n| options[:threads] = n }
  o.on("--timeout SECONDS", Float) { |seconds| options[:timeout] = seconds }
end.parse(ARGV)
abort("call.rb: QUEUE, --record FILE and --first NUMBER are needed") unless queue && options[:record] && options[:first]

over = false
trap("TERM") { over = true }
record = File.open(options[:record], File::WRONLY | File::APPEND | File::CREAT, 0o600)
record.sync = true
lock = Mutex.new
last = options[:first] - 1
client = Tempest::Client.new(queue: queue)

threads = Array.new(options[:threads]) do
  Thread.new do
    until over
      number = lock.synchronize { last += 1 }
      word =
        begin
          answer = client.call("record", number, rand(0.0..300.0).round(1), timeout: options[:timeout])
          answer == number ? "answered" : "foreign #{answer.inspect}"
        rescue Tempest::CallTimeout
          "timeout"
        rescue Tempest::Error => e
          sleep 0.02
          e.class.name
        end
      record.syswrite("#{number} #{word}\n")
    end
  end
end
threads.each(&:join)
client.close
