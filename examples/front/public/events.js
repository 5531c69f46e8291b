// Follows a channel and shows its events as they come. Browsers reconnect by themselves and say which event was their last, so
// that they get what was kept meanwhile; what is left for the page is a refusal, after which they give up.
"use strict";

const SHOWN = 200;               // events on the page
const AGAIN = 5000;              // milliseconds until a refused page asks again
const NAMES = ["tick", "note", "price", "news"]; // an event with a name comes only to those who listen to that name; message needs none

const form = document.getElementById("follow");
const list = document.getElementById("events");
const state = document.getElementById("state");
const template = document.getElementById("event");

let source = null;
let timer = null;
let lastId = "";

function say(kind, text) {
  state.dataset.state = kind;
  state.textContent = text;
}

function show(event) {
  lastId = event.lastEventId || lastId;
  const item = template.content.cloneNode(true);
  item.querySelector("time").textContent = new Date().toLocaleTimeString();
  item.querySelector("strong").textContent = event.type === "message" ? "" : event.type;
  item.querySelector("pre").textContent = event.data; // Text, never HTML: anybody may have published it.
  list.prepend(item);
  while (list.childElementCount > SHOWN) list.lastElementChild.remove();
}

function stop() {
  clearTimeout(timer);
  if (source) source.close();
  source = null;
}

function follow(channel) {
  stop();
  say("away", "connecting …");
  const query = lastId ? `?lastEventId=${encodeURIComponent(lastId)}` : "";
  source = new EventSource(`/sub/${encodeURIComponent(channel)}${query}`);
  source.onopen = () => say("open", "connected");
  source.onmessage = show;
  for (const name of NAMES) source.addEventListener(name, show);
  source.addEventListener("end", () => {
    stop();
    say("", "the channel has ended");
  });
  source.onerror = () => {
    if (source.readyState === EventSource.CONNECTING) {
      say("away", "connection lost; connecting again …");
    } else {
      stop();
      say("away", "refused, or the front is full; asking again …");
      timer = setTimeout(follow, AGAIN, channel);
    }
  };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const channel = form.elements.channel.value;
  const address = new URL(location.href);
  if (address.searchParams.get("channel") !== channel) {
    lastId = "";
    list.replaceChildren();
    address.searchParams.set("channel", channel);
    history.replaceState(null, "", address);
  }
  follow(channel);
});

window.addEventListener("pagehide", stop);

const wanted = new URLSearchParams(location.search).get("channel");
if (wanted) {
  form.elements.channel.value = wanted;
  if (form.reportValidity()) follow(wanted);
}
