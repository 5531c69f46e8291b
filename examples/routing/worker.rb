#!/usr/bin/env ruby
# frozen_string_literal: true

# The Ruby worker of the route: `count`, on the queue ruby. REDIS_URL says where Redis is.

require_relative "../../clients/ruby/lib/tempest"

worker = Tempest::Worker.new("ruby")
worker.handle("count") { |text| text.split.size }
worker.run
