# frozen_string_literal: true

# The parked connections of one worker: one for each level of each queue. The dispatcher says who is to wait, and ends all
# waiting where nothing may land any more.

module Tempest
  # All Parks, by their stations.
  class Parks
    # @param stations [Array<Station>]
    def initialize(stations, url, mailbox, logger)
      @parks = stations.to_h do |station|
        [station, station.levels.to_h { |level| [level, Park.new(station, level, url, mailbox, logger)] }]
      end
    end

    # @param wanted [Boolean] whether the station's open levels are to be waited for
    def want(station, wanted)
      @parks.fetch(station).each { |level, park| park.wanted = wanted && !station.landed && station.open_level?(level) }
    end

    # @return [Array<String>] `run_id/client id` of the station's connections
    def identities(station)
      @parks.fetch(station).each_value.filter_map(&:identity)
    end

    # Ends the waiting on some stations, and returns when nothing more can land. Again and again, because a wait may have been
    # on its way when the first word to end it came.
    #
    # @param line [Connection] another connection
    # @return [Boolean] whether all rest
    # @raise [ConnectionLost]
    def rest(line, stations = @parks.keys)
      parks = stations.flat_map { |station| @parks.fetch(station).values }
      parks.each { |park| park.wanted = false }
      until_none(parks, line) { |park| park.resting?(0.05) }
    end

    # Ends the waiting and the threads, and returns when they have ended.
    # @raise [ConnectionLost]
    def end_all(line)
      close
      until_none(@parks.values.flat_map(&:values), line) { |park| park.join(0.05) }
    end

    # Asks the threads to end.
    def close
      @parks.each_value { |parks| parks.each_value(&:close) }
    end

    private

    def until_none(parks, line, &over)
      parks = parks.reject { |park| park.resting?(0) && over.call(park) }
      limit = Tempest.now + Park::WAIT + Connection::TIMEOUT
      until parks.empty? || Tempest.now > limit
        parks.each { |park| park.unblock(line) }
        parks.reject!(&over)
      end
      parks.empty?
    end
  end
end
