# frozen_string_literal: true

# Routes: what is to be done with a job's answer besides sending it, as protocol/routes.md has it. No I/O. Before it: the meta of a
# job, or a caller's route. After it: RouteFollower, which pushes and gathers.

module Tempest
  # A route that cannot be followed; the message names the place.
  class BadRoute < Error; end

  # A job that follows, and where it goes.
  Onward = Struct.new(:queue, :level, :payload)

  # Which of several steps in parallel a job is, and what follows when all have ended; `raw` is how it came.
  Gather = Struct.new(:id, :queue, :index, :count, :job_id, :route, :raw, :outer, keyword_init: true)

  # Checks the routes of one job, and counts their steps.
  class RouteCheck
    STEPS = 64
    DEPTH = 8

    # @param codec [Module, nil] of the job; nil: a caller's route
    def initialize(codec)
      @codec = codec
      @left = STEPS
    end

    # @return [Array] as it came
    # @raise [BadRoute]
    def route(value, place = "route", depth = 1)
      refuse(place, "expected an array, found #{Envelope.kind(value)}") unless value.is_a?(Array)
      refuse(place, "routes nest at most #{DEPTH} deep") if depth > DEPTH
      value.each_with_index do |entry, number|
        here = "#{place}[#{number}]"
        next step(entry, here, depth) unless entry.is_a?(Array)

        refuse(here, "no steps in parallel") if entry.empty?
        entry.each_with_index { |each, index| step(each, "#{here}[#{index}]", depth) }
      end
    end

    # @return [Gather]
    # @raise [BadRoute]
    def gather(value, place = "gather", depth = 1)
      refuse(place, "expected a map, found #{Envelope.kind(value)}") unless value.is_a?(Hash)
      refuse(place, "gathers nest at most #{DEPTH} deep") if depth > DEPTH
      id, queue, job_id = value.values_at("id", "queue", "job_id").map { |field| text(field) }
      refuse("#{place}.id", "expected 1 to 128 bytes without control characters") unless Envelope.text?(id, 128)
      refuse("#{place}.queue", "expected the name of a queue") unless name?(queue, Keys::QUEUE)
      index, count = value.values_at("index", "count")
      refuse("#{place}.count", "expected an integer from 1 to #{STEPS}") unless count.is_a?(Integer) && count.between?(1, STEPS)
      refuse("#{place}.index", "expected an integer from 0 to below count") unless index.is_a?(Integer) && index.between?(0, count - 1)
      refuse("#{place}.job_id", "expected a job's id") unless job_id.is_a?(Integer) || Envelope.text?(job_id, 128)
      route = value.key?("route") ? route(value["route"], "#{place}.route") : []
      outer = value.key?("gather") ? gather(value["gather"], "#{place}.gather", depth + 1) : nil
      Gather.new(id: id, queue: queue, index: index, count: count, job_id: job_id, route: route, raw: value, outer: outer)
    end

    private

    def step(value, place, depth)
      refuse(place, "expected a map, found #{Envelope.kind(value)}") unless value.is_a?(Hash)
      @left -= 1
      refuse(place, "a job has at most #{STEPS} steps") if @left.negative?
      refuse("#{place}.action", "expected text of 1 to 255 bytes without control characters") unless Envelope.text?(text(value["action"]), 255)
      { "queue" => Keys::QUEUE, "level" => Keys::LEVEL }.each do |key, rule|
        refuse("#{place}.#{key}", "expected the name of a #{key}") unless value[key].nil? || name?(text(value[key]), rule)
      end
      route(value["route"], "#{place}.route", depth + 1) if value.key?("route")
    end

    def text(value)
      Envelope.text(value, @codec)
    end

    def name?(value, rule)
      value.is_a?(String) && value.encoding == Encoding::UTF_8 && rule.match?(value)
    end

    def refuse(place, what)
      raise BadRoute, "#{place}: #{what}"
    end
  end

  # Where a job stands in its route: in `queue`, as `job_id`, with the steps `route` to go and then `gather`, if any. Steps are kept
  # as they came, so that keys unknown here go along.
  class Journey
    # Bytes of a job's id in the names of steps in parallel.
    ID = 64
    LEFT_OUT = %w[attempt last_error route gather].freeze

    # @return [Job] with the meta that it came with, whatever a handler does to it
    attr_reader :job
    attr_reader :queue, :job_id, :route, :gather

    # @param job [Job] claimed from the queue
    # @return [Journey, nil] nil: it has no route
    # @raise [BadRoute]
    def self.of(job, queue)
      return nil unless job.meta.key?("route") || job.meta.key?("gather")

      job = job.dup.tap { |copy| copy.meta = Marshal.load(Marshal.dump(job.meta)) }
      check = RouteCheck.new(job.codec)
      route = job.meta.key?("route") ? check.route(job.meta["route"]) : []
      gather = job.meta.key?("gather") ? check.gather(job.meta["gather"]) : nil
      route.empty? && gather.nil? ? nil : new(job, queue, queue, job.job_id, route, gather)
    end

    # @return [String, Integer] the id that a job's answers bear: its own, or, of one of several steps in parallel, that of the job
    #   that the caller knows. Forgiving: also a job whose route is bad is answered.
    def self.answer_id(job)
      found = job.job_id
      gather = job.meta["gather"]
      RouteCheck::DEPTH.times do
        break unless gather.is_a?(Hash)

        id = Envelope.text(gather["job_id"], job.codec)
        break unless id.is_a?(Integer) || Envelope.text?(id, 128)

        found = id
        gather = gather["gather"]
      end
      found
    end

    # @param steps [Array] a caller's: each an action, or a hash of action, queue, level and route, or an array of such
    # @return [Array] as meta has it
    # @raise [BadRoute]
    def self.meta(steps)
      raise BadRoute, "a route is an array of steps, not #{steps.inspect}" unless steps.is_a?(Array)

      RouteCheck.new(nil).route(steps.map { |entry| entry.is_a?(Array) ? entry.map { |each| step(each) } : step(entry) })
    end

    def self.step(step)
      return { "action" => plain(step) } if step.is_a?(String) || step.is_a?(Symbol)
      return step unless step.is_a?(Hash)

      step = step.to_h { |key, value| [plain(key), plain(value)] }
      step["route"] ? step.merge("route" => meta(step["route"])) : step
    end
    private_class_method :step

    # Symbols are text, but ASCII ones are not of its encoding.
    def self.plain(value)
      value.is_a?(String) || value.is_a?(Symbol) ? value.to_s.encode(Encoding::UTF_8) : value
    end
    private_class_method :plain

    def initialize(job, home, queue, job_id, route, gather)
      @job = job
      @home = home
      @queue = queue
      @job_id = job_id
      @route = route
      @gather = gather
    end

    # @param args [Array] with which the first step is called
    # @param fresh [String] random text that names steps in parallel
    # @return [Array<Onward>]
    # @raise [CodecError] if the args cannot be written in the codec of the job
    def onward(args, fresh = Job.new_id)
      first, *rest = @route
      return [follow(first, args, @job_id, (first["route"] || []) + rest, @gather&.raw)] unless first.is_a?(Array)

      name = "#{@job_id.to_s.byteslice(0, ID).scrub('')}.#{fresh}"
      first.each_with_index.map do |step, index|
        gather = { "id" => name, "queue" => @queue, "index" => index, "count" => first.size, "job_id" => @job_id }
        gather["route"] = rest unless rest.empty?
        gather["gather"] = @gather.raw if @gather
        follow(step, args, "#{name}.#{index}", step["route"] || [], gather)
      end
    end

    # After the last of the steps in parallel.
    # @param results [Array<String>] args in some codec each
    # @return [(Journey, Array)] where the route goes on, and the args with which it does
    # @raise [BadRoute] for results that no worker has written
    def gathered(results)
      values = results.map { |result| first_of(result) }
      after = Journey.new(@job, @home, @gather.queue, @gather.job_id, @gather.route, @gather.outer)
      [after, after.route.empty? ? [values] : values]
    end

    private

    def follow(step, args, job_id, route, gather)
      action, queue, level = step.values_at("action", "queue", "level").map { |field| Envelope.text(field, @job.codec) }
      queue ||= @queue
      meta = @job.meta.reject { |key, _| LEFT_OUT.include?(key) || (key == "credits" && queue != @home) }
      meta["route"] = route unless route.empty?
      meta["gather"] = gather if gather
      job = Job.new(action: action, args: args, respond_to: respond_to(queue), job_id: job_id, meta: meta, codec: @job.codec)
      Onward.new(queue, level || "default", job.encode)
    end

    # The address of the same inbox, seen from a queue.
    def respond_to(queue)
      address = @job.address(DirectRule::ANY)
      return nil unless address
      return @job.respond_to if address.kind == :direct

      place = address.queue || @home
      place == queue ? address.inbox : "#{address.inbox}@#{place}"
    end

    def first_of(result)
      codec = Codecs.detect(result)
      args = codec && codec.decode(result)
      raise BadRoute, "a result of the steps in parallel is no array" unless args.is_a?(Array)

      args.first
    rescue CodecError => e
      raise BadRoute, "a result of the steps in parallel cannot be read: #{e.message}"
    end
  end
end
