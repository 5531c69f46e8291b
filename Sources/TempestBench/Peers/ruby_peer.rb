# Measures Ruby's libraries for `tempest bench codecs --compare`: the same requests and answers as python_peer.py.
#
#   {"do": "versions"}                                            -> {"versions": {"ruby": "3.1.2", "json (Ruby)": "2.6.1", ...}}
#   {"do": "load", "library": "json (Ruby)", "file": "/tmp/..."}  -> {"bytes": 119}
#   {"do": "time", "library": "json (Ruby)", "direction": "decode", "iterations": 1000}  -> {"nanoseconds": 1234567}
#
# Times are processor time of the thread: what others do on the machine is not in them. Garbage collection stays on: it is the only way
# in which Ruby frees anything. Before a batch what is left over is collected. Ends with its standard input.

require "json"

class RubyPeer
  def initialize
    @functions = {}
    @loaded = {}
  end

  def serve
    # Ctrl-C is for the program that asks: its end closes standard input.
    trap("INT", "IGNORE")
    $stdout.sync = true
    $stdin.each_line do |line|
      begin
        answer = answer_to(JSON.parse(line))
      rescue StandardError, SystemStackError => error
        answer = { "error" => "#{error.class}: #{error.message}"[0, 500] }
      end
      puts JSON.generate(answer)
    end
  end

  private

  def answer_to(request)
    case request["do"]
    when "versions" then versions
    when "load" then load_file(request)
    when "time" then time(request)
    else { "error" => "no such request" }
    end
  end

  def versions
    found = { "ruby" => RUBY_VERSION, "json (Ruby)" => JSON::VERSION }
    @functions["json (Ruby)"] = [->(data) { JSON.parse(data) }, ->(value) { JSON.generate(value) }]
    begin
      require "msgpack"
      found["msgpack (Ruby)"] = MessagePack::VERSION
      @functions["msgpack (Ruby)"] = [->(data) { MessagePack.unpack(data) }, ->(value) { MessagePack.pack(value) }]
    rescue LoadError
      # Said by what is not in the answer.
    end
    { "versions" => found }
  end

  def load_file(request)
    library = request["library"]
    decode, encode = @functions.fetch(library)
    @loaded.delete(library)
    data = File.binread(request["file"])
    data.force_encoding(Encoding::UTF_8) if library.start_with?("json")
    value = decode.call(data)
    written = encode.call(value)
    @loaded[library] = [data, value]
    File.binwrite(request["written"], written) if request["written"]
    { "bytes" => written.bytesize }
  end

  def time(request)
    decode, encode = @functions.fetch(request["library"])
    data, value = @loaded.fetch(request["library"])
    function, argument = request["direction"] == "decode" ? [decode, data] : [encode, value]
    iterations = request["iterations"]
    GC.start
    start = Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID, :nanosecond)
    iterations.times { function.call(argument) }
    { "nanoseconds" => Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID, :nanosecond) - start }
  end
end

RubyPeer.new.serve
