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

// As the original: INFO with a version for the ready check, and +OK to everything else.
const node = net.createServer((socket) => {
  let buffer = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (;;) {
      const one = buffer.length ? parse(buffer, 0) : null;
      if (!one) return;
      buffer = buffer.subarray(one[1]);
      const words = one[0];
      if (words[0].toUpperCase() === 'INFO') {
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

let count = 0;
function enqueue(id, action, args, callback) {
  count += 1;
  answers.once(`id:${action}:${count}`, callback);
  const task = JSON.stringify([action, args, `127.0.0.1:${node.address().port}`, count]);
  redis.send(['MULTI']);
  redis.send(['INCR', `server.${id}.id`]);
  redis.send(['RPUSH', queue, task]);
  redis.send(['EXEC']);
}

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

node.listen(0, '127.0.0.1', () => {
  redis.send(['INCR', 'cluster.ids'], (error, id) => {
    if (error) throw error;
    redis.send(['SET', `server.${id}.server`, `127.0.0.1:${node.address().port}`]);
    serve(id);
  });
});
