# frozen_string_literal: true

# How long to wait before Redis is tried again: longer each time, and never in step with everybody else.

module Tempest
  # Waits of 0.1 s to 1 s, each up to twice the one before, between half and all of it.
  class Backoff
    FIRST = 0.1
    LONGEST = 1.0

    def initialize
      @tries = 0
    end

    # @return [Float] seconds to wait now
    def next
      longest = [FIRST * (2**[@tries, 10].min), LONGEST].min
      @tries += 1
      longest * (0.5 + rand / 2)
    end

    # Redis answered: the next trouble begins with the shortest wait.
    def reset
      @tries = 0
    end
  end
end
