# frozen_string_literal: true

# Forms: what is read from a body, what is read from a job, and both as the vectors have it.

require_relative "harness"

class TestForms < Minitest::Test
  HTTP = Tempest::HTTP
  HEAD = "Content-Disposition: form-data; name=".b
  VECTORS = JSON.parse(File.read(File.expand_path("../../../protocol/vectors/forms.json", __dir__)))

  def bytes(spec) = spec && (spec.key?("hex") ? [spec["hex"]].pack("H*") : spec["utf8"].b)

  def request(body, type = "multipart/form-data; boundary=b")
    HTTP::Request.new({ "method" => "POST", "url" => "/", "headers" => { "content-type" => type }, "body" => body })
  end

  # A body of these heads and contents.
  def parts(*contents)
    contents.map { |head, content| "--b\r\n".b + head.b + "\r\n\r\n".b + content.b + "\r\n".b }.join + "--b--"
  end

  def test_heads
    VECTORS["valid"].each do |entry|
      head = bytes(entry["head"])
      part = HTTP::FormReader.part(head)
      assert_equal %w[field filename type].map { |key| bytes(entry[key]) }, [part.raw_name, part.raw_filename, part.raw_type], entry["name"]
      assert_equal entry["plain"], HTTP::Multipart.plain_head(part) == head, entry["name"]
    end
    VECTORS["invalid"].each do |entry|
      assert_raises(Tempest::BadArguments, entry["name"]) { HTTP::FormReader.part(bytes(entry["head"])) }
    end
  end

  def test_bodies
    VECTORS["bodies"].each do |entry|
      form = request(bytes(entry["body"])).form
      wanted = entry["parts"]&.map { |part| [bytes(part["field"]), bytes(part["content"])] }
      assert_equal wanted.nil?, !form.problem.nil?, entry["name"]
      assert_equal wanted, form.map { |part| [part.raw_name, part.content] }, entry["name"] if wanted
    end
  end

  def test_a_form_in_the_body_is_read_in_order
    form = request(parts(["#{HEAD}tag", "one"], ["#{HEAD}doc; filename=\"\"", ""],
                         ["#{HEAD}\"doc\"; filename=\"a.txt\"\r\nContent-Type: text/x", "\r\n--\xFF".b], ["#{HEAD}tag", ""])).form
    assert_equal %w[tag doc doc tag], form.map(&:name)
    assert_equal ["one", ["one", ""], nil, { "tag" => "one" }], [form["tag"], form.all("tag"), form["doc"], form.fields.to_h]
    file = form.file("doc")
    assert_equal ["a.txt", "text/x", "\r\n--\xFF".b, 1], [file.filename, file.type, file.open(&:read), form.files.size]
    assert form[1].file? && !form[1].chosen?
  end

  def test_contents_that_look_like_boundaries
    contents = ["--c", " --b--", "\r\n--", "\r\r\n-", "\n--b\n", ""]
    assert_equal contents, request(parts(*contents.map { |content| ["#{HEAD}a", content] })).form.map(&:content)
  end

  def test_fields_of_urls
    form = request("tag=a+b&tag=%ff&c", "application/x-www-form-urlencoded").form
    assert_equal [["a b", "\u{FFFD}"], "", "\xFF".b], [form.all("tag"), form["c"], form[1].content]
  end

  def test_too_many_fields_of_urls_are_refused_rather_than_read_as_one
    kind = "application/x-www-form-urlencoded"
    assert_equal 1000, request((["a=1"] * 1000).join("&"), kind).form.size
    [(["a=1"] * 1001).join("&"), "&" * 1000, "#{'&' * 1001}a=1&b=2"].each do |bad|
      assert_equal [0, true], [request(bad, kind).form.size, !request(bad, kind).form.problem.nil?], bad[0, 10]
    end
  end

  def test_what_is_no_form
    assert_empty request("a=b", "text/plain").form
    good = parts(["#{HEAD}a", "x"])
    assert_equal "x", request("preamble\r\n#{good}\r\nepilogue").form["a"]
    ["", "no form", good[0...-2], good[0...-1], "--b\r\n#{HEAD}a\r\n--b--", "--bx\r\n#{good}", parts(*[["#{HEAD}a", ""]] * 1001),
     parts(["#{HEAD}#{'a' * 20_000}", ""])].each do |bad|
      asked = request(bad)
      error = assert_raises(Tempest::BadArguments, bad[0, 60]) { asked.read_form }
      # A stranger's nonsense is no error of the handler.
      assert_equal [0, error.message], [asked.form.size, asked.form.problem]
    end
    assert_includes request(good, "multipart/form-data").form.problem, "boundary"
    assert_nil request(good).form.problem
    whole = parts(["#{HEAD}\"a\"; filename=\"b\"", "\r\n--"], ["#{HEAD}c", "\r"])
    whole.bytesize.times { |length| assert_raises(Tempest::BadArguments, whole[0, length]) { request(whole[0, length]).read_form } }
  end

  def test_bytes_that_are_no_text
    asked = HTTP::Request.new({ "method" => "POST", "url" => "/", "headers" => {}, "form" => [
                                { "name" => "/w==", "name_encoding" => "base64", "value" => "6Q==", "value_encoding" => "base64" },
                                { "name" => "\xFE".b, "filename" => "\xE9".b }
                              ] })
    assert_equal ["\xFF".b, "\xE9".b, "\xE9".b, "\u{FFFD}"], [asked.form[0].raw_name, asked.form[0].content, asked.form[1].raw_filename, asked.form[1].filename]
  end

  def test_a_form_without_parts_is_one
    _, type, io = HTTP::Request.new({ "method" => "POST", "url" => "/", "headers" => {}, "form" => [] }).content
    assert_equal "--#{type[/boundary=(.*)/, 1]}--\r\n", io.read
  end
end
