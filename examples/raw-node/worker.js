#!/usr/bin/env node
'use strict';
// A tier 0 worker: at most once, no library at all: a socket, a tiny RESP reader and JSON.   node worker.js [QUEUE]
// A job is [action, args, respond_to, job_id, meta?]; its answer is [action, job_id, [result], meta?].
const net = require('node:net');

const queue = process.argv[2] || 'tempest';
const levels = [`{${queue}}:high`, queue, `{${queue}}:low`];

// Each handler by its action's exact name. A Map, because an object has names of its own, such as "constructor".
const handlers = new Map([
  ['add', (a, b) => a + b],
  ['wordcount', (text) => {
    const words = text.split(/[ \t\r\n]+/).filter(Boolean).map((word) => word.replace(/[A-Z]/g, (c) => c.toLowerCase()));
    const counts = new Map();
    for (const word of words) counts.set(word, (counts.get(word) || 0) + 1);
    const top = [...counts].sort((a, b) => b[1] - a[1] || Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0]))).slice(0, 10);
    return { language: 'raw node', lines: text.split('\n').length - 1, words: words.length, characters: [...text].length, top };
  }],
]);

// An inbox, perhaps of another queue.
const address = /^([A-Za-z0-9_-]{1,64})(?:@([A-Za-z0-9_.-]{1,128}))?$/;

class Redis {
  constructor(url) {
    const unix = url.protocol === 'unix:';
    const host = url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1';
    this.socket = unix ? net.connect(decodeURIComponent(url.pathname)) : net.connect(Number(url.port || 6379), host);
    this.chunks = this.socket[Symbol.asyncIterator]();
    this.rest = Buffer.alloc(0);
  }

  async more() {
    const { value, done } = await this.chunks.next();
    if (done) throw new Error('the connection to Redis was closed');
    this.rest = Buffer.concat([this.rest, value]);
  }

  async take(n) {
    while (this.rest.length < n) await this.more();
    const bytes = this.rest.subarray(0, n);
    this.rest = this.rest.subarray(n);
    return bytes;
  }

  async reply() {
    while (!this.rest.includes('\r\n')) await this.more();
    const line = (await this.take(this.rest.indexOf('\r\n') + 2)).toString().trimEnd();
    const text = line.slice(1);
    if (line[0] === '-') throw new Error(text);
    if (line[0] === ':') return Number(text);
    if (line[0] === '$') return text === '-1' ? null : (await this.take(Number(text) + 2)).subarray(0, -2);
    if (line[0] !== '*') return text;
    if (text === '-1') return null;
    const elements = [];
    for (let i = 0; i < Number(text); i++) elements.push(await this.reply());
    return elements;
  }

  call(...args) {
    this.socket.write(`*${args.length}\r\n` + args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join(''));
    return this.reply();
  }
}

// A job's fields, or an error that says what is wrong with it.
function parse(bytes) {
  const job = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  if (!Array.isArray(job) || job.length < 4 || job.length > 5) throw new Error('not an array of four or five elements');
  const [action, args, respondTo, jobId, meta = {}] = job;
  if (typeof action !== 'string') throw new Error('the action is no text');
  if (!Array.isArray(args)) throw new Error('the args are no array');
  if (respondTo !== null && !(typeof respondTo === 'string' && address.test(respondTo))) throw new Error('respond_to is not an inbox');
  if (typeof jobId !== 'string' && !Number.isSafeInteger(jobId)) throw new Error('the job_id is no text or exact integer');
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) throw new Error('meta is not a map');
  return { action, args, respondTo, jobId, isRouted: 'route' in meta || 'gather' in meta };
}

async function answer({ action, args, jobId, isRouted }) {
  const failure = (code, message) => JSON.stringify([action, jobId, [], { error: { code, message } }]);
  // Its caller asked for the end of the route, and would get what comes in the middle.
  if (isRouted) return failure('bad_route', 'this worker does not follow routes');
  const handler = handlers.get(action);
  if (!handler) return failure('unknown_action', 'no handler of that name');
  if (args.length !== handler.length) return failure('bad_args', `expected ${handler.length} arguments`);
  try {
    return JSON.stringify([action, jobId, [await handler(...args)]]);
  } catch (error) {
    console.error(`${action} failed: ${error.message}`);
    return failure('handler', 'the handler failed');
  }
}

async function serve(redis, url) {
  const { username, password, pathname, searchParams } = url;
  if (password) await redis.call('AUTH', ...[username, password].filter(Boolean).map(decodeURIComponent));
  const database = url.protocol === 'unix:' ? searchParams.get('db') : pathname.slice(1);
  if (database) await redis.call('SELECT', database);
  console.error(`raw worker ready on ${queue}`);
  while (!stopping) {
    const taken = await redis.call('BLPOP', ...levels, '1');
    if (!taken) continue;
    let job;
    try {
      job = parse(taken[1]);
    } catch (error) {
      console.error(`dropped what is no job: ${error.message}`);
      continue;
    }
    const reply = await answer(job);
    if (job.respondTo === null) continue;
    const [, inbox, home = queue] = address.exec(job.respondTo);
    await redis.call('RPUSH', `{${home}}:in:${inbox}`, reply);
    // The inbox of a registered caller never expires; any other does.
    if (!(await redis.call('HEXISTS', `{${home}}:!inboxes`, inbox))) await redis.call('EXPIRE', `{${home}}:in:${inbox}`, '300');
  }
}

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { stopping = true; });
(async () => {
  const url = new URL(process.env.REDIS_URL || 'redis://127.0.0.1:6379');
  while (!stopping) {
    const redis = new Redis(url);
    await serve(redis, url).catch((error) => console.error(`${error.message}; trying again`));
    redis.socket.destroy();
    if (!stopping) await new Promise((resolve) => { setTimeout(resolve, 1000); });
  }
})();
