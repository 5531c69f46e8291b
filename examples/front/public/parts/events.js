// The channel `news`: the machine's load, each second, and what people have published. Browsers connect again by themselves.
import { ask, element, line, onSubmit } from "./ask.js";

const SECONDS = 60;
const section = document.getElementById("notes");
const list = section.querySelector(".lines");
const tick = document.getElementById("tick");
const curve = document.querySelector("#load polyline");
const area = document.querySelector("#load polygon");
const loads = [];

function draw() {
  const top = Math.max(1, ...loads) * 1.1;
  const step = 120 / (SECONDS - 1);
  const left = 120 - (loads.length - 1) * step;
  const points = loads.map((load, index) => `${left + index * step},${31 - (load / top) * 30}`).join(" ");
  curve.setAttribute("points", points);
  area.setAttribute("points", `${left},32 ${points} 120,32`);
}

// As if all that is kept had been missed: the last minute and a half is there at once.
const source = new EventSource("/sub/news?lastEventId=0-0");
source.addEventListener("tick", ({ data }) => {
  const { time, load } = JSON.parse(data);
  loads.push(load);
  if (loads.length > SECONDS) loads.shift();
  draw();
  tick.dataset.state = "open";
  tick.textContent = `${time}, load ${load.toFixed(2)}`;
});
source.addEventListener("note", ({ data }) => {
  const { text, language } = JSON.parse(data);
  line(list, [element("b", language), ` ${text}`], language.toLowerCase());
});
source.addEventListener("error", () => {
  tick.dataset.state = "away";
  tick.textContent = "connecting again …";
});
window.addEventListener("pagehide", () => source.close());

const form = section.querySelector("form");
onSubmit(form, (error) => line(list, [error.message]), async ({ text, language }) => {
  await ask(`/api/${language.value}/publish`, { method: "POST", body: new FormData(form) });
  text.value = "";
});
