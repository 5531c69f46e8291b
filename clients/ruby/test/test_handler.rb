# frozen_string_literal: true

# How a handler's arguments are counted, and that a block keeps the self it was written in.

require_relative "harness"

class TestHandler < Minitest::Test
  def run_with(args, context: false, &block)
    Tempest::Handler.new("a", block, context).call(:context, args)
  end

  def test_a_block_is_never_splatted
    assert_equal [[1, 2]], run_with([[1, 2]]) { |*args| args }
    assert_equal [[1, 2], nil], run_with([[1, 2]]) { |a, b = nil| [a, b] }
    assert_raises(Tempest::BadArguments) { run_with([[1, 2]]) { |a, b| [a, b] } }
  end

  def test_the_number_of_arguments_is_checked
    {
      "args: expected 0, found 1" => [[1], -> {}], "args: expected 2, found 1" => [[1], ->(_a, _b) {}],
      "args: expected 1 to 2, found 3" => [[1, 2, 3], ->(_a, _b = 1) {}], "args: expected at least 1, found 0" => [[], ->(_a, *_b) {}]
    }.each do |message, (args, callable)|
      assert_equal message, assert_raises(Tempest::BadArguments) { Tempest::Handler.new("a", callable, false).call(nil, args) }.message
    end
  end

  def test_the_context_is_not_counted
    assert_equal [:context, 1], run_with([1], context: true) { |context, a| [context, a] }
    assert_equal "args: expected 1, found 2", assert_raises(Tempest::BadArguments) { run_with([1, 2], context: true) { |_, a| a } }.message
    assert_equal [], run_with([], context: true) { |*args| args.drop(1) }
  end

  def test_a_block_keeps_its_self_and_may_return
    assert_same self, run_with([]) { self }
    assert_equal 5, run_with([]) { next 5 }
    assert_equal 6, run_with([6]) { |a| return a }
  end

  def test_methods_and_objects_are_handlers_too
    assert_equal 3, Tempest::Handler.new("a", 1.method(:+), false).call(nil, [2])
    object = Object.new
    def object.call(one) = [one]
    assert_equal [1], Tempest::Handler.new("a", object, false).call(nil, [1])
    assert_raises(Tempest::BadArguments) { Tempest::Handler.new("a", object, false).call(nil, []) }
    assert_equal "A", Tempest::Handler.new("a", :upcase.to_proc, false).call(nil, ["a"])
  end

  def test_a_map_as_the_last_argument_stays_a_map
    assert_equal({ "a" => 1 }, run_with([{ "a" => 1 }]) { |map| map })
    assert_equal [{ "a" => 1 }, 2], run_with([{ "a" => 1 }]) { |map, b: 2| [map, b] }
  end

  def test_what_cannot_be_a_handler_is_refused_when_it_is_registered
    worker = Tempest::Worker.new("q")
    assert_raises(ArgumentError) { worker.handle("a") }
    assert_raises(ArgumentError) { worker.handle("") { 1 } }
    assert_raises(ArgumentError) { worker.handle("a\u0000") { 1 } }
    assert_raises(ArgumentError) { worker.handle("a") { |b:| b } }
    assert_raises(ArgumentError) { worker.handle("a", -> { 1 }, context: true) }
    assert_same worker, worker.handle("a") { 1 }
    assert_raises(ArgumentError) { worker.handle("a") { 2 } }
  end
end
