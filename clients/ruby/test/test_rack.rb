# frozen_string_literal: true

# Rack applications behind a queue: the environment, each way of answering, errors; with Rack::Lint between.

require_relative "front"
require "digest"
require "tmpdir"
begin
  require "tempest/rack"
rescue LoadError
  raise if ENV["CI"]
end

class TestRack < FrontTest
  # A body that says when it was closed, and may fail.
  class Body
    CLOSED = Thread::Queue.new

    def initialize(name)
      @name = name
    end

    def each
      yield "body"
      raise "the body broke" if @name == "body"
    end

    def close
      CLOSED << @name
      raise "cannot close" if @name == "close"
    end
  end

  # A body without an end.
  class Endless
    def each
      loop { yield "more" }
    end

    def close
      Body::CLOSED << "endless"
    end
  end

  PLAIN = { "Content-Type" => "text/plain" }.freeze
  APPS = {
    "environment" => lambda do |env|
      shown = env.select { |name, value| name.match?(/\A[A-Z]/) && value.is_a?(String) }
      page = JSON.generate(shown.merge("scheme" => env["rack.url_scheme"], "body" => env["rack.input"].read.unpack1("H*"), "hijack" => env["rack.hijack?"]))
      [200, { "Content-Type" => "application/json", "Content-Length" => page.bytesize.to_s }, [page]]
    end,
    "whole" => ->(_) { [201, PLAIN.merge("Set-Cookie" => "a=1\nb=2", "X-Name" => "M\xC3\xBCller".b), ["größe"]] },
    "measured" => ->(_) { [200, PLAIN.merge("Content-Length" => "4"), %w[ab cd]] },
    "chunks" => ->(_) { [200, PLAIN, ["", "one", "\xFF\xFE".b, "three"].each] },
    "big" => ->(_) { [200, PLAIN, ["x" * 1_200_000]] },
    "nothing" => ->(_) { [204, {}, []] },
    "twice" => ->(env) { [200, PLAIN, [env["rack.input"].read + (env["rack.input"].rewind ? env["rack.input"].read : "")]] }
  }.freeze

  # What runs without Rack::Lint between, which would not let it pass.
  BARE = {
    "raises" => ->(_) { raise "secret at /etc/passwd" },
    "breaks" => ->(_) { [200, PLAIN, Enumerator.new { |out| out << "half" << (raise "secret of the second half") }] },
    "closes" => ->(env) { [200, PLAIN, Body.new(env["QUERY_STRING"])] },
    "called" => ->(_) { [200, PLAIN, ->(stream) { stream.write("a") && (stream << "b").close }] },
    "endless" => ->(_) { [200, PLAIN, Endless.new] },
    "lines" => ->(_) { [200, { "set-cookie" => %w[a=1 b=2], "rack.whatever" => 1 }, []] },
    "sessions" => lambda do |env|
      session = env["tempest.session"]
      session["n"] = session.get("n", 0) + 1
      session.rotate
      [200, PLAIN, [session["n"].to_s]]
    end,
    "keeps" => lambda do |env|
      env["tempest.uploads"].each(&:keep)
      [200, PLAIN, [env["rack.input"].read]]
    end,
    "form" => ->(env) { [200, PLAIN, [JSON.generate(Rack::Request.new(env).POST)]] }
  }.freeze

  # What cannot be served at all, by what its log is to say.
  BAD = {
    "no array" => [->(_) { "x" }, "returns [status, headers, body]"], "two" => [->(_) { [200, {}] }, "returns [status, headers, body]"],
    "status" => [->(_) { ["OK", {}, []] }, "200 to 599"], "informational" => [->(_) { [101, {}, []] }, "200 to 599"],
    "async" => [->(_) { [-1, {}, []] }, "200 to 599"], "splitting" => [->(_) { [200, { "X" => "a\rb" }, []] }, "control characters"],
    "name" => [->(_) { [200, { "X Y" => "a" }, []] }, "token"], "pieces" => [->(_) { [200, {}, [1]] }, "yields Strings"],
    "body" => [->(_) { [200, {}, 7] }, "answers to each or to call"], "hijack" => [->(_) { [200, { "rack.hijack" => ->(_) {} }, []] }, "hijack"],
    "hijacked" => [->(env) { env["rack.hijack"].call }, "NoMethodError"], "load" => [->(_) { require "no/such/file" }, "LoadError"]
  }.freeze

  def setup
    super
    skip "the gem rack is not installed" unless defined?(::Rack::Lint)

    logs = Logger.new(@trace = StringIO.new)
    @log = worker do |w|
      APPS.each { |name, app| w.handle(name, Tempest::Rack::Gateway.new(::Rack::Lint.new(app), logger: logs), context: true) }
      APPS.merge(BARE).each { |name, app| w.handle("bare #{name}", Tempest::Rack::Gateway.new(app, logger: logs), context: true) }
      BAD.each { |name, (app, _)| w.handle("bad #{name}", Tempest::Rack::Gateway.new(app, logger: logs), context: true) }
      w.handle("mounted", Tempest::Rack::Gateway.new(::Rack::Lint.new(APPS["environment"]), script_name: "/shop", logger: logs), context: true)
    end
  end

  def environment(url = "/", action: "environment", **more)
    (answer,), = get(action, url, **more)
    assert_equal 200, answer.first, @trace.string
    JSON.parse(answer.last)
  end

  def test_the_environment
    headers = { "host" => "example.org:8443", "x-one" => "1, 2", "cookie" => "a=1; b=2", "content-type" => "text/plain", "proxy" => "http://evil",
                "x_one" => "spoofed", "content-length" => "999" }
    shown = environment("/caf%C3%A9/%2e/a%20b?q=%C3%A4&b", headers: headers, method: "POST", body: "größe", remote_address: "10.1.2.3", scheme: "https")
    assert_equal({ "REQUEST_METHOD" => "POST", "SCRIPT_NAME" => "", "PATH_INFO" => "/caf%C3%A9/%2e/a%20b", "QUERY_STRING" => "q=%C3%A4&b",
                   "REQUEST_URI" => "/caf%C3%A9/%2e/a%20b?q=%C3%A4&b", "REQUEST_PATH" => "/caf%C3%A9/%2e/a%20b", "SERVER_NAME" => "example.org",
                   "SERVER_PORT" => "8443", "SERVER_PROTOCOL" => "HTTP/1.1", "HTTP_VERSION" => "HTTP/1.1", "REMOTE_ADDR" => "10.1.2.3", "HTTPS" => "on",
                   "CONTENT_LENGTH" => "7", "CONTENT_TYPE" => "text/plain", "HTTP_HOST" => "example.org:8443", "HTTP_X_ONE" => "1, 2",
                   "HTTP_COOKIE" => "a=1; b=2", "scheme" => "https", "body" => "größe".unpack1("H*"), "hijack" => false }, shown)
  end

  def test_bodies_and_targets_in_their_other_forms
    assert_equal "fffe", environment(method: "POST", body: "//4=", body_encoding: "base64")["body"]
    shown = environment("http://host.example/abs?x=1")
    assert_equal ["/abs", "x=1", "localhost", "80"], shown.values_at("PATH_INFO", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT")
    refute shown.key?("CONTENT_LENGTH")
    assert_equal "/", environment("*", method: "OPTIONS")["PATH_INFO"]
    assert_equal "[::1]", environment(headers: { "host" => "[::1]:80" })["SERVER_NAME"]
    assert_nil environment(headers: { "host" => "a b" })["HTTP_HOST"]
    assert_equal [[200, { "content-type" => "text/plain" }, "xx"], []], get("twice", method: "POST", body: "x").first
  end

  def test_where_it_is_mounted
    { "/shop/a" => ["/shop", "/a"], "/shop" => ["/shop", ""], "/shopping" => ["", "/shopping"] }.each do |url, expected|
      assert_equal expected, environment(url, action: "mounted").values_at("SCRIPT_NAME", "PATH_INFO")
    end
  end

  def test_one_body_is_one_answer
    headers = { "content-type" => "text/plain", "set-cookie" => %w[a=1 b=2], "x-name" => "Müller" }
    assert_equal [[201, headers, "größe"]], get("bare whole").first
    assert_equal [[200, { "set-cookie" => %w[a=1 b=2] }, nil]], get("bare lines").first
  end

  def test_several_chunks_are_streamed
    last = ->(answers) { answers.map { |args| args.last(1) } }
    assert_equal [["one"], [{ "$b64" => "//4=" }], ["three"], []], last.call(get("bare chunks").first)
    assert_equal [["ab"], ["cd"]], last.call(get("bare measured").first), "the end is known, so it is the last answer"
    assert_equal [262_144, 262_144, 262_144, 262_144, 151_424], get("bare big").first.map { |args| args.last.size }
    assert_equal [["a"], ["b"], []], last.call(get("bare called").first)
  end

  def test_rack_lint_has_nothing_to_say
    %w[environment whole measured chunks big nothing].each do |action|
      %w[GET HEAD POST].each do |method|
        # An application answers HEAD without a body by itself, says Lint; here they need not.
        next if method == "HEAD" && action != "nothing"

        checked, meta = get(action, "/a/b?c", method: method, body: "text")
        plain, = get("bare #{action}", "/a/b?c", method: method, body: "text")
        assert_nil meta["error"], "#{action}: #{@trace.string}"
        assert_equal plain.first.first(2), checked.first.first(2), @trace.string
        assert_equal [plain, checked].map { |args| [args.first.last, *args.drop(1).flatten].join }.uniq.size, 1
      end
    end
    assert_empty @trace.string
  end

  def test_no_body_where_there_may_be_none
    assert_equal [[204, {}, nil]], get("nothing").first
    %w[whole chunks measured].each { |action| assert_equal [1, nil], get("bare #{action}", method: "HEAD").first.then { |args| [args.size, args.first.last] } }
  end

  def test_head_has_the_length_of_get_where_it_is_known
    { "whole" => "7", "measured" => "4", "chunks" => nil, "nothing" => nil }.each do |action, length|
      headers = get("bare #{action}", method: "HEAD").first.first[1]
      length.nil? ? assert_nil(headers["content-length"], action) : assert_equal(length, headers["content-length"], action)
    end
  end

  def test_an_application_that_fails_is_a_500_and_its_trace_is_in_the_log
    (answer,), = get("bare raises")
    assert_equal [500, "Internal Server Error\n"], answer.values_at(0, 2)
    assert_includes @trace.string, "secret at /etc/passwd"
    BAD.each do |name, (_, words)|
      (answer,), = get("bad #{name}")
      assert_equal [500, ["content-type"], "Internal Server Error\n"], [answer[0], answer[1].keys, answer[2]], name
      assert_includes @trace.string, words, name
    end
  end

  def test_what_failed_after_the_head_fails_the_job
    args, meta = get("bare breaks")
    assert_equal [2, [], { "code" => "handler", "message" => "the handler failed" }], [args.size, args.last, meta["error"]]
    assert_includes @log.string, "secret of the second half"
  end

  def test_the_body_is_closed_in_any_case
    plain = { "content-type" => "text/plain" }
    assert_equal [[200, plain, "body"], []], get("bare closes", "/?fine").first
    assert_equal "handler", get("bare closes", "/?body").last["error"]["code"]
    assert_equal 2, get("bare closes", "/?close").first.size, "what it said was said"
    assert_equal [[200, plain, nil]], get("bare closes", "/?head", method: "HEAD").first
    assert_equal(%w[fine body close head], Array.new(4) { Body::CLOSED.pop(true) })
  end

  def test_a_stream_whose_browser_has_gone_ends_and_is_closed
    inbox = ask("bare endless", { "method" => "GET", "url" => "/", "headers" => {} }, meta: { credits: 2 }, job_id: "endless")
    assert_equal "more", answer(inbox).first.last
    client.cancel("endless")
    # Two credits: another one may have been sent by then, and no third.
    reply = answer(inbox)
    reply = answer(inbox) if reply.first == ["more"]
    assert_equal "cancelled", reply.last["error"]["code"]
    assert_equal "endless", Body::CLOSED.pop(true)
  end

  def test_the_session_is_in_the_environment
    get("bare sessions", meta: { session: "e" * 43 })
    (answer,), = get("bare sessions", meta: { session: "e" * 43 })
    assert_equal ["rotate", "2"], [answer[1]["tempest-session"], answer[2]]
  end

  def test_an_application_may_keep_what_was_uploaded
    Dir.mktmpdir("tempest-uploads") do |folder|
      ENV["TEMPEST_UPLOADS"] = folder
      token = "u" * 43
      File.binwrite(File.join(folder, token), "content")
      upload = { token: token, size: 7, sha256: Digest::SHA256.hexdigest("content") }
      (answer,), = get("bare keeps", method: "POST", uploads: [upload])
      assert_equal ["content", ["#{token}.kept"]], [answer[2], Dir.children(folder)]
    ensure
      ENV.delete("TEMPEST_UPLOADS")
    end
  end

  def test_a_form_that_the_front_took_apart_is_put_together_again
    (answer,), = get("bare form", method: "POST", headers: { "content-type" => "multipart/form-data; boundary=x" }, form: [
      { "name" => "name", "value" => "ä" }, { "name" => "b[c]", "value" => "2" }, { "name" => "ids[]", "value" => "1" }, { "name" => "ids[]", "value" => "" },
      { "head" => "content-disposition: form-data; name=h", "value" => "3" }
    ])
    assert_equal({ "name" => "ä", "b" => { "c" => "2" }, "ids" => ["1", ""], "h" => "3" }, JSON.parse(answer[2]))
  end

  def test_what_is_no_application_is_refused
    assert_raises(ArgumentError) { Tempest::Rack::Gateway.new(7) }
    %w[shop /shop/ /].each { |name| assert_raises(ArgumentError) { Tempest::Rack::Gateway.new(APPS["whole"], script_name: name) } }
    assert_raises(ArgumentError) { Tempest::Rack.load("/nowhere/config.ru") }
  end
end
