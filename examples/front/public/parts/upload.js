// Upload: the worker's digest beside the browser's own.
import { ask, onSubmit } from "./ask.js";

const section = document.getElementById("upload");
const form = section.querySelector("form");
const result = section.querySelector(".result");

function show(state, text) {
  result.dataset.state = state;
  result.textContent = text;
}

async function digest(file) {
  const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

onSubmit(form, (error) => show("bad", error.message), async ({ file, language }) => {
  const [own, answer] = await Promise.all([
    digest(file.files[0]), ask(`/api/${language.value}/upload`, { method: "POST", body: new FormData(form) }),
  ]);
  const same = own === answer.sha256;
  show(same ? "good" : "bad", `${answer.language}: ${answer.size.toLocaleString()} bytes, SHA-256 ${answer.sha256}, ${
    same ? "as the browser has it" : `but the browser has ${own}`} (${answer.ms.toFixed(0)} ms)`);
});
