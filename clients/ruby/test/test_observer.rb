# frozen_string_literal: true

# When another process counts as dead: by the observer's own clock, and only by looks that are close enough together.

require_relative "harness"

class TestObserver < Minitest::Test
  # Looks at the given times, each with the counter of "p", whose lease is a second.
  # @return [Array<Float>] the times at which it was found dead
  def deaths(looks, observer = Tempest::Observer.new)
    looks.select { |time, counter| observer.look(time, time + 0.001, ["p", counter, 1000]).any? }.map(&:first)
  end

  def every(step, from, upto, counter) = from.step(upto, step).map { |time| [time.round(3), counter] }

  def test_a_counter_that_stands_still_for_the_lease_is_dead
    assert_equal [1.1], deaths(every(0.1, 0.0, 1.15, 7))
    assert_empty deaths(every(0.1, 0.0, 0.95, 7))
  end

  def test_a_counter_that_moves_is_alive
    assert_empty deaths(Array.new(50) { |i| [i * 0.1, i / 9] })
  end

  def test_looks_that_lie_more_than_a_fifth_of_the_lease_apart_begin_anew
    assert_empty deaths(every(0.25, 0.0, 10.0, 7))
    gap = every(0.1, 0.0, 0.85, 7) + every(0.1, 1.2, 2.15, 7)
    assert_empty deaths(gap)
    assert_equal [2.3], deaths(gap + every(0.1, 2.2, 2.35, 7))
  end

  def test_a_failure_begins_anew
    observer = Tempest::Observer.new
    assert_empty deaths(every(0.1, 0.0, 0.95, 7), observer)
    observer.restart
    assert_equal [2.1], deaths(every(0.1, 1.0, 2.15, 7), observer)
  end

  def test_each_has_its_own_lease_and_the_counter_is_told
    observer = Tempest::Observer.new
    found = (0..30).flat_map { |i| observer.look(i * 0.1, i * 0.1, ["slow", 3, 2000, "quick", 5, 1000]).map { |dead| [i, *dead] } }
    assert_equal [[10, "quick", 5], [20, "slow", 3]], found.uniq { |_, process, _| process }
  end

  def test_a_process_that_comes_back_begins_anew
    observer = Tempest::Observer.new
    10.times { |i| observer.look(i * 0.1, i * 0.1, ["p", 1, 1000]) }
    assert_empty observer.look(1.0, 1.0, [])
    assert_empty observer.look(1.1, 1.1, ["p", 1, 1000])
  end
end
