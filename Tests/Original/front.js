// A front in the manner of node-tempest 0.0.5: a server of its own that speaks the Redis protocol takes the answers, an HTTP server the
// requests. It asks itself for the paths of its command line, prints what comes, and ends.
// Run: node front.js REDIS_PORT QUEUE PATH…
'use strict';
const http = require('http');
const net = require('net');
const { EventEmitter } = require('events');
const { Client, parse } = require('./resp');

const [redisPort, queue, ...paths] = process.argv.slice(2);
const answers = new EventEmitter();
const redis = new Client(redisPort, '127.0.0.1');

// As the original: `info` gets a version for the ready check, and everything else +OK. Its parser knows `info` in small letters alone: after
// capitals the connection is silent for ever. A connection that is reset is an error that nobody handles: it ends the front.
const node = net.createServer((socket) => {
  let buffer = Buffer.alloc(0);
  let isBroken = false;
  socket.on('data', (data) => {
    if (isBroken) return;
    buffer = Buffer.concat([buffer, data]);
    for (;;) {
      const one = buffer.length ? parse(buffer, 0) : null;
      if (!one) return;
      buffer = buffer.subarray(one[1]);
      const words = one[0];
      if (words[0] === 'INFO') {
        console.log('broken by INFO');
        isBroken = true;
        return;
      }
      if (words[0] === 'info') {
        const info = 'redis_version:2.4.5\r\n';
        socket.write(`$${info.length}\r\n${info}\r\n`);
        continue;
      }
      socket.write('+OK\r\n');
      if (words.length !== 3) console.log(`odd ${JSON.stringify(words)}`);
      answers.emit(`id:${words[0]}:${words[1]}`, JSON.parse(words[2]));
    }
  });
});

// The original counts from 0, and writes the address at which its server listens: everywhere.
let next = 0;
function enqueue(id, action, args, callback) {
  const jobId = next;
  next += 1;
  answers.once(`id:${action}:${jobId}`, callback);
  const task = JSON.stringify([action, args, address(), jobId]);
  redis.send(['MULTI']);
  redis.send(['INCR', `server.${id}.id`]);
  redis.send(['RPUSH', queue, task]);
  redis.send(['EXEC']);
}

function address() { return `0.0.0.0:${node.address().port}`; }

function serve(id) {
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (data) => { body += data; });
    request.on('end', () => {
      const argument = { headers: request.headers, method: request.method, url: request.url };
      if (body) argument.body = body;
      enqueue(id, 'url', [argument], ([status, headers, text]) => {
        response.writeHead(status, headers);
        response.end(text);
      });
    });
  });
  server.listen(0, '127.0.0.1', () => ask(server.address().port));
}

async function ask(port) {
  for (const path of paths) {
    const [status, text] = await new Promise((resolve, reject) => {
      http.get({ port, path, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (data) => { text += data; });
        response.on('end', () => resolve([response.statusCode, text]));
      }).on('error', reject);
    });
    console.log(`got ${path} ${status} ${text.trim()}`);
  }
  console.log('done');
  process.exit(0);
}

node.listen(0, '0.0.0.0', () => {
  redis.send(['INCR', 'cluster.ids'], (error, id) => {
    if (error) throw error;
    redis.send(['SET', `server.${id}.server`, address()]);
    serve(id);
  });
});
