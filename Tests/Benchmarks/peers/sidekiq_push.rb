# sidekiq_push.rb JOBS
require_relative "sidekiq_peer"

(0...ARGV.fetch(0).to_i).each_slice(1000) do |numbers|
  Sidekiq::Client.push_bulk(
    "class" => Note, "args" => numbers.map { |number| [{ "id" => number, "name" => "tempest", "n" => [1, 2, 3] }] })
end
