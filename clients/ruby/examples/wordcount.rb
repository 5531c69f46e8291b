#!/usr/bin/env ruby
# frozen_string_literal: true

# A tier 1 worker with the actions `wordcount` and `echo`.
#
#   ruby wordcount.rb QUEUE… [--concurrency N] [--levels high,default,low] [--lease SECONDS]
#
# REDIS_URL says where Redis is: redis://host:port/db or unix:///path.

require "optparse"
require_relative "../lib/tempest"

TOP = 10

# Lines are LFs, words are runs without white space (their ASCII letters lower-cased), characters are Unicode scalars.
def wordcount(text)
  unless text.is_a?(String) && text.encoding == Encoding::UTF_8
    raise Tempest::BadArguments, "args[0]: expected text, found #{Tempest::Envelope.kind(text)}"
  end

  words = text.split(/[ \t\r\n]+/).reject(&:empty?)
  counts = words.map { |word| word.tr("A-Z", "a-z") }.tally
  top = counts.sort_by { |word, count| [-count, word.b] }.first(TOP)
  { "language" => "ruby", "lines" => text.count("\n"), "words" => words.size, "characters" => text.length, "top" => top }
end

options = { concurrency: 4, levels: Tempest::Worker::LEVELS }
parser = OptionParser.new do |o|
  o.banner = "usage: wordcount.rb QUEUE… [--concurrency N] [--levels high,default,low] [--lease SECONDS]"
  o.on("--concurrency N", Integer, "how many jobs run at a time (4)") { |n| options[:concurrency] = n }
  o.on("--levels LEVELS", Array, "in the order in which they are served (high,default,low)") { |l| options[:levels] = l }
  o.on("--lease SECONDS", Float, "without a sign of life, after which others take over its jobs (10)") { |s| options[:lease] = s }
end

begin
  queues = parser.parse(ARGV)
  raise ArgumentError, "name at least one queue" if queues.empty?

  worker = Tempest::Worker.new(queues, **options)
rescue OptionParser::ParseError, ArgumentError => e
  abort("wordcount.rb: #{e.message}\n#{parser.help}")
end

worker.handle("wordcount") { |text| wordcount(text) }
worker.handle("echo") { |*args| args }

begin
  worker.run
rescue Tempest::Error => e
  abort("wordcount.rb: #{e.message}")
end
