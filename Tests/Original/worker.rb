# A worker in the manner of ruby-tempest: `context.answer *args` becomes Redis#<action> job_id, json, which redis-rb sends as it is.
# Run: ruby worker.rb REDIS_PORT QUEUE…
require 'json'
require 'redis'

$stdout.sync = true

# What a handler is given.
Context = Struct.new(:client, :action, :job_id) do
  def answer(*args)
    reply = client.public_send(action, job_id, JSON.generate(args))
    puts "answered #{reply}"
  end
end

ACTIONS = {
  'add' => ->(context, a, b) { context.answer(a + b) },
  'shout' => ->(context, text) { context.answer(text.upcase) },
  'url' => lambda do |context, request|
    context.answer(200, { 'content-type' => 'text/plain' }, "#{request['method']} #{request['url']} by ruby")
  end
}.freeze

port, *queues = ARGV
source = Redis.new(host: '127.0.0.1', port: port.to_i)
clients = Hash.new do |all, address|
  host, node_port = address.split(':')
  all[address] = Redis.new(host: host, port: node_port.to_i)
end
puts 'ready'
begin
  loop do
    _, task = source.blpop(*queues, timeout: 0)
    action, args, respond_to, job_id = JSON.parse(task)
    ACTIONS.fetch(action).call(Context.new(clients[respond_to], action, job_id), *args)
  end
rescue Redis::BaseConnectionError, Interrupt, SignalException
  exit
end
