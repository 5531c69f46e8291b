# frozen_string_literal: true

# The rights of protocol/queues.md: its table is read, so that what is tested is what is written.

require_relative "harness"

# The users of a Redis of the test's own.
module Rights
  TEXT = File.expand_path("../../../protocol/queues.md", __dir__)
  PASSWORD = "secret"

  module_function

  # @return [Hash{String => Array<String>}] who -> the rights of his row and of those that it names
  def table
    section = File.read(TEXT, encoding: "UTF-8")[/^## Rights\n(.*?)(?=^## |\z)/m, 1]
    section.lines.each_with_object({}) do |line, rows|
      cells = line.strip.split(/(?<!\\)\|/).drop(1)
      next if cells.size != 2 || cells[0].start_with?("-")

      row = cells[1].gsub("\\|", "|")
      named = row.scan(/\*([a-z ]+)\*/).flat_map { |(other)| rows.fetch(other) }
      own = row.scan(/`([^`]*)`/).flat_map { |(words)| words.split }.grep(/\A[~&+]/)
      rows[cells[0].strip] = (named + own).uniq
    end
  end

  # @return [Array<String>] what a user needs, as words for ACL SETUSER
  def of(who, queues: ["q"], channel: "news")
    (table["each connection"] + table.fetch(who)).flat_map do |right|
      right.match?(/\A[~&]/) ? queues.map { |queue| right.gsub("Q", queue).gsub("<channel>", channel) } : [right]
    end.uniq
  end

  # @return [String] the URL by which a user with these rights and no others comes in
  def make_user(redis, name, words)
    redis.call("ACL", "SETUSER", name, "reset", "on", ">#{PASSWORD}", "resetkeys", "resetchannels", "-@all", *words)
    "unix://#{name}:#{PASSWORD}@#{redis.url.delete_prefix('unix://')}"
  end

  # @return [Array<String>] what Redis has refused to whom since it was asked the last time
  def denials(redis)
    found = redis.call("ACL", "LOG").map { |entry| entry.each_slice(2).to_h }
    redis.call("ACL", "LOG", "RESET")
    found.map { |entry| "#{entry.values_at('username', 'reason', 'object').join(' ')} #{entry['client-info'][/cmd=\S+/]}" }.uniq.sort
  end
end
