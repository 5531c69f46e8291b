# frozen_string_literal: true

# Time linear in the input: documents that are made to be slow are read and written at n and at 6n bytes.
# Swift's families are in Tests/Fuzz/Growth, Python's in clients/python/tests/test_growth.py.

require "minitest/autorun"
require "tempest"

class TestGrowth < Minitest::Test
  # Linear is 6, quadratic 36; what sorts and asks for memory lies between, and so does what a busy machine adds.
  BOUND = 14
  # Seconds; below this nothing can be told.
  GRAIN = 0.004
  # Of measurements that are made again only because the machine was busy.
  ATTEMPTS = 8
  JSON_CODEC = Tempest::JSONCodec
  TNETSTRING = Tempest::TNetstringCodec
  MSGPACK = Tempest::MessagePackCodec
  CODECS = [JSON_CODEC, TNETSTRING, MSGPACK].freeze
  LONG = ("%.40f" % Math::PI).freeze

  # Values of about so many bytes, in every codec.
  VALUES = {
    "a flat array" => ->(n) { Array.new(n / 3) { |i| i % 10 } },
    "arrays 63 deep" => ->(n) { Array.new(n / 340) { TestGrowth.deep(62) { |inner| [inner] } } },
    "maps 63 deep" => ->(n) { Array.new(n / 620) { TestGrowth.deep(62) { |inner| { "k" => inner } } } },
    "a long text 63 deep" => ->(n) { TestGrowth.deep(62, "a" * (n / 2)) { |inner| [inner] } },
    "a wide array 62 deep" => ->(n) { TestGrowth.deep(61, [nil] * (n / 3)) { |inner| [inner] } },
    "keys with a long common beginning" => ->(n) { Array.new(n / 90) { |i| ["#{'p' * 64}#{100_000 + i}", 1] }.to_h },
    "keys of six digits" => ->(n) { Array.new(n / 16) { |i| [(100_000 + i).to_s, 1] }.to_h },
    "maps of one key" => ->(n) { Array.new(n / 12) { { "k" => 1 } } },
    "short texts" => ->(n) { Array.new(n / 10) { |i| (1_000_000 + i).to_s } },
    "quotation marks" => ->(n) { "\"\\" * (n / 4) },
    "control characters" => ->(n) { "\u0001" * (n / 6) },
    "texts with a line end" => ->(n) { Array.new(n / 12) { "abcdefg\n" } },
    "one quotation mark in a thousand letters" => ->(n) { "#{'é' * 499}\"" * (n / 1000) },
    "letters of four bytes" => ->(n) { "\u{1F600}" * (n / 4) },
    "binary" => ->(n) { ("\xFF".b * (n * 3 / 4)) },
    "small binaries" => ->(n) { Array.new(n / 15) { "\xFF".b } },
    "floats of seventeen digits" => ->(n) { Array.new(n / 20) { |i| 1.0 / (i + 3) } },
    "floats with exponents" => ->(n) { Array.new(n / 20) { |i| 1.0e-300 / (i + 3) } }
  }.freeze

  # Forms that no writer makes, and forms that are refused: the codec, whether it reads them, and bytes.
  BYTES = {
    "escapes of one letter" => [JSON_CODEC, true, ->(n) { "\"#{'\\n' * (n / 2)}\"" }],
    "escapes of four digits" => [JSON_CODEC, true, ->(n) { "\"#{'\\u00e9' * (n / 6)}\"" }],
    "escapes of pairs" => [JSON_CODEC, true, ->(n) { "\"#{'\\ud83d\\ude00' * (n / 12)}\"" }],
    "short strings with escapes" => [JSON_CODEC, true, ->(n) { "[#{(['"\\u00e9\\n"'] * (n / 11)).join(',')}]" }],
    "a string that does not end" => [JSON_CODEC, false, ->(n) { "\"#{'\\n' * (n / 2)}" }],
    "a lone surrogate at the end" => [JSON_CODEC, false, ->(n) { "\"#{'\\u0041' * (n / 6)}\\ud800\"" }],
    "an invalid letter at the end" => [JSON_CODEC, false, ->(n) { "\"#{'é' * (n / 2)}\xFF\"" }],
    "brackets that do not end" => [JSON_CODEC, false, ->(n) { "[" * n }],
    "arrays that do not end, side by side" => [JSON_CODEC, false, ->(n) { "[#{'[],' * (n / 3)}" }],
    "an integer of many digits" => [JSON_CODEC, false, ->(n) { "9" * n }],
    "a float of many digits" => [JSON_CODEC, true, ->(n) { "0.#{'3' * n}" }],
    "a float of many zeros" => [JSON_CODEC, true, ->(n) { "0.#{'0' * n}1" }],
    "floats of 41 digits" => [JSON_CODEC, true, ->(n) { "[#{([LONG] * (n / 43)).join(',')}]" }],
    "floats in the middle" => [JSON_CODEC, true, ->(n) { "[#{(["9007199254740993.#{'0' * 25}"] * (n / 43)).join(',')}]" }],
    "exponents of a thousand zeros" => [JSON_CODEC, true, ->(n) { "[#{(["1e#{'0' * 1000}1"] * (n / 1004)).join(',')}]" }],
    "an exponent of many zeros" => [JSON_CODEC, true, ->(n) { "1e#{'0' * n}" }],
    "an exponent of many digits" => [JSON_CODEC, false, ->(n) { "1e#{'9' * n}" }],
    "white space" => [JSON_CODEC, true, ->(n) { "[#{" \n" * (n / 2)}]" }],
    "white space behind brackets that open" => [JSON_CODEC, false, ->(n) { "{#{' ' * (n / 60)}" * 60 }],
    "the first key again at the end" => [JSON_CODEC, false, ->(n) { "{#{Array.new(n / 11) { |i| "\"#{100_000 + i}\":1," }.join}\"100000\":1}" }],
    "a long key twice" => [JSON_CODEC, false, ->(n) { "{\"#{'k' * (n / 2)}\":1,\"#{'k' * (n / 2)}\":1}" }],
    "many maps with one key twice at the end" => [JSON_CODEC, false, ->(n) { "[#{'{"a":1},' * (n / 8)}{\"a\":1,\"a\":1}]" }],
    "a key of dollar signs" => [JSON_CODEC, true, ->(n) { "{\"#{'$' * n}b64\":\"\"}" }],
    "markers of binary with one more dollar sign" => [JSON_CODEC, true, ->(n) { "[#{'{"$$b64":"YQ=="},' * (n / 17)}0]" }],
    "markers of binary that are none" => [JSON_CODEC, true, ->(n) { "[#{'{"$b64":"YQ="},' * (n / 15)}0]" }],
    "a length of many digits" => [TNETSTRING, false, ->(n) { "9" * n }],
    "lengths that claim everything" => [TNETSTRING, false, ->(n) { "999999999:" * (n / 10) }],
    "lengths that claim what is left" => [TNETSTRING, false, ->(n) { (0...n / 9).map { |i| format("%<left>d:", left: [n - (9 * i), 10_000].max) }.join }],
    "an integer of many digits in tnetstring" => [TNETSTRING, false, ->(n) { "#{n}:#{'9' * n}#" }],
    "a float of many digits in tnetstring" => [TNETSTRING, true, ->(n) { "#{n}:0.#{'3' * (n - 2)}^" }],
    "a float that ends wrongly" => [TNETSTRING, false, ->(n) { "#{n}:#{'9' * (n - 1)}x^" }],
    "floats of 41 digits in tnetstring" => [TNETSTRING, true, ->(n) { "#{LONG.size}:#{LONG}^".then { |one| TestGrowth.wrapped(one * (n / one.size)) } }],
    "values without an end of the array" => [TNETSTRING, false, ->(n) { "#{n}:#{'0:~' * (n / 3)}" }],
    "arrays that do not end" => [MSGPACK, false, ->(n) { "\x91".b * n }],
    "headers that each claim all the rest" => [MSGPACK, false, ->(n) { (0...n / 5).map { |i| [0xDD, n - (5 * i) - 5].pack("CL>") }.join }],
    "0xC1 at the end of many" => [MSGPACK, false, ->(n) { [0xDD, n].pack("CL>") + ("\x01" * (n - 1)) + "\xC1".b }],
    "the longest forms" => [MSGPACK, true, ->(n) { [0xDD, n / 9].pack("CL>") + ([0xD3, 1].pack("Cq>") * (n / 9)) }],
    "exts of one byte" => [MSGPACK, true, ->(n) { [0xDD, n / 3].pack("CL>") + ("\xD4\x05\x00".b * (n / 3)) }],
    "keys of bin" => [MSGPACK, true, ->(n) { [0xDD, n / 5].pack("CL>") + ("\x81\xC4\x01k\x01".b * (n / 5)) }]
  }.freeze

  def self.deep(depth, innermost = [])
    depth.times.inject(innermost) { |inner, _| yield inner }
  end

  def self.wrapped(content)
    "#{content.bytesize}:#{content}]"
  end

  CODECS.each do |codec|
    define_method("test_#{codec.name}_writes_and_reads_in_linear_time") do
      VALUES.each do |name, make|
        linear("#{codec.name}, #{name}, written", *sizes.map { |n| make.call(n) }) { |value| codec.encode(value) }
        linear("#{codec.name}, #{name}, sorted", *sizes.map { |n| make.call(n) }) { |value| codec.encode(value, canonical: true) } if name.start_with?("keys")
        linear("#{codec.name}, #{name}, read", *sizes.map { |n| codec.encode(make.call(n)) }) { |bytes| codec.decode(bytes) }
      end
    end

    define_method("test_#{codec.name}_reads_what_no_writer_makes_and_refuses_in_linear_time") do
      BYTES.each do |name, (its, read, make)|
        next unless its == codec

        linear("#{codec.name}, #{name}", *sizes.map { |n| make.call(n).b }) { |bytes| used(codec, bytes, read) }
      end
    end
  end

  # The measurement itself: what is quadratic is seen.
  def test_what_grows_with_the_square_is_noticed
    values = sizes.map { |n| Array.new(n / 40) { |i| i } }
    assert_raises(Minitest::Assertion) { linear("a search for each element", *values) { |all| all.each { |each| all.include?(each) } } }
  end

  private

  def sizes
    [30_000, 180_000]
  end

  def used(codec, bytes, read)
    codec.decode(bytes)
    flunk "it should have been refused" unless read
  rescue Tempest::CodecError
    raise if read
  end

  # Six times the bytes take about six times the time. A machine that is busy can only make it look worse than it is.
  def linear(name, small, large, &use)
    best = Float::INFINITY
    firsts = []
    seconds = []
    ATTEMPTS.times do
      # Twice the smaller one, too: if that was disturbed, the larger one would look well.
      2.times { firsts << spent(small, &use) }
      seconds << spent(large, &use)
      best = seconds.min / [firsts.min, GRAIN / BOUND].max
      break if seconds.min < GRAIN || best <= BOUND
      break if seconds.size > 2 && best > 2 * BOUND # no machine is that busy
    end
    assert seconds.min < GRAIN || best <= BOUND, "#{name}: #{best.round(2)} times as long for six times the bytes"
  end

  # Seconds of processor time; memory is put in order before, and not meanwhile.
  def spent(input)
    GC.start(full_mark: false)
    GC.disable
    began = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
    yield input
    Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - began
  ensure
    GC.enable
  end
end
