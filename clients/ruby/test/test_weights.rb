# frozen_string_literal: true

# Weighted levels: shares that are right over few claims, and a worker that uses them.

require_relative "harness"

class TestWeights < RedisTest
  def shares(weights, wants)
    made = Tempest::Weights.new(weights)
    wants.map { |want| made.quotas(want).to_h { |quota| quota.split("=") }.transform_values(&:to_i) }
  end

  def test_each_level_gets_its_share
    ones = shares({ high: 6, default: 3, low: 1 }, [1] * 100)
    assert_equal({ "high" => 60, "default" => 30, "low" => 10 }, ones.reduce { |a, b| a.merge(b) { |_, x, y| x + y } })
    mixed = shares({ high: 6, default: 3, low: 1 }, [7, 13, 1000, 80])
    assert_equal [7, 13, 1000, 80], mixed.map { |share| share.values.sum }
    assert_equal({ "high" => 660, "default" => 330, "low" => 110 }, mixed.reduce { |a, b| a.merge(b) { |_, x, y| x + y } })
  end

  def test_what_makes_no_sense_is_refused
    [{}, { "9" => 1 }, { a: 0 }, { a: 1.5 }, { a: 1001 }].each { |weights| assert_raises(ArgumentError) { Tempest::Weights.new(weights) } }
    assert_raises(ArgumentError) { Tempest::Worker.new(Q, levels: ["a"], weights: { a: 1 }) }
  end

  def test_a_worker_takes_by_weight_and_still_empties_every_level
    order = Thread::Queue.new
    c = client
    %w[high low].each { |level| 30.times { c.push("note", level, level: level) } }
    worker(weights: { high: 3, low: 1 }, concurrency: 1) { |w| w.handle("note") { |text| order << text } }
    taken = Timeout.timeout(30) { Array.new(60) { order.pop } }
    assert_equal({ "high" => 15, "low" => 5 }, taken.first(20).tally)
    assert_equal({ "high" => 30, "low" => 30 }, taken.tally)
  end
end
