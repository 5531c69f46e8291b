#!/usr/bin/env ruby
# frozen_string_literal: true

# The Ruby worker: `url`, for a front of node-tempest. REDIS_URL says where Redis is.

require_relative "../../clients/ruby/lib/tempest"

# Fronts may be on this machine alone; any_host is the one that stands for their 0.0.0.0.
nodes = Tempest::AllowedNetworks.new(["127.0.0.1/32"], any_host: "127.0.0.1")
worker = Tempest::Worker.new("tempest", direct_answers: nodes)
worker.handle("url") do |request|
  [200, { "content-type" => "text/plain" }, "#{request['method']} #{request['url']} by Ruby\n"]
end
worker.run
