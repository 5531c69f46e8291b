# frozen_string_literal: true

# Runs all of protocol/vectors: where prose and vectors differ, the vectors win. A missing file is a failure.

require "bigdecimal"
require "time"
require "uri"
require_relative "harness"
require_relative "tagged_value"
require_relative "decisions"

class TestVectors < Minitest::Test
  FOLDER = File.expand_path("../../../protocol/vectors", __dir__)

  def load(file) = JSON.parse(File.read(File.join(FOLDER, file)))
  def bare(reply) = Tempest::Connection.binary([reply])
  def bytes(spec) = spec.key?("hex") ? [spec["hex"]].pack("H*") : spec["utf8"].b
  def value(tagged) = TaggedValue.read(tagged)
  def shape(value) = TaggedValue.shape(value)

  %w[json msgpack tnetstring].each do |name|
    define_method("test_#{name}") do
      codec, cases = Tempest::Codecs.named(name), load("#{name}.json")
      cases["valid"].each do |c|
        wanted, encodings = value(c["value"]), c["encodings"].map { |spec| bytes(spec) }
        assert_equal encodings[0], codec.encode(wanted), c["name"]
        assert_equal c["canonical"] ? bytes(c["canonical"]) : encodings[0], codec.encode(wanted, canonical: true), c["name"]
        encodings.each { |e| assert_equal shape(wanted), shape(codec.decode(e)), "#{c['name']}: #{e[0, 60].inspect}" }
      end
      cases["invalid"].each { |c| assert_raises(Tempest::CodecError, c["name"]) { codec.decode(bytes(c["bytes"])) } }
      cases["unencodable"].each { |c| assert_raises(Tempest::CodecError, c["name"]) { codec.encode(value(c["value"])) } }
    end
  end

  def test_detect = load("detect.json").each { |c| assert_equal [c["codec"]], [Tempest::Codecs.detect(bytes(c["bytes"]))&.name], c["name"] }
  def test_types
    load("types.json").each do |entry|
      form = entry["form"]
      natural =
        case entry["type"]
        when "moment"
          time = Time.at(entry["unix"], entry["nanoseconds"], :nsec)
          assert_equal time, Time.iso8601(form)
          [time.utc, time.getlocal("+05:30")]
        when "decimal" then [BigDecimal(entry["digits"])].each { |number| assert_equal number, BigDecimal(form) }
        when "url" then [entry["text"], URI(entry["text"])]
        else [entry["digits"]]
        end
      natural.each do |value|
        %w[json msgpack tnetstring].map { |name| Tempest::Codecs.named(name) }.each { |codec| assert_equal({ "a" => [form] }, codec.decode(codec.encode({ "a" => [value] }))) }
      end
    end
  end

  def test_floats = load("floats.json").each { |c| assert_equal c["text"], Tempest::FloatText.write([c["bits"]].pack("H*").unpack1("G")) }

  def test_envelopes
    cases = load("envelope.json")
    { "jobs" => ["job", Tempest::Job], "answers" => ["answer", Tempest::Answer] }.each do |list, (field, type)|
      cases[list].each do |c|
        read = type.read(bytes(c["bytes"]))
        assert_equal c["codec"], read.codec.name, c["name"]
        c[field].each { |k, v| assert_equal shape(value(v) || (k == "meta" ? {} : nil)), shape(read[k]), "#{c['name']}: #{k}" }
        assert_equal bytes(c["bytes"]), read.encode, c["name"]
      end
    end
    cases["invalid"].each { |c| assert_equal c["reason"], assert_raises(Tempest::Refused, c["name"]) { Tempest::Job.read(bytes(c["bytes"])).address }.reason, c["name"] }
  end

  def test_addresses
    load("addresses.json").each do |c|
      found = Tempest::Address.parse(c["respond_to"])
      assert_equal c.values_at("kind", "inbox", "queue", "host", "port"), [found.kind.to_s, found.inbox, found.queue, found.host, found.port],
                   c["respond_to"].inspect
    end
  end

  def test_weights
    cases = load("weights.json")
    cases["valid"].each do |c|
      weights = Tempest::Weights.new(c["weights"].to_h)
      c["claims"].each_with_index do |claim, number|
        assert_equal claim["quotas"], weights.quotas(claim["want"]), "#{c['name']}: claim #{number}"
        weights.cut_short(weights.levels.zip(claim["came"]).to_h) if claim["came"]
      end
    end
    # Here weights are the levels: other ones are not to be said beside them.
    cases["refused"].each do |c|
      named = c["weights"].map(&:first) == c["levels"] ? {} : { levels: c["levels"] }
      assert_raises(ArgumentError, c["name"]) { Tempest::Worker.new("q", weights: c["weights"].to_h, **named) }
    end
  end

  def test_assembly
    load("assembly.json")["inboxes"].each do |c|
      deliveries = Tempest::Deliveries.new("inbox", nil)
      waiting = c["jobs"].to_h do |job|
        id = value(job["job_id"])
        [id, deliveries.expect(Tempest::ExpectedAnswers.new(id, whole: job["wants"] == "last"))]
      end
      wants = c["jobs"].to_h { |job| [value(job["job_id"]), job["wants"]] }
      c["steps"].each_with_index do |step, number|
        next deliveries.deliver(bytes(step["answer"])) if step["answer"]

        id = value(step["take"])
        assert_step(step, waiting.fetch(id), wants[id] == "all", "#{c['name']}: step #{number}")
      end
      assert_equal c["late"], deliveries.late, c["name"]
    end
  end

  # The next value of a stream, or the answer of a call, as Client gives them.
  def assert_step(step, expected, streams, name)
    answer = nil
    client = Tempest::Client.allocate
    take = lambda do
      loop do
        answer = expected.take(Tempest.now)
        break unless streams && answer&.more? && answer.args.empty?
      end
    end
    if step["error"]
      error = assert_raises(Tempest::RemoteError, name, &take)
      assert_equal step["error"]["code"], error.code, name
      return unless step["error"].key?("message")

      return assert_equal [step["error"]["message"], shape(value(step["error"]["details"]))], [error.remote_message, shape(error.details)], name
    end
    if step["end"]
      take.call unless @ended.equal?(expected)
      return assert(@ended.equal?(expected) || (!answer.more? && answer.args.empty?), name)
    end
    take.call
    return assert_nil(answer, name) if step["waits"]

    @ended = expected unless answer.more?
    assert_equal shape(value(step["value"])), shape(client.send(:value, answer)), name
    assert_equal step["nothing"] == true, answer.args.empty?, name
  end

  def test_observer
    load("observer.json")["observers"].each do |c|
      observer = Tempest::Observer.new
      c["looks"].each_with_index do |look, number|
        next observer.restart if look["failed"]

        dead = observer.look(look["sent"] / 1000.0, look["received"] / 1000.0, look["processes"].flatten)
        assert_equal look["dead"], dead.map(&:first), "#{c['name']}: look #{number}"
      end
    end
  end

  def test_limits
    wide = Tempest::Limits.new(depth: 100, values: 2_000_000, bytes: 2**25)
    load("limits.json").each do |c|
      data = c["parts"].sum("".b) { |part, times| bytes(part) * times }
      next assert_equal([c["accepted"], c["reason"]], [(reason = reason_of(data)).nil?, reason], c["name"]) if c["envelope"]

      codec = Tempest::Codecs.named(c["codec"])
      next assert(codec.encode(codec.decode(data)) == data, c["name"]) if c["accepted"]

      assert_raises(Tempest::CodecError, c["name"]) { codec.decode(data) }
      assert_raises(Tempest::CodecError, c["name"]) { codec.encode(codec.decode(data, limits: wide)) }
    end
  end

  def reason_of(data)
    Tempest::Job.read(data).address && nil
  rescue Tempest::Refused => e
    e.reason
  end

  %w[decisions retries].each do |file|
    define_method("test_#{file}") do
      decisions = Decisions.new
      faults = load("#{file}.json").sort_by { |c| JSON.generate(c["worker"]) }.to_h { |c| [c["name"], decisions.run(c)] }.reject { |_, found| found.empty? }
      assert_empty faults
    ensure
      decisions.close
    end
  end

  # The runner itself.
  def test_what_is_not_as_a_vector_says_is_seen
    decisions = Decisions.new
    answered, retried = ["json: a value", "a handler asks for another attempt, without a time"].map { |name| load("decisions.json").find { |c| c["name"] == name } }
    empty = { "utf8" => "[]" }
    [[answered, { "outcome" => "failed" }], [answered, { "outcome" => "dead exhausted *" }], [answered, { "inbox" => "other" }], [answered, { "answer" => empty }],
     [answered, { "pushes" => { "x" => [empty] } }], [retried, { "ms" => [0, 7499] }],
     [retried, { "answer" => { "codec" => "msgpack", "value" => { "any" => true } } }]].each do |vector, wrong|
      refute_empty decisions.run(vector.merge("then" => vector["then"].merge(wrong))), wrong.to_s
    end
    assert_empty decisions.run(answered)
  ensure
    decisions.close
  end

  READ = { "list" => %w[LRANGE KEY 0 -1], "hash" => %w[HGETALL KEY], "set" => %w[SMEMBERS KEY], "string" => %w[GET KEY],
           "zset" => %w[ZRANGE KEY 0 -1 WITHSCORES], "stream" => %w[XRANGE KEY - +] }.freeze

  def write(redis, key, kind, content)
    case kind
    when "list" then redis.call("RPUSH", key, *content)
    when "set" then redis.call("SADD", key, *content)
    when "hash" then redis.call("HSET", key, *content.to_a.flatten)
    when "zset" then redis.call("ZADD", key, *content.map { |member, score| [score.to_s, member] }.flatten)
    when "stream" then content.each { |id, fields| redis.call("XADD", key, id, *fields.to_a.flatten) }
    else redis.call("SET", key, content)
    end
  end

  def read(redis, key, kind)
    found = redis.call(*READ.fetch(kind).map { |word| word == "KEY" ? key : word })
    case kind
    when "hash" then found.each_slice(2).to_h
    when "zset" then found.each_slice(2).to_h { |member, score| [member, score.to_i] }
    when "set" then found.sort
    when "stream" then found.map { |id, fields| [id, fields.each_slice(2).to_h] }
    else found
    end
  end

  # What is expected, with what was found wherever a vector says {"any": true}: times, and ids made of times.
  def filled(expected, found)
    return found if expected == { "any" => true }
    return expected.each_with_index.map { |item, i| filled(item, found[i]) } if expected.is_a?(Array) && found.is_a?(Array)
    return expected.to_h { |key, item| [key, filled(item, found[key.b] || found[key])] } if expected.is_a?(Hash) && found.is_a?(Hash)

    expected
  end

  def plain(value)
    return value.to_h { |key, item| [plain(key), plain(item)] } if value.is_a?(Hash)

    value.is_a?(Array) ? value.map { |item| plain(item) } : (value.is_a?(String) ? value.b : value)
  end

  # All that is published on any channel, as [channel, message]; each call of what it yields returns what came since the last.
  def listening
    messages, redis = Queue.new, ::Redis.new(**Tempest::RedisURL.new(PrivateRedis.shared.url).options)
    thread = Thread.new do
      redis.psubscribe("*") do |on|
        on.psubscribe { messages << :listens }
        on.pmessage { |_, channel, message| messages << [channel, message] }
      end
    end
    heard = -> { Timeout.timeout(30) { messages.pop } }
    assert_equal :listens, heard.call
    yield lambda {
      PrivateRedis.shared.call("PUBLISH", "end", "")
      [].tap { |found| found << heard.call until found.last&.first == "end" }[0..-2]
    }
  ensure
    thread&.kill
    thread&.join
    redis&.close
  end

  def test_functions
    telling, others = load("functions.json").partition { |c| c.key?("published") }
    others.each { |c| function(c) }
    listening do |published|
      telling.each do |c|
        function(c)
        told = published.call
        assert_equal plain(filled(c["published"], told)), plain(told), c["name"]
      end
    end
  end

  def function(c)
    (redis = PrivateRedis.shared).call("FLUSHALL")
    Tempest::Functions.ensure_loaded(redis.connection)
    c["before"].to_h.each { |key, spec| write(redis, key, *spec.first) }
    result = begin
      redis.call("FCALL", c["call"][0], c["call"].size > 1 ? "1" : "0", *c["call"].drop(1).map(&:to_s))
    rescue Tempest::ServerError => e
      { "error" => e.code }
    end
    assert_equal plain(filled(c["result"], result)), plain(result), c["name"]
    (c["after"] || {}).each do |key, spec|
      next spec.each { |absent| assert_equal 0, redis.call("EXISTS", absent), "#{c['name']}: #{absent}" } if key == "absent"
      kind, wanted = spec.first
      found = read(redis, key, kind)
      assert_equal plain(filled(kind == "set" ? wanted.sort : wanted, found)), plain(found), "#{c['name']}: #{key}"
    end
  end
end
