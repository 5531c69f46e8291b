# frozen_string_literal: true

# The Sinatra application of examples/sinatra, started as a person starts it, asked as a front asks.

require_relative "front"
require "digest"
require "open3"

class TestSinatraExample < FrontTest
  FOLDER = File.expand_path("../../../examples/sinatra", __dir__)
  SESSION = "f" * 43
  INSTALLED = system(RbConfig.ruby, "-e", 'require "sinatra/base"', %i[out err] => File::NULL)

  def setup
    super
    skip "the gem sinatra is not installed" unless INSTALLED || ENV["CI"]

    @program = program(File.join(FOLDER, "run.sh"), "--uploads", @redis.folder).wait_for("tempest worker ready")
  end

  def visit(url, method: "GET", headers: {}, **more)
    job = { "method" => method, "url" => url, "headers" => { "host" => "localhost" }.merge(headers) }.merge(more.transform_keys(&:to_s))
    args, meta = answers("url", job, meta: { session: SESSION }, queue: "web")
    assert_nil meta["error"], @program.log
    args
  end

  def form(url, body) = visit(url, method: "POST", headers: { "content-type" => "application/x-www-form-urlencoded" }, body: body).first

  def test_a_page_counts_its_visits_in_the_session
    [1, 2].each do |visits|
      answer, *more = visit("/", headers: { "cookie" => "name=%3Cb%3EAnna" })
      assert_equal [200, "text/html;charset=utf-8", []], [answer[0], answer[1]["content-type"], more]
      assert_includes answer[2], "Hello &lt;b&gt;Anna, you have seen this page #{visits} times."
    end
  end

  def test_a_form_is_signed_with_a_cookie_and_a_new_session
    status, headers, = form("/sign", "name=Anna&words=Sch%C3%B6n+hier")
    assert_equal [303, "rotate"], [status, headers["tempest-session"]]
    assert_equal "http://localhost/", headers["location"]
    assert_match(/\Aname=Anna; path=\/; .*HttpOnly/, headers["set-cookie"])
    assert_equal '["Anna"]', call("HGET", "session:#{SESSION}", "user")
    assert_includes visit("/").first[2], "<li><b>Anna</b>: Schön hier</li>"
    assert_equal "end", form("/leave", "")[1]["tempest-session"]
  end

  def test_it_can_be_mounted_anywhere
    program(File.join(FOLDER, "run.sh"), "--queue", "shop", "--script-name", "/shop").wait_for("tempest worker ready")
    ask = lambda do |method, path|
      job = { "method" => method, "url" => path, "headers" => { "host" => "localhost" } }
      args, meta = answers("url", job, meta: { session: SESSION }, queue: "shop")
      assert_nil meta["error"]
      args.first
    end
    page = ask.call("GET", "/shop/")[2]
    ['action="/shop/sign"', 'action="/shop/leave"', 'href="/shop/countdown"'].each { |link| assert_includes page, link }
    assert_equal "http://localhost/shop/", ask.call("POST", "/shop/sign")[1]["location"]
  end

  def test_a_stream_comes_line_by_line
    first, *more = visit("/countdown?pause=0")
    assert_equal [200, "5\n", %W[4\n 3\n 2\n 1\n go\n]], [first[0], first[2], more.flatten]
  end

  def test_files_come_as_sinatra_has_them
    content = Random.bytes(200_000)
    token = [Random.bytes(32)].pack("m0").tr("+/", "-_").delete("=")
    File.binwrite(File.join(@redis.folder, token), content)
    upload = { token: token, size: content.bytesize, sha256: Digest::SHA256.hexdigest(content), field: "photo", filename: "Straße.jpg", type: "image/jpeg" }
    answer, = visit("/photo", method: "POST", uploads: [upload], form: [
      { name: "title", value: "ä" }, { name: "photo", filename: "Straße.jpg", type: "image/jpeg", upload: 0 }
    ])
    assert_equal 200, answer[0], @program.log
    assert_equal({ "files" => { "photo" => { "filename" => "Straße.jpg", "bytes" => 200_000 } }, "form" => { "title" => "ä" } }, JSON.parse(answer[2]))
    assert_equal 500, visit("/photo", method: "POST", uploads: [upload.merge(sha256: "0" * 64)], form: [{ name: "photo", filename: "x", upload: 0 }]).first[0]
  end

  def test_what_is_not_there_and_head
    assert_equal 404, visit("/nothing").first[0]
    assert_equal [[200, nil]], visit("/", method: "HEAD").map { |args| args.values_at(0, 2) }
  end

  def test_it_ends_by_sigterm_and_says_what_is_wrong_with_its_options
    @program.signal("TERM")
    assert_predicate @program.wait, :success?, @program.log
    [["--queue", "a b"], ["--concurrency", "0"], ["--script-name", "shop"], ["--nonsense"], ["two.ru"], ["--timeout", "0"]].each do |options|
      out, status = Open3.capture2e({ "REDIS_URL" => @redis.url }, File.join(FOLDER, "run.sh"), *options)
      assert_equal 2, status.exitstatus, out
      assert_includes out, "usage: tempest-rack"
    end
  end
end
