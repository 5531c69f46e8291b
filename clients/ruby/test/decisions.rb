# frozen_string_literal: true

# Runs the vectors of decisions.json and retries.json: a worker in this process, whose every settle is written down in Redis.

require_relative "harness"
require_relative "tagged_value"

# A private Redis, and one worker at a time: each setting of the vectors has its own.
class Decisions
  # What this library does beyond what every worker must.
  FEATURES = ["retries", "once", "accept", "deadlines", "timeouts", "cancellation", "unknown actions", "routes"].freeze
  SETTLE = "register('settle', settle, 'allow-oom')"
  # Writes down what it is called with. What would come back to a level is over instead: no job runs into the next vector.
  WRITTEN_DOWN = <<~LUA
    register('settle', function(keys, argv)
      redis.call('RPUSH', 'settled', unpack(argv, 2))
      for i = 3, #argv, 4 do
        if string.match(argv[i], '^%l+ ') and not string.match(argv[i], '^dead ') and not string.match(argv[i], '^cancelled ') then
          argv[i], argv[i + 1], argv[i + 2] = 'done', '', ''
        end
      end
      return settle(keys, argv)
    end, 'allow-oom')
  LUA

  def initialize
    @redis = PrivateRedis.new
    source = Tempest::Functions.source
    raise "tempest.lua does not register settle by #{SETTLE}" unless source.scan(SETTLE).size == 1

    @redis.call("FUNCTION", "LOAD", "REPLACE", source.sub(SETTLE) { WRITTEN_DOWN })
  end

  def close
    stop
    @redis.stop
  end

  # @return [Array<String>] what is not as the vector says
  def run(vector)
    @faults = []
    work(vector["worker"] || {})
    @behavior = vector["handler"]
    @begun = 0
    find(vector)
    same("the needs", [], (vector["needs"] || []) - FEATURES)
    same("calls of the handler", vector.key?("handler") ? 1 : 0, @begun)
    @faults
  end

  private

  def same(what, wanted, found)
    @faults << "#{what}: expected #{wanted.inspect}, found #{found.inspect}" unless wanted == found
  end

  def find(vector)
    job = bytes(vector["job"]).gsub(/<now\+(\d+)>/n) { (now + Regexp.last_match(1).to_i).to_s }
    cancel(job) if vector["before"] == "cancelled"
    @redis.call("RPUSH", "q", job)
    if vector["during"] == "cancelled"
      Await.until("the call of the handler") { @begun.positive? }
      cancel(job)
    end
    return begin_anew unless @redis.call("BLPOP", "settled", 25)

    compare(vector["then"], *@redis.call("LPOP", "settled", 3))
    same("settled once", 0, @redis.call("LLEN", "settled"))
  end

  def begin_anew
    @faults << "not settled"
    stop
    @redis.call("FLUSHALL")
  end

  def compare(wanted, outcome, inbox, answer)
    compare_outcome(wanted, outcome.dup.force_encoding("UTF-8"))
    same("inbox", wanted["inbox"].to_s, inbox)
    same("answer", expected(wanted["answer"], answer), answer.b)
    # A list for each inbox and each level; the worker's own have an exclamation mark.
    keys = @redis.call("KEYS", "*").reject { |key| key.include?("!") || key.include?("tempest:") }
    lists = keys.to_h { |key| [key, @redis.call("LRANGE", key, 0, -1).map(&:b)] }
    @redis.call("DEL", "{q}:!cancelled", "{q}:!dead", *keys)
    pushed = (wanted["pushes"] || {}).dup
    pushed["{q}:in:#{wanted['inbox']}"] = [wanted["answer"]] if wanted["inbox"]
    same("what was pushed", pushed.to_h { |key, all| [key, all.each_with_index.map { |each, i| expected(each, (lists[key] || [])[i] || "") }] }, lists)
  end

  def compare_outcome(wanted, outcome)
    pattern = Regexp.escape(wanted["outcome"]).gsub("\\#", "([0-9]+)").gsub("\\*", "[^\\x00-\\x1f\\x7f]{1,500}")
    found = outcome.match(/\A#{pattern}\z/)
    return same("outcome", wanted["outcome"], outcome) unless found

    same("milliseconds of #{outcome}", true, found[1].to_i.between?(*wanted["ms"])) if wanted["ms"]
  end

  def bytes(spec) = spec.key?("hex") ? [spec["hex"]].pack("H*") : spec["utf8"].b

  def now
    seconds, micros = @redis.call("TIME").map(&:to_i)
    (seconds * 1000) + (micros / 1000)
  end

  def cancel(job)
    @redis.call("FCALL", "tempest1_cancel", 1, "q", Tempest::Codecs.detect(job).decode(job)[3].to_s, 60_000)
  end

  # The bytes that are expected: as they are, or those of a value in which {"any": true} stands for what was found there.
  def expected(spec, found)
    return "".b if spec.nil?
    return bytes(spec) unless spec.key?("codec")

    codec = Tempest::Codecs.named(spec["codec"])
    codec.encode(filled(spec["value"], Tempest::Codecs.detect(found) == codec ? codec.decode(found) : nil)).b
  end

  def filled(tagged, found)
    return found if tagged == { "any" => true }
    return TaggedValue.read(tagged) unless tagged.is_a?(Hash) && (tagged.key?("array") || tagged.key?("map"))
    return tagged["array"].each_with_index.map { |each, i| filled(each, found.is_a?(Array) ? found[i] : nil) } if tagged.key?("array")

    tagged["map"].to_h { |key, each| [key, filled(each, found.is_a?(Hash) ? found[key] : nil)] }
  end

  def act(context)
    @begun += 1
    case @behavior.keys.first
    when "returns" then TaggedValue.read(@behavior["returns"])
    when "error" then raise Tempest::HandlerError.new(*@behavior["error"].values_at("code", "message"), TaggedValue.read(@behavior["error"]["details"]))
    when "raises" then raise @behavior["raises"]
    when "retry" then raise Tempest::Retry.new(@behavior["message"], after: @behavior["retry"]&.fdiv(1000))
    else loop { context.check || sleep(0.001) }
    end
  end

  # Starts a worker with these settings, unless it runs already.
  def work(settings)
    return if settings == @settings

    stop
    @settings = settings
    rules = { attempts: settings["attempts"], backoff: settings["backoff"]&.map { |ms| ms / 1000.0 }, timeout: settings["timeout"]&.fdiv(1000) }.compact
    @worker = Tempest::Worker.new("q", redis_url: @redis.url, concurrency: 1, unknown_patience: settings.fetch("patience", 0) / 1000.0,
                                       logger: Logger.new(nil))
    @worker.handle("act", context: true, **rules) { |context, *_| act(context) }
    @worker.handle("one", **rules) { |value| value }
    @worker.handle("nothing", **rules) { Tempest::Elements.new }
    @thread = Thread.new { @worker.run(signals: false) }
    Await.until("the worker") { @redis.call("HLEN", "{q}:!procs").positive? }
  end

  def stop
    @worker&.stop
    @thread&.join(20)
    @settings = @worker = @thread = nil
  end
end
