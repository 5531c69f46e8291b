#!/usr/bin/env ruby
# frozen_string_literal: true

# The Ruby worker of the page: held requests, a stream, an upload, the room, frames, and a step of the route.

require "json"
require "redis"
require_relative "../../clients/ruby/lib/tempest"

ME = { "language" => "Ruby", "version" => RUBY_VERSION, "process" => Process.pid }.freeze
ROOM = "showcase:room" # who is in it: what it takes to send to each

$stdout.sync = true
worker = Tempest::Worker.new(%w[ruby any echo room], concurrency: 4)
client = Tempest::Client.new
store = Redis.new(url: ENV.fetch("REDIS_URL", "redis://127.0.0.1:6379"))
http = Tempest::HTTP

answer = http.endpoint do |request|
  case [request.method, request.path[%r{[^/]*\z}]]
  in [_, "hello"]
    http.json(ME)
  in [_, "visit"]
    visits = request.session.get("seen", 0) + 1
    request.session.set("seen", visits)
    http.json(ME.merge("visits" => visits))
  in ["POST", "publish"]
    client.publish("news", { "text" => request.fields.fetch("text", "")[0, 200] }.merge(ME), event: "note")
    http.answer(204)
  in ["POST", "upload"]
    next http.text("A file is missing.", status: 400) unless (upload = request.uploads.first)

    size = 0
    upload.open do |file| # the end of it is reached only if size and digest are right
      while (chunk = file.read(1 << 16))
        size += chunk.bytesize
      end
    end
    http.json(ME.merge("filename" => upload.filename, "size" => size, "sha256" => upload.sha256))
  else
    http.text("There is nothing here.", status: 404)
  end
end
worker.handle("url", answer, context: true)

progress = http.endpoint do |request|
  request.stream do |out|
    5.step(100, 5) do |percent|
      sleep 0.05
      out << "#{percent}\n"
    end
  end
end
worker.handle("progress", progress, context: true)

in_room = lambda do |event|
  me = event.connection
  case event.kind
  when "close"
    store.hdel(ROOM, me.job_id)
    nil
  when "open"
    store.hset(ROOM, me.job_id, JSON.generate(me.to_a))
    "#{store.hlen(ROOM)} in the room"
  else
    said = "#{event.data} (by way of Ruby)"
    store.hgetall(ROOM).each do |job_id, place|
      store.hdel(ROOM, job_id) unless job_id == me.job_id || client.tell(*JSON.parse(place), [said])
    end
    said
  end
end

frame = Tempest::Sockets.endpoint do |event|
  if event.context.queue == "room"
    in_room.call(event)
  elsif event.kind == "message"
    "Ruby #{Process.pid}: #{event.data}"
  end
end
worker.handle("websocket", frame, context: true)

worker.handle("count") { |text| text.split.size }

worker.run
client.close
