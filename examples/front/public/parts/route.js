// The route: a text goes through three languages.
import { ask, onSubmit } from "./ask.js";

const section = document.getElementById("route");
const result = section.querySelector(".result");

function show(state, text) {
  result.dataset.state = state;
  result.textContent = text;
}

onSubmit(section.querySelector("form"), (error) => show("bad", error.message), async ({ text }) => {
  const answer = await ask(`/api/route?text=${encodeURIComponent(text.value)}`);
  show("good", `${answer.text} — ${answer.ms.toFixed(0)} ms`);
});
