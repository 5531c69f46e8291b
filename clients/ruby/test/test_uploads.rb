# frozen_string_literal: true

# Uploads: from the shared folder and from a front over HTTP, checked; and put back into a form.

require_relative "harness"
require "digest"
require "socket"

# Serves content by ranges from a loopback port. `how` spoils that; `asked` is what it was asked for.
class RangeServer
  attr_accessor :how, :content
  attr_reader :asked

  def initialize(content)
    @content = content
    @how = :well
    @asked = []
    @server = TCPServer.new("127.0.0.1", 0)
    @thread = Thread.new { loop { Thread.new(@server.accept) { |socket| serve(socket) } } }
    @thread.report_on_exception = false
  end

  def port = @server.addr[1]
  def origin = "http://127.0.0.1:#{port}"

  def stop
    @thread.kill
    @thread.join
    @server.close
  end

  private

  def serve(socket)
    while (line = socket.gets)
      head = {}
      while (field = socket.gets.chomp) != ""
        name, value = field.split(": ", 2)
        head[name.downcase] = value
      end
      break unless line.start_with?("GET") ? answer(socket, line.split[1], head["range"]) : change(socket, *line.split[0, 2])
    end
  rescue SystemCallError
    nil # whoever asked has gone
  ensure
    socket.close
  end

  def change(socket, method, path)
    @asked << [method, path]
    socket.write("HTTP/1.1 #{@how.is_a?(Integer) ? @how : 204} X\r\n#{"content-length: 0\r\n" if @how.is_a?(Integer)}\r\n")
  end

  def answer(socket, path, range)
    @asked << [path, range]
    start, last = range.scan(/\d+/).map(&:to_i)
    last = [last, @content.bytesize - 1].min
    piece = @content.byteslice(start..last)
    case @how
    when :cut
      if @asked.size.odd?
        socket.write("HTTP/1.1 206 P\r\ncontent-length: 500000\r\ncontent-range: bytes #{start}-#{last}/#{@content.bytesize}\r\n\r\n#{piece[0, 1000]}")
        return false
      end
    when 404, 302 then return socket.write("HTTP/1.1 #{@how} X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
    when :no_ranges then return socket.write("HTTP/1.1 200 OK\r\ncontent-length: #{@content.bytesize}\r\n\r\n#{@content}")
    when :another then start += 1
    when :too_much then piece += "more"
    end
    total = @content.bytesize + (@how == :longer ? 1 : 0)
    socket.write("HTTP/1.1 206 P\r\ncontent-length: #{piece.bytesize}\r\ncontent-range: bytes #{start}-#{last}/#{total}\r\n\r\n", piece)
  end
end

class TestUploads < Minitest::Test
  CONTENT = Random.bytes((3 * 1024 * 1024) + 17)
  TOKEN = [Random.bytes(32)].pack("m0").encode("UTF-8").tr("+/", "-_").delete("=")

  def setup
    @folder = Dir.mktmpdir("tempest-uploads")
    @path = File.join(@folder, TOKEN)
    @front = RangeServer.new(CONTENT)
  end

  def teardown
    @front.stop
    FileUtils.rm_rf(@folder)
    %w[TEMPEST_UPLOADS TEMPEST_UPLOAD_ORIGINS].each { |name| ENV.delete(name) }
  end

  def described(content = CONTENT, **more)
    { "token" => TOKEN, "size" => content.bytesize, "sha256" => Digest::SHA256.hexdigest(content), "field" => "f",
      "filename" => "../../etc/passwd", "type" => "image/png" }.merge(more.transform_keys(&:to_s))
  end

  def upload(content = CONTENT, **more) = Tempest::HTTP::Upload.read(described(content, **more))
  def remote(content = CONTENT, **more) = upload(content, url: "#{@front.origin}/uploads/#{TOKEN}?key=1", **more)

  def read(upload, origins: [@front.origin])
    content = String.new(encoding: Encoding::BINARY)
    upload.open(folder: @folder, origins: origins) { |io| io.each_chunk { |chunk| content << chunk } }
    content
  end

  def refused(words, upload = self.upload, **options)
    assert_match words, assert_raises(Tempest::UploadError) { read(upload, **options) }.message
  end

  def test_it_is_read_in_chunks_and_checked
    File.binwrite(@path, CONTENT)
    assert_equal CONTENT, read(upload)
    upload.open(folder: @folder) do |io|
      assert_equal [CONTENT[0, 10], CONTENT[10, 20], false], [io.read(10), io.readpartial(20), io.eof?]
      assert_equal CONTENT[30..], io.read
      assert_equal [true, nil, "", ""], [io.eof?, io.read(1), io.read(0), io.read]
      assert_raises(EOFError) { io.readpartial(1) }
    end
    upload.open(folder: @folder) { |io| assert_equal CONTENT.bytesize, IO.copy_stream(io, File.join(@folder, "copy")) }
    assert_equal CONTENT, File.binread(File.join(@folder, "copy"))
    File.binwrite(@path, "")
    assert_equal "", read(upload(""))
  end

  def test_the_folder_and_the_origins_of_the_environment
    ENV["TEMPEST_UPLOADS"] = @folder
    ENV["TEMPEST_UPLOAD_ORIGINS"] = "http://other:1 #{@front.origin}"
    assert_equal CONTENT, remote.open(&:read)
    File.binwrite(@path, CONTENT)
    assert_equal CONTENT, upload.open(&:read)
  end

  def test_another_content_is_refused_at_its_end
    changed = CONTENT.dup.tap { |bytes| bytes.setbyte(-1, bytes.getbyte(-1) ^ 1) }
    File.binwrite(@path, changed)
    upload.open(folder: @folder) do |io|
      assert_equal CONTENT[0, 1000], io.read(1000)
      assert_match(/sha256/, assert_raises(Tempest::UploadError) { io.read }.message)
    end
    File.binwrite(@path, CONTENT[0..-2])
    refused(/bytes, not #{CONTENT.bytesize},/)
    File.binwrite(@path, CONTENT)
    upload.open(folder: @folder) do |io|
      File.truncate(@path, 300_000)
      assert_match(/ends at byte 300000/, assert_raises(Tempest::UploadError) { io.read }.message)
    end
    File.binwrite(@path, "")
    refused(/sha256/, upload("", sha256: "0" * 64))
    @front.content = changed
    File.delete(@path)
    refused(/sha256/, remote)
  end

  def test_what_is_kept_outlives_its_request_until_it_is_deleted
    File.binwrite(@path, CONTENT)
    2.times { upload.keep(folder: @folder) }
    assert_equal ["#{TOKEN}.kept"], Dir.children(@folder)
    assert_equal CONTENT, read(upload)
    upload.open(folder: @folder) do |io|
      2.times { upload.delete(folder: @folder) }
      assert_equal CONTENT, io.read
    end
    File.binwrite(@path, CONTENT)
    upload.delete(folder: @folder)
    assert_empty Dir.children(@folder)
    refused(/its request has ended/)
    assert_match(/its request has ended/, assert_raises(Tempest::UploadError) { upload.keep(folder: @folder) }.message)
  end

  def test_the_front_is_asked_to_keep_and_to_delete
    remote.keep(folder: @folder, origins: [@front.origin])
    remote.delete(folder: @folder, origins: [@front.origin])
    assert_equal [["POST", "/uploads/#{TOKEN}?key=1"], ["DELETE", "/uploads/#{TOKEN}?key=1"]], @front.asked
    @front.how = 404
    assert_match(/its request has ended/, assert_raises(Tempest::UploadError) { remote.keep(origins: [@front.origin]) }.message)
    remote.delete(origins: [@front.origin])
    @front.how = 302
    %i[keep delete].each do |change|
      assert_match(/302/, assert_raises(Tempest::UploadError) { remote.public_send(change, origins: [@front.origin]) }.message)
      assert_match(/may ask/, assert_raises(Tempest::UploadError) { remote.public_send(change, origins: []) }.message)
    end
  end

  def test_links_and_folders_are_no_uploads
    secret = File.join(@folder, "secret")
    File.binwrite(secret, CONTENT)
    File.symlink(secret, @path)
    refused(/cannot be opened/)
    File.delete(@path)
    Dir.mkdir(@path)
    refused(/no file/)
    Dir.rmdir(@path)
    File.mkfifo(@path)
    refused(/no file/)
  end

  def test_what_is_not_there_says_where_it_was_looked_for
    refused(/#{@folder}/)
    assert_match(/TEMPEST_UPLOADS is not set/, assert_raises(Tempest::UploadError) { upload.open }.message)
  end

  def test_only_tokens_become_paths_and_what_is_no_description_is_refused
    tokens = ["../#{'a' * 40}", "/etc/passwd", "a" * 42, "a" * 44, "#{'a' * 42}/", "#{'a' * 42}\0", "#{'a' * 43}\n", "", 7, nil, ("a" * 43).b]
    bad = tokens.map { |token| { token: token } } + [{ size: -1 }, { size: "1" }, { size: 2**60 }, { sha256: "A" * 64 }, { sha256: "0" * 63 },
                                                     { field: 1 }, { filename: [] }, { url: 5 }, { type: {} }]
    bad.each { |wrong| assert_raises(Tempest::BadArguments, wrong.inspect) { upload(**wrong) } }
  end

  def test_it_is_read_range_by_range_and_a_broken_connection_is_made_anew
    assert_equal CONTENT, read(remote)
    assert_equal [["/uploads/#{TOKEN}?key=1"], 4], [@front.asked.map(&:first).uniq, @front.asked.size]
    assert_equal "bytes=1048576-2097151", @front.asked[1].last
    @front.how = :cut
    assert_equal CONTENT, read(remote)
  end

  def test_what_the_front_says_otherwise
    { 404 => /its request has ended/, 302 => /302/, another: /another range/, longer: /another content/, too_much: /more than/, no_ranges: /whole/ }.each do |how, words|
      @front.how = how
      refused(words, remote)
    end
    small = CONTENT[0, 1000]
    @front.content = small
    @front.how = :no_ranges
    assert_equal small, read(remote(small))
  end

  def test_only_fronts_that_were_named_are_asked
    [["#{@front.origin}/u", []], ["#{@front.origin}/u", ["http://127.0.0.1:1"]], ["http://169.254.169.254/latest", [@front.origin]],
     ["file:///etc/passwd", ["file:///"]], ["#{@front.origin}/\r\nx: y", [@front.origin]], ["http://", ["http://"]],
     ["https://127.0.0.1:#{@front.port}/u", [@front.origin]], ["http://[::1", ["http://[::1"]]].each do |url, origins|
      assert_raises(Tempest::UploadError, url) { read(upload(url: url), origins: origins) }
    end
    assert_empty @front.asked
  end

  def test_a_front_that_is_gone
    refused(/cannot be had/, upload(url: "http://127.0.0.1:#{gone_port}/u"), origins: ["http://127.0.0.1:#{gone_port}"])
  end

  # A port that was free a moment ago.
  def gone_port
    @gone_port ||= TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
  end

  def request(**more)
    Tempest::HTTP::Request.new({ "method" => "POST", "url" => "/", "headers" => { "content-type" => "image/png" } }.merge(more.transform_keys(&:to_s)))
  end

  def test_as_a_body
    File.binwrite(@path, CONTENT)
    length, type, io = request(uploads: [described(field: nil, filename: nil)]).content(folder: @folder)
    assert_equal [CONTENT.bytesize, "image/png", CONTENT], [length, type, io.read]
    io.close
    asked = request(uploads: [described, described], form: [
      { "name" => "a", "value" => "1" }, { "name" => "f", "filename" => "../../etc/passwd", "type" => "image/png", "upload" => 0 },
      { "name" => "a", "value" => "2" }, { "name" => 'g"', "filename" => "", "type" => "x\r\ny", "upload" => 1 }
    ])
    length, type, io = asked.content(folder: @folder)
    body = io.read
    assert_equal length, body.bytesize
    io.close
    parts = body.split("--#{type[/boundary=(.*)/, 1]}".b)
    assert_equal "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"../../etc/passwd\"\r\nContent-Type: image/png\r\n\r\n".b + CONTENT + "\r\n".b, parts[2]
    assert parts[4].start_with?("\r\nContent-Disposition: form-data; name=\"g%22\"; filename=\"\"\r\nContent-Type: x  y\r\n\r\n".b)
    assert_equal [6, "--\r\n"], [parts.size, parts[5]]
    _, _, again = asked.content(folder: @folder)
    pieces = +"".b
    while (piece = again.read(100_001))
      pieces << piece
    end
    assert_equal length, pieces.bytesize
  end
end
