# frozen_string_literal: true

# Answers that go straight to the nodes of node-tempest: the vectors, and a worker against nodes that are away, hostile or in doubt.

require "open3"
require_relative "harness"
require_relative "tagged_value"
require_relative "fake_node"

class TestDirectVectors < Minitest::Test
  VECTORS = JSON.parse(File.read(File.expand_path("../../../protocol/vectors/direct.json", __dir__)))

  def bytes(spec) = spec.key?("hex") ? [spec["hex"]].pack("H*") : spec["utf8"].b
  def shape(value) = TaggedValue.shape(value)
  def allowed(entry) = Tempest::AllowedNetworks.new(entry["networks"], **{ any_host: entry["any_host"] }.compact)

  def test_networks
    VECTORS["networks"].each do |entry|
      networks = allowed(entry)
      entry["targets"].each do |host, expected|
        target = networks.target(host)
        assert_equal [expected], [target && { (target.name? ? "name" : "address") => target.host }], "#{entry['name']}: #{host}"
      end
    end
  end

  def test_networks_that_are_refused = VECTORS["refused_networks"].each { |entry| assert_raises(ArgumentError, entry.to_s) { allowed(entry) } }

  def test_commands
    VECTORS["commands"].each { |name| [name, name.upcase].each { |each| assert_includes Tempest::RedisCommands, each } }
    VECTORS["modules"].each { |name| ["#{name}.x", "#{name.upcase}.X"].each { |each| assert_includes Tempest::RedisCommands, each } }
  end

  def test_refusals
    VECTORS["refusals"].each do |entry|
      refusal = Tempest::DirectRule.new(allowed(entry), entry["redis_port"]).refusal(entry["host"], entry["port"], entry["action"])
      assert_equal entry["accepted"], refusal.nil?, "#{entry}: #{refusal}"
    end
  end

  def test_payloads
    VECTORS["payloads"].each do |entry|
      job, answer = Tempest::Job.read(bytes(entry["job"])), Tempest::Answer.read(bytes(entry["answer"]))
      words = Tempest::DirectPayload.words(answer, Tempest::DirectPayload.request?(job), entry["reads_meta"])
      assert_equal [entry["words"]], [words&.map { |word| word.dup.force_encoding(Encoding::UTF_8) }], entry["name"]
    end
  end

  def test_infos
    VECTORS["infos"].each do |entry|
      node = begin
        Tempest::DirectLink.judge(Tempest::DirectLink.parse(bytes(entry["reply"])).first) ? "tempest" : "original"
      rescue Tempest::NoNode
        nil
      end
      assert_equal [entry["node"]], [node], entry["name"]
    end
  end

  def test_arguments
    VECTORS["arguments"].each do |entry|
      assert_equal shape(TaggedValue.read(entry["args"])), shape(Tempest::Job.read(bytes(entry["job"]), single: true).args), entry["name"]
    end
  end

  def test_without_the_option_a_single_argument_is_no_envelope
    VECTORS["arguments"].each do |entry|
      args = Tempest::Job.read(bytes(entry["job"])).args
      assert_equal shape(TaggedValue.read(entry["args"])), shape(args), entry["name"]
    rescue Tempest::Refused => e
      assert_equal "bad_envelope", e.reason, entry["name"]
    end
  end
end

class DirectTest < RedisTest
  def serve(networks = ["127.0.0.1/32"], concurrency: 1, **options)
    direct = networks && Tempest::AllowedNetworks.new(networks)
    log = worker(direct_answers: direct, concurrency: concurrency, grace: 1, **options) do |made|
      @worker = made
      made.handle("add") { |a, b| a + b }
      made.handle("one") { |*args| args }
      made.handle("nan") { Float::NAN }
      made.handle("fails") { raise "for the log" }
      made.handle("url") do |request|
        raise Tempest::HandlerError.new("no_cat", "there is no cat") if request["url"] == "/fail"

        [200, { "content-type" => "text/plain" }, "you asked for #{request['url']}"]
      end
      made.handle("parts", context: true) do |context|
        context.send_answer("a")
        context.send_answer("b")
        "c"
      end
      yield made if block_given?
    end
    @log = log
  end

  def node(**options, &reply) = FakeNode.new(**options, &reply).tap { |made| @endings.unshift(-> { made.stop }) }

  def push(action, args, port, job_id = 1, host: "127.0.0.1")
    call("RPUSH", Q, JSON.generate([action, args, port && "#{host}:#{port}", job_id]))
  end

  def settled(count)
    Await.until("#{count} are settled:\n#{@log.string}") { counts["settled"].to_i >= count }
    assert_equal count, counts["settled"]
  end

  def lines(words) = @log.string.lines.grep(/#{Regexp.escape(words)}/)
  def running = processes.flat_map { |process| held(process).keys }
end

class TestDirectAnswers < DirectTest
  def test_an_answer_is_a_command_named_after_the_action_and_a_page_takes_the_place_of_its_args
    node = node()
    serve
    push("add", [2, 3], node.port, 0) # the original counts from 0
    push("url", [{ headers: {}, method: "GET", url: "/a" }], node.port, 8)
    push("url", [{ headers: {}, method: "GET", url: "/fail" }], node.port, 9)
    push("parts", [], node.port, 10)
    push("fails", [], node.port, 12) # a failure that a node cannot be told of: the job is settled all the same
    push("nan", [], node.port, 13)
    settled(6)
    assert_equal [["add", "0", "[5]"], ["url", "8", '[200,{"content-type":"text/plain"},"you asked for /a"]'],
                  ["url", "9", "[500,{\"content-type\":\"text/plain; charset=utf-8\"},\"Internal Server Error\\n\"]"],
                  ["parts", "10", '["a"]'], ["parts", "10", '["b"]'], ["parts", "10", '["c"]']],
                 # Those of one job come in their order; one job may overtake another.
                 node.answers.sort_by.with_index { |words, place| [words[1].to_i, place] }
    assert_equal [1, [["info"]]], [node.connections, node.infos]
    refute_empty lines("a node of the original cannot be told of a failure")
    assert_empty running
  end

  def test_a_node_that_reads_meta_is_told_of_failures_and_of_the_place_of_each_part
    node = node(info: FakeNode::TEMPEST)
    serve
    push("parts", [], node.port, 1)
    push("url", [{ method: "GET", url: "/fail" }], node.port, 2)
    settled(2)
    meta = node.answers.sort_by.with_index { |words, place| [words[1], place] }.map { |words| JSON.parse(words[3]) }
    assert_equal [[true, 0], [true, 1], [nil, 2]], meta.first(3).map { |each| each.values_at("more", "seq") }
    assert_equal 1, meta.first(3).map { |each| each["token"] }.uniq.size
    assert_equal({ "code" => "no_cat", "message" => "there is no cat" }, meta[3]["error"])
  end

  def test_any_host_stands_for_what_nodes_write_that_listen_everywhere
    node = node()
    serve
    push("add", [2, 3], node.port, 7, host: "0.0.0.0")
    push("add", [2, 4], node.port, 8, host: "[::]")
    settled(2)
    assert_equal [["add", "7", "[5]"], ["add", "8", "[6]"]], node.answers.sort
  end

  def test_any_host_that_is_not_in_the_list_is_not_answered
    node = node()
    serve(["10.0.0.0/8"])
    push("add", [2, 3], node.port, 7, host: "0.0.0.0")
    Await.until("it is dead") { dead.any? }
    assert_equal ["bad_address", 0], [dead.first["reason"], node.connections]
  end

  def test_a_name_is_looked_up_when_it_is_listed
    node = node()
    serve(["localhost"])
    push("add", [2, 3], node.port, 7, host: "LocalHost")
    settled(1)
    assert_equal [["add", "7", "[5]"]], node.answers
  end

  def test_without_the_option_a_direct_address_is_bad_and_nobody_is_connected_to
    node = node()
    serve(nil)
    push("add", [2, 3], node.port, 7)
    push("one", "World", nil, 1)
    Await.until("they are dead") { dead.size == 2 }
    assert_equal %w[bad_address bad_envelope], dead.map { |record| record["reason"] }.sort
    assert(dead.any? { |record| record["detail"].include?("is a direct address: direct answers are not allowed here") })
    assert_equal 0, node.connections
  end

  def test_evil_addresses_connect_to_nobody
    node = node(host: "0.0.0.0")
    serve(["10.0.0.0/8", "0.0.0.0/0", "::/0"])
    hosts = %w[127.0.0.1 localhost 127.1 0x7f.0.0.1 2130706433 0177.0.0.1 127.000.000.001 0.0.0.0 0 [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::]
               127.0.0.1. 127.0.0.2 [64:ff9b::7f00:1] [2002:7f00:1::]]
    hosts.each_with_index { |host, number| push("add", [1, 1], node.port, number, host: host) }
    [80, 6379, 65_536, 0].each { |port| push("add", [1, 1], port, host: "10.0.0.1") }
    push("get", [], 41_210, host: "10.0.0.1")
    Await.until("all are dead") { dead.size == hosts.size + 5 }
    assert_equal ["bad_address"], dead.map { |record| record["reason"] }.uniq
    assert_equal 0, node.connections
  end

  def test_an_argument_that_is_no_array_is_one_argument
    node = node()
    serve
    push("one", "World", node.port, 0)
    push("one", nil, node.port, 1)
    push("one", { a: 1 }, node.port, 2)
    settled(3)
    assert_equal [["one", "0", '[["World"]]'], ["one", "1", "[[]]"], ["one", "2", '[[{"a":1}]]']], node.answers.sort
  end

  def test_a_retry_keeps_the_address_and_the_argument
    node = node()
    tries = []
    serve do |made|
      made.handle("again", attempts: 2, backoff: [0.01, 0.01]) do |value|
        tries << value
        tries.size == 1 ? raise("once more") : value
      end
    end
    push("again", "World", node.port, 0)
    Await.until("it is answered") { node.answers.any? }
    assert_equal [%w[World World], [["again", "0", '["World"]']]], [tries, node.answers]
  end

  def test_the_option_takes_networks
    assert_raises(ArgumentError) { Tempest::Worker.new(Q, direct_answers: ["10.0.0.0/8"]) }
    assert_raises(ArgumentError) { Tempest::AllowedNetworks.new("10.0.0.0/8") }
  end
end

# Tests/Original/front.js does as node-tempest was found to do.
class TestDirectFront < DirectTest
  FRONT = File.expand_path("../../../Tests/Original/front.js", __dir__)

  def test_a_front_of_node_tempest_gets_its_pages
    skip "node is not installed" unless ENV["CI"] || system("command -v node > /dev/null")

    port = FakeNode.free_port
    @redis = PrivateRedis.new("--port", port.to_s)
    @endings << -> { @redis.stop }
    worker("legacy", direct_answers: Tempest::AllowedNetworks.new(["127.0.0.1/32"])) do |made|
      made.handle("url") do |request|
        raise Tempest::HandlerError.new("no_cat", "a secret") if request["url"] == "/fail"

        Tempest::Elements.new(request["url"] == "/none" ? 404 : 200, {}, "#{request['method']} #{request['url']} by Ruby")
      end
    end
    out, status = Open3.capture2e("node", FRONT, port.to_s, "legacy", "/a?b=c", "/none", "/fail", "/d")
    assert_equal ["got /a?b=c 200 GET /a?b=c by Ruby", "got /none 404 GET /none by Ruby", "got /fail 500 Internal Server Error",
                  "got /d 200 GET /d by Ruby", "done"], out.lines(chomp: true)
    assert_predicate status, :success?
  end
end

# What nodes do to a worker.
class TestDirectNodes < DirectTest
  def test_a_real_redis_is_asked_what_it_is_and_told_nothing
    port = FakeNode.free_port
    victim = PrivateRedis.new("--port", port.to_s)
    @endings << -> { victim.stop }
    # What this test's own connection has asked does not count.
    victim.call("CONFIG", "RESETSTAT")
    serve
    push("add", [2, 3], port)
    settled(1)
    refute_empty lines("what listens there is a Redis, not a node")
    refute_includes victim.call("INFO", "errorstats"), "errorstat_"
    assert_includes victim.call("INFO", "commandstats"), "cmdstat_info"
  end

  def test_what_is_no_node_is_hung_up_on_and_told_nothing
    serve
    replies = TestDirectVectors::VECTORS["infos"].reject { |entry| entry["node"] }.map { |entry| entry["reply"]["utf8"] }
    replies += ["$99999999\r\n", "$65537\r\n#{'x' * 65_537}", "+#{'x' * 70_000}", "\0" * 100]
    replies.each.with_index(1) do |reply, count|
      node = node(info: reply)
      push("add", [2, 3], node.port)
      settled(count)
      Await.until("it is hung up on") { node.open.zero? }
      assert_equal [[], 1], [node.answers, node.connections], reply[0, 20]
      assert_equal count, lines("an answer was dropped").size
    end
  end

  def test_a_node_whose_word_to_an_answer_is_no_resp_is_not_asked_twice
    serve
    ["what?\r\n", "+#{'x' * 70_000}", "*1\r\n:1\r\n"].each.with_index(1) do |said, count|
      node = node { said }
      push("add", [2, 3], node.port)
      settled(count)
      assert_equal [1, count], [node.answers.size, lines("an answer was dropped").size], said[0, 20]
    end
  end

  def test_an_answer_whose_word_was_lost_is_sent_again_before_the_job_is_settled
    node = node { |number| number < 3 ? nil : FakeNode::OK }
    serve
    push("add", [2, 3], node.port, 7)
    settled(1)
    assert_equal [["add", "7", "[5]"]] * 3, node.answers
  end

  def test_a_node_that_refuses_an_answer_or_waits_no_longer_is_not_asked_twice
    serve
    ["-ERR no job\r\n", "+LATE\r\n", ":7\r\n", "$-1\r\n", "$2\r\nOK\r\n"].each.with_index(1) do |said, count|
      node = node { said }
      push("add", [2, 3], node.port)
      settled(count)
      assert_equal 1, node.answers.size, said
    end
  end

  def test_other_jobs_go_on_while_a_node_is_away_or_says_nothing
    half, node = node(info: "$21\r\nredis_ver"), node()
    serve(concurrency: 1)
    push("add", [1, 1], FakeNode.free_port, 1)
    push("add", [1, 1], half.port, 2)
    50.times { |number| push("add", [number, 1], node.port, number) }
    settled(50)
    assert_equal (0...50).to_a, node.answers.map { |words| words[1].to_i }.sort
  end

  def test_a_node_that_comes_back_in_time_gets_its_answers
    port = FakeNode.free_port
    serve
    3.times { |number| push("add", [number, 0], port, number) }
    Await.until("they run") { running.size == 3 }
    node = node(port: port)
    settled(3)
    assert_equal (0...3).map { |number| ["add", number.to_s, "[#{number}]"] }, node.answers.sort
  end

  def test_an_answer_of_a_claim_that_is_lost_while_its_node_is_away_is_neither_sent_nor_settled
    port, runs = FakeNode.free_port, 0
    serve { |made| made.handle("turn") { runs += 1 } }
    push("turn", [], port, 7)
    Await.until("it runs") { runs == 1 }
    call("DEL", "{#{Q}}:!procs") # others have taken it for dead, and the job comes again
    Await.until("the worker to notice:\n#{@log.string}") { @log.string.include?("fenced: what it ran is dropped") && runs == 2 }
    node = node(port: port)
    settled(1)
    assert_equal [["turn", "7", "[2]"]], node.answers
  end

  def test_a_job_goes_back_when_its_worker_is_stopped_while_the_node_is_away
    %w[add parts].each do |action|
      call("FLUSHALL")
      node = node { nil }
      serve
      push(action, action == "add" ? [2, 3] : [], node.port, 7)
      Await.until("it was tried") { node.answers.any? }
      2.times { @worker.stop }
      Await.until("it has ended") { @log.string.include?("tempest worker stopped") }
      assert_equal [7], call("LRANGE", Q, 0, -1).map { |job| JSON.parse(job)[3] }
      assert_nil counts["settled"]
    end
  end
end

# The sender alone.
class TestDirectSender < Minitest::Test
  # As much of a claim as a line asks for.
  class FakeClaim
    attr_reader :payload
    attr_accessor :lost

    def initialize(job_id)
      @payload = JSON.generate(["add", [], nil, job_id])
      @lost = false
    end

    def lost? = @lost
  end

  def setup
    @ends = Thread::Queue.new
    @senders, @nodes = [], []
    @log = StringIO.new
  end

  def teardown
    @senders.each(&:close)
    @nodes.each(&:stop)
  end

  def sender(**options)
    rule = Tempest::DirectRule.new(Tempest::AllowedNetworks.new(["127.0.0.0/8", "::1"]), nil)
    Tempest::DirectSender.new(rule, Logger.new(@log), **options).tap { |made| @senders << made }
  end

  def node(**options, &reply) = FakeNode.new(**options, &reply).tap { |made| @nodes << made }
  def address(port, host = "127.0.0.1") = Tempest::Address.parse("#{host}:#{port}")

  def send_to(sender, port, job_id = 1, host = "127.0.0.1", claim: FakeClaim.new(job_id))
    sender.send_answer(address(port, host), Tempest::DirectAnswer.new(claim, JSON.generate(["add", job_id, [5]])) { |over| @ends << over })
  end

  def tell(sender, port, host = "127.0.0.1") = sender.tell(address(port, host), FakeClaim.new(1), '["add",1,[5]]')

  def ends(count)
    Await.until("#{count} ends") { @ends.size >= count }
    Array.new(@ends.size) { @ends.pop }
  end

  def test_a_node_that_is_gone_is_waited_for_once_not_by_each_of_its_answers
    sender, port, start = sender(patience: 0.5), FakeNode.free_port, Tempest.now
    40.times { |number| send_to(sender, port, number) }
    assert_equal [true] * 40, ends(40)
    assert_operator Tempest.now - start, :>=, 0.45
    assert_equal 1, @log.string.scan("an answer was dropped").size
    assert_includes @log.string, "answers=40"
    5.times { assert tell(sender, port) } # what comes later is tried once
  end

  def test_a_node_that_says_nothing_or_half_a_line_is_given_up_with_one_line_and_without_a_reset
    sender = sender(patience: 0.1)
    nodes = ["", "$21\r\nredis_ver"].map { |info| node(info: info) }
    nodes.each { |node| send_to(sender, node.port) }
    assert_equal [true] * 2, ends(2)
    nodes.each do |node|
      Await.until("it is hung up on") { node.open.zero? }
      assert_equal [[], 0], [node.answers, node.resets]
      assert_equal 1, @log.string.scan("an answer was dropped address=127.0.0.1:#{node.port}").size
    end
  end

  def link_of(sender) = sender.instance_variable_get(:@lines).values.first.instance_variable_get(:@link)

  def test_connections_end_without_a_reset_also_when_what_came_is_not_read
    node, sender = node(), sender()
    [1, 2].each do |connections|
      tell(sender, node.port)
      assert_equal connections, node.connections
      node.say("+OK\r\n" * 2) # nobody asked
      Await.until("it comes") { link_of(sender).stale? }
    end
    sender.close
    Await.until("it is hung up on") { node.open.zero? }
    assert_equal 0, node.resets
  end

  def test_a_word_that_comes_late_meets_no_connection_that_is_closed
    late = Thread::Queue.new
    node = node do |number|
      late.pop if number == 1
      FakeNode::OK
    end
    sender = sender()
    send_to(sender, node.port)
    Await.until("it is sent") { node.answers.any? }
    link = link_of(sender)
    Await.until("it is given up") { !link_of(sender).equal?(link) }
    late << true
    assert_equal [true], ends(1)
    Await.until("the old connection ends") { node.open == 1 }
    assert_equal [0, 2], [node.resets, node.connections]
  end

  def test_a_claim_that_is_lost_while_the_node_is_away_is_not_settled_and_not_sent
    sender, port, claim = sender(), FakeNode.free_port, FakeClaim.new(1)
    send_to(sender, port, claim: claim)
    claim.lost = true
    assert_equal [false], ends(1)
    assert_empty node(port: port).answers
  end

  def test_one_connection_to_a_node_however_many_answers_and_few_nodes_at_once
    node, sender = node(host: "0.0.0.0"), sender()
    500.times { |number| send_to(sender, node.port, number) }
    ends(500)
    assert_equal (0...500).to_a, node.answers.map { |words| words[1].to_i }
    assert_equal 1, node.connections
    (2...150).each { |last| assert tell(sender, node.port, "127.0.0.#{last}") } # each loopback address is another place
    assert_operator sender.nodes, :<=, 64
    Await.until("few are open") { node.open <= 64 }
  end

  def test_more_nodes_than_connections_take_turns
    node, sender = node(host: "0.0.0.0"), sender()
    (1..200).each { |last| send_to(sender, node.port, last, "127.0.0.#{last}") }
    assert_equal [true] * 200, ends(200)
    assert_equal (1..200).to_a, node.answers.map { |words| words[1].to_i }.sort
  end

  def test_a_connection_that_nothing_goes_over_ends
    node, sender = node(), sender(idle: 0.1)
    tell(sender, node.port)
    Await.until("it ends") { node.open.zero? }
    assert_equal [0, 0], [sender.nodes, node.resets]
    assert tell(sender, node.port)
    assert_equal 2, node.answers.size
  end

  def test_a_node_that_hung_up_meanwhile_gets_the_next_answer_on_a_new_connection_once
    node, sender = node(), sender()
    tell(sender, node.port)
    node.hang_up
    Await.until("it is gone") { node.open.zero? }
    tell(sender, node.port)
    assert_equal [2, 2], [node.answers.size, node.connections]
  end

  def test_handlers_wait_when_a_node_takes_no_more
    sender, port = sender(patience: 60.0), FakeNode.free_port
    1000.times { |number| send_to(sender, port, number) }
    waiting = Thread.new { sender.wait_for_room(address(port), FakeClaim.new(1)) }
    sender.wait_for_room(address(41_210, "127.0.0.2"), FakeClaim.new(1))
    assert waiting.alive?
    node = node(port: port)
    assert waiting.join(30)
    ends(1000)
    assert_equal 1000, node.answers.size
  end

  def test_ipv6
    node = node(host: "::1")
    assert tell(sender, node.port, "[::1]")
    assert_equal [["add", "1", "[5]"]], node.answers
  end

  def test_a_large_answer_arrives_whole
    node = node()
    assert sender.tell(address(node.port), FakeClaim.new(1), JSON.generate(["add", 1, ["x" * 10_000_000]]))
    assert_equal 10_000_004, node.answers[0][2].size
  end
end
