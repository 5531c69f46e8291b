# Measures libraries of Ruby for `tempest bench codecs`: the same requests and answers as python_peer.py.
#
#   ruby_peer.rb peers            json and msgpack, for --compare
#   ruby_peer.rb client [folder]  the codecs of Tempest's Ruby client: the installed gem, or else that of a checkout
#
#   {"do": "versions"}  -> {"versions": {"ruby": "3.1.2", "json (Ruby)": "2.6.1", ...}, "reason": "why the client is not there"}
#   {"do": "load", "library": "json (Ruby)", "codec": "json", "file": "/tmp/...", "written": "/tmp/..."}  -> {"bytes": 119}
#   {"do": "time", "library": "json (Ruby)", "codec": "json", "direction": "decode", "iterations": 1000}  -> {"nanoseconds": 1234567}
#
# Times are processor time of the thread: what others do on the machine is not in them. Garbage collection stays on: it is the only way
# in which Ruby frees anything. Before a batch what is left over is collected. Ends with its standard input.

require "json"

class RubyPeer
  CLIENT = "tempest (Ruby)"

  def initialize(mode, checkout)
    @mode = mode
    @checkout = checkout
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
    when "versions" then @mode == "client" ? client_versions : versions
    when "load" then load_file(request)
    when "time" then time(request)
    else { "error" => "no such request" }
    end
  end

  def versions
    found = { "ruby" => RUBY_VERSION, "json (Ruby)" => JSON::VERSION }
    @functions[["json (Ruby)", "json"]] = [->(data) { JSON.parse(data) }, ->(value) { JSON.generate(value) }]
    begin
      require "msgpack"
      found["msgpack (Ruby)"] = MessagePack::VERSION
      @functions[["msgpack (Ruby)", "msgpack"]] = [->(data) { MessagePack.unpack(data) }, ->(value) { MessagePack.pack(value) }]
    rescue LoadError
      # Said by what is not in the answer.
    end
    { "versions" => found }
  end

  def client_versions
    found = { "ruby" => RUBY_VERSION }
    begin
      require_client
    rescue LoadError => error
      return { "versions" => found, "reason" => error.message } unless @checkout
      begin
        # Not there, or another gem of that name.
        $LOAD_PATH.unshift(@checkout)
        $LOADED_FEATURES.reject! { |file| file.end_with?("/tempest.rb") }
        require_client
      rescue LoadError => error
        return { "versions" => found, "reason" => error.message }
      end
    end
    Tempest::Codecs::ALL.each do |name, codec|
      @functions[[CLIENT, name]] = [->(data) { codec.decode(data) }, ->(value) { codec.encode(value) }]
    end
    found[CLIENT] = Tempest::VERSION
    { "versions" => found }
  end

  def require_client
    require "tempest"
    raise LoadError, "the gem tempest that is installed is another one" unless defined?(Tempest::Codecs::ALL)
  end

  def key(request)
    [request["library"], request["codec"]]
  end

  def load_file(request)
    decode, encode = @functions.fetch(key(request))
    @loaded.delete(key(request))
    data = File.binread(request["file"])
    data.force_encoding(Encoding::UTF_8) if request["library"].start_with?("json")
    value = decode.call(data)
    written = encode.call(value)
    @loaded[key(request)] = [data, value]
    File.binwrite(request["written"], written)
    { "bytes" => written.bytesize }
  end

  def time(request)
    decode, encode = @functions.fetch(key(request))
    data, value = @loaded.fetch(key(request))
    function, argument = request["direction"] == "decode" ? [decode, data] : [encode, value]
    iterations = request["iterations"]
    GC.start
    start = Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID, :nanosecond)
    iterations.times { function.call(argument) }
    { "nanoseconds" => Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID, :nanosecond) - start }
  end
end

RubyPeer.new(ARGV[0], ARGV[1]).serve
