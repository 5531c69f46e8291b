// The room: one WebSocket, opened again when it was lost.
import { element, line } from "./ask.js";

const AGAIN = 3000; // milliseconds
const section = document.getElementById("room");
const form = section.querySelector("form");
const list = section.querySelector(".lines");
let socket = null;
let timer = null;

function enable(isOpen) {
  for (const control of form.elements) control.disabled = !isOpen;
}

function enter() {
  const address = new URL("/room", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(address);
  socket.onopen = () => enable(true);
  socket.onmessage = ({ data }) => line(list, [element("time", new Date().toLocaleTimeString()), ` ${data}`]);
  socket.onclose = () => {
    enable(false);
    timer = setTimeout(enter, AGAIN);
  };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  socket.send(form.elements.text.value);
  form.elements.text.value = "";
});
window.addEventListener("pagehide", () => {
  clearTimeout(timer);
  socket.onclose = null;
  socket.close(1000);
});
window.addEventListener("pageshow", ({ persisted }) => {
  if (persisted) enter();
});
enter();
