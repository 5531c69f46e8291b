#!/usr/bin/env ruby
# frozen_string_literal: true

# The harness's worker in Ruby: uses the library as a user would, and writes every run to the journal.
#
#   TEMPEST_PROCESS=name REDIS_URL=… record.rb QUEUE --journal FILE --concurrency N --lease SECONDS [--actions NAME,…]

require "digest"
require "optparse"
require_relative "../../../clients/ruby/lib/tempest"
require_relative "../../../clients/ruby/lib/tempest/http"

options = { concurrency: 4, lease: 1.0, actions: "record" }
queue, = OptionParser.new do |o|
  o.on("--journal FILE") { |path| options[:journal] = path }
  o.on("--concurrency N", Integer) { |n| options[:concurrency] = n }
  o.on("--lease SECONDS", Float) { |seconds| options[:lease] = seconds }
  o.on("--actions NAMES") { |names| options[:actions] = names }
end.parse(ARGV)
abort("record.rb: QUEUE and --journal FILE are needed") unless queue && options[:journal]

journal = File.open(options[:journal], File::WRONLY | File::APPEND | File::CREAT, 0o600)
journal.sync = true
note = lambda do |id, event|
  line = "#{id} #{Process.pid} #{Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)} #{event}\n"
  exit!(70) unless journal.syswrite(line) == line.bytesize # a run that is not on record would look like a lost job
end
write = ->(context, event) { note.call(context.job_id, event) }

arguments = { concurrency: options[:concurrency], grace: 5 }
known = Tempest::Worker.instance_method(:initialize).parameters.map(&:last)
arguments[:lease] = options[:lease] if known.include?(:lease)
name = ENV.fetch("TEMPEST_PROCESS", "")
arguments[:name] = name if known.include?(:name) && !name.empty?
worker = Tempest::Worker.new(queue, **arguments)

options[:actions].split(",").each do |action|
  worker.handle(action, context: true) do |context, number, milliseconds, *_|
    write.call(context, "begin")
    sleep(milliseconds / 1000.0)
    write.call(context, "end")
    number
  end
end

worker.handle("poison", context: true) do |context, *_|
  write.call(context, "begin")
  Process.kill(:KILL, Process.pid)
end

# What front scenarios ask for: /…/echo, /…/stream (the same in pieces), /…/bytes?seed=S&pieces=N&size=BYTES, whose pieces whoever reads
# them can make, too; and /…/append, which does what must not be done twice: it notes the request's id.
page = Tempest::HTTP.endpoint do |request|
  headers = { "content-type" => "application/octet-stream", "x-id" => request.headers.fetch("x-id", "") }
  nap = request.query.fetch("nap", "0").to_f / 1000
  body = request.body || "hello, world\n".b
  case request.path
  when %r{/bytes\z}
    seed, count, size = %w[seed pieces size].map { |name| request.query[name] }
    request.stream(200, headers) do |out|
      Integer(count).times { |number| out << Digest::SHA256.digest("#{seed}/#{number}") * (Integer(size) / 32) }
    end
  when %r{/append\z}
    note.call(headers["x-id"], "begin")
    sleep(nap)
    note.call(headers["x-id"], "end")
    Tempest::HTTP.answer(200, headers, headers["x-id"])
  when %r{/stream\z}
    size = body.bytesize / 7 + 1
    request.stream(200, headers) do |out|
      0.step(body.bytesize - 1, size) do |start|
        out << body.byteslice(start, size)
        sleep(nap / 7)
      end
    end
  else
    sleep(nap)
    Tempest::HTTP.answer(200, headers, body)
  end
end
worker.handle("url", page, context: true)

worker.run
