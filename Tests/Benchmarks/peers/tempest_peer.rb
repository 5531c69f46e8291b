# Tempest's Ruby worker: at least once.
require "tempest"

worker = Tempest::Worker.new(["bench"], levels: ["default"], concurrency: Integer(ENV.fetch("CONCURRENCY", "50")))
worker.handle("note") { |number, _name, _numbers| number }
worker.run
