// Shows the frames of one WebSocket. Before it: socket.html. After it: a front's socket route, and a worker's answers.
'use strict';

const element = (id) => document.getElementById(id);
let socket = null;

/** Adds a line; text only, so that no frame becomes a part of the page. */
function show(direction, text) {
  const time = new Date().toISOString().slice(11, 23);
  element('frames').append(`${time} ${direction} ${text}\n`);
}

function enable(isOpen) {
  for (const id of ['message', 'send', 'close']) element(id).disabled = !isOpen;
  element('connect').disabled = isOpen;
}

function connect() {
  const address = new URL(element('path').value, location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  element('connect').disabled = true;
  socket.onopen = () => {
    show('--', `open: ${address}`);
    enable(true);
    element('message').focus();
  };
  socket.onmessage = ({ data }) => {
    show('<-', typeof data === 'string' ? data : `${data.byteLength} bytes`);
  };
  socket.onclose = ({ code, reason, wasClean }) => {
    show('--', `closed: ${code} ${reason}${wasClean ? '' : ' (broken, or refused)'}`);
    enable(false);
  };
}

element('connect').addEventListener('click', connect);
element('close').addEventListener('click', () => socket.close(1000, 'the page has had enough'));
element('line').addEventListener('submit', (event) => {
  event.preventDefault();
  if (!socket || socket.readyState !== WebSocket.OPEN) return;
  const text = element('message').value;
  socket.send(text);
  show('->', text);
  element('message').value = '';
});
