# frozen_string_literal: true

# Requests and answers by themselves, and an endpoint as a front asks it.

require_relative "front"

class TestHTTP < FrontTest
  HTTP = Tempest::HTTP

  def request(url = "/", **more)
    HTTP::Request.new({ "method" => "GET", "url" => url, "headers" => {} }.merge(more.transform_keys(&:to_s)))
  end

  def test_paths_and_queries
    asked = request("/caf%C3%A9%2Fx?a=1&b=%C3%A4+%2B&a=2&c#part")
    assert_equal ["/café/x", "/caf%C3%A9%2Fx", "a=1&b=%C3%A4+%2B&a=2&c"], [asked.path, asked.raw_path, asked.query_string]
    assert_equal [%w[a 1], ["b", "ä +"], %w[a 2], ["c", ""]], asked.query.pairs
    assert_equal({ "a" => "1", "b" => "ä +", "c" => "" }, asked.query.to_h)
    assert_equal ["1", %w[1 2], nil, []], [asked.query["a"], asked.query.all("a"), asked.query["x"], asked.query.all("x")]
    { "*" => ["/", ""], "http://h?x=1" => ["/", "x=1"], "http://h/p" => ["/p", ""], "//h/p" => ["//h/p", ""], "h:443" => ["/", ""],
      "/%ff" => ["/\u{FFFD}", ""] }.each { |url, expected| assert_equal expected, [request(url).path, request(url).query_string], url }
    # A query is as long as the front let it be.
    assert_equal [""] * 3000, request("/?#{(['a'] * 3000).join('&')}").query.all("a")
  end

  def test_forms_of_both_kinds_and_cookies
    assert_equal({ "a" => "1" }, request(form: [{ "name" => "a", "value" => "1" }, { "name" => "a", "value" => "2" }]).fields.to_h)
    asked = request(body: "a=1&b=%20", headers: { "Content-Type" => "application/x-www-form-urlencoded; charset=utf-8", "cookie" => 'a=1; b="2"; a=3; ; c; d=x=y' })
    assert_equal({ "a" => "1", "b" => " " }, asked.fields.to_h)
    assert_equal({ "a" => "1", "b" => "2", "d" => "x=y" }, asked.cookies.to_h)
    assert_equal %w[1 3], asked.cookies.all("a")
  end

  def test_header_bytes
    asked = request(headers: { "x-a" => "caf\u00e9", "x-b" => "ü" }, headers_latin1: ["x-a"])
    assert_equal ["caf\xE9".b, "ü".b, "".b], %w[x-a x-b x-c].map { |name| asked.header_bytes(name) }
    assert_equal({ "x-a" => ["caf\xE9".b, "b"] }, HTTP.answer(204, { "x-a" => [" caf\xE9 ".b, "b"] }).values[1])
    assert_equal Encoding::BINARY, HTTP.answer(204, { "x-a" => "caf\xE9" }).values[1]["x-a"].encoding
    [["x-a"], "x-a", [3]].each { |bad| assert_raises(Tempest::BadArguments) { request(headers: { "x-a" => "€" }, headers_latin1: bad) } }
  end

  def test_bodies
    assert_equal "ä".b, request(body: "ä").body
    assert_equal "\xFF".b, request(body: "\xFF".b).body
    assert_equal "\xFF".b, request(body: "/w==", body_encoding: "base64").body
    assert_nil request.body
    assert_equal({ "a" => [1] }, request(body: '{"a":[1]}').json)
    ["", "{", "[" * 100_000].each { |body| assert_raises(Tempest::BadArguments) { request(body: body).json } }
  end

  GOOD = { "method" => "GET", "url" => "/", "headers" => {} }.freeze
  BAD = {
    7 => "args[0]: expected map", {} => ".method: expected text", GOOD.merge("method" => "G T") => "method", GOOD.merge("url" => "/a b") => "url",
    GOOD.merge("url" => "") => "url", GOOD.merge("headers" => { "a" => 1 }) => "headers", GOOD.merge("headers" => { "a" => "b\r\nc" }) => "no header",
    GOOD.merge("headers" => { "a b" => "c" }) => "no header", GOOD.merge("body" => 1) => "body", GOOD.merge("body" => "&", "body_encoding" => "base64") => "base64",
    GOOD.merge("body" => "a", "body_encoding" => "gzip") => "body_encoding", GOOD.merge("form" => {}) => "form", GOOD.merge("form" => [{ "upload" => 0 }]) => "upload",
    GOOD.merge("form" => [{ "head" => "a\r\n\r\nb" }]) => "head", GOOD.merge("headers_latin1" => 3) => "headers_latin1", GOOD.merge("uploads" => {}) => "uploads",
    GOOD.merge("scheme" => "file") => "scheme", GOOD.merge("uploads" => [{ "token" => "../x" }]) => "uploads[0]"
  }.freeze

  def test_what_is_no_request_is_refused
    worker { |w| w.handle("url", HTTP.endpoint { "never" }, context: true) }
    BAD.each do |job, words|
      args, meta = answers("url", job)
      assert_equal [[[]], "bad_args"], [args, meta.dig("error", "code")]
      assert_includes meta["error"]["message"], words
    end
  end

  def test_answers_of_each_kind
    assert_equal [201, { "content-type" => "text/plain; charset=utf-8", "x-a" => "1" }, "ä"], HTTP.text("ä", status: 201, headers: { "X-A" => "1" }).values
    assert_equal [200, { "content-type" => "text/x" }, "<p>"], HTTP.html("<p>", headers: { "Content-Type" => "text/x" }).values
    assert_equal [200, { "content-type" => "application/json" }, '{"a":1}'], HTTP.json({ a: 1 }).values
    assert_equal [303, { "location" => "/%C3%A4%20b%0D%0Ax:%20y" }, nil], HTTP.redirect("/ä b\r\nx: y").values
    assert_equal [200, { "set-cookie" => %w[a=1 b=2], "age" => 5 }, "\xFF".b], HTTP.answer(200, { "set-cookie" => %w[a=1 b=2], age: 5 }, "\xFF".b).values
    assert_equal({ "a" => "b\tc" }, HTTP.answer(204, { "a" => " b\tc\t" }).values[1])
    [[99], [600], ["200"], [200, { "a" => "b\r\nc" }], [200, { "a b" => "c" }], [200, { "a" => 1.5 }], [200, { "a" => ["b", "c\n"] }], [200, { "a" => "b\e[2J" }], [200, {}, 7]].each do |bad|
      assert_raises(ArgumentError, bad.inspect) { HTTP.answer(*bad) }
    end
  end

  def test_cookies_that_are_set
    assert_equal "a=1; Path=/; Secure; HttpOnly; SameSite=Lax", HTTP.cookie("a", "1")
    assert_equal "a=; Path=/x; Max-Age=0; Domain=example.org; SameSite=Strict",
                 HTTP.cookie("a", "", max_age: 0, path: "/x", domain: "example.org", secure: false, http_only: false, same_site: "Strict")
    [["a b", "1"], ["", "1"], ["a", "1; Path=/x"], ["a", "ä"], ["a", "1\r\n"], ["a", "1", { path: "/;x" }], ["a", "1", { domain: "x\n" }],
     ["a", "1", { same_site: "lax" }]].each { |name, value, more| assert_raises(ArgumentError) { HTTP.cookie(name, value, **(more || {})) } }
  end

  def test_endpoints
    worker do |w|
      streams = HTTP.endpoint { |asked| asked.stream(201, { "X" => "y" }) { |out| out << "one" << "\xFF".b << "" << "three" } }
      w.handle("streams", streams, context: true)
      w.handle("silent", HTTP.endpoint { |asked| asked.stream { nil } }, context: true)
      w.handle("text", HTTP.endpoint(&:path), context: true)
      w.handle("array", HTTP.endpoint { [204, {}, nil] }, context: true)
      w.handle("wrong", HTTP.endpoint { 7 }, context: true)
    end
    assert_equal [[201, { "x" => "y" }, "one"], [{ "$b64" => "/w==" }], ["three"], []], get("streams").first
    assert_equal [[201, { "x" => "y" }, nil]], get("streams", method: "HEAD").first
    assert_equal [[200, { "content-type" => "text/plain; charset=utf-8" }, nil]], get("silent").first
    assert_equal [[200, { "content-type" => "text/plain; charset=utf-8" }, "/ä"]], get("text", "/%C3%A4").first
    assert_equal [[204, {}, nil]], get("array").first
    assert_equal "handler", get("wrong").last["error"]["code"]
  end
end
